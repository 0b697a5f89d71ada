package daemon_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/elava-dev/elava"

// packages is the order of the module: a package imports only from lines indented deeper
// than its own. A new package gets a place here, and in the architecture, before it
// compiles into anything.
const packages = `
bench  bench/*  deploy  drills  e2e  e2e/*  faults  mutants
  cmd/*
    internal/*
      api  api/*  observer  observer/*
      provider/aws  provider/aws/*  provider/demo  provider/providertest
      storage/badger  storage/postgres  storage/storagetest
        storage/archive  query  notify
          provider  storage
            change
              resource
`

// concrete are the packages that only wiring may name.
var concrete = []string{"provider/aws", "provider/demo", "storage/badger", "storage/postgres"}

// depthOf returns how deep a package lies, by the first pattern that matches it.
func depthOf(t *testing.T, pkg string) int {
	t.Helper()
	for line := range strings.Lines(packages) {
		depth := len(line) - len(strings.TrimLeft(line, " "))
		for _, pattern := range strings.Fields(line) {
			if ok, err := path.Match(pattern, pkg); err != nil || ok {
				return depth
			}
		}
	}
	t.Errorf("package %s has no place in the order of packages", pkg)
	return -1
}

// forTests reports whether a package is test support by its name.
func forTests(pkg string) bool { return strings.HasSuffix(pkg, "test") }

func goList(t *testing.T, args ...string) []string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// ours returns a package's path within the module.
func ours(pkg string) (string, bool) { return strings.CutPrefix(pkg, module+"/") }

func TestDaemon_ReachesNoSDKAndNoEngine(t *testing.T) {
	reached := map[string]bool{}
	for _, dep := range goList(t, "-deps", module+"/internal/daemon") {
		reached[dep] = true
		for _, banned := range []string{"github.com/aws/", "github.com/dgraph-io/", "github.com/jackc/", "database/sql/"} {
			if strings.HasPrefix(dep+"/", banned) && dep != "database/sql/driver" { // which is interfaces only
				t.Errorf("internal/daemon reaches %s", dep)
			}
		}
		if pkg, ok := ours(dep); ok && (strings.HasPrefix(pkg, "provider/") || strings.HasPrefix(pkg, "storage/") || pkg == "api") {
			t.Errorf("internal/daemon reaches %s; it is to know the contracts only", pkg)
		}
	}
	if !reached[module+"/storage"] || !reached[module+"/provider"] {
		t.Error("the list of dependencies lacks the contracts: it is not the list that this test is about")
	}
}

func TestModule_PackagesImportOnlyWhatLiesDeeper(t *testing.T) {
	lines := goList(t, "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"/...")
	if len(lines) < 10 {
		t.Fatalf("go list found only %d packages", len(lines))
	}
	for _, line := range lines {
		fields := strings.Fields(line)
		pkg, _ := ours(fields[0])
		for _, imported := range fields[1:] {
			dep, ok := ours(imported)
			if !ok {
				continue
			}
			if depthOf(t, dep) <= depthOf(t, pkg) {
				t.Errorf("%s imports %s, which does not lie deeper", pkg, dep)
			}
			if forTests(dep) && !forTests(pkg) {
				t.Errorf("%s imports the test support %s outside its tests", pkg, dep)
			}
		}
	}
}

func TestModule_OnlyWireNamesEnginesAndProviders(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "cmd", "elava", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			pkg, _ := ours(imported)
			if !slices.Contains(concrete, pkg) {
				continue
			}
			named++
			if filepath.Base(file) != "wire.go" {
				t.Errorf("%s imports %s; wire.go alone names engines and providers", filepath.Base(file), pkg)
			}
		}
	}
	if named == 0 {
		t.Error("no file of cmd/elava names an engine or a provider: this test looks at the wrong files")
	}
}
