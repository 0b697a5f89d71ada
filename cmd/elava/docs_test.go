package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// docs/cli.md names every command and every flag, and no flag that no command has.
func TestDocs_HaveEveryCommandAndFlag(t *testing.T) {
	b, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"help": true}
	for _, command := range parser.Model.Leaves(true) {
		name := strings.TrimSpace(strings.SplitN(command.Path(), "<", 2)[0])
		name = strings.TrimPrefix(name, parser.Model.Name+" ")
		if !strings.Contains(page, "\n## "+name+"\n") && !strings.Contains(page, "\n### "+name+"\n") && !strings.Contains(page, "| `"+name+" ") && !strings.Contains(page, "| `"+name+"`") {
			t.Errorf("docs/cli.md does not describe %q", name)
		}
		for _, f := range command.Flags {
			known[f.Name] = true
			if !f.Hidden && f.Name != "help" && !strings.Contains(page, "--"+f.Name) {
				t.Errorf("docs/cli.md does not name --%s of %s", f.Name, name)
			}
		}
	}
	for _, flag := range regexp.MustCompile(`--([a-z][a-z-]+)`).FindAllStringSubmatch(page, -1) {
		if !known[flag[1]] {
			t.Errorf("docs/cli.md speaks of --%s, which no command has", flag[1])
		}
	}
}
