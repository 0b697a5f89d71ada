package populationtest

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestKinds_AreAllThatMotoImplements(t *testing.T) {
	page, err := os.ReadFile("../../../docs/aws-coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for line := range strings.Lines(string(page)) {
		if name, rest, _ := strings.Cut(strings.TrimPrefix(line, "| `"), "` | "); strings.HasPrefix(line, "| `AWS::") && strings.HasPrefix(rest, "moto") {
			told = append(told, name)
		}
	}
	types := Types()
	slices.Sort(types)
	slices.Sort(told)
	if !slices.Equal(types, told) {
		t.Errorf("docs/aws-coverage.md names %q, and the table has %q", told, types)
	}
}

// A row without a change says why, and changes nothing else than that it is there.
func TestKinds_SayWhatTheirChangeShows(t *testing.T) {
	for _, k := range Kinds() {
		if k.Change == nil || (k.Fixed == "") == (len(k.Paths) == 0) {
			t.Errorf("%s: want a change, and either paths or a reason for none: %q, %q", k.Type, k.Paths, k.Fixed)
		}
	}
}
