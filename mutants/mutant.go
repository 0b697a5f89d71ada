package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// mutant is one mistake and the tests that must notice it.
type mutant struct {
	name, holds, says string
	pkg, tests        string
	edits             []*edit
}

// edit replaces a text of a file.
type edit struct {
	file     string
	old, new []string // lines
}

// parse reads mutants.txt.
func parse(text string) ([]*mutant, error) {
	var all []*mutant
	file := ""
	for i, line := range strings.Split(text, "\n") {
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		if word == "mutant" {
			all = append(all, &mutant{name: strings.TrimSpace(rest)})
			file = ""
			continue
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("line %d: %q belongs to no mutant", i+1, line)
		}
		m := all[len(all)-1]
		switch word {
		case "holds":
			m.holds = strings.TrimSpace(rest)
		case "says":
			m.says = strings.TrimSpace(rest)
		case "test":
			m.pkg, m.tests, _ = strings.Cut(strings.TrimSpace(rest), " ")
		case "file":
			file = strings.TrimSpace(rest)
		case "<":
			if e := m.last(); e == nil || e.file != file || len(e.new) > 0 {
				m.edits = append(m.edits, &edit{file: file})
			}
			m.last().old = append(m.last().old, rest)
		case ">":
			if m.last() == nil {
				return nil, fmt.Errorf("line %d: nothing is replaced by %q", i+1, line)
			}
			m.last().new = append(m.last().new, rest)
		default:
			return nil, fmt.Errorf("line %d: unknown word %q", i+1, word)
		}
	}
	for _, m := range all {
		if m.holds == "" || m.says == "" || m.pkg == "" || m.tests == "" || len(m.edits) == 0 {
			return nil, fmt.Errorf("mutant %s is incomplete: %+v", m.name, *m)
		}
	}
	return all, nil
}

func (m *mutant) last() *edit {
	if len(m.edits) == 0 {
		return nil
	}
	return m.edits[len(m.edits)-1]
}

// mutated returns the files that the mutant changes, by their names below root, with what
// they hold then.
func (m *mutant) mutated(root string) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range m.edits {
		text, ok := files[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				return nil, err
			}
			text = string(b)
		}
		old := strings.Join(e.old, "\n") + "\n"
		if n := strings.Count(text, old); n != 1 {
			return nil, fmt.Errorf("mutant %s: %s has the text to replace %d times, want once:\n%s", m.name, e.file, n, old)
		}
		replacement := ""
		if len(e.new) > 0 {
			replacement = strings.Join(e.new, "\n") + "\n"
		}
		files[e.file] = strings.Replace(text, old, replacement, 1)
	}
	return files, nil
}
