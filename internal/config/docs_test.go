package config_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/elava-dev/elava/internal/config"
)

const (
	docsFile   = "../../docs/configuration.md"
	docsMarker = "<!-- Generated from the table of settings by: go test ./internal/config -run TestDocs -update. Edits below this line are lost. -->\n"
)

// What stands below the marker of docs/configuration.md is the table of settings.
func TestDocs_AreTheTableOfSettings(t *testing.T) {
	page := readDocs(t)
	written, stale, found := strings.Cut(page, docsMarker)
	if !found {
		t.Fatalf("%s has no line %q", docsFile, docsMarker)
	}
	want := settingsPage()
	if *update {
		if err := os.WriteFile(docsFile, []byte(written+docsMarker+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if stale != want {
		t.Errorf("%s is out of date: run go test ./internal/config -run TestDocs -update", docsFile)
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// The examples can be copied: they load as they are.
func TestDocs_ExamplesLoad(t *testing.T) {
	examples := yamlBlock.FindAllStringSubmatch(readDocs(t), -1)
	if len(examples) == 0 {
		t.Fatalf("%s has no example", docsFile)
	}
	for i, e := range examples {
		path := writeFile(t, e[1])
		if _, err := config.Load(config.Sources{File: path, LookupEnv: environment(nil)}); err != nil {
			t.Errorf("example %d: %v", i+1, err)
		}
	}
}

func readDocs(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func settingsPage() string {
	var b strings.Builder
	b.WriteString("\n## Settings\n\n| Key | Variable | Flag | Default | Allowed | Meaning |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, s := range config.Specs() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n",
			s.Key, inCode(s.Env), inCode(s.Flag), defaultText(s.Default), cell(s.Allowed), meaning(s))
	}
	return b.String()
}

// meaning is what a setting does, and whether that can be changed.
func meaning(s config.Spec) string {
	if s.Restart {
		return cell(s.Doc) + " A change needs a restart."
	}
	return cell(s.Doc)
}

// defaultText tells a value, which is shown as code, from words.
func defaultText(s string) string {
	if strings.ContainsRune(s, ' ') {
		return cell(s)
	}
	return inCode(s)
}

func inCode(s string) string {
	if s == "" {
		return ""
	}
	return "`" + cell(s) + "`"
}

// cell makes a text fit for a cell of a table: stars in it are no emphasis.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "*", `\*`, "~", `\~`).Replace(s)
}
