package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/elava-dev/elava/e2e/processtest"
)

// contractMetrics are the names that users are promised.
var contractMetrics = []string{
	"daemon_reconciliation_total", "daemon_reconciliation_duration_ms", "daemon_reconciliation_errors_total",
	"daemon_last_reconciliation_timestamp", "daemon_resources_scanned_total", "daemon_resources_current",
	"daemon_uptime_seconds", "daemon_goroutines", "daemon_memory_usage_bytes", "storage_write_errors_total",
	"reconciliation_timeout_total", "elava_resources_created_total", "elava_resources_modified_total",
	"elava_resources_disappeared_total", "elava_change_events_stored_total",
	"elava_resources", "elava_scope_up", "elava_scope_last_complete_timestamp_seconds", "elava_aws_api_calls_total",
	"elava_aws_api_throttles_total", "elava_aws_api_wait_seconds_total", "elava_storage_size_bytes", "elava_storage_revision", "elava_build_info",
}

// lintExceptions are what the linter has against names that were given: they are kept as
// they were asked for.
var lintExceptions = map[string]string{
	"daemon_reconciliation_duration_ms": "metric names should not contain abbreviated units",
}

func TestMetrics_OfAnAWSRun(t *testing.T) {
	c := newCloud(t)
	smallPopulation(t, c)
	g := newGate(t, c.url)
	var throttled atomic.Bool
	g.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ListTables") || throttled.Swap(true) {
			return false
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"ThrottlingException","message":"slow down"}`))
		return true
	})
	e := install(t, append(c.env(t), "AWS_ENDPOINT_URL="+g.url)...)
	p := e.serve(t, "--interval", "100ms")
	p.AwaitScan(t, 1)
	instance := c.runInstances(t, 1, nil)[0]
	eventually(t, "an event", func() bool { return len(p.source().changes(t)) > 0 }, func() string { return "none" })
	p.nextScans(t, 1)
	_, text := p.get(t, "/metrics")

	for _, name := range contractMetrics {
		if !regexp.MustCompile(`(?m)^` + name + `(_bucket)?(\{| )`).MatchString(text) {
			t.Errorf("%s has no series", name)
		}
		if !strings.Contains(text, "# HELP "+name+" ") || !strings.Contains(text, "# TYPE "+name+" ") {
			t.Errorf("%s is not explained", name)
		}
	}
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, problem := range problems {
		if lintExceptions[problem.Metric] != problem.Text {
			t.Errorf("promlint: %s: %s", problem.Metric, problem.Text)
		}
		found[problem.Metric] = true
	}
	for name := range lintExceptions {
		if !found[name] {
			t.Errorf("promlint finds nothing in %s: it needs no exception", name)
		}
	}
	for _, want := range []string{
		`elava_aws_api_throttles_total\{operation="ListTables",service="dynamodb"\} 1$`,
		`elava_aws_api_calls_total\{code="ThrottlingException",operation="ListTables",service="dynamodb"\} 1$`,
		`elava_aws_api_calls_total\{code="OK",operation="DescribeInstances",service="ec2"\} [1-9]`,
		`elava_resources\{account="` + c.account + `",region="us-east-1",type="AWS::EC2::Instance"\} 3$`,
		`elava_resources_created_total\{region="us-east-1",type="AWS::EC2::Instance"\} 1$`,
		`elava_resources_modified_total\{region="us-east-1",type="AWS::EC2::Instance"\} 0$`,
		`elava_scope_up\{account="` + c.account + `",region="global",type="AWS::IAM::Role"\} 1$`,
		`elava_storage_size_bytes [1-9]`, `storage_write_errors_total 0$`,
	} {
		if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
			t.Errorf("no line like %s", want)
		}
	}
	if strings.Contains(text, instance) || strings.Contains(text, "slow down") {
		t.Error("a label carries an id or the text of an error")
	}
	if t.Failed() {
		t.Log(text)
	}
	status, open := fetchAs(t, p.URL+"/metrics", "application/openmetrics-text; version=1.0.0")
	if status != 200 || !strings.HasSuffix(open, "# EOF\n") {
		t.Errorf("OpenMetrics: %d %s", status, processtest.Tail(open))
	}
	p.stop(t)
}

func fetchAs(t testing.TB, url, accept string) (int, string) {
	t.Helper()
	return fetch(t, url, func(r *http.Request) { r.Header.Set("Accept", accept) })
}
