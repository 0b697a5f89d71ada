//go:build linux

package drills

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/provider/aws/faultproxy"
	"github.com/elava-dev/elava/provider/aws/mototest"
)

// account is an account of moto behind a proxy that breaks answers.
type account struct {
	*faultproxy.Proxy
	url string // of the proxy
	own string // of moto
}

func newAccount(t *testing.T) *account {
	t.Helper()
	server := mototest.Start(t)
	p, err := faultproxy.New(server.URL, faultproxy.Options{MaxHang: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p)
	t.Cleanup(func() {
		p.Close()
		s.CloseClientConnections()
		s.Close()
	})
	return &account{Proxy: p, url: s.URL, own: server.URL}
}

// install makes an installation that watches the account.
func (a *account) install(t *testing.T, env ...string) *installation {
	t.Helper()
	return install(t, append([]string{
		"AWS_ENDPOINT_URL=" + a.url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_MAX_ATTEMPTS=2",
	}, env...)...)
}

const awsCloud = `provider: aws, region: us-east-1, api_budget: 100%, include_types: ["AWS::SNS::Topic", "AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::SecurityGroup", "AWS::SQS::Queue"]`

// sns calls moto itself, past the proxy.
func (a *account) sns(t testing.TB, parameters url.Values) {
	t.Helper()
	parameters.Set("Version", "2010-03-31")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.own, strings.NewReader(parameters.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20250101/us-east-1/sns/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if b, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v %.500s", parameters.Get("Action"), answer.Status, err, b)
	}
}

func (a *account) createTopic(t testing.TB, name string) {
	t.Helper()
	a.sns(t, url.Values{"Action": {"CreateTopic"}, "Name": {name}})
}

func topicARN(name string) string {
	return "arn:aws:sns:us-east-1:" + mototest.DefaultAccount + ":" + name
}

func (a *account) deleteTopic(t testing.TB, name string) {
	t.Helper()
	a.sns(t, url.Values{"Action": {"DeleteTopic"}, "TopicArn": {topicARN(name)}})
}

// feed is all that a daemon reports, as lines in order.
func (p *process) feed(t testing.TB) []string {
	t.Helper()
	var page struct {
		Items []struct {
			ChangeType string `json:"change_type"`
			ResourceID string `json:"resource_id"`
		}
	}
	if err := json.Unmarshal([]byte(p.get(t, "/api/v1/changes?limit=1000")), &page); err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, e := range page.Items {
		lines = append(lines, e.ChangeType+" "+e.ResourceID)
	}
	slices.Sort(lines)
	return lines
}

func TestThrottling_PartialResultsAreNoAbsences(t *testing.T) {
	d := begin(t, "1a", "7.1", "Throttled calls")
	rounds := times(2, 20)
	a := newAccount(t)
	for n := range rounds {
		a.createTopic(t, fmt.Sprintf("old-%d", n))
	}
	i := a.install(t)
	i.configure(t, "reconciliation_interval: 200ms", awsCloud)
	p := i.serve(t)
	p.AwaitScan(t, 1)

	a.Inject(faultproxy.Rule{Fault: faultproxy.Throttle, Probability: 0.5})
	var want []string
	for n := range rounds {
		gone, comes := fmt.Sprintf("old-%d", n), fmt.Sprintf("new-%d", n)
		a.deleteTopic(t, gone)
		a.createTopic(t, comes)
		want = append(want, "disappeared "+gone, "created "+comes)
		p.nextScans(t, 1)
	}
	p.Await(t, `\[Scan #\d+\].*status=(partial|failed)`)
	scans := p.lastScan()
	throttles := p.metric(t, "elava_aws_api_throttles_total")
	injected := len(a.Injected())
	a.Inject()
	p.awaitHealth(t, "health is normal again", func(h health) bool { return h.Status == "healthy" })
	p.nextScans(t, 1)
	slices.Sort(want)
	if got := p.feed(t); !slices.Equal(got, want) {
		t.Errorf("the feed is\n%q, want\n%q", got, want)
	}
	if throttles == 0 || injected == 0 {
		t.Errorf("%d calls were throttled, the metric says %v", injected, throttles)
	}
	log := p.Log.Text()
	partial := strings.Count(log, "status=partial") + strings.Count(log, "status=failed")
	p.stop(t)
	d.tell("moto behind a proxy that throttles every second call, while topics come and go; then calls succeed again",
		fmt.Sprintf("%d scans, %d calls refused", scans, injected),
		fmt.Sprintf("%d scans partial or failed, the daemon went on; %d events, exact; no failure became a disappearance; healthy again by itself", partial, len(want)))
}

func TestThrottling_TheIntervalStretchesAndSaysSo(t *testing.T) {
	d := begin(t, "1b", "7.1", "Scans that take longer than the interval")
	scans := int64(times(2, 10))
	i := install(t)
	i.configure(t, "reconciliation_interval: 1s, reconciliation_jitter: 0%", demoCloud(200, "5%", "slow:2200ms")+", scan_concurrency: 100")
	p := i.serve(t)
	p.AwaitScan(t, scans)
	p.Await(t, `WARN Scans take longer than the interval of 1s, one begins every [3-9]`)
	stretched := p.metric(t, "elava_reconciliation_interval_seconds")
	if stretched < 3 {
		t.Errorf("the metric says that scans begin every %v s", stretched)
	}
	if h := p.health(t); h.Status != "healthy" || !slices.ContainsFunc(h.Notices, func(n string) bool {
		return strings.HasPrefix(n, "scans take longer than the interval of 1s: one begins every ")
	}) {
		t.Errorf("health does not tell: %+v", h)
	}
	i.configure(t, "reconciliation_interval: 10s, reconciliation_jitter: 0%", demoCloud(200, "5%")+", scan_concurrency: 100")
	p.reload(t)
	p.Await(t, `Scans fit into the interval again \(interval: 10s\)`)
	p.awaitMetric(t, "elava_reconciliation_interval_seconds", func(v float64) bool { return v == 10 })
	p.stop(t)
	head := newOracle(200, 0.05).checkStore(t, i.store, 0)
	d.tell("interval of 1 s, pages that take 2.2 s each; then a reload that lets them fit", fmt.Sprintf("%d scans", head),
		fmt.Sprintf("one scan every %.0f s, said by the log once, by health and by the metric; back to the configured interval after the reload; exact", stretched))
}
