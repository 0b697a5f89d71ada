package licences

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/licences.md anew")

const page = "../../docs/licences.md"

func released(t testing.TB) []*Module {
	t.Helper()
	modules, direct, err := Linked("../..", "./cmd/elava",
		Platform{"linux", "amd64"}, Platform{"linux", "arm64"}, Platform{"darwin", "amd64"}, Platform{"darwin", "arm64"})
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) < 20 || len(direct) < 10 || len(direct) >= len(modules) {
		t.Fatalf("%d modules are linked, %d directly: that cannot be all", len(modules), len(direct))
	}
	return modules
}

func TestModules_ArePermissivelyLicensed(t *testing.T) {
	for _, m := range released(t) {
		if why := m.Refused(); why != "" {
			t.Errorf("%s %s: %s", m.Path, m.Version, why)
		}
	}
}

func TestPage_ListsWhatIsLinked(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Licences

What the released binaries are linked from, on any of their platforms, beside Go's own library (BSD-3-Clause). Licence texts and notices are in
each archive, in ` + "`THIRD_PARTY.txt`" + `. Only permissive licences are allowed: ` + strings.Join(Permissive(), ", ") + `. A module with several has
parts under each. ` + "`make licences`" + ` writes this page; a test compares it with what is linked.

| module | version | licence |
| --- | --- | --- |
`)
	for _, m := range released(t) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.Path, m.Version, strings.Join(m.Licences, ", "))
	}
	if *update {
		if err := os.WriteFile(page, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Error("docs/licences.md is not what is linked: run make licences")
	}
}

func TestClassify_KnowsLicencesByTheirTexts(t *testing.T) {
	bsd := "Redistributions of source code must retain the above copyright notice\n" +
		"   * Redistributions in binary form must reproduce the above\n copyright notice\n"
	mit := "Permission is hereby granted, free of charge, to any person\nobtaining a copy of\n THE SOFTWARE IS PROVIDED \"AS IS\""
	for what, c := range map[string]struct {
		text string
		want []string
	}{
		"two clauses":   {bsd, []string{"BSD-2-Clause"}},
		"three clauses": {bsd + "to endorse or promote products\n derived from this software", []string{"BSD-3-Clause"}},
		"several":       {"Apache License\n  Version 2.0, January 2004\n" + mit, []string{"Apache-2.0", "MIT"}},
		"copyleft":      {"GNU GENERAL PUBLIC LICENSE\nVersion 3", []string{"GPL"}},
		"weak copyleft": {"Mozilla Public License Version 2.0", []string{"MPL-2.0"}},
		"nothing":       {"All rights reserved.", nil},
		"half of one":   {"Permission is hereby granted, free of charge, to any person obtaining a copy", nil},
	} {
		if got := classify(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", what, got, c.want)
		}
	}
}

func TestRefused_NamesWhatMayNotBeLinked(t *testing.T) {
	for _, m := range []Module{{}, {Licences: []string{"GPL"}}, {Licences: []string{"MIT", "MPL-2.0"}}} {
		if m.Refused() == "" {
			t.Errorf("%v may be linked", m.Licences)
		}
	}
	if why := (&Module{Licences: []string{"Apache-2.0", "MIT"}}).Refused(); why != "" {
		t.Error(why)
	}
}
