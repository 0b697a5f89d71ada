package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxFileSize is far above any configuration; it keeps a wrong path (a log, a
// device) from being read into memory.
const maxFileSize = 1 << 20

// maxEntries bounds the keys and list entries that are read: aliases of aliases
// can make a small file stand for a very large one.
const maxEntries = 100_000

// fileValues is what a file gives.
type fileValues struct {
	values   []given
	findings []finding
	parsed   bool // the file could be read and is YAML, or there is no file
}

// readFile reads the file at path; an empty path is an empty file.
func readFile(path string, rows []row[Config]) fileValues {
	if path == "" {
		return fileValues{parsed: true}
	}
	whole := Origin{Layer: LayerFile, Name: path}
	data, err := readLimited(path)
	if err != nil {
		return fileValues{findings: []finding{{whole, "", fmt.Sprintf("cannot be read: %v", err)}}}
	}
	docs, err := parseDocuments(data)
	if err != nil {
		whole.Line = brokenLine(data, err)
		return fileValues{findings: []finding{{whole, "", describeBroken(data, whole.Line, err)}}}
	}
	r := &fileReader{file: path, known: leafKeys(rows)}
	if len(docs) > 0 {
		r.section(docs[0].Content[0], newTree(leaves(rows), ""), "", &r.values)
	}
	if len(docs) > 1 {
		r.report(docs[1], "", "begins a second document; a configuration file has one")
	}
	return fileValues{values: r.values, findings: r.findings, parsed: true}
}

// readLimited returns an error that does not repeat the path.
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, withoutPath(err)
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("larger than %d bytes, which no configuration is", maxFileSize)
	}
	return data, nil
}

func withoutPath(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return pathErr.Err
	}
	return err
}

// parseDocuments returns the documents of a file; an empty file has none.
func parseDocuments(data []byte) ([]*yaml.Node, error) {
	var docs []*yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		doc := &yaml.Node{}
		err := dec.Decode(doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, doc)
	}
}

var brokenAt = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// brokenLine returns the line in which what is broken begins: the one after the
// longest run of lines that is valid by itself. The parser's own line is that of
// the enclosing section, that of the end of a string which was never closed, or
// missing; it has to do for a file that is too long for trying.
func brokenLine(data []byte, err error) int {
	const affordable = 16 << 20 // bytes parsed in all
	lines := bytes.SplitAfter(data, []byte("\n"))
	if len(lines)*len(data) > affordable {
		return parserLine(err)
	}
	end := len(data)
	for i, line := range slices.Backward(lines) {
		end -= len(line)
		if _, err := parseDocuments(data[:end]); err == nil {
			return i + 1
		}
	}
	return 1
}

// parserLine is the line that the parser names, 0 if it names none.
func parserLine(err error) int {
	line, err := strconv.Atoi(brokenAt.FindStringSubmatch(err.Error())[1])
	if err != nil {
		return 0
	}
	return line
}

// unknownAnchor is the only error of the parser that repeats what stands in the file: a
// text that begins with * and has no quotes.
var unknownAnchor = regexp.MustCompile(`^unknown anchor '.*' referenced$`)

func describeBroken(data []byte, line int, err error) string {
	message := brokenAt.ReplaceAllString(err.Error(), "")
	message = "is not valid YAML: " + unknownAnchor.ReplaceAllString(message, "unknown anchor referenced; a text that begins with * needs quotes")
	lines := bytes.Split(data, []byte("\n"))
	if line < 1 || line > len(lines) {
		return message
	}
	indent := lines[line-1][:len(lines[line-1])-len(bytes.TrimLeft(lines[line-1], " \t"))]
	if bytes.ContainsRune(indent, '\t') {
		message += " (indent with spaces, not with tabs)"
	}
	return message
}

// tree is the table by the parts of the keys. A node is a section, which has
// children, or a setting.
type tree struct {
	names    []string // of the children, in the order of the table
	children map[string]*tree
	leaf     leaf
}

// leaf is what the file reader needs of a row.
type leaf struct {
	Spec
	shape
}

func leaves[C any](rows []row[C]) []leaf {
	all := make([]leaf, len(rows))
	for i, r := range rows {
		all[i] = leaf{r.Spec, r.shape}
	}
	return all
}

// newTree returns the tree of the settings, whose keys are taken without prefix.
func newTree(all []leaf, prefix string) *tree {
	root := &tree{}
	for _, l := range all {
		at := root
		for part := range strings.SplitSeq(strings.TrimPrefix(l.Key, prefix), ".") {
			at = at.child(part)
		}
		at.leaf = l
	}
	return root
}

func (t *tree) child(name string) *tree {
	if c, ok := t.children[name]; ok {
		return c
	}
	if t.children == nil {
		t.children = map[string]*tree{}
	}
	c := &tree{}
	t.names, t.children[name] = append(t.names, name), c
	return c
}

// hidden reports whether a child may have a secret for its value, or be one that was
// written in the wrong place.
func (t *tree) hidden() bool {
	for _, c := range t.children {
		if c.leaf.hidden {
			return true
		}
	}
	return false
}

func leafKeys(rows []row[Config]) []string {
	keys := make([]string, len(rows))
	for i, r := range rows {
		keys[i] = r.Key
	}
	return keys
}

// fileReader turns nodes into values. It descends only as deep as the table
// does, so that an alias that contains itself cannot trap it.
type fileReader struct {
	file     string
	known    []string // the keys of all settings, for suggestions
	entries  int      // read so far
	values   []given
	findings []finding
}

func (r *fileReader) origin(n *yaml.Node) Origin {
	return Origin{Layer: LayerFile, Name: r.file, Line: n.Line}
}

func (r *fileReader) report(n *yaml.Node, key, message string) {
	r.findings = append(r.findings, finding{r.origin(n), key, message})
}

// enough counts an entry and says whether that is the end of reading.
func (r *fileReader) enough(n *yaml.Node) bool {
	r.entries++
	if r.entries == maxEntries+1 {
		r.report(n, "", fmt.Sprintf("has more than %d entries, counting what aliases repeat; the rest is not read", maxEntries))
	}
	return r.entries > maxEntries
}

// section reads a mapping into out. Nothing, where a section could be, is an
// empty one: its keys may all be commented out. It says whether n is a section.
func (r *fileReader) section(n *yaml.Node, t *tree, path string, out *[]given) bool {
	if isNull(n) {
		return true
	}
	target := resolve(n)
	if target.Kind != yaml.MappingNode {
		r.report(n, path, fmt.Sprintf("must be a section with %s, not %s", strings.Join(t.names, ", "), describe(n, t.hidden())))
		return false
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(target.Content); i += 2 {
		key, value := target.Content[i], target.Content[i+1]
		if r.enough(key) {
			break
		}
		name := resolve(key).Value
		if resolve(key).Kind != yaml.ScalarNode {
			r.report(key, path, fmt.Sprintf("must have names for keys, not %s", describe(key, t.hidden())))
			continue
		}
		if first, ok := lines[name]; ok {
			r.report(key, t.join(path, name), fmt.Sprintf("is given twice, first in line %d", first))
		} else {
			lines[name] = key.Line
		}
		r.entry(key, value, t, path, name, out)
	}
	return true
}

func (r *fileReader) entry(key, value *yaml.Node, t *tree, path, name string, out *[]given) {
	child, ok := t.children[name]
	switch {
	case !ok:
		r.report(key, t.join(path, name), unknownKey(name, t.names, r.known))
	case child.children != nil:
		r.section(value, child, join(path, name), out)
	default:
		*out = append(*out, r.value(value, child.leaf, join(path, name)))
	}
}

// value reads the value of a setting. What has the wrong type becomes an item
// that says so.
func (r *fileReader) value(n *yaml.Node, l leaf, path string) given {
	v := given{key: l.Key, path: path, label: path, origin: r.origin(n)}
	target := resolve(n)
	isList := target.Kind == yaml.SequenceNode
	switch {
	case l.form == formRecords && isList:
		v.records = r.sections(target, newTree(l.records, l.Key+"[]."), path)
	case l.form != formScalar && isList:
		for i, entry := range target.Content {
			if r.enough(entry) {
				break
			}
			v.items = append(v.items, r.item(entry, l, fmt.Sprintf("%s[%d]", path, i)))
		}
	case l.form == formScalar || l.form == formScalarOrList:
		v.items = []item{r.item(n, l, path)}
	default:
		r.report(n, path, fmt.Sprintf("must be %s, not %s", l.Allowed, describe(n, l.hidden)))
	}
	return v
}

func (r *fileReader) sections(list *yaml.Node, t *tree, path string) []section {
	var all []section
	for i, entry := range list.Content {
		if r.enough(entry) {
			break
		}
		s := section{label: fmt.Sprintf("%s[%d]", path, i), origin: r.origin(entry)}
		s.broken = !r.section(entry, t, s.label, &s.values)
		all = append(all, s)
	}
	return all
}

func (r *fileReader) item(n *yaml.Node, l leaf, label string) item {
	target := resolve(n)
	it := item{text: target.Value, label: label, origin: r.origin(n)}
	if target.Kind == yaml.ScalarNode && typeOf(target)&l.scalars != 0 {
		return it
	}
	it.wrong = describe(n, l.hidden)
	if target.Kind == yaml.ScalarNode && l.scalars == scalarText && !isNull(n) {
		it.wrong += "; put it in quotes if it is meant as text"
	}
	return it
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	n = resolve(n)
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null"
}

func typeOf(n *yaml.Node) scalarType {
	switch n.ShortTag() {
	case "!!str":
		return scalarText
	case "!!int":
		return scalarInteger
	case "!!float":
		return scalarFraction
	default:
		return scalarOther
	}
}

// describe says what a node is, for "must be ..., not ...". It repeats the value unless
// that is hidden.
func describe(n *yaml.Node, hidden bool) string {
	n = resolve(n)
	switch {
	case n.Kind == yaml.MappingNode:
		return "a section"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing (leave the key out for the default)"
	case hidden && typeOf(n) == scalarText:
		return "a text"
	case hidden && typeOf(n) == scalarOther:
		return "a value of another type"
	case hidden:
		return "a number"
	case typeOf(n) == scalarText:
		return "the text " + strconv.Quote(shorten(n.Value))
	case typeOf(n) == scalarInteger, typeOf(n) == scalarFraction:
		return "the number " + quote(n.Value)
	default:
		return "the value " + quote(n.Value)
	}
}

// keyLike is what a name looks like that is no secret.
var keyLike = regexp.MustCompile(`^[A-Za-z_-]{1,32}$`)

// join returns the dotted key of a child, also of one that there is not. Where a space
// after a colon is missing, its name may be a secret.
func (t *tree) join(path, name string) string {
	if t.hidden() && path != "" && !keyLike.MatchString(name) {
		return join(path, "(hidden)")
	}
	return join(path, name)
}

// join returns the dotted key. A name that the user made up is quoted where it
// could break the line.
func join(path, name string) string {
	if path == "" {
		return quote(name)
	}
	return path + "." + quote(name)
}
