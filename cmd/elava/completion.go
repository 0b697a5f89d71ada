package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/elava-dev/elava/api"
)

// completeWord is the first word of the command lines with which the scripts of
// CompleteCommand ask what may come next. It is no command that people see.
const completeWord = "__complete"

// completionTimeout is for how long a shell waits for a daemon to say which types and
// regions there are.
const completionTimeout = 500 * time.Millisecond

// CompleteCommand prints a script for a shell.
type CompleteCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help implements kong.HelpProvider.
func (c *CompleteCommand) Help() string {
	return "bash: source <(elava completion bash). zsh: elava completion zsh > a file _elava in a directory of $fpath. " +
		"fish: elava completion fish > ~/.config/fish/completions/elava.fish. " +
		"Types, regions and accounts are those of the daemon, or of the store that --storage-path names."
}

// Run implements the command.
func (c *CompleteCommand) Run(env *Env) error {
	_, err := fmt.Fprint(env.Stdout, map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell])
	return err
}

// Bash breaks words at colons, of which types have many: the words are taken from the
// line, and of what is offered the part in front of the last colon is taken off again.
const bashCompletion = `_elava() {
    local line=${COMP_LINE:0:COMP_POINT} words cur before
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    cur=${words[${#words[@]}-1]}
    before=${cur%"${cur##*:}"}
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ -n $candidate ]] && COMPREPLY+=("${candidate#"$before"}")
    done < <("${words[0]}" ` + completeWord + ` "${words[@]:1}" 2>/dev/null)
}
complete -o default -o bashdefault -F _elava elava
`

const zshCompletion = `#compdef elava
_elava() {
    local -a candidates
    candidates=("${(@f)$("${words[1]}" ` + completeWord + ` "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    candidates=("${(@)candidates:#}")
    if (( ${#candidates} )); then
        compadd -- "${candidates[@]}"
    else
        _files
    fi
}
if [[ $funcstack[1] == _elava ]]; then
    _elava "$@"
else
    compdef _elava elava
fi
`

const fishCompletion = `complete -c elava -f -a '(elava ` + completeWord + ` (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
complete -c elava -l config -r -F
complete -c elava -l storage-path -r -F
complete -c elava -l token-file -r -F
`

// complete writes what the last of the words of a command line may become, one per line.
// A shell shows no errors: where something fails there is nothing to offer.
func complete(ctx context.Context, app *kong.Application, words []string, env *Env) {
	if len(words) == 0 {
		words = []string{""}
	}
	c := completion{node: app.Node, env: env, word: words[len(words)-1]}
	for _, w := range words[:len(words)-1] {
		c.take(w)
	}
	for _, candidate := range c.candidates(ctx) {
		if strings.HasPrefix(candidate, c.word) {
			fmt.Fprintln(env.Stdout, candidate)
		}
	}
}

// completion is how far a command line was read.
type completion struct {
	node   *kong.Node
	env    *Env
	source SourceFlags // as far as they were given

	value *kong.Flag // whose value comes next; nil: none
	word  string     // to complete
}

// take reads one word of the command line.
func (c *completion) take(word string) {
	if c.value != nil {
		c.note(c.value.Name, word)
		c.value = nil
		return
	}
	if name, value, given := strings.Cut(word, "="); strings.HasPrefix(word, "-") {
		f := c.flag(name)
		switch {
		case f == nil || f.IsBool():
		case given:
			c.note(f.Name, value)
		default:
			c.value = f
		}
		return
	}
	for _, child := range c.node.Children {
		if child.Name == word {
			c.node = child
			return
		}
	}
}

func (c *completion) note(flag, value string) {
	switch flag {
	case "server":
		c.source.Server = value
	case "storage-path":
		c.source.StoragePath = value
	case "token-file":
		c.source.TokenFile = value
	}
}

// flags are those of the command and of what it belongs to.
func (c *completion) flags() []*kong.Flag {
	var all []*kong.Flag
	for n := c.node; n != nil; n = n.Parent {
		all = append(all, n.Flags...)
	}
	return all
}

func (c *completion) flag(word string) *kong.Flag {
	for _, f := range c.flags() {
		if word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short) {
			return f
		}
	}
	return nil
}

func (c *completion) candidates(ctx context.Context) []string {
	if c.value != nil {
		return c.values(ctx)
	}
	var all []string
	if strings.HasPrefix(c.word, "-") {
		for _, f := range c.flags() {
			if !f.Hidden {
				all = append(all, "--"+f.Name)
			}
		}
		return all
	}
	for _, child := range c.node.Children {
		if !child.Hidden {
			all = append(all, child.Name)
		}
	}
	for _, p := range c.node.Positional {
		all = append(all, enumOf(p)...)
	}
	return all
}

// values are what the flag may be given. Of a list the last element is completed.
func (c *completion) values(ctx context.Context) []string {
	all := enumOf(c.value.Value)
	switch c.value.Name {
	case "type", "region", "account":
		all = c.known(ctx, c.value.Name)
	}
	if !c.value.IsSlice() {
		return all
	}
	before := c.word[:strings.LastIndexByte(c.word, ',')+1]
	for i := range all {
		all[i] = before + all[i]
	}
	return all
}

func enumOf(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

// known asks which types, regions or accounts are listed.
func (c *completion) known(ctx context.Context, what string) []string {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	var all []string
	_ = c.source.ask(ctx, c.env, func(ctx context.Context, client *api.Client) error {
		for s, err := range client.Scopes(ctx, api.ScopeQuery{}) {
			if err != nil {
				return err
			}
			all = append(all, map[string]string{"type": s.Type, "region": s.Region, "account": s.Account}[what])
		}
		return nil
	})
	slices.Sort(all)
	return slices.Compact(all)
}
