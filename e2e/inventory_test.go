package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func tags(n int) map[string]string {
	return map[string]string{"number": strconv.Itoa(n), "env": "prod", "Größe: =&<>\"": "ü / 大 " + strconv.Itoa(n%7), "empty": ""}
}

// What AWS says there is, the inventory holds: none missing, none double, every tag.
func TestInventory_IsExactlyWhatIsThere(t *testing.T) {
	c := newCloud(t)
	for n := range 30 {
		c.runInstances(t, 10, tags(n))
	}
	for n := range 150 {
		c.createVolume(t, map[string]string{"Name": fmt.Sprintf("v%03d", n), "env": "prod"})
	}
	role := ""
	for n := range 40 {
		role = c.createRole(t, fmt.Sprintf("role%02d", n), map[string]string{"number": strconv.Itoa(n)})
	}
	for n := range 100 {
		c.createFunction(t, fmt.Sprintf("function%03d", n), role, map[string]string{"number": strconv.Itoa(n), "env": "prod"}, nil)
	}
	for n := range 60 {
		c.createBucket(t, c.bucket(fmt.Sprintf("b%02d", n)), map[string]string{"number": strconv.Itoa(n)})
	}

	e := c.install(t)
	log := e.once(t)
	checkWhole(t, log)
	want := c.truth(t, "us-east-1")
	for typ, n := range map[string]int{
		"AWS::EC2::Instance": 300, "AWS::EC2::Volume": 300 + 150, "AWS::Lambda::Function": 100, "AWS::S3::Bucket": 60, "AWS::IAM::Role": 40,
	} {
		if got := want.count(typ); got != n {
			t.Errorf("the cloud has %d of %s, want %d", got, typ, n)
		}
	}
	got := e.closed().resources(t)
	want.compare(t, got)
	if line := fmt.Sprintf("[Scan #1] Found %d resources, 0 changes", len(want)); !strings.Contains(log, line) {
		t.Errorf("the log has no line %q:\n%s", line, log)
	}
	for _, r := range got {
		if r.Stale || r.Revision != 1 || r.ValidTo != nil || r.Account != c.account || r.ARN == "" || !json.Valid(r.Attributes) || string(r.Attributes) == "{}" {
			t.Errorf("unexpected: %+v", r)
		}
	}
	checkFilters(t, e, got)
}

// checkFilters asks for parts of an inventory in every way that the command offers.
func checkFilters(t *testing.T, e *elava, all []resourceItem) {
	for _, tt := range []struct {
		args []string
		want func(resourceItem) bool
	}{
		{[]string{"--type", "aws::ec2::*"}, func(r resourceItem) bool { return strings.HasPrefix(r.Type, "AWS::EC2::") }},
		{[]string{"--tag", "number=7"}, func(r resourceItem) bool { return r.Tags["number"] == "7" }},
		{[]string{"--tag", "empty", "--type", "AWS::EC2::Instance"}, func(r resourceItem) bool {
			_, has := r.Tags["empty"]
			return has && r.Type == "AWS::EC2::Instance"
		}},
		{[]string{"--region", "global"}, func(r resourceItem) bool { return r.Region == "global" }},
		{[]string{"--region", "eu-west-1"}, func(resourceItem) bool { return false }},
		{[]string{"--name", "v042"}, func(r resourceItem) bool { return r.Name == "v042" }},
	} {
		var want []string
		for _, r := range all {
			if tt.want(r) {
				want = append(want, r.Key)
			}
		}
		if got := keysOf(e.closed().resources(t, tt.args...)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("resources %q: %d resources, want %d", tt.args, len(got), len(want))
		}
	}
	if got := e.closed().resources(t, "--limit", "5"); len(got) != 5 {
		t.Errorf("--limit 5: %d resources", len(got))
	}
}

func keysOf(rs []resourceItem) []string {
	var keys []string
	for _, r := range rs {
		keys = append(keys, r.Key)
	}
	slices.Sort(keys)
	return keys
}

// 1,100 instances are two pages of EC2's largest, and two of the API's.
func TestInventory_MoreThanOnePage(t *testing.T) {
	t.Parallel() // mostly moto works
	c := newCloud(t)
	for n := range 1100 { // moto counts reservations where AWS counts instances
		c.runInstances(t, 1, map[string]string{"number": strconv.Itoa(n)})
	}
	want := truth{}
	c.askInstances(t, want)
	if len(want) != 1100 {
		t.Fatalf("the cloud has %d instances, want 1100", len(want))
	}
	e := c.install(t, "ELAVA_CLOUD_INCLUDE_TYPES=AWS::EC2::Instance")
	p := e.serve(t, "--interval", "1h")
	p.AwaitScan(t, 1)
	want.compare(t, p.source().resources(t))
	want.compare(t, pages[resourceItem](t, p, "/api/v1/resources?limit=300", 4))

	_, metrics := p.get(t, "/metrics")
	calls := regexp.MustCompile(`elava_aws_api_calls_total\{[^}]*operation="DescribeInstances"[^}]*\} (\d+)`).FindStringSubmatch(metrics)
	if calls == nil || calls[1] != "2" {
		t.Errorf("DescribeInstances was called %v times, want 2: one for each page", calls)
	}
	p.stop(t)
}

// pages reads a list of the API page by page.
func pages[T any](t testing.TB, p *process, path string, wantPages int) []T {
	t.Helper()
	var all []T
	for n, cursor := 0, ""; ; n++ {
		next := path
		if cursor != "" {
			next += "&cursor=" + url.QueryEscape(cursor)
		}
		status, body := p.get(t, next)
		if status != 200 {
			t.Fatalf("%s: %d %s", next, status, body)
		}
		var page struct {
			Items      []T    `json:"items"`
			NextCursor string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
		if cursor = page.NextCursor; cursor == "" {
			if n+1 != wantPages {
				t.Errorf("%s: %d pages, want %d", path, n+1, wantPages)
			}
			return all
		}
	}
}

// Two regions: one id in both stays two resources, and a bucket has its own region.
func TestInventory_RegionsDoNotMix(t *testing.T) {
	c := newCloud(t)
	role := c.createRole(t, "worker", nil)
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		r := c.in(region)
		r.createFunction(t, "same", role, map[string]string{"where": region}, nil)
		r.createTable(t, "same")
		r.createBucket(t, c.bucket("in-"+region), map[string]string{"where": region})
	}
	far := c.in("ap-southeast-2") // not watched, but ListBuckets does not care
	far.createBucket(t, c.bucket("far"), nil)
	far.createTable(t, "far")

	e := c.install(t)
	regions := []string{"--region", "us-east-1", "--region", "eu-west-1"}
	checkWhole(t, e.once(t, regions...))
	want := c.truth(t, "us-east-1", "eu-west-1")
	want.compare(t, e.closed().resources(t))
	if r := e.closed().resources(t, "--name", c.bucket("far")); len(r) != 1 || r[0].Region != "ap-southeast-2" {
		t.Errorf("the bucket elsewhere: %+v", r)
	}

	e.once(t, regions...)
	if got := e.closed().changes(t); len(got) != 0 {
		t.Fatalf("changes without a change: %+v", got)
	}
	eu := c.in("eu-west-1")
	ok(eu.lambda().TagResource(t.Context(), &lambda.TagResourceInput{
		Resource: aws.String("arn:aws:lambda:eu-west-1:" + c.account + ":function:same"), Tags: map[string]string{"owner": "you"},
	}))(t)
	e.once(t, regions...)
	checkEvents(t, e.closed().changes(t), []wantEvent{
		modified(eu.key("AWS::Lambda::Function", "same"), change("tags.owner", nil, "you")),
	})
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		n := len(e.closed().history(t, c.in(region).key("AWS::Lambda::Function", "same")))
		if want := map[string]int{"us-east-1": 1, "eu-west-1": 2}[region]; n != want {
			t.Errorf("%d versions in %s, want %d", n, region, want)
		}
	}
	if r := e.run(t, "show", "same", "--storage-path", e.store); r.code != 1 || strings.Count(r.stderr, "/same") != 4 {
		t.Errorf("an id of four resources: code %d, %s", r.code, r.stderr)
	}
	// One region less is not a cloud with less in it.
	e.once(t, "--region", "us-east-1")
	if got := e.closed().changes(t); len(got) != 1 {
		t.Errorf("leaving a region out made events: %+v", got)
	}
}
