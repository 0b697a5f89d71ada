package archive

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	row    = regexp.MustCompile("(?m)^\\| ((?:`[^`|]+`(?:, )?)+) \\|(.*)\\|$")
	inCode = regexp.MustCompile("`([^`]+)`")
)

// docs/backup-format.md has a heading for every kind of record and a row for every
// member of those that are described there, and says which are always there.
func TestDocs_HaveEveryMemberOfEveryRecord(t *testing.T) {
	page, err := os.ReadFile("../../docs/backup-format.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, s := range strings.Split(string(page), "\n### ")[1:] {
		heading, text, _ := strings.Cut(s, "\n")
		sections[heading] = text
	}
	for _, record := range reflect.VisibleFields(reflect.TypeFor[line]()) {
		name, _, _ := strings.Cut(record.Tag.Get("json"), ",")
		text, ok := sections[name]
		if !ok {
			t.Errorf("docs/backup-format.md has no heading for %s", name)
		}
		if record.Type.Elem().PkgPath() != reflect.TypeFor[line]().PkgPath() {
			continue // described with the API
		}
		if got, want := described(text), members(record.Type.Elem()); !slices.Equal(got, want) {
			t.Errorf("%s: docs/backup-format.md has\n%q, and there are\n%q", name, got, want)
		}
	}
	if !strings.Contains(string(page), strings.TrimSpace(magic)) {
		t.Errorf("docs/backup-format.md does not begin a stream with %q", magic)
	}
}

func described(text string) []string {
	var all []string
	for _, r := range row.FindAllStringSubmatch(text, -1) {
		for _, name := range inCode.FindAllStringSubmatch(r[1], -1) {
			if !strings.HasSuffix(strings.TrimSpace(r[2]), "always") {
				name[1] += ",omitempty"
			}
			all = append(all, name[1])
		}
	}
	slices.Sort(all)
	return all
}

func members(record reflect.Type) []string {
	var all []string
	for _, f := range reflect.VisibleFields(record) {
		all = append(all, f.Tag.Get("json"))
	}
	slices.Sort(all)
	return all
}
