package observer_test

import (
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

// aws are the metrics of provider/aws, which are made there.
var aws = map[string]string{
	"elava_aws_api_calls_total":        "counter: code operation service",
	"elava_aws_api_throttles_total":    "counter: operation service",
	"elava_aws_api_wait_seconds_total": "counter: operation service",
}

// notified are the metrics of notify, which are made there.
var notified = map[string]string{
	"elava_notify_attempts_total":       "counter: hook outcome",
	"elava_notify_events_total":         "counter: hook",
	"elava_notify_revisions_behind":     "gauge: hook",
	"elava_notify_revisions_lost_total": "counter: hook",
	"elava_notify_up":                   "gauge: hook",
}

var (
	metricRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([a-z]+) \\|([^|]*)\\| (.*) \\|$")
	comment   = regexp.MustCompile(`<!--.*?-->`)
	metricsIn = regexp.MustCompile(`\b(?:daemon|elava|storage|reconciliation)_[a-z_]+\b`)
)

// docs/metrics.md has one row for every metric that is shown, with its type and labels,
// and none for any other.
func TestDocs_HaveEveryMetric(t *testing.T) {
	page, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	page = comment.ReplaceAll(page, nil)
	want := map[string]string{}
	for name, f := range full(t).families(t) {
		want[name] = kindOf(f) + ": " + labelNames(f.GetMetric()[0])
	}
	maps.Copy(want, aws)
	maps.Copy(want, notified)
	got := map[string]string{}
	for _, row := range metricRow.FindAllStringSubmatch(string(page), -1) {
		name, kind, labels, meaning := row[1], row[2], strings.ReplaceAll(strings.TrimSpace(row[3]), "`", ""), row[4]
		if _, again := got[name]; again {
			t.Errorf("docs/metrics.md has two rows for %s", name)
		}
		if strings.TrimSpace(meaning) == "" {
			t.Errorf("docs/metrics.md does not say what %s means", name)
		}
		got[name] = kind + ": " + labels
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s is a %q; docs/metrics.md says %q", name, text, got[name])
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("docs/metrics.md has a row for %s, which is not shown", name)
		}
	}
	for _, name := range metricsIn.FindAllString(string(page), -1) {
		name = strings.TrimSuffix(name, "_bucket")                        // of a histogram, in queries
		if _, ok := want[name]; !ok && name != "reconciliation_timeout" { // the setting
			t.Errorf("docs/metrics.md speaks of %s, which is not shown", name)
		}
	}
}

func kindOf(f *dto.MetricFamily) string { return strings.ToLower(f.GetType().String()) }

func labelNames(m *dto.Metric) string {
	var names []string
	for _, l := range m.GetLabel() {
		names = append(names, l.GetName())
	}
	return strings.Join(names, " ")
}
