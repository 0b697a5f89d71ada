package change_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
)

// example is one case of a file in testdata; testdata/README.md describes the form.
type example struct {
	name          string
	schema        *resource.Schema
	before, after *resource.Resource
	changes       []string
}

// document is how a file writes a resource.
type document struct {
	Name, Status string
	Tags         map[string]string
	Attributes   json.RawMessage
}

func readExamples(t *testing.T, file string) []example {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	for _, part := range strings.Split("\n"+string(text), "\n=== ")[1:] {
		name, body, _ := strings.Cut(part, "\n")
		sections := map[string]string{}
		for _, section := range strings.Split("\n"+body, "\n-- ")[1:] {
			title, content, ok := strings.Cut(section, " --\n")
			if !ok || !slices.Contains([]string{"schema", "before", "after", "changes"}, title) {
				t.Fatalf("%s: case %q: section %q: want schema, before, after or changes", file, name, title)
			}
			sections[title] = strings.TrimSpace(content)
		}
		e := example{name: name, before: new(resource.Resource), after: new(resource.Resource)}
		if s := sections["schema"]; s != "" {
			e.schema = new(resource.Schema)
			unmarshal(t, file, name, s, e.schema)
		}
		for section, r := range map[string]*resource.Resource{"before": e.before, "after": e.after} {
			if _, ok := sections[section]; !ok {
				t.Fatalf("%s: case %q has no section %q", file, name, section)
			}
			var d document
			unmarshal(t, file, name, sections[section], &d)
			r.Name, r.Status, r.Tags, r.Attributes = d.Name, d.Status, d.Tags, d.Attributes
		}
		if s := sections["changes"]; s != "" {
			e.changes = strings.Split(s, "\n")
		}
		all = append(all, e)
	}
	return all
}

func unmarshal(t *testing.T, file, name, text string, v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: case %q: %v in %s", file, name, err, text)
	}
}

func lines(changes []change.FieldChange) []string {
	var all []string
	for _, c := range changes {
		all = append(all, fmt.Sprintf("%s: %s -> %s", c.Path, c.Old, c.New))
	}
	return all
}

// reversed returns the changes that lead back, sorted.
func reversed(changes []change.FieldChange) []string {
	var all []string
	for _, c := range changes {
		all = append(all, fmt.Sprintf("%s: %s -> %s", c.Path, c.New, c.Old))
	}
	slices.Sort(all)
	return all
}

func TestCompare_Examples(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	count := 0
	for _, file := range files {
		for _, e := range readExamples(t, file) {
			count++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+e.name, func(t *testing.T) {
				changes := compare(t, e.schema, e.before, e.after)
				if got := lines(changes); !slices.Equal(got, e.changes) {
					t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(e.changes, "\n\t"))
				}
				back := lines(compare(t, e.schema, e.after, e.before))
				slices.Sort(back)
				if want := reversed(changes); !slices.Equal(back, want) {
					t.Errorf("the way back is\n\t%s\nwant\n\t%s", strings.Join(back, "\n\t"), strings.Join(want, "\n\t"))
				}
				for _, r := range []*resource.Resource{e.before, e.after} {
					if c := compare(t, e.schema, r, r); len(c) > 0 {
						t.Errorf("a resource differs from itself: %s", lines(c))
					}
				}
			})
		}
	}
	if count < 25 {
		t.Errorf("only %d examples were read", count)
	}
}

func compare(t *testing.T, s *resource.Schema, before, after *resource.Resource) []change.FieldChange {
	t.Helper()
	changes, err := change.Compare(s, before, after)
	if err != nil {
		t.Fatal(err)
	}
	return changes
}

func TestCompare_NamesTheSideThatIsNoJSON(t *testing.T) {
	good := &resource.Resource{Attributes: []byte(`{}`)}
	for _, text := range []string{"{", "{} {}", "nonsense"} {
		bad := &resource.Resource{Attributes: []byte(text)}
		if _, err := change.Compare(nil, bad, good); err == nil || !strings.Contains(err.Error(), "stored attributes") {
			t.Errorf("before %q: %v", text, err)
		}
		if _, err := change.Compare(nil, good, bad); err == nil || !strings.Contains(err.Error(), "new attributes") {
			t.Errorf("after %q: %v", text, err)
		}
	}
}

func TestCompare_LeavesItsArgumentsAlone(t *testing.T) {
	s := &resource.Schema{Sets: map[string]string{"S": ""}}
	before := &resource.Resource{Attributes: []byte(`{"S":["b","a"]}`), Tags: map[string]string{"a": "1"}}
	after := &resource.Resource{Attributes: []byte(`{"S":["c","b"]}`)}
	compare(t, s, before, after)
	if string(before.Attributes) != `{"S":["b","a"]}` || string(after.Attributes) != `{"S":["c","b"]}` || len(before.Tags) != 1 {
		t.Errorf("arguments were changed: %s, %s", before.Attributes, after.Attributes)
	}
}

func TestWithout(t *testing.T) {
	var changes []change.FieldChange
	for _, p := range []string{
		"attributes.Policy", "attributes.Policy.Statement[a].Effect", "attributes.PolicyName",
		"attributes.Rules[0]", "attributes.X", "name", "tags.env", "tagset",
	} {
		changes = append(changes, change.FieldChange{Path: p})
	}
	got := change.Without(changes, []string{"tags", "attributes.Policy", "attributes.Rules"})
	var paths []string
	for _, c := range got {
		paths = append(paths, c.Path)
	}
	if want := []string{"attributes.PolicyName", "attributes.X", "name", "tagset"}; !slices.Equal(paths, want) {
		t.Errorf("got %v, want %v", paths, want)
	}
	if len(changes) != 8 || changes[0].Path != "attributes.Policy" {
		t.Error("Without changed its argument")
	}
	if got := change.Without(changes, nil); len(got) != len(changes) {
		t.Errorf("without nothing, %d of %d are left", len(got), len(changes))
	}
}

func TestType_Reported(t *testing.T) {
	for typ, want := range map[change.Type]bool{
		change.Created: true, change.Modified: true, change.Disappeared: true,
		change.Baseline: false, change.Rebaselined: false, "": false,
	} {
		if typ.Reported() != want {
			t.Errorf("%q: reported is %v", typ, !want)
		}
	}
}

// A random document with sets in it, and the same one with its sets in another order and
// nothing said in other ways, have no differences.
func TestCompare_OrderOfSetsIsNoFact(t *testing.T) {
	const seed = 7
	random := rand.New(rand.NewPCG(seed, 0))
	s := &resource.Schema{
		Sets: map[string]string{"Keyed": "{Id}", "Keyless": "", "Plain": "", "Keyed.Inner": "", "Keyless.Inner": "", "List.Inner": "{Id}"},
	}
	for i := range 2000 {
		doc := randomDocument(random)
		a := marshal(t, doc)
		b := marshal(t, disturbed(random, "", doc))
		changes := compare(t, s, &resource.Resource{Attributes: a}, &resource.Resource{Attributes: b})
		if len(changes) > 0 {
			t.Fatalf("seed %d, document %d: %s\n%s\n%s", seed, i, lines(changes), a, b)
		}
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func randomDocument(random *rand.Rand) map[string]any {
	element := func() any {
		inner := make([]any, random.IntN(4))
		for i := range inner {
			inner[i] = map[string]any{"Id": i, "V": random.IntN(3)}
		}
		return map[string]any{"Id": random.IntN(100), "A": random.IntN(3), "Inner": inner}
	}
	elements := func() []any {
		all := make([]any, random.IntN(5))
		for i := range all {
			all[i] = element()
		}
		return all
	}
	keyed := elements()
	for i, e := range keyed {
		e.(map[string]any)["Id"] = i
	}
	var plain []any
	for range random.IntN(6) {
		plain = append(plain, fmt.Sprint(random.IntN(10)))
	}
	return map[string]any{"Keyed": keyed, "Keyless": elements(), "Plain": plain, "List": elements(), "N": 1}
}

// disturbed returns v as somebody else would write it.
func disturbed(random *rand.Rand, path string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{"Null" + path: nil, "Empty" + path: []any{}, "None" + path: map[string]any{"X": nil}}
		for k, m := range v {
			out[k] = disturbed(random, k, m)
		}
		return out
	case []any:
		out := []any{}
		for _, e := range v {
			out = append(out, disturbed(random, path, e))
		}
		if path != "List" {
			random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		}
		if random.IntN(3) == 0 {
			out = append(out, nil)
		}
		return out
	default:
		return v
	}
}

func FuzzCompare(f *testing.F) {
	f.Add([]byte(`{"S":[{"Id":1}],"P":{"Statement":[{"Sid":"a"}]}}`), []byte(`{"S":[1,null],"P":"x"}`))
	f.Add([]byte(`[[null,{}],[]]`), []byte(`null`))
	s := &resource.Schema{
		Sets:     map[string]string{"S": "{Id}:{To}", "S.X": "", "L.S": ""},
		Policies: []string{"P", "S.P"},
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		before, after := &resource.Resource{Attributes: a}, &resource.Resource{Attributes: b}
		changes, err := change.Compare(s, before, after)
		if err != nil {
			return
		}
		for _, c := range changes {
			if !json.Valid(c.Old) || !json.Valid(c.New) {
				t.Errorf("%s: %q -> %q is no JSON", c.Path, c.Old, c.New)
			}
			if string(c.Old) == string(c.New) {
				t.Errorf("%s: %s is reported as changed to itself", c.Path, c.Old)
			}
		}
		if !slices.IsSortedFunc(changes, func(a, b change.FieldChange) int { return strings.Compare(a.Path, b.Path) }) {
			t.Errorf("not sorted by path: %s", lines(changes))
		}
		back, err := change.Compare(s, after, before)
		if err != nil || len(back) != len(changes) {
			t.Errorf("%d changes one way and %d, %v the other", len(changes), len(back), err)
		}
	})
}
