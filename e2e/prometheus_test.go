package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/e2e/processtest"
)

// scraper is a real Prometheus.
type scraper struct{ url string }

// scrape starts Prometheus with daemons as the targets of the job that the alerts expect.
func scrape(t testing.TB, daemons ...*process) *scraper {
	t.Helper()
	dir := t.TempDir()
	var targets []string
	for _, d := range daemons {
		targets = append(targets, strings.TrimPrefix(d.URL, "http://"))
	}
	rules, err := filepath.Abs("../deploy/prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("global: {scrape_interval: 500ms, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs:\n"+
		"  - job_name: elava\n    static_configs: [{targets: [%s]}]\n", rules, strings.Join(targets, ", "))
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	cmd := exec.Command("prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	p := processtest.Start(t, cmd, waitLimit) // Debian's package prometheus
	s := &scraper{url: "http://" + address}
	eventually(t, "Prometheus is ready", func() bool {
		r, err := http.Get(s.url + "/-/ready")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	}, func() string { return processtest.Tail(p.Log.Text()) })
	return s
}

// freeAddress is one that was free a moment ago.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// query returns how many series an expression gives now.
func (s *scraper) query(t testing.TB, expr string) int {
	t.Helper()
	r, err := http.Get(s.url + "/api/v1/query?query=" + url.QueryEscape(expr))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Status, Error string
		Data          struct{ Result []json.RawMessage }
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		t.Fatalf("%s: %s %v", expr, answer.Error, err)
	}
	return len(answer.Data.Result)
}

// dashboardQueries are the expressions of the dashboard, its variables filled in.
func dashboardQueries(t testing.TB) []string {
	t.Helper()
	var board struct {
		Panels []struct {
			Targets []struct{ Expr string }
		}
	}
	b, err := os.ReadFile("../deploy/grafana/elava.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &board); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("$instance", ".*", "$__rate_interval", "1m")
	var all []string
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			all = append(all, fill.Replace(q.Expr))
		}
	}
	return all
}

var metricName = regexp.MustCompile(`\b(elava|daemon|storage|reconciliation)_[a-z_]+`)

// alertMetrics are the metrics that alerts look at. The alerts themselves must give
// nothing while all is well; promtool shows when they do.
func alertMetrics(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile("../deploy/prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, rule := range strings.Split(string(b), "- alert: ")[1:] {
		expr, _, _ := strings.Cut(rule, "labels:")
		all = append(all, metricName.FindAllString(expr[strings.Index(expr, "expr:"):], -1)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// docQueries are the expressions in the fenced blocks marked promql of a page.
func docQueries(t testing.TB, page string) []string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, block := range strings.Split(string(b), "```promql\n")[1:] {
		body, _, _ := strings.Cut(block, "```")
		for line := range strings.Lines(body) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
				all = append(all, line)
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s shows no queries", page)
	}
	return all
}

// A real Prometheus scrapes two daemons, one of a changing cloud and one of an AWS API, and
// every query that we hand out is answered: those of the dashboard and of the
// documentation, and every metric that an alert looks at.
func TestPrometheus_AnswersEveryQueryThatWeHandOut(t *testing.T) {
	c := newCloud(t)
	smallPopulation(t, c)
	aws := c.install(t).serve(t, "--interval", "1s")
	demo := install(t).with("ELAVA_CLOUD_DEMO_CHANGE_RATE=0.2").serve(t, "--provider", "demo", "--interval", "1s")
	prometheus := scrape(t, aws, demo)
	queries := append(dashboardQueries(t), alertMetrics(t)...)
	for _, q := range append(queries, docQueries(t, "../docs/metrics.md")...) {
		eventually(t, "Prometheus has series for "+q, func() bool { return prometheus.query(t, q) > 0 }, func() string { return "none" })
	}
	if n := prometheus.query(t, `ALERTS{alertstate="firing"}`); n != 0 {
		t.Errorf("%d alerts fire while all is well", n)
	}
}
