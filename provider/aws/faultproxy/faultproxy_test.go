package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask is a request as an SDK writes it.
type ask struct {
	method, path, service, target, body string
}

func (a ask) request(t *testing.T, base string) *http.Request {
	t.Helper()
	if a.method == "" {
		a.method = http.MethodPost
	}
	if a.path == "" {
		a.path = "/"
	}
	r, err := http.NewRequestWithContext(t.Context(), a.method, base+a.path, strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20251022/us-east-1/"+a.service+"/aws4_request, SignedHeaders=host, Signature=0")
	if a.target != "" {
		r.Header.Set("X-Amz-Target", a.target)
	}
	return r
}

var (
	volumes   = ask{service: "ec2", body: "Action=DescribeVolumes&MaxResults=500&Version=2016-11-15"}
	roles     = ask{service: "iam", body: "Action=ListRoles&Version=2010-05-08"}
	tables    = ask{service: "dynamodb", target: "DynamoDB_20120810.ListTables", body: "{}"}
	functions = ask{method: "GET", path: "/2015-03-31/functions?MaxItems=50", service: "lambda"}
	policy    = ask{method: "GET", path: "/bucket?policy", service: "s3"}
	zones     = ask{method: "GET", path: "/2013-04-01/hostedzone", service: "route53"}
)

const (
	volumesAnswer = `<?xml version="1.0"?><DescribeVolumesResponse><requestId>1</requestId><volumeSet>` +
		`<item><volumeId>vol-1</volumeId><tagSet><item><key>a</key></item></tagSet></item><item><volumeId>vol-2</volumeId></item><item><volumeId>vol-3</volumeId></item>` +
		`</volumeSet></DescribeVolumesResponse>`
	rolesAnswer = `<ListRolesResponse><ListRolesResult><IsTruncated>false</IsTruncated><Roles><member>a</member><member>b</member></Roles></ListRolesResult></ListRolesResponse>`
)

// cloud answers each call with a fixed text and counts what reached it.
func cloud(t *testing.T, answers map[string]string) (url string, reached *atomic.Int64) {
	t.Helper()
	reached = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reached.Add(1)
		body, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, answers[recognise(r, body).Name()])
	}))
	t.Cleanup(s.Close)
	return s.URL, reached
}

func start(t *testing.T, target string, o Options) (*Proxy, string) {
	t.Helper()
	p, err := New(target, o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p)
	t.Cleanup(func() {
		p.Close()
		s.Close()
	})
	return p, s.URL
}

// get returns what a client sees: the status, or 0, the body and how reading it ended.
func get(t *testing.T, base string, a ask) (int, string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(a.request(t, base))
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

func TestRecognise_EveryProtocol(t *testing.T) {
	for _, tt := range []struct {
		ask  ask
		want string
		form Protocol
	}{
		{volumes, "ec2.DescribeVolumes", EC2Query},
		{roles, "iam.ListRoles", Query},
		{ask{service: "sts", body: "Action=GetCallerIdentity&Version=2011-06-15"}, "sts.GetCallerIdentity", Query},
		{tables, "dynamodb.ListTables", JSON},
		{ask{service: "sqs", target: "AmazonSQS.ListQueueTags"}, "sqs.ListQueueTags", JSON},
		{functions, "lambda.ListFunctions", RESTJSON},
		{ask{method: "GET", path: "/2017-03-31/tags/arn%3Aaws%3Alambda", service: "lambda"}, "lambda.ListTags", RESTJSON},
		{ask{path: "/2015-03-31/functions", service: "lambda"}, "lambda.", RESTJSON},
		{ask{method: "GET", path: "/?max-buckets=10", service: "s3"}, "s3.ListBuckets", RESTXML},
		{ask{method: "HEAD", path: "/bucket", service: "s3"}, "s3.HeadBucket", RESTXML},
		{ask{method: "GET", path: "/bucket/?tagging", service: "s3"}, "s3.GetBucketTagging", RESTXML},
		{policy, "s3.GetBucketPolicy", RESTXML},
		{ask{method: "GET", path: "/bucket/key", service: "s3"}, "s3.", RESTXML},
		{ask{method: "PUT", path: "/bucket?policy", service: "s3"}, "s3.", RESTXML},
		{ask{service: "glue", target: "AWSGlue.GetJobs"}, "glue.GetJobs", JSON},
		{ask{service: "autoscaling", body: "Action=DescribePolicies&Version=2011-01-01"}, "autoscaling.DescribePolicies", Query},
		{ask{method: "GET", path: "/clusters/a/node-groups/b", service: "eks"}, "eks.DescribeNodegroup", RESTJSON},
		{ask{method: "GET", path: "/clusters", service: "eks"}, "eks.ListClusters", RESTJSON},
		{ask{method: "POST", path: "/clusters", service: "eks"}, "eks.", RESTJSON},
		{ask{method: "GET", path: "/tags/arn:aws:backup:r:1:backup-vault:v/x", service: "backup"}, "backup.ListTags", RESTJSON},
		{zones, "route53.ListHostedZones", RESTXML},
		{ask{method: "GET", path: "/2013-04-01/hostedzone/Z1/rrset?maxitems=1", service: "route53"}, "route53.ListResourceRecordSets", RESTXML},
		{ask{path: "/service/GraniteServiceVersion20100801/operation/DescribeAlarms", service: "monitoring"}, "monitoring.", Unknown},
	} {
		c := recognise(tt.ask.request(t, "http://cloud"), []byte(tt.ask.body))
		if c.Name() != tt.want || c.Protocol != tt.form || c.Region != "us-east-1" || c.Page != 1 {
			t.Errorf("%+v: got %+v, want %s", tt.ask, c, tt.want)
		}
	}
}

func TestProxy_RefusesInTheFormOfTheProtocol(t *testing.T) {
	url, reached := cloud(t, nil)
	p, base := start(t, url, Options{})
	for _, tt := range []struct {
		ask    ask
		fault  Fault
		status int
		says   string
	}{
		{volumes, Throttle, 503, "<Response><Errors><Error><Code>RequestLimitExceeded</Code>"},
		{volumes, Deny, 403, "<Code>UnauthorizedOperation</Code>"},
		{roles, Throttle, 400, "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"},
		{roles, Deny, 403, "<Code>AccessDenied</Code>"},
		{tables, Throttle, 400, `"__type":"com.amazonaws.service#ThrottlingException"`},
		{tables, Deny, 400, "AccessDeniedException"},
		{functions, Throttle, 429, "TooManyRequestsException"},
		{policy, Throttle, 503, "<Error><Code>SlowDown</Code>"},
		{zones, Throttle, 400, "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code>"},
		{policy, NotAvailable, 403, "<Code>OptInRequired</Code>"},
		{tables, Internal, 500, "InternalServerError"},
		{volumes, Overloaded, 503, "<Code>Unavailable</Code>"},
		{volumes, BadPage, 502, "<html>"},
		{tables, HTML, 200, "<html>"},
		{tables, Stranger, 200, `["of"`},
		{volumes, Stranger, 200, "<SomethingElse>"},
		{functions, Garbage, 200, "upstream connect error"},
		{functions, Empty, 200, ""},
	} {
		p.Inject(Rule{Fault: tt.fault})
		status, body, err := get(t, base, tt.ask)
		if err != nil || status != tt.status || !strings.Contains(body, tt.says) || tt.says == "" && body != "" {
			t.Errorf("%s %s: got %d %q, %v", tt.ask.service, tt.fault, status, body, err)
		}
		if got := p.Injected(); len(got) != 1 || got[0].Fault != tt.fault {
			t.Errorf("%s: noted %v", tt.fault, got)
		}
	}
	if n := reached.Load(); n != 0 {
		t.Errorf("%d refused calls reached the cloud", n)
	}
}

func TestProxy_BreaksTheTransport(t *testing.T) {
	url, _ := cloud(t, map[string]string{"ec2.DescribeVolumes": volumesAnswer})
	p, base := start(t, url, Options{Delay: time.Millisecond})
	for fault, check := range map[Fault]func(status int, body string, err error) bool{
		CutBefore: func(status int, _ string, err error) bool { return status == 0 && err != nil },
		CutWithin: func(status int, body string, err error) bool {
			return status == 200 && errors.Is(err, io.ErrUnexpectedEOF) && strings.HasPrefix(volumesAnswer, body)
		},
		Truncate: func(status int, body string, err error) bool {
			return status == 200 && err == nil && body == volumesAnswer[:len(volumesAnswer)/2]
		},
		Prologue: func(status int, body string, err error) bool { return err == nil && body == `<?xml version="1.0"?>` },
		Slow:     func(status int, body string, err error) bool { return err == nil && body == volumesAnswer },
	} {
		p.Inject(Rule{Fault: fault})
		if status, body, err := get(t, base, volumes); !check(status, body, err) {
			t.Errorf("%s: got %d %q, %v", fault, status, body, err)
		}
	}
	p.Inject(Rule{Fault: Rewrite, Rewrite: func(b []byte) []byte { return b[:5] }})
	if _, body, err := get(t, base, volumes); body != "<?xml" || err != nil {
		t.Errorf("rewritten to %q, %v", body, err)
	}
}

func TestProxy_HangsUntilTheClientGivesUp(t *testing.T) {
	p, base := start(t, "http://127.0.0.1:1", Options{})
	p.Inject(Rule{Fault: Hang})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if res, err := client.Do(volumes.request(t, base).WithContext(ctx)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestProxy_HangIsBounded(t *testing.T) {
	p, base := start(t, "http://127.0.0.1:1", Options{MaxHang: time.Millisecond})
	p.Inject(Rule{Fault: Hang})
	if status, _, err := get(t, base, volumes); status != 0 || err == nil {
		t.Errorf("got %d, %v", status, err)
	}
}

// pages follows the tokens of a listing to its end.
func pages(t *testing.T, base string, first ask, next func(token string) ask) []string {
	t.Helper()
	var all []string
	for a := first; ; {
		status, body, err := get(t, base, a)
		if status != 200 || err != nil || len(all) > 20 {
			t.Fatalf("after %d pages: %d %q, %v", len(all), status, body, err)
		}
		all = append(all, body)
		token := tokenForm.FindString(body)
		if token == "" {
			return all
		}
		a = next(token)
	}
}

func nextVolumes(token string) ask {
	return ask{service: "ec2", body: volumes.body + "&NextToken=" + token}
}

func nextRoles(token string) ask { return ask{service: "iam", body: roles.body + "&Marker=" + token} }

func nextTables(token string) ask {
	return ask{service: "dynamodb", target: tables.target, body: `{"ExclusiveStartTableName":"` + token + `"}`}
}

func nextFunctions(token string) ask {
	return ask{method: "GET", path: functions.path + "&Marker=" + token, service: "lambda"}
}

func TestProxy_CutsListsIntoPages(t *testing.T) {
	url, reached := cloud(t, map[string]string{
		"ec2.DescribeVolumes": volumesAnswer, "iam.ListRoles": rolesAnswer,
		"dynamodb.ListTables": `{"TableNames":["a","b","c"]}`, "lambda.ListFunctions": `{"Functions":[{"A":1},{"A":2}],"NextMarker":null}`,
		"sqs.ListQueues": `{}`,
	})
	p, base := start(t, url, Options{PageSize: 1})
	p.Inject()
	got := pages(t, base, volumes, nextVolumes)
	if len(got) != 3 || !strings.Contains(got[0], "<key>a</key>") || !strings.Contains(got[1], "vol-2") || strings.Contains(got[2], "vol-1") {
		t.Errorf("volumes: %q", got)
	}
	if got = pages(t, base, roles, nextRoles); len(got) != 2 ||
		!strings.Contains(got[0], "<Roles><member>a</member></Roles><IsTruncated>true</IsTruncated><Marker>") ||
		!strings.Contains(got[1], "<Roles><member>b</member></Roles><IsTruncated>false</IsTruncated></ListRolesResult>") {
		t.Errorf("roles: %q", got)
	}
	if got = pages(t, base, tables, nextTables); len(got) != 3 || got[2] != `{"TableNames":["c"]}` {
		t.Errorf("tables: %q", got)
	}
	if got = pages(t, base, functions, nextFunctions); len(got) != 2 || got[1] != `{"Functions":[{"A":2}]}` {
		t.Errorf("functions: %q", got)
	}
	if got = pages(t, base, ask{service: "sqs", target: "AmazonSQS.ListQueues", body: "{}"}, nil); len(got) != 1 || got[0] != `{"QueueUrls":[]}` {
		t.Errorf("queues: %q", got)
	}
	if n := reached.Load(); n != 5 {
		t.Errorf("%d calls for five listings: their pages are not of one answer", n)
	}
}

func TestProxy_FaultOfOnePage(t *testing.T) {
	url, _ := cloud(t, map[string]string{"ec2.DescribeVolumes": volumesAnswer})
	p, base := start(t, url, Options{PageSize: 1})
	p.Inject(Rule{Operation: "Describe*", Page: 2, Fault: Deny})
	_, first, _ := get(t, base, volumes)
	status, _, _ := get(t, base, nextVolumes(tokenForm.FindString(first)))
	if status != 403 {
		t.Errorf("page two: %d", status)
	}
	if got := p.Injected(); len(got) != 1 || got[0].Call.Page != 2 {
		t.Errorf("noted %v", got)
	}
}

func TestProxy_LiesOfListings(t *testing.T) {
	url, _ := cloud(t, map[string]string{"ec2.DescribeVolumes": volumesAnswer})
	p, base := start(t, url, Options{})
	list := func(r Rule) []string {
		p.Inject(r)
		return pages(t, base, volumes, nextVolumes)
	}
	if got := list(Rule{Fault: EmptyPage, Times: 2}); len(got) != 3 || strings.Contains(got[0]+got[1], "vol-") || !strings.Contains(got[2], "vol-3") {
		t.Errorf("empty pages: %q", got)
	}
	if got := list(Rule{Fault: EmptyList}); len(got) != 1 || !strings.Contains(got[0], "<volumeSet></volumeSet>") {
		t.Errorf("empty list: %q", got)
	}
	if got := list(Rule{Fault: ShortList}); len(got) != 1 || strings.Count(got[0], "<volumeId>") != 1 {
		t.Errorf("short list: %q", got)
	}
	if got := list(Rule{Fault: RepeatedToken, Times: 3}); len(got) != 4 ||
		len(slices.Compact(slices.Collect(func(yield func(string) bool) {
			for _, body := range got[:3] {
				yield(tokenForm.FindString(body))
			}
		}))) != 1 {
		t.Errorf("repeated token: %q", got)
	}
}

func TestProxy_RulesSkipCountAndSelect(t *testing.T) {
	url, _ := cloud(t, map[string]string{"ec2.DescribeVolumes": volumesAnswer, "iam.ListRoles": rolesAnswer})
	p, base := start(t, url, Options{})
	p.Inject(
		Rule{Service: "e*", Skip: 1, Times: 2, Fault: Deny},
		Rule{Service: "iam", Contains: "PathPrefix", Fault: Deny},
		Rule{Region: "eu-west-1", Fault: Deny},
	)
	var got []int
	for range 4 {
		status, _, _ := get(t, base, volumes)
		got = append(got, status)
	}
	if !slices.Equal(got, []int{200, 403, 403, 200}) {
		t.Errorf("got %v", got)
	}
	if status, _, _ := get(t, base, roles); status != 200 {
		t.Errorf("without the text: %d", status)
	}
	if status, _, _ := get(t, base, ask{service: "iam", body: roles.body + "&PathPrefix=x"}); status != 403 {
		t.Errorf("with the text: %d", status)
	}
	if got := p.Calls(); got["ec2.DescribeVolumes"] != 4 || got["iam.ListRoles"] != 2 {
		t.Errorf("counted %v", got)
	}
}

func TestProxy_TheSameSeedMeansTheSameFaults(t *testing.T) {
	url, _ := cloud(t, map[string]string{"ec2.DescribeVolumes": volumesAnswer})
	run := func(seed uint64) (met []int) {
		p, base := start(t, url, Options{Seed: seed})
		for range 2 {
			p.Inject(Rule{Fault: Deny, Probability: 0.5})
			for range 40 {
				status, _, _ := get(t, base, volumes)
				met = append(met, status)
			}
		}
		return met
	}
	first := run(1)
	if !slices.Equal(first, run(1)) {
		t.Error("another run with the same seed met other faults")
	}
	if slices.Equal(first, run(2)) || slices.Equal(first[:40], first[40:]) {
		t.Error("another seed, or another round, meets the same faults")
	}
	denied := 0
	for _, status := range first {
		if status == 403 {
			denied++
		}
	}
	if denied < 20 || denied > 60 {
		t.Errorf("%d of 80 calls met a fault of probability 0.5", denied)
	}
}

func TestProxy_WritesMeetNoFaultAndEndWhatIsRemembered(t *testing.T) {
	url, reached := cloud(t, map[string]string{"ec2.DescribeVolumes": volumesAnswer, "iam.ListRoles": rolesAnswer})
	p, base := start(t, url, Options{Remember: true})
	plain := httptest.NewServer(p.Plain())
	defer plain.Close()
	p.Inject(Rule{Fault: Deny})
	ask2 := func(a ask, base string, want int, wantReached int64) {
		t.Helper()
		status, _, err := get(t, base, a)
		if status != want || reached.Load() != wantReached {
			t.Errorf("%s: %d, %v; %d calls reached the cloud, want %d", a.body, status, err, reached.Load(), wantReached)
		}
	}
	ask2(volumes, plain.URL, 200, 1)
	ask2(roles, plain.URL, 200, 2)
	ask2(volumes, plain.URL, 200, 2) // remembered
	ask2(volumes, base, 403, 2)
	ask2(ask{service: "ec2", body: "Action=CreateVolume"}, base, 200, 3)
	ask2(roles, plain.URL, 200, 3) // of another service
	ask2(volumes, plain.URL, 200, 4)
	p.Forget()
	ask2(roles, plain.URL, 200, 5)
}

func TestProxy_TokenOfAnotherRoundLeadsNowhere(t *testing.T) {
	url, _ := cloud(t, map[string]string{"ec2.DescribeVolumes": volumesAnswer})
	p, base := start(t, url, Options{PageSize: 1})
	_, first, _ := get(t, base, volumes)
	p.Inject()
	if status, _, _ := get(t, base, nextVolumes(tokenForm.FindString(first))); status != 400 {
		t.Errorf("got %d", status)
	}
}
