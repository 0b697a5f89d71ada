// Package licences finds the licences of the modules that a program is linked from.
//
// It reads the licence files of the module and of those directories below it from which
// packages are linked, and knows a licence by sentences that only its text has. It is no
// lawyer: it tells which of the texts that it knows are there. A module without one of
// them, or with one that is not in Permissive, is for people to look at.
//
// A file in which a module gathers the licences of others (LICENSE-3RD-PARTY) comes along
// among the texts and decides nothing: it also lists what only tests use, and what is
// linked is a module with files of its own.
package licences

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Module is a module of which at least one package is linked.
type Module struct {
	Path, Version string
	Licences      []string // SPDX identifiers, sorted; empty if no text is known
	Texts         []Text   // licences and notices, by name
	Requires      []string // the paths of the modules that its packages import, sorted
}

// Text is one licence file or notice.
type Text struct {
	Name string // its path inside the module
	Text string
}

// Permissive are the licences that the program may be linked with: they ask for no more
// than that their text and notices come along.
func Permissive() []string {
	return []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", PublicDomain, "MIT"}
}

// PublicDomain stands for code that its authors gave away, as those of SQLite did. SPDX has
// no name for it.
const PublicDomain = "LicenseRef-public-domain"

// Refused tells why a module may not be linked; "" if it may.
func (m *Module) Refused() string {
	if len(m.Licences) == 0 {
		return "no licence that is known"
	}
	for _, l := range m.Licences {
		if !slices.Contains(Permissive(), l) {
			return "licence " + l
		}
	}
	return ""
}

// Platform is what a program is built for.
type Platform struct{ OS, Arch string }

func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Linked lists the modules that the program of package, in the module at root, is linked
// from on any of the platforms, sorted by path, and the paths of those that the main
// module's own packages import. The main module and the standard library are not among them.
func Linked(root, program string, platforms ...Platform) (modules []*Module, direct []string, err error) {
	found := collection{}
	for _, p := range platforms {
		packages, err := list(root, program, p)
		if err != nil {
			return nil, nil, fmt.Errorf("listing the packages for %s: %w", p, err)
		}
		found.add(packages)
	}
	for _, path := range slices.Sorted(maps.Keys(found)) {
		if found[path].main {
			direct = slices.Sorted(maps.Keys(found[path].requires))
			continue
		}
		m, err := found[path].read()
		if err != nil {
			return nil, nil, fmt.Errorf("module %s: %w", path, err)
		}
		modules = append(modules, m)
	}
	return modules, direct, nil
}

// pkg is what go list tells.
type pkg struct {
	ImportPath, Dir string
	Imports         []string
	Module          *struct {
		Path, Version, Dir string
		Main               bool
	}
}

func list(root, program string, p Platform) ([]pkg, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Dir,Imports,Module", program)
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS="+p.OS, "GOARCH="+p.Arch)
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var packages []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var one pkg
		if err := d.Decode(&one); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, one)
	}
}

// linked is what is known of a module before its files are read.
type linked struct {
	path, version, dir string
	main               bool
	dirs, requires     map[string]bool
}

type collection map[string]*linked

func (c collection) add(packages []pkg) {
	moduleOf := map[string]string{}
	for _, p := range packages {
		if p.Module != nil {
			moduleOf[p.ImportPath] = p.Module.Path
		}
	}
	for _, p := range packages {
		if p.Module == nil {
			continue
		}
		m := c[p.Module.Path]
		if m == nil {
			m = &linked{p.Module.Path, p.Module.Version, p.Module.Dir, p.Module.Main, map[string]bool{}, map[string]bool{}}
			c[p.Module.Path] = m
		}
		m.dirs[p.Dir] = true
		for _, i := range p.Imports {
			if other := moduleOf[i]; other != "" && other != m.path {
				m.requires[other] = true
			}
		}
	}
}

func (l *linked) read() (*Module, error) {
	m := &Module{Path: l.path, Version: l.version, Requires: slices.Sorted(maps.Keys(l.requires))}
	known := map[string]bool{}
	for _, dir := range l.withParents() {
		texts, err := textsIn(dir)
		if err != nil {
			return nil, err
		}
		for _, t := range texts {
			if !gathered.MatchString(t.Name) {
				for _, id := range classify(t.Text) {
					known[id] = true
				}
			}
			if t.Name, err = filepath.Rel(l.dir, t.Name); err != nil {
				return nil, err
			}
			m.Texts = append(m.Texts, t)
		}
	}
	m.Licences = slices.Sorted(maps.Keys(known))
	slices.SortFunc(m.Texts, func(a, b Text) int { return cmp.Compare(a.Name, b.Name) })
	return m, nil
}

// withParents are the directories of the linked packages and those above them, up to the
// module's: a licence holds for what lies below it.
func (l *linked) withParents() []string {
	dirs := map[string]bool{l.dir: true}
	for dir := range l.dirs {
		for ; len(dir) > len(l.dir); dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(dirs))
}

var (
	textName = regexp.MustCompile(`(?i)^((un)?licen[cs]e|copying|notice)([-._].*)?$`)
	gathered = regexp.MustCompile(`(?i)(3rd|third)[-_]?party`)
)

func textsIn(dir string) ([]Text, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var texts []Text
	for _, e := range entries {
		if !e.Type().IsRegular() || !textName.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
			continue
		}
		name := filepath.Join(dir, e.Name())
		b, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		texts = append(texts, Text{Name: name, Text: string(b)})
	}
	return texts, nil
}

// mark is a licence and the sentences that its text has.
type mark struct {
	id        string
	sentences []string
}

const (
	source = "redistributions of source code must retain the above copyright"
	binary = "redistributions in binary form must reproduce the above copyright"
)

func marks() []mark {
	return []mark{
		{"Apache-2.0", []string{"apache license version 2.0, january 2004"}},
		{"MIT", []string{"permission is hereby granted, free of charge, to any person obtaining a copy", `the software is provided "as is"`}},
		{"ISC", []string{"distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice"}},
		{"0BSD", []string{"distribute this software for any purpose with or without fee is hereby granted. the software"}},
		{"BSD-3-Clause", []string{source, binary, "endorse or promote products derived from"}},
		{"BSD-2-Clause", []string{source, binary}},
		{PublicDomain, []string{"has been dedicated to the public domain by the authors"}},
		{"MPL-2.0", []string{"mozilla public license", "2.0"}},
		{"EPL", []string{"eclipse public license"}},
		{"AGPL", []string{"gnu affero general public license"}},
		{"LGPL", []string{"gnu lesser general public license"}},
		{"GPL", []string{"gnu general public license"}},
		{"BUSL", []string{"business source license"}},
		{"SSPL", []string{"server side public license"}},
	}
}

var space = regexp.MustCompile(`[\s*#/]+`)

// classify names the licences whose texts are in a text.
func classify(text string) []string {
	plain := space.ReplaceAllString(strings.ToLower(text), " ")
	plain = strings.NewReplacer("“", `"`, "”", `"`, "``", `"`, "''", `"`).Replace(plain)
	var ids []string
	for _, m := range marks() {
		has := func(sentence string) bool { return strings.Contains(plain, sentence) }
		if slices.ContainsFunc(m.sentences, func(s string) bool { return !has(s) }) {
			continue
		}
		if m.id == "BSD-2-Clause" && slices.Contains(ids, "BSD-3-Clause") {
			continue // the third clause is in the same text
		}
		ids = append(ids, m.id)
	}
	return ids
}
