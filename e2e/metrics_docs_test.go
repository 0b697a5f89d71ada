package e2e

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the tables of docs/metrics.md")

// shownMetric is a metric as /metrics explains it.
type shownMetric struct{ kind, help, labels string }

var (
	metricLine  = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? \S+$`)
	labelName   = regexp.MustCompile(`([a-z_]+)="`)
	metricBlock = regexp.MustCompile(`(?s)<!-- begin metrics (\S+) -->\n.*?<!-- end -->`)
)

// shownMetrics reads the Prometheus text format.
func shownMetrics(text string) map[string]shownMetric {
	all := map[string]shownMetric{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, help, _ := strings.Cut(rest, " ")
			all[name] = shownMetric{help: help}
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			m := all[name]
			m.kind = kind
			all[name] = m
			continue
		}
		m := metricLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if shown, ok := all[m[1]]; ok && shown.labels == "" {
			var names []string
			for _, label := range labelName.FindAllStringSubmatch(m[2], -1) {
				names = append(names, "`"+label[1]+"`")
			}
			slices.Sort(names)
			shown.labels = strings.Join(names, " ")
			all[m[1]] = shown
		}
	}
	return all
}

// The tables of docs/metrics.md are what the program shows that lists AWS and tells a
// webhook: each metric stands in the one block whose pattern it matches.
func TestMetrics_DocsAreWhatTheProgramShows(t *testing.T) {
	c := newCloud(t)
	smallPopulation(t, c)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer hook.Close()
	e := c.install(t)
	config := filepath.Join(e.home, "elava.yaml")
	if err := os.WriteFile(config, []byte("notify:\n  - url: "+hook.URL+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := e.serve(t, "--config", config, "--interval", "1h")
	p.AwaitScan(t, 1)
	const file = "../docs/metrics.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page, want, blocks, asked := string(b), "", map[string]int{}, 0
	// What the end of a scan brings may come after its line in the log.
	eventually(t, "docs/metrics.md as the program shows it", func() bool {
		_, text := p.get(t, "/metrics")
		want, blocks = metricTables(page, shownMetrics(text))
		asked++
		return want == page || *update && asked == 100 // by then all of it is there
	}, func() string {
		return "run go test ./e2e -run TestMetrics_Docs -update, which makes it\n" + want
	})
	p.stop(t)
	for name, n := range blocks {
		if n != 1 {
			t.Errorf("%s matches the patterns of %d blocks of docs/metrics.md, want 1", name, n)
		}
	}
	if len(blocks) < 30 {
		t.Errorf("only %d metrics are shown: %q", len(blocks), slices.Sorted(maps.Keys(blocks)))
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// metricTables is the page with its tables made anew, and in how many of them each metric is.
func metricTables(page string, shown map[string]shownMetric) (made string, blocks map[string]int) {
	blocks = map[string]int{}
	for name := range shown {
		blocks[name] = 0
	}
	made = metricBlock.ReplaceAllStringFunc(page, func(block string) string {
		pattern := metricBlock.FindStringSubmatch(block)[1]
		var rows strings.Builder
		for _, name := range slices.Sorted(maps.Keys(shown)) {
			if regexp.MustCompile(pattern).MatchString(name) {
				blocks[name]++
				m := shown[name]
				fmt.Fprintf(&rows, "| `%s` | %s | %s | %s |\n", name, m.kind, m.labels, m.help)
			}
		}
		return fmt.Sprintf("<!-- begin metrics %s -->\n\n| Name | Type | Labels | Meaning |\n| --- | --- | --- | --- |\n%s\n<!-- end -->", pattern, rows.String())
	})
	return made, blocks
}
