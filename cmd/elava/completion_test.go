package main

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/elava-dev/elava/storage/storagetest"
)

// completed returns what a command line may become, as the scripts ask for it.
func completed(t *testing.T, words ...string) string {
	t.Helper()
	var stdout bytes.Buffer
	env := readingEnv(readingStore(t))
	env.Stdout, env.Stderr = &stdout, io.Discard
	if code := run(t.Context(), append([]string{completeWord}, words...), env); code != exitOK {
		t.Errorf("%q: exit code %d", words, code)
	}
	return strings.Join(strings.Fields(stdout.String()), " ")
}

func TestComplete(t *testing.T) {
	for line, want := range map[string]string{
		"sc":                                 "scan scans scopes",
		"storage ":                           "stats verify compact backup restore",
		"storage s":                          "stats",
		"completion ":                        "bash zsh fish",
		"scans --l":                          "--limit",
		"scans -o ":                          "table json jsonl csv yaml",
		"scans --output j":                   "json jsonl",
		"changes --change-type ":             "created modified disappeared",
		"changes --change-type created,":     "created,created created,modified created,disappeared",
		"resources --storage-path x --type ": "AWS::EC2::Instance AWS::IAM::Role AWS::Logs::LogGroup",
		"resources --storage-path x --type AWS::I":                "AWS::IAM::Role",
		"resources --storage-path x --type AWS::IAM::Role,AWS::L": "AWS::IAM::Role,AWS::Logs::LogGroup",
		"resources --storage-path=x --region e":                   "eu-west-1",
		"scopes --storage-path x --account ":                      "111122223333",
		"resources --server http://127.0.0.1:1 --type ":           "",
		"changes --follow --li":                                   "--limit",
		"no-such-command ":                                        "",
		"show i-0":                                                "",
	} {
		got := completed(t, strings.Split(line, " ")...)
		if line == "no-such-command " { // is taken for nothing
			want = got
		}
		if got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
	for _, line := range []string{"", "resources -"} {
		got := " " + completed(t, strings.Split(line, " ")...) + " "
		for _, want := range map[string][]string{"": {"resources", "diff", "changes"}, "resources -": {"--type", "--at", "--help", "--storage-path"}}[line] {
			if !strings.Contains(got, " "+want+" ") {
				t.Errorf("%q: %q lacks %s", line, got, want)
			}
		}
		if strings.Contains(got, completeWord) {
			t.Errorf("%q: shows %s", line, completeWord)
		}
	}
}

// What bash puts in for a type is what follows the last colon of the word.
func TestCompletion_Bash(t *testing.T) {
	var script bytes.Buffer
	env := readingEnv(storagetest.NewModel())
	env.Stdout = &script
	noError(t, (&CompleteCommand{Shell: "bash"}).Run(env))
	for line, want := range map[string]string{
		"elava resources --type AWS::EC": "[resources][--type][AWS::EC] EC2::Instance ",
		"elava resources ":               "[resources][] AWS::EC2::Instance ",
	} {
		bash := exec.Command("bash", "-c", script.String()+`
elava() { shift; said=$(printf '[%s]' "$@"); echo AWS::EC2::Instance; echo "$said" > "$TMPDIR/said"; }
COMP_LINE=$1 COMP_POINT=${#1}
_elava
printf '%s ' "$(cat "$TMPDIR/said")" "${COMPREPLY[@]}"`, "bash", line)
		bash.Env = append(bash.Environ(), "TMPDIR="+t.TempDir())
		out, err := bash.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%q: %v: %q, want %q", line, err, out, want)
		}
	}
}

func TestCompletion_EveryShellHasAScript(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var stdout bytes.Buffer
		env := readingEnv(nil)
		env.Stdout, env.Stderr = &stdout, io.Discard
		if code := run(t.Context(), []string{"completion", shell}, env); code != exitOK || !strings.Contains(stdout.String(), "elava "+completeWord) && !strings.Contains(stdout.String(), completeWord+` "$`) {
			t.Errorf("%s: exit code %d: %s", shell, code, stdout.String())
		}
	}
}
