package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

const (
	source = "mutants/mutants.txt"
	page   = "docs/testing.md"

	beginMark = "<!-- written by make mutants -->\n"
	endMark   = "<!-- end -->\n"
)

func main() {
	only := flag.String("only", "", "run the mutants whose names match this regular expression")
	parallel := flag.Int("parallel", 2, "how many to run at a time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *parallel); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run runs in the module's root. It goes on behind a mutant that nobody notices, and
// writes the rows of the others.
func run(ctx context.Context, only string, parallel int) error {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(source)
	if err != nil {
		return fmt.Errorf("%w; run it in the root of the module: make mutants", err)
	}
	mutants, err := parse(string(text))
	if err != nil {
		return err
	}
	var mu sync.Mutex
	rows, errs := map[string]string{}, []error{}
	var group errgroup.Group
	group.SetLimit(max(parallel, 1))
	for _, m := range mutants {
		if !pattern.MatchString(m.name) {
			continue
		}
		group.Go(func() error {
			failing, err := m.run(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				fmt.Printf("%s: %v\n", m.name, err)
				errs = append(errs, fmt.Errorf("mutant %s failed", m.name))
				return nil
			}
			fmt.Printf("%s: noticed by %d tests\n", m.name, len(failing))
			rows[m.name] = fmt.Sprintf("| %s | `%s` | %s | %s |\n", m.holds, m.name, m.says, shown(m, failing))
			return nil
		})
	}
	errs = append(errs, group.Wait(), write(mutants, rows))
	return errors.Join(errs...)
}

// run returns the tests that notice the mutant, sorted.
func (m *mutant) run(ctx context.Context) ([]string, error) {
	files, err := m.mutated(".")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	overlay, err := writeOverlay(dir, files)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-timeout=10m", "-vet=off", "-ldflags=-s -w", "-overlay="+overlay, "-run="+m.tests, m.pkg)
	out, err := cmd.CombinedOutput()
	failing := failures(out)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err == nil:
		return nil, fmt.Errorf("mutant %s: no test fails", m.name)
	case len(failing) == 0:
		return nil, fmt.Errorf("mutant %s: go test failed, but no test did:\n%s", m.name, out)
	}
	return failing, nil
}

// writeOverlay writes the mutated files and what go test -overlay reads.
func writeOverlay(dir string, files map[string]string) (string, error) {
	replace := map[string]string{}
	for name, text := range files {
		from, err := filepath.Abs(name)
		if err != nil {
			return "", err
		}
		to := filepath.Join(dir, fmt.Sprintf("%d-%s", len(replace), filepath.Base(name)))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[from] = to
	}
	content, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, content, 0o600)
}

var (
	failure  = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	panicked = regexp.MustCompile(`(?m)^panic: `)
)

// failures returns the innermost tests that failed. Of one that ended the test program
// the panic is told.
func failures(out []byte) []string {
	var all []string
	for _, match := range failure.FindAllSubmatch(out, -1) {
		all = append(all, string(match[1]))
	}
	leaves := slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return slices.ContainsFunc(all, func(other string) bool { return strings.HasPrefix(other, name+"/") })
	})
	if len(leaves) == 0 && panicked.Match(out) {
		leaves = []string{"the test program itself: it panics"}
	}
	slices.SortFunc(leaves, func(a, b string) int { return cmp.Compare(a, b) })
	return slices.Compact(leaves)
}

// most is how many tests of a mutant the table names.
const most = 5

// shown names tests, scenarios by their files.
func shown(m *mutant, tests []string) string {
	var names []string
	for _, t := range tests {
		t = strings.TrimPrefix(t, "TestScenarios/")
		t = strings.TrimSuffix(t, "/model")
		names = append(names, t)
	}
	text := strings.Join(names[:min(most, len(names))], ", ")
	if n := len(names) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	if strings.HasPrefix(m.tests, "TestScenarios") {
		return text
	}
	return "`" + m.pkg + "`: " + text
}

// write renews rows of the table between the marks of the page. Rows of mutants that did
// not run stay; those of mutants that are no more go.
func write(mutants []*mutant, rows map[string]string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(text), beginMark)
	old, tail, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table", page)
	}
	var table strings.Builder
	table.WriteString("\n| holds | mutant | the mistake | tests that fail |\n| --- | --- | --- | --- |\n")
	for _, m := range mutants {
		row := rows[m.name]
		for line := range strings.Lines(old) {
			if row == "" && strings.Contains(line, "| `"+m.name+"` |") {
				row = line
			}
		}
		table.WriteString(row)
	}
	return os.WriteFile(page, []byte(head+beginMark+table.String()+"\n"+endMark+tail), 0o644)
}
