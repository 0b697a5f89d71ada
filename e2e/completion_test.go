package e2e

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/elava-dev/elava/e2e/processtest"
)

// shell is a shell that people complete command lines in.
type shell struct {
	name     string
	file     func(home string) string                                         // where docs/cli.md has the script put
	complete func(t testing.TB, e *elava, shell string, line string) []string // the words of the line, completed
}

func shells() []shell {
	return []shell{
		{"bash", func(home string) string { return filepath.Join(home, "elava.bash") }, completeInTerminal},
		{"zsh", func(home string) string { return filepath.Join(home, "functions", "_elava") }, completeInTerminal},
		{"fish", func(home string) string { return filepath.Join(home, ".config", "fish", "completions", "elava.fish") }, completeInFish},
	}
}

// In each shell, set up as docs/cli.md says, a key press completes a command, a flag, a
// type that the daemon lists, and a region of a store.
func TestCompletion_InRealShells(t *testing.T) {
	t.Parallel()
	demo := []string{"ELAVA_CLOUD_PROVIDER=demo", "ELAVA_CLOUD_DEMO_RESOURCES=50"}
	closed := install(t, demo...)
	closed.once(t, "--region", "moon-north-1")
	daemon := install(t, demo...)
	p := daemon.serve(t, "--interval", "1h")
	p.AwaitScan(t, 1)
	for _, sh := range shells() {
		t.Run(sh.name, func(t *testing.T) {
			t.Parallel()
			e := install(t, "ELAVA_SERVER="+p.URL, "TERM=xterm", "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
			file := sh.file(e.home)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(e.must(t, "completion", sh.name)), 0o644); err != nil {
				t.Fatal(err)
			}
			for line, want := range map[string]string{
				"elava sto":                              "storage",
				"elava storage ver":                      "verify",
				"elava resources --lim":                  "--limit",
				"elava scans -o jsonl --li":              "--limit",
				"elava resources --type Demo::Storage::": "Demo::Storage::Bucket",
				"elava resources --storage-path " + closed.store + " --region moon": "moon-north-1",
				"elava completion z": "zsh",
			} {
				want := strings.Join(append(strings.Fields(line)[:len(strings.Fields(line))-1], want), " ")
				got := ""
				// A shell gives a daemon half a second. Where the machine is busy, another
				// key press gets what the first one did not.
				eventually(t, fmt.Sprintf("%q becomes %q", line, want), func() bool {
					got = strings.Join(sh.complete(t, e, sh.name, line), " ")
					return got == want
				}, func() string { return fmt.Sprintf("it is %q", got) })
			}
		})
	}
}

// setUp is what a shell is told at its start; see docs/cli.md.
var setUp = map[string]string{
	"bash": `source "$HOME/elava.bash"`,
	"zsh":  `fpath=("$HOME/functions" $fpath); autoload -Uz compinit; compinit -u -D; bindkey -e`,
}

// completeInTerminal types a line and the tabulator into an interactive shell on a
// terminal, goes to the front of the line, and has the words printed that it has then.
func completeInTerminal(t testing.TB, e *elava, shell, line string) []string {
	t.Helper()
	flags := map[string]string{"bash": "--norc --noprofile -i", "zsh": "-f -i"}[shell]
	terminal := exec.Command("script", "-q", "-c", shell+" "+flags, "/dev/null")
	terminal.Env, terminal.Dir = e.env, e.home
	keys, err := terminal.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := processtest.Start(t, terminal, commandLimit) // script is in the package bsdutils
	defer p.Kill()
	press := func(text string) {
		if _, err := io.WriteString(keys, text); err != nil {
			t.Fatalf("%s: %v", shell, err)
		}
	}
	press(setUp[shell] + "; printf 'set%s\\n' up\n")
	p.AwaitIn(t, p.Stdout, 0, `setup`)
	const front, end = "\x01", "\x05"
	press(line + "\t" + front + "printf '<%s>' " + end + " .\n")
	words := p.AwaitIn(t, p.Stdout, 0, `<elava>((?:<[^<>]*>)*)<\.>`)[1]
	all := []string{"elava"}
	for _, word := range regexp.MustCompile(`<([^<>]*)>`).FindAllStringSubmatch(words, -1) {
		all = append(all, word[1])
	}
	return all
}

// completeInFish asks fish what the tabulator would offer. Where that is one thing, it is
// what the last word becomes.
func completeInFish(t testing.TB, e *elava, shell, line string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandLimit)
	defer cancel()
	fish := exec.CommandContext(ctx, shell, "-c", "complete --do-complete $argv", "--", line)
	fish.Env, fish.Dir = e.env, e.home
	out, err := fish.Output()
	if err != nil {
		t.Fatalf("%s: %v", shell, err)
	}
	words := strings.Fields(line)
	if offers := strings.Split(strings.TrimSpace(string(out)), "\n"); len(offers) == 1 && offers[0] != "" {
		offer, _, _ := strings.Cut(offers[0], "\t") // and what it is
		words[len(words)-1] = offer
	}
	return words
}
