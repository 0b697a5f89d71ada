package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/elava-dev/elava/api"
)

// column is one column of a table or a CSV file.
type column[T any] struct {
	name  string
	value func(*T) string
	wide  bool                // free text: cut on a terminal, where a line should be one
	paint func(string) colour // of a value on a terminal; nil: none
}

// columns are how a list of T is shown. The columns of CSV are a contract with whoever
// reads them: new ones come last.
type columns[T any] struct {
	table, csv []column[T]
}

// fileColumns are columns as the API writes them to files.
func fileColumns[T any](all []api.Column[T]) []column[T] {
	out := make([]column[T], len(all))
	for i, c := range all {
		out[i] = column[T]{name: c.Name, value: c.Value}
	}
	return out
}

// listWriter shows a list item by item.
type listWriter[T any] interface {
	write(*T) error
	flush() error // what was written so far becomes visible
	close() error // the end of the list, which may be empty
}

// writeList shows all items in a format. On an error the output is left without an end,
// so that nobody takes it for the whole list.
func writeList[T any](env *Env, format string, c columns[T], items iter.Seq2[*T, error]) error {
	w, err := newListWriter(env, format, c)
	if err != nil {
		return err
	}
	for item, err := range items {
		if err != nil {
			return err
		}
		if err := w.write(item); err != nil {
			return err
		}
	}
	return w.close()
}

func newListWriter[T any](env *Env, format string, c columns[T]) (listWriter[T], error) {
	out := bufio.NewWriter(env.Stdout)
	switch format {
	case "table":
		return newTableWriter(env, c.table), nil
	case "json":
		return &jsonWriter[T]{out: out}, nil
	case "jsonl":
		return &jsonLinesWriter[T]{out}, nil
	case "csv":
		return &csvWriter[T]{out: csv.NewWriter(env.Stdout), columns: c.csv}, nil
	case "yaml":
		return &yamlWriter[T]{out: out}, nil
	}
	return nil, usagef("--output %q is not possible here", format)
}

// jsonWriter writes {"items":[...]}, the items being byte for byte those of the API.
type jsonWriter[T any] struct {
	out   *bufio.Writer
	begun bool
}

func (w *jsonWriter[T]) begin() {
	if !w.begun {
		w.out.WriteString(`{"items":[`)
	} else {
		w.out.WriteByte(',')
	}
	w.begun = true
}

func (w *jsonWriter[T]) write(item *T) error {
	b, err := marshal(item)
	if err != nil {
		return err
	}
	w.begin()
	_, err = w.out.Write(b)
	return err
}

func (w *jsonWriter[T]) flush() error { return w.out.Flush() }

func (w *jsonWriter[T]) close() error {
	if !w.begun {
		w.begin()
	}
	w.out.WriteString("]}\n")
	return w.out.Flush()
}

// jsonLinesWriter writes one item per line.
type jsonLinesWriter[T any] struct{ out *bufio.Writer }

func (w *jsonLinesWriter[T]) write(item *T) error {
	b, err := marshal(item)
	if err != nil {
		return err
	}
	_, err = w.out.Write(append(b, '\n'))
	return err
}

func (w *jsonLinesWriter[T]) flush() error { return w.out.Flush() }
func (w *jsonLinesWriter[T]) close() error { return w.out.Flush() }

// csvWriter writes RFC 4180 with a header line.
type csvWriter[T any] struct {
	out     *csv.Writer
	columns []column[T]
	begun   bool
}

func (w *csvWriter[T]) begin() error {
	if w.begun {
		return nil
	}
	w.begun = true
	return w.out.Write(names(w.columns))
}

func (w *csvWriter[T]) write(item *T) error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.out.Write(cells(w.columns, item))
}

func (w *csvWriter[T]) flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	w.out.Flush()
	return w.out.Error()
}

func (w *csvWriter[T]) close() error { return w.flush() }

// yamlWriter writes a YAML list with the members of JSON in their order.
type yamlWriter[T any] struct {
	out   *bufio.Writer
	begun bool
}

func (w *yamlWriter[T]) write(item *T) error {
	w.begun = true
	node, err := yamlNode(item)
	if err != nil {
		return err
	}
	return encodeYAML(w.out, &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{node}})
}

func (w *yamlWriter[T]) flush() error { return w.out.Flush() }

func (w *yamlWriter[T]) close() error {
	if !w.begun {
		w.out.WriteString("[]\n")
	}
	return w.out.Flush()
}

// writeOne shows a single item as JSON or YAML.
func writeOne(out io.Writer, format string, item any) error {
	if format == "yaml" {
		node, err := yamlNode(item)
		if err != nil {
			return err
		}
		return encodeYAML(out, node)
	}
	b, err := marshal(item)
	if err != nil {
		return err
	}
	_, err = out.Write(append(b, '\n'))
	return err
}

// marshal renders JSON as the API does.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("rendering the output: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

func encodeYAML(out io.Writer, node *yaml.Node) error {
	e := yaml.NewEncoder(out)
	e.SetIndent(2)
	if err := e.Encode(node); err != nil {
		return fmt.Errorf("rendering the output: %w", err)
	}
	return e.Close()
}

// yamlNode renders what marshal renders, with the same order of members, which a map
// would lose, and the same digits of numbers, which a float would.
func yamlNode(v any) (*yaml.Node, error) {
	b, err := marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return readYAMLNode(d)
}

func readYAMLNode(d *json.Decoder) (*yaml.Node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("rendering the output: %w", err)
	}
	switch v := token.(type) {
	case json.Delim: // an opening one: the closing ones are read below
		n := &yaml.Node{Kind: yaml.MappingNode}
		if v == '[' {
			n.Kind = yaml.SequenceNode
		}
		for d.More() {
			child, err := readYAMLNode(d)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		_, err := d.Token()
		return n, err
	case string:
		n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v}
		if otherwiseInYAML11(v) || strings.Contains(v, "\n") && !plainLines(v) {
			n.Style = yaml.DoubleQuotedStyle
		}
		return n, nil
	default:
		n := &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(v)}
		if v == nil {
			n.Value = "null"
		}
		return n, nil
	}
}

// otherwiseInYAML11 reports whether readers of YAML 1.1, of which there are many, may
// take a plain text for something else: a boolean, or a number to the base 60. What YAML
// 1.2 takes for something else is quoted by the encoder.
func otherwiseInYAML11(s string) bool {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off":
		return true
	}
	return strings.Contains(s, ":") && strings.Trim(s, "+-0123456789_:.") == ""
}

// plainLines reports whether a text of several lines can stand as a block. The encoder
// writes blocks that cannot be read back where white space begins one or a line holds
// characters that YAML takes for breaks.
func plainLines(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) < 0 &&
		strings.Trim(s, " \n") == s
}

func names[T any](columns []column[T]) []string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.name
	}
	return all
}

func cells[T any](columns []column[T], item *T) []string {
	all := make([]string, len(columns))
	for i, c := range columns {
		all[i] = c.value(item)
	}
	return all
}
