package demo

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs/demo.md has every type with its weight, and every fault.
func TestDocs_HaveEveryTypeAndFault(t *testing.T) {
	b, err := os.ReadFile("../../docs/demo.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	kinds, err := catalogue()
	if err != nil {
		t.Fatal(err)
	}
	want, got, total := map[string]string{}, map[string]string{}, 0
	for _, k := range kinds {
		want[k.schema.Type] = fmt.Sprint(k.weight)
		total += k.weight
	}
	for _, row := range regexp.MustCompile("`("+typePrefix+"[A-Za-z:]+)` \\| ([0-9]+) \\|").FindAllStringSubmatch(page, -1) {
		got[row[1]] = row[2]
	}
	if !maps.Equal(got, want) || total != 100 {
		t.Errorf("docs/demo.md has the weights\n%v, and they are\n%v, %d in all", got, want, total)
	}
	for fault := range strings.SplitSeq(FaultsHelp, ", ") {
		for _, form := range strings.Split(strings.Replace(fault, "[", " ", 1), " ") {
			word := strings.Trim(form, "[]")
			if strings.HasPrefix(word, ":") { // of "hang[:GLOB]"
				word = strings.TrimSuffix(strings.Split(fault, "[")[0], "]") + word
			}
			if !strings.Contains(page, "`"+word+"`") {
				t.Errorf("docs/demo.md does not describe the fault %s", word)
			}
		}
	}
}
