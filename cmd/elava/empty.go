package main

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// refuseEmpty makes the reading commands refuse a flag or an argument that was given and
// is empty, as it is where a script's variable is not set: without it another question
// would be answered, about all accounts, or about now. A reading command is one that has
// SourceFlags.
func refuseEmpty(n *kong.Node) {
	for _, child := range n.Children {
		refuseEmpty(child)
	}
	if !slices.ContainsFunc(n.Flags, func(f *kong.Flag) bool { return f.Name == "server" }) {
		return
	}
	values := slices.Clone(n.Positional)
	for _, f := range n.Flags {
		values = append(values, f.Value)
	}
	for _, v := range values {
		if k := v.Target.Kind(); k == reflect.String || k == reflect.Slice {
			v.Mapper = nonEmpty{v.Mapper}
		}
	}
}

// nonEmpty refuses an empty text, and an empty element of a list, before another mapper
// drops it.
type nonEmpty struct{ kong.Mapper }

// Decode implements kong.Mapper.
func (m nonEmpty) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	text, isText := ctx.Scan.Peek().Value.(string)
	switch {
	case !isText: // the end of the command line: the other mapper says what is missing
	case text == "" && ctx.Value.Required:
		return errors.New("is empty; give it a value (is a variable not set?)")
	case text == "":
		return errors.New("is empty; give it a value, or leave it out (is a variable not set?)")
	case target.Kind() == reflect.Slice && hasEmptyElement(text, ctx.Value.Tag.Sep):
		return errors.New("has an empty element; give one on both sides of every comma (is a variable not set?)")
	}
	return m.Mapper.Decode(ctx, target)
}

// hasEmptyElement looks at a list as kong reads it, which is none where sep is -1. Kong
// leaves out an empty element at the end.
func hasEmptyElement(list string, sep rune) bool {
	return sep != -1 && (slices.Contains(kong.SplitEscaped(list, sep), "") || strings.HasSuffix(list, string(sep)))
}
