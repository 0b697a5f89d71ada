package config

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// defaults returns the default of every setting. A default that cannot be
// derived from the environment is left out.
func defaults(rows []row[Config], lookup lookupEnv) []given {
	var values []given
	for _, r := range rows {
		if r.derive == nil {
			values = append(values, fixedDefault(r))
			continue
		}
		if text, variable := r.derive(lookup); text != "" {
			o := Origin{Layer: LayerDefault, Name: variable}
			values = append(values, scalarGiven(r, r.Key, o, text))
		}
	}
	return values
}

// fixedDefault reads Spec.Default as if it stood in a file.
func fixedDefault(r row[Config]) given {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(r.Default), &doc); err != nil || len(doc.Content) != 1 {
		panic(fmt.Sprintf("config: default of %s is not YAML", r.Key)) // a mistake in the table
	}
	reader := &fileReader{}
	v := reader.value(doc.Content[0], leaf{r.Spec, r.shape}, r.Key)
	v.origin = Origin{}
	return v
}

// environment returns the settings that variables give. A variable that is
// empty gives nothing, as OpenTelemetry and the XDG directories have it.
func environment(rows []row[Config], lookup lookupEnv) []given {
	var values []given
	for _, r := range rows {
		if r.Env == "" {
			continue
		}
		text, ok := lookup(r.Env)
		if !ok || text == "" {
			continue
		}
		items := []string{text}
		if r.form != formScalar {
			items = splitList(text)
		}
		values = append(values, scalarGiven(r, r.Env, Origin{Layer: LayerEnvironment, Name: r.Env}, items...))
	}
	return values
}

func splitList(text string) []string {
	items := strings.Split(text, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	return items
}

// flags returns the settings that the command line gives.
func flags(rows []row[Config], f Flags) []given {
	var values []given
	for _, r := range rows {
		if r.flag == nil {
			continue
		}
		if items := r.flag(f); items != nil {
			values = append(values, scalarGiven(r, r.Flag, Origin{Layer: LayerFlag, Name: r.Flag}, items...))
		}
	}
	return values
}

func scalarFlag(text *string) []string {
	if text == nil {
		return nil
	}
	return []string{*text}
}

func scalarGiven(r row[Config], label string, o Origin, texts ...string) given {
	v := given{key: r.Key, path: r.Key, label: label, origin: o}
	for _, text := range texts {
		v.items = append(v.items, item{text: text, label: label, origin: o})
	}
	return v
}

// missing reports the settings that no source gives and that have no default
// on this machine.
func missing(rows []row[Config], stronger []given, origins map[string]Origin) []finding {
	attempted := map[string]bool{}
	for _, v := range stronger {
		attempted[v.key] = true
	}
	var found []finding
	for _, r := range rows {
		_, set := origins[r.Key]
		if r.derive == nil || set || attempted[r.Key] {
			continue
		}
		message := fmt.Sprintf("has no value: set it in the file, with %s or %s, or set %s", r.Env, r.Flag, r.deriveFrom)
		found = append(found, finding{Origin{}, r.Key, message})
	}
	return found
}

// defaultStoragePath returns a directory below the first of systemd's state
// directories (systemd.exec(5): several are separated by colons), or else of the
// user's (XDG Base Directory Specification: a relative path is to be ignored).
func defaultStoragePath(lookup lookupEnv) (text, variable string) {
	for _, place := range []struct{ variable, below string }{
		{"STATE_DIRECTORY", "data"},
		{"XDG_STATE_HOME", "elava/data"},
		{"HOME", ".local/state/elava/data"},
	} {
		value, ok := lookup(place.variable)
		if place.variable == "STATE_DIRECTORY" {
			value, _, _ = strings.Cut(value, ":")
		}
		if ok && filepath.IsAbs(value) {
			return filepath.Join(value, place.below), place.variable
		}
	}
	return "", ""
}

// defaultRegion returns the region that the AWS SDK would take, or else us-east-1.
func defaultRegion(lookup lookupEnv) (text, variable string) {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if value, ok := lookup(name); ok && value != "" {
			return value, name
		}
	}
	return "us-east-1", ""
}
