package api

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/storage"
)

// docs is docs/api.md by headings: what stands below each up to the next one.
func docs(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	heading := ""
	for l := range strings.Lines(string(page)) {
		if h := strings.TrimLeft(l, "#"); h != l {
			heading = strings.TrimSpace(h)
			if _, again := sections[heading]; again {
				t.Errorf("heading %q stands there twice, so that its address is another one", heading)
			}
			l = ""
		}
		sections[heading] += l
	}
	return sections
}

// kinds are all that a problem can be: those of the table, those beside it, and the
// constants for clients.
func kinds(t *testing.T) []string {
	t.Helper()
	all := []string{
		kindOf(&paramError{}).name, kindOf(&methodError{}).name, kindOf(errors.New("a defect")).name,
	}
	for _, k := range problemKinds {
		all = append(all, k.name)
	}
	f, err := parser.ParseFile(token.NewFileSet(), "problem.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Kind") {
			kind, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, kind)
			constants++
		}
		return true
	})
	if constants == 0 {
		t.Fatal("problem.go has no constants Kind*")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// The type of a problem is the address of a heading.
func TestDocs_EveryKindOfProblemHasItsHeading(t *testing.T) {
	sections, all := docs(t), kinds(t)
	for _, kind := range all {
		if sections[kind] == "" {
			t.Errorf("docs/api.md has no heading %q", kind)
		}
	}
	status := regexp.MustCompile(`^\s*[45][0-9][0-9]\. `)
	for heading, text := range sections {
		if status.MatchString(text) && !slices.Contains(all, heading) {
			t.Errorf("docs/api.md has a heading %q, and no problem is of that kind", heading)
		}
	}
	for _, k := range problemKinds {
		if got := strings.TrimSpace(sections[k.name]); !strings.HasPrefix(got, strconv.Itoa(k.status)+". ") {
			t.Errorf("%s has status %d; docs/api.md says %q", k.name, k.status, got)
		}
	}
}

var (
	tableRow = regexp.MustCompile("(?m)^\\| ((?:`[^`|]+`(?:, )?)+) \\|")
	inCode   = regexp.MustCompile("`([^`]+)`")
)

// rows returns what the first cells of a section's tables name.
func rows(section string) []string {
	var all []string
	for _, row := range tableRow.FindAllStringSubmatch(section, -1) {
		for _, name := range inCode.FindAllStringSubmatch(row[1], -1) {
			all = append(all, name[1])
		}
	}
	slices.Sort(all)
	return all
}

func TestDocs_ParametersAreThoseOfThePaths(t *testing.T) {
	sections, server := docs(t), newTestServer(newWorld(t))
	described := 0
	for heading, text := range sections {
		path, ok := strings.CutPrefix(heading, Prefix)
		if !ok || heading == backupPath || heading == queryPath {
			continue // they are no endpoints: what they take is described in words
		}
		described++
		if what, ok := strings.CutPrefix(heading, exportPrefix); ok {
			if got, want := rows(text), slices.Sorted(slices.Values(exportParams(what))); !slices.Equal(got, want) {
				t.Errorf("%s: docs/api.md has the parameters %q, there are %q", heading, got, want)
			}
			continue
		}
		e, ok := server.endpoint(strings.TrimSuffix(path, "{key}"))
		if heading == streamPath {
			e, ok = endpoint{params: streamParams[:]}, true
		}
		if !ok {
			t.Errorf("docs/api.md describes %s, which does not exist", heading)
			continue
		}
		want := slices.Sorted(slices.Values(e.params))
		if got := rows(text); !slices.Equal(got, want) {
			t.Errorf("%s: docs/api.md has the parameters %q, there are %q", heading, got, want)
		}
	}
	for _, path := range []string{"resources", "resource/{key}", "history/{key}", "changes", "changes/stream", "diff", "openapi.json", "scans", "scopes", "storage", "storage/backup"} {
		if sections[Prefix+path] == "" {
			t.Errorf("docs/api.md does not describe %s", Prefix+path)
		}
	}
	if described == 0 {
		t.Error("docs/api.md describes no path")
	}
}

// members returns the names that a struct has in JSON, without those of embedded structs.
func members(v any) []string {
	var all []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && len(f.Index) == 1 {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

func TestDocs_ShapesHaveTheMembersOfJSON(t *testing.T) {
	sections := docs(t)
	for heading, shape := range map[string]any{
		"Resource": Resource{}, "Version": Version{}, "ChangeEvent": storage.ChangeEvent{}, "FieldChange": change.FieldChange{},
		"ScanMetadata": storage.ScanMetadata{}, "Scope": Scope{}, "Stats": storage.Stats{},
	} {
		got, want := rows(sections[heading]), members(shape)
		if heading == "Scope" { // and a table of its states
			for _, s := range []storage.ScopeStatus{
				storage.ScopeComplete, storage.ScopePartial, storage.ScopeFailed, storage.ScopeUnavailable, storage.ScopeExcluded,
			} {
				want = append(want, string(s))
			}
			slices.Sort(want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: docs/api.md has the members %q, there are %q", heading, got, want)
		}
	}
	for _, name := range append(members(Problem{}), members(storage.FailedScope{})...) {
		text := sections["Errors"] + sections["ScanMetadata"]
		if !strings.Contains(text, "`"+name+"`") && !strings.Contains(text, `"`+name+`"`) {
			t.Errorf("docs/api.md does not name the member %s of a problem or a failed scope", name)
		}
	}
}

// Links within the page lead somewhere.
func TestDocs_LinksLeadToHeadings(t *testing.T) {
	sections := docs(t)
	anchors := map[string]bool{}
	for heading := range sections {
		anchors[strings.NewReplacer(" ", "-", "/", "").Replace(strings.ToLower(heading))] = true // as GitHub makes them
	}
	for _, text := range sections {
		for _, link := range regexp.MustCompile(`\]\(#([^)]+)\)`).FindAllStringSubmatch(text, -1) {
			if !anchors[link[1]] {
				t.Errorf("docs/api.md links to #%s, which is no heading", link[1])
			}
		}
	}
}
