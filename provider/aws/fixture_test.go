package aws_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/elava-dev/elava/provider"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/resource"
)

const account = "123456789012"

// query serves the query protocol of EC2 and STS. STS says that the caller is in
// account; all else is answered by answer.
func query(t *testing.T, answer func(w http.ResponseWriter, action string, form map[string]string)) *cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Errorf("reading a request: %v", err)
		}
		form := map[string]string{}
		for k := range r.PostForm {
			form[k] = r.PostForm.Get(k)
		}
		if form["Action"] == "GetCallerIdentity" {
			writeIdentity(w)
			return
		}
		answer(w, form["Action"], form)
	}))
	t.Cleanup(s.Close)
	return &cloud{url: s.URL}
}

func writeIdentity(w http.ResponseWriter) {
	fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::%[1]s:assumed-role/elava/i-1</Arn><UserId>A</UserId><Account>%[1]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, account)
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%d</RequestID></Response>`,
		code, message, time.Now().UnixNano())
}

// writeInstances answers DescribeInstances with the instances from i-<first> on.
func writeInstances(w http.ResponseWriter, first, n int, next string) {
	fmt.Fprint(w, xml.Header+`<DescribeInstancesResponse><reservationSet>`)
	for i := first; i < first+n; i++ {
		fmt.Fprintf(w, `<item><reservationId>r-%[1]d</reservationId><ownerId>%[2]s</ownerId><instancesSet><item>
			<instanceId>i-%[1]d</instanceId><instanceState><code>272</code><name>running</name></instanceState>
			<launchTime>2025-10-22T10:00:00.000Z</launchTime>
			<tagSet><item><key>Name</key><value>web-%[1]d</value></item><item><key>empty</key><value/></item></tagSet>
			</item></instancesSet></item>`, i, account)
	}
	fmt.Fprint(w, `</reservationSet>`)
	if next != "" {
		fmt.Fprintf(w, `<nextToken>%s</nextToken>`, next)
	}
	fmt.Fprint(w, `</DescribeInstancesResponse>`)
}

var instances = resource.Scope{Provider: "aws", Account: account, Region: "us-east-1", Type: "AWS::EC2::Instance"}

func TestProvider_ReadsEveryPage(t *testing.T) {
	c := query(t, func(w http.ResponseWriter, _ string, form map[string]string) {
		if form["MaxResults"] != "1000" {
			t.Errorf("page size %q", form["MaxResults"])
		}
		switch form["NextToken"] {
		case "":
			writeInstances(w, 0, 1000, "two")
		case "two":
			writeInstances(w, 1000, 1000, "three")
		case "three":
			writeInstances(w, 2000, 1, "")
		}
	})
	p := c.provider(t, only("AWS::EC2::Instance"))
	pages := 0
	seen := map[string]bool{}
	err := p.List(t.Context(), instances, func(rs []resource.Resource) error {
		pages++
		for _, r := range rs {
			seen[r.Key.ID] = true
		}
		return nil
	})
	if err != nil || pages != 3 || len(seen) != 2001 {
		t.Fatalf("%d instances on %d pages, %v", len(seen), pages, err)
	}
}

func TestProvider_AsksForMissingInstancesByTheirIds(t *testing.T) {
	var asked []string
	c := query(t, func(w http.ResponseWriter, _ string, form map[string]string) {
		if form["Filter.1.Name"] != "instance-id" {
			t.Errorf("filter %q", form["Filter.1.Name"])
		}
		for i := 1; form[fmt.Sprintf("Filter.1.Value.%d", i)] != ""; i++ {
			asked = append(asked, form[fmt.Sprintf("Filter.1.Value.%d", i)])
		}
		if form["Filter.1.Value.201"] != "" {
			t.Error("more than 200 values: EC2 refuses that")
		}
		writeInstances(w, 7, 1, "")
	})
	p := c.provider(t, only("AWS::EC2::Instance", "AWS::RDS::DBInstance"))
	var missing []resource.Key
	for i := range 450 {
		missing = append(missing, resource.Key{Provider: "aws", Account: account, Region: "us-east-1", Type: "AWS::EC2::Instance", ID: fmt.Sprintf("i-%d", i)})
	}
	there := 0
	count := func(rs []resource.Resource) error { there += len(rs); return nil }
	if err := p.Confirm(t.Context(), instances, missing, count); err != nil || len(asked) != len(missing) || there != 3 {
		t.Errorf("asked for %d of %d instances and got %d, %v", len(asked), len(missing), there, err)
	}
	asked = nil
	databases := instances
	databases.Type = "AWS::RDS::DBInstance"
	if err := p.Confirm(t.Context(), databases, missing, count); err != nil || len(asked) > 0 {
		t.Errorf("asked for databases, whose list is to be believed: %q, %v", asked, err)
	}
}

func TestProvider_ReadsAnInstance(t *testing.T) {
	c := query(t, func(w http.ResponseWriter, _ string, _ map[string]string) { writeInstances(w, 7, 1, "") })
	rs, err := listScope(t, c.provider(t, only("AWS::EC2::Instance")), instances)
	if err != nil || len(rs) != 1 {
		t.Fatalf("%d instances, %v", len(rs), err)
	}
	r := rs[0]
	want := resource.Key{Provider: "aws", Account: account, Region: "us-east-1", Type: "AWS::EC2::Instance", ID: "i-7"}
	if r.Key != want || r.Name != "web-7" || r.Status != "running" || r.ARN != "arn:aws:ec2:us-east-1:"+account+":instance/i-7" {
		t.Errorf("got %+v", r)
	}
	wantTags(t, r, map[string]string{"Name": "web-7", "empty": ""})
	if got := string(r.Attributes); got != `{"InstanceId":"i-7","LaunchTime":"2025-10-22T10:00:00Z","OwnerId":"123456789012","ReservationId":"r-7"}` {
		t.Errorf("attributes %s", got)
	}
}

func TestProvider_HandsBackTheReceiversErrorUnchanged(t *testing.T) {
	c := query(t, func(w http.ResponseWriter, _ string, _ map[string]string) { writeInstances(w, 0, 1, "more") })
	want := errors.New("no space left")
	calls := 0
	err := c.provider(t, nil).List(t.Context(), instances, func([]resource.Resource) error {
		calls++
		return want
	})
	if err != want || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestProvider_FailureOnALaterPageIsAFailure(t *testing.T) {
	c := query(t, func(w http.ResponseWriter, _ string, form map[string]string) {
		if form["NextToken"] == "" {
			writeInstances(w, 0, 3, "two")
			return
		}
		writeError(w, 403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
	})
	p := c.provider(t, only("AWS::EC2::Instance"))
	rs, err := listScope(t, p, instances)
	want := "ec2 DescribeInstances: UnauthorizedOperation: You are not authorized to perform this operation.: grant the action ec2:DescribeInstances"
	if len(rs) != 3 || err == nil || err.Error() != want || provider.ReasonOf(err) != provider.ReasonAccessDenied {
		t.Errorf("%d instances, %v", len(rs), err)
	}
	if _, again := listScope(t, p, instances); again == nil || again.Error() != err.Error() {
		t.Errorf("the same failure has another text: %v", again)
	}
}

func TestProvider_AnswersThatAreNone(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"repeated token": func(w http.ResponseWriter) { writeInstances(w, 0, 1, "same") },
		"empty body":     func(http.ResponseWriter) {},
		"web page": func(w http.ResponseWriter) {
			fmt.Fprint(w, "<!doctype html><html><body>Please log in</body></html>")
		},
		"server error as web page": func(w http.ResponseWriter) {
			w.WriteHeader(500)
			fmt.Fprint(w, "<!doctype html><title>500 Internal Server Error</title>")
		},
		"cut XML": func(w http.ResponseWriter) {
			fmt.Fprint(w, "<DescribeInstancesResponse><reservationSet><item>")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := query(t, func(w http.ResponseWriter, _ string, _ map[string]string) { answer(w) })
			rs, err := listScope(t, c.provider(t, only("AWS::EC2::Instance")), instances)
			if provider.ReasonOf(err) != provider.ReasonBadAnswer {
				t.Errorf("%d instances, %v; want a bad answer", len(rs), err)
			}
		})
	}
}

// A connection that breaks in the middle of an answer is tried again.
func TestProvider_RetriesAnswersThatBreakOff(t *testing.T) {
	var calls atomic.Int32
	c := query(t, func(w http.ResponseWriter, _ string, _ map[string]string) {
		if calls.Add(1) > 1 {
			writeInstances(w, 0, 2, "")
			return
		}
		w.Header().Set("Content-Length", "100000")
		fmt.Fprint(w, "<DescribeInstancesResponse><reservationSet>")
	})
	rs, err := listScope(t, c.provider(t, only("AWS::EC2::Instance")), instances)
	if err != nil || len(rs) != 2 || calls.Load() != 2 {
		t.Errorf("%d instances after %d calls, %v", len(rs), calls.Load(), err)
	}
}

func TestProvider_CountsCallsAndThrottles(t *testing.T) {
	var calls atomic.Int32
	c := query(t, func(w http.ResponseWriter, _ string, _ map[string]string) {
		if calls.Add(1) <= 2 {
			writeError(w, 503, "RequestLimitExceeded", "Request limit exceeded.")
			return
		}
		writeInstances(w, 0, 1, "")
	})
	reader := metric.NewManualReader()
	p := c.provider(t, func(o *elavaaws.Options) {
		o.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
	})
	if _, err := listScope(t, p, instances); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		"elava_aws_api_calls_total code=OK operation=DescribeInstances service=ec2":                   1,
		"elava_aws_api_calls_total code=RequestLimitExceeded operation=DescribeInstances service=ec2": 2,
		"elava_aws_api_calls_total code=OK operation=GetCallerIdentity service=sts":                   1,
		"elava_aws_api_throttles_total operation=DescribeInstances service=ec2":                       2,
		"elava_aws_api_throttles_total operation=GetCallerIdentity service=sts":                       0,
	}
	got := counters(t, reader)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("counters are\n%v, want\n%v", got, want)
	}
}

func counters(t *testing.T, reader metric.Reader) map[string]int64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &rm); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range rm.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if !ok {
				continue // seconds
			}
			for _, p := range sum.DataPoints {
				name := m.Name
				for _, a := range p.Attributes.ToSlice() { // sorted by key
					name += " " + string(a.Key) + "=" + a.Value.AsString()
				}
				got[name] += p.Value
			}
		}
	}
	return got
}

func TestProvider_ThrottledToTheEnd(t *testing.T) {
	c := query(t, func(w http.ResponseWriter, _ string, _ map[string]string) {
		writeError(w, 503, "RequestLimitExceeded", "Request limit exceeded.")
	})
	p := c.provider(t, func(o *elavaaws.Options) { o.MaxAttempts = 2 })
	_, err := listScope(t, p, instances)
	if provider.ReasonOf(err) != provider.ReasonThrottled || err.Error() != "ec2 DescribeInstances: RequestLimitExceeded: Request limit exceeded." {
		t.Errorf("got %v", err)
	}
}

func TestProvider_ContextEndsTheListing(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	c := query(t, func(http.ResponseWriter, string, map[string]string) {
		entered <- struct{}{}
		<-release
	})
	p := c.provider(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	err := p.List(ctx, instances, func([]resource.Resource) error { return nil })
	if provider.ReasonOf(err) != provider.ReasonCancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestProvider_DeadEndpointFailsSoon(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // nothing listens there now
	c := &cloud{url: "http://" + l.Addr().String()}
	begin := time.Now()
	_, err = c.provider(t, nil).Plan(t.Context())
	if provider.ReasonOf(err) != provider.ReasonNetwork || err.Error() != "sts GetCallerIdentity: "+l.Addr().String()+": connection refused" {
		t.Errorf("got %v", err)
	}
	if d := time.Since(begin); d > 5*time.Second {
		t.Errorf("took %s", d)
	}
}

// Credentials of another account must not write its resources into this one's history.
func TestProvider_RefusesForeignScopes(t *testing.T) {
	c := query(t, func(http.ResponseWriter, string, map[string]string) { t.Error("a call was made") })
	p := c.provider(t, nil)
	for _, s := range []resource.Scope{
		{Provider: "demo", Account: account, Region: "us-east-1", Type: "AWS::EC2::Instance"},
		{Provider: "aws", Account: account, Region: "us-east-1", Type: "AWS::None::Such"},
		{Provider: "aws", Account: account, Region: resource.Global, Type: "AWS::EC2::Instance"},
		{Provider: "aws", Account: account, Region: "us-east-1", Type: "AWS::S3::Bucket"},
		{Provider: "aws", Account: "999999999999", Region: "us-east-1", Type: "AWS::EC2::Instance"},
	} {
		if _, err := listScope(t, p, s); err == nil {
			t.Errorf("%s was listed", s)
		}
	}
}

func TestProvider_Plan(t *testing.T) {
	c := query(t, func(w http.ResponseWriter, action string, _ map[string]string) {
		if action != "DescribeRegions" {
			t.Errorf("%s was called", action)
		}
		fmt.Fprint(w, `<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName></item><item><regionName>eu-west-1</regionName></item></regionInfo></DescribeRegionsResponse>`)
	})
	for _, regions := range [][]string{{"all"}, {"eu-west-1", "us-east-1", "eu-west-1"}} {
		p := c.provider(t, func(o *elavaaws.Options) {
			o.Regions = regions
			o.IncludeTypes = []string{"aws::ec2::vo*", "aws::ec2::vpc", "*::bucket", "AWS::Nothing::*"}
			o.ExcludeTypes = []string{"AWS::EC2::Vpc"}
		})
		plan, err := p.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range plan.Scopes {
			got = append(got, s.String())
		}
		want := "[aws/123456789012/global/AWS::S3::Bucket aws/123456789012/eu-west-1/AWS::EC2::Volume aws/123456789012/us-east-1/AWS::EC2::Volume]"
		if fmt.Sprint(got) != want {
			t.Errorf("%q: plan is %v", regions, got)
		}
		if len(plan.Notices) != 1 || !strings.Contains(plan.Notices[0], "AWS::Nothing::*") {
			t.Errorf("notices are %q", plan.Notices)
		}
	}
}

func TestNew_RefusesImpossibleOptions(t *testing.T) {
	for name, change := range map[string]func(*elavaaws.Options){
		"no region":         func(o *elavaaws.Options) { o.Regions = nil },
		"bad region":        func(o *elavaaws.Options) { o.Regions = []string{"Frankfurt"} },
		"all and another":   func(o *elavaaws.Options) { o.Regions = []string{"all", "us-east-1"} },
		"no digest":         func(o *elavaaws.Options) { o.Digest = nil },
		"malformed pattern": func(o *elavaaws.Options) { o.ExcludeTypes = []string{"["} },
		"nothing left":      func(o *elavaaws.Options) { o.ExcludeTypes = []string{"*"} },
		"negative attempts": func(o *elavaaws.Options) { o.MaxAttempts = -1 },
	} {
		o := elavaaws.Options{Regions: []string{"us-east-1"}, Digest: digest}
		change(&o)
		if p, err := elavaaws.New(o); err == nil || p != nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestProvider_ReadsConfigurationAgainAfterCredentialsFail(t *testing.T) {
	var mu sync.Mutex
	refused := false
	loads := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if refused {
			w.WriteHeader(403)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token included in the request is expired</Message></Error></ErrorResponse>`)
			return
		}
		writeIdentity(w)
	}))
	t.Cleanup(s.Close)
	cfg := (&cloud{url: s.URL}).config(t)
	p, err := elavaaws.New(elavaaws.Options{
		Regions: []string{"us-east-1"}, Digest: digest,
		LoadConfig: func(context.Context) (aws.Config, error) {
			mu.Lock()
			defer mu.Unlock()
			loads++
			return cfg, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	step := func(refuse bool, wantLoads int) {
		t.Helper()
		mu.Lock()
		refused = refuse
		mu.Unlock()
		_, err := p.Plan(t.Context())
		if refuse != (provider.ReasonOf(err) == provider.ReasonNoCredentials) {
			t.Errorf("got %v", err)
		}
		mu.Lock()
		defer mu.Unlock()
		if loads != wantLoads {
			t.Errorf("configuration was read %d times, want %d", loads, wantLoads)
		}
	}
	step(false, 1)
	step(false, 1)
	step(true, 2)
	step(true, 3)
	step(false, 3) // the old session works again: nothing to read
}

// The credentials file may be written while the daemon runs.
func TestProvider_FindsCredentialsThatAppearLater(t *testing.T) {
	c := query(t, func(http.ResponseWriter, string, map[string]string) {})
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	file := filepath.Join(t.TempDir(), "credentials")
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	t.Setenv("AWS_CONFIG_FILE", file+".config")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://"+silent.Addr().String())
	t.Setenv("AWS_ENDPOINT_URL", c.url)

	p, err := elavaaws.New(elavaaws.Options{Regions: []string{"us-east-1"}, Digest: digest})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	begin := time.Now()
	// A context with a deadline lifts the metadata client's own limit of 5 s.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = p.Plan(ctx)
	var e *provider.Error
	if !errors.As(err, &e) || e.Reason != provider.ReasonNoCredentials || !strings.Contains(e.Hint, "AWS_PROFILE") {
		t.Fatalf("got %v", err)
	}
	t.Log(err)
	if d := time.Since(begin); d > 8*time.Second {
		t.Errorf("took %s", d)
	} else {
		t.Log(d)
	}
	if err := os.WriteFile(file, []byte("[default]\naws_access_key_id = test\naws_secret_access_key = test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(t.Context())
	if err != nil || len(plan.Scopes) == 0 {
		t.Errorf("got %v", err)
	}
}

func TestProvider_RegionThatIsNotEnabledIsNotAFailure(t *testing.T) {
	for name, tc := range map[string]struct {
		region, regions string
		want            provider.Reason
	}{
		"not opted in":      {"ap-east-1", `<item><regionName>ap-east-1</regionName><optInStatus>not-opted-in</optInStatus></item>`, provider.ReasonUnavailable},
		"opted in":          {"ap-east-1", `<item><regionName>ap-east-1</regionName><optInStatus>opted-in</optInStatus></item>`, provider.ReasonAccessDenied},
		"unknown":           {"ap-east-1", "", provider.ReasonAccessDenied},
		"question denied":   {"ap-east-1", "denied", provider.ReasonAccessDenied},
		"the region itself": {"us-east-1", `<item><regionName>us-east-1</regionName><optInStatus>not-opted-in</optInStatus></item>`, provider.ReasonAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			c := query(t, func(w http.ResponseWriter, action string, _ map[string]string) {
				if action != "DescribeRegions" || tc.regions == "denied" {
					writeError(w, http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
					return
				}
				fmt.Fprintf(w, `<DescribeRegionsResponse><regionInfo>%s</regionInfo></DescribeRegionsResponse>`, tc.regions)
			})
			p := c.provider(t, func(o *elavaaws.Options) { o.Regions = []string{"us-east-1", "ap-east-1"} })
			scope := instances
			scope.Region = tc.region
			_, err := listScope(t, p, scope)
			if got := provider.ReasonOf(err); err == nil || got != tc.want {
				t.Errorf("reason is %q, want %q: %v", got, tc.want, err)
			}
		})
	}
}
