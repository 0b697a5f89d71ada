package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// An edit that no longer fits its file would turn nothing off. The table names what there
// is.
func TestMutants_FitTheSourceAndAreInTheTable(t *testing.T) {
	mutants, err := parse(read(t, source))
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, page)
	seen := map[string]bool{}
	for _, m := range mutants {
		if _, err := m.mutated(".."); err != nil {
			t.Error(err)
		}
		if !strings.Contains(page, "| `"+m.name+"` |") {
			t.Errorf("docs/testing.md does not name the mutant %s; run: make mutants", m.name)
		}
		if seen[m.name] {
			t.Errorf("two mutants are called %s", m.name)
		}
		seen[m.name] = true
		for _, what := range strings.Split(m.holds, ", ") {
			seen[what] = true
		}
	}
	for _, invariant := range "123456789" {
		if !seen["invariant "+string(invariant)] {
			t.Errorf("no mutant turns invariant %c off", invariant)
		}
	}
	if n := strings.Count(page, "\n| "); n < len(mutants) {
		t.Errorf("the table has %d rows", n)
	}
}

func TestParse_RefusesWhatIsNoMutant(t *testing.T) {
	const whole = "mutant a\nholds x\nsays y\ntest ./p T\nfile f\n< old\n> new\n"
	if ms, err := parse(whole); err != nil || len(ms) != 1 || len(ms[0].edits) != 1 {
		t.Fatalf("%v, %v", ms, err)
	}
	for name, text := range map[string]string{
		"no mutant":       "holds x\n",
		"unknown word":    whole + "hold x\n",
		"without test":    strings.Replace(whole, "test ./p T\n", "", 1),
		"without edits":   strings.Replace(whole, "< old\n> new\n", "", 1),
		"new without old": strings.Replace(whole, "< old\n", "", 1),
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestMutated_WantsTheTextOnce(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "f"), []byte("a\nb\nb\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for old, fits := range map[string]bool{"a": true, "b": false, "c": false} {
		m := &mutant{edits: []*edit{{file: "f", old: []string{old}, new: []string{"x"}}}}
		files, err := m.mutated(root)
		if (err == nil) != fits || fits && files["f"] != "x\nb\nb\n" {
			t.Errorf("%s: %q, %v", old, files, err)
		}
	}
}

func TestFailures_AreTheInnermost(t *testing.T) {
	out := "--- FAIL: TestScenarios (0.0s)\n    --- FAIL: TestScenarios/web (0.0s)\n        --- FAIL: TestScenarios/web/model (0.0s)\n--- PASS: TestB\n"
	if got := failures([]byte(out)); len(got) != 1 || got[0] != "TestScenarios/web/model" {
		t.Errorf("got %q", got)
	}
	if got := failures([]byte("x\npanic: no\n")); len(got) != 1 {
		t.Errorf("a panic is no failure: %q", got)
	}
	if got := failures([]byte("FAIL ./p [build failed]\n")); len(got) != 0 {
		t.Errorf("a mutant that does not compile is noticed by %q", got)
	}
}
