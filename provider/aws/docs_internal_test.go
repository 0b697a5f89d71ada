package aws

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/elava-dev/elava/resource"
)

var updateDocs = flag.Bool("update", false, "write the generated part of docs/aws.md instead of comparing with it")

const (
	docsFile   = "../../docs/aws.md"
	docsMarker = "<!-- Generated from the collectors by: go test ./provider/aws -run TestDocs -update. Edits below this line are lost. -->\n"
)

// What stands below the marker of docs/aws.md says what the collectors declare.
func TestDocs_SayWhatTheCollectorsDeclare(t *testing.T) {
	page, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	written, stale, found := strings.Cut(string(page), docsMarker)
	if !found {
		t.Fatalf("%s has no line %q", docsFile, docsMarker)
	}
	want := docs(t)
	if *updateDocs {
		if err := os.WriteFile(docsFile, []byte(written+docsMarker+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if stale != want {
		t.Errorf("%s is out of date: run go test ./provider/aws -run TestDocs -update", docsFile)
	}
}

func docs(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("\n## Types\n")
	all := collectors()
	slices.SortFunc(all, func(x, y lister) int { return strings.Compare(x.schema().Type, y.schema().Type) })
	for _, c := range all {
		describe(&b, c)
	}
	p, err := New(Options{Regions: []string{AllRegions}, Digest: reverse})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := json.MarshalIndent(map[string]any{
		"Version":   "2012-10-17",
		"Statement": []any{map[string]any{"Effect": "Allow", "Action": p.Actions(), "Resource": "*"}},
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "\n## Policy for all types and `region: all`\n\n```json\n%s\n```\n", policy)
	return b.String()
}

func describe(b *strings.Builder, c lister) {
	s := c.schema()
	fmt.Fprintf(b, "\n### %s\n\n", s.Type)
	if c.accountWide() {
		b.WriteString("- Listed once for the account.\n")
	} else {
		b.WriteString("- Listed in every region.\n")
	}
	all, details := c.actions(), details(c)
	listed := len(all)
	for _, d := range details {
		listed -= len(d.actions())
	}
	fmt.Fprintf(b, "- List: %s\n", code(all[:listed]))
	for _, d := range details {
		switch {
		case d.action == "":
			b.WriteString("- Detail without an action of its own; the scope fails with it.\n")
		case d.indexed:
			fmt.Fprintf(b, "- Detail: `%s`, for %s; spared where `%s` says what is recorded\n", d.action, code(d.parts), actionGetResources)
		case d.barred:
			fmt.Fprintf(b, "- Detail: `%s`, for %s where it is denied; the scope fails with any other failure.\n", d.action, code(d.parts))
		case len(d.parts) == 0:
			fmt.Fprintf(b, "- Detail: `%s`; the scope fails with it.\n", d.action)
		default:
			fmt.Fprintf(b, "- Detail: `%s`, for %s\n", d.action, code(d.parts))
		}
	}
	line(b, "Counted as gone, with status", strs(field(c, "terminal")))
	line(b, "Not in the document", s.Omit)
	line(b, "Secrets", s.Secrets)
	line(b, "Policies, kept as objects", s.Policies)
}

func line(b *strings.Builder, label string, values []string) {
	if len(values) > 0 {
		fmt.Fprintf(b, "- %s: %s\n", label, code(values))
	}
}

func code(values []string) string { return "`" + strings.Join(values, "`, `") + "`" }

// declaredDetail is what a detail of any collector says of itself.
type declaredDetail struct {
	action  string
	parts   []string
	indexed bool // of a regional type
	barred  bool // its parts are unknown by some failures only
}

func (d declaredDetail) actions() []string {
	var all []string
	if d.action != "" {
		all = append(all, d.action)
	}
	if d.indexed {
		all = append(all, actionGetResources)
	}
	return all
}

// details calls the collector's function of that name, whatever its type parameter is.
func details(c lister) []declaredDetail {
	f := field(c, "details")
	if f.IsNil() {
		return nil
	}
	var all []declaredDetail
	list := f.Call([]reflect.Value{reflect.ValueOf(aws.Config{Region: fallbackRegion})})[0]
	for i := range list.Len() {
		d := list.Index(i)
		all = append(all, declaredDetail{
			action: d.FieldByName("action").String(), parts: strs(d.FieldByName("parts")),
			indexed: d.FieldByName("indexed").Bool() && !c.accountWide(), barred: !d.FieldByName("barred").IsNil(),
		})
	}
	return all
}

// field returns an unexported member in a form that can be called.
func field(c lister, name string) reflect.Value {
	f := reflect.ValueOf(c).Elem().FieldByName(name)
	return reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
}

func strs(v reflect.Value) []string {
	all := make([]string, v.Len())
	for i := range all {
		all[i] = v.Index(i).String()
	}
	return all
}

// checkTable fails where a page's table lacks a row of a type, or has one of a type that
// is not listed, and returns the page.
func checkTable(t *testing.T, file string) string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var types, rows []string
	for _, c := range collectors() {
		types = append(types, c.schema().Type)
	}
	for l := range strings.Lines(string(page)) {
		if rest, ok := strings.CutPrefix(l, "| `AWS::"); ok {
			name, _, _ := strings.Cut(rest, "`")
			rows = append(rows, "AWS::"+name)
		}
	}
	slices.Sort(types)
	slices.Sort(rows)
	if !slices.Equal(types, rows) {
		t.Errorf("the table in %s has\n%q, and there are\n%q", file, rows, types)
	}
	return string(page)
}

func TestDocs_SayWhatEveryTypeWasTestedAgainst(t *testing.T) {
	checkTable(t, "../../docs/aws-coverage.md")
}

func TestDocs_TellTheIDOfEveryType(t *testing.T) {
	page := checkTable(t, docsFile)
	if !strings.Contains(page, "`"+resource.Global+"`") {
		t.Errorf("the page does not name the region %q", resource.Global)
	}
}
