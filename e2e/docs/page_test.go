package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// command is a shell command that a page shows.
type command struct {
	page string // "docs/cli.md"
	line int
	text string
}

func (c command) String() string { return fmt.Sprintf("%s:%d: %s", c.page, c.line, c.text) }

// pages are the documents of the project.
func pages(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range found {
			all = append(all, filepath.ToSlash(strings.TrimPrefix(page, root+string(filepath.Separator))))
		}
	}
	return all
}

// commandWord begins what looks like a shell command.
var commandWord = regexp.MustCompile(`^(?:[A-Z_]+=\S* )*(?:\$ |sudo |\./|bin/)?(elava|go|make|curl|docker|kubectl|helm|systemctl|journalctl|promtool|aws|git|source|apt-get|pip) [-a-z./]`)

// readPage returns the commands of a page: the lines of blocks marked sh, and those that
// begin with a dollar sign in blocks marked console. It also returns what looks like a
// command and is not marked as one.
func readPage(page, text string) (commands []command, unmarked []command) {
	block, inBlock := "", false
	var continued *command
	for i, line := range strings.Split(text, "\n") {
		line, indented := strings.TrimRight(line, " "), strings.HasPrefix(line, "    ")
		here := command{page, i + 1, strings.TrimSpace(line)}
		if language, fence := strings.CutPrefix(line, "```"); fence {
			block, inBlock, continued = language, !inBlock, nil
			continue
		}
		switch {
		case continued != nil:
			continued.text += " " + strings.TrimSuffix(here.text, `\`)
			if !strings.HasSuffix(here.text, `\`) {
				commands, continued = append(commands, *continued), nil
			}
		case inBlock && block == "sh":
			if here.text == "" || strings.HasPrefix(here.text, "#") {
				continue
			}
			if strings.HasSuffix(here.text, `\`) {
				here.text = strings.TrimSuffix(here.text, `\`)
				continued = &here
				continue
			}
			commands = append(commands, here)
		case inBlock && block == "console":
			if typed, ok := strings.CutPrefix(here.text, "$ "); ok {
				commands = append(commands, command{page, i + 1, typed})
			}
		case (inBlock && block == "" || !inBlock && indented) && commandWord.MatchString(here.text):
			unmarked = append(unmarked, here)
		}
	}
	return commands, unmarked
}

func TestReadPage(t *testing.T) {
	const fence = "```"
	commands, unmarked := readPage("p.md", strings.Join([]string{
		"    elava scopes", "    $ elava scans", "    elava is a word", fence + "sh", "elava show \\", "    ID", "", "# a remark", "curl x  # why", fence,
		fence + "console", "$ elava version", "elava version 1", fence, fence + "text", "elava serve runs", fence, fence, "make test", fence,
	}, "\n"))
	if got, want := fmt.Sprint(commands), "[p.md:5: elava show  ID p.md:9: curl x  # why p.md:12: elava version]"; got != want {
		t.Errorf("commands\n%s, want\n%s", got, want)
	}
	if got, want := fmt.Sprint(unmarked), "[p.md:1: elava scopes p.md:2: $ elava scans p.md:3: elava is a word p.md:19: make test]"; got != want {
		t.Errorf("unmarked\n%s, want\n%s", got, want)
	}
}

func pageText(t testing.TB, page string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
