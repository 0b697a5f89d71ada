package faults

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/aws/faultproxy"
	"github.com/elava-dev/elava/storage"
)

// readings say by which calls each type is read: one that lists, and those that add to
// what it lists.
var readings = []struct {
	kind, resourceType string
	list               string
	details            []string
}{
	{"volume", "AWS::EC2::Volume", "DescribeVolumes", nil},
	{"lb", "AWS::ElasticLoadBalancingV2::LoadBalancer", "DescribeLoadBalancers", []string{"DescribeTags"}},
	{"database", "AWS::RDS::DBInstance", "DescribeDBInstances", nil},
	{"table", "AWS::DynamoDB::Table", "ListTables", []string{"DescribeTable", "ListTagsOfResource"}},
	{"queue", "AWS::SQS::Queue", "ListQueues", []string{"GetQueueAttributes", "ListQueueTags"}},
	{"topic", "AWS::SNS::Topic", "ListTopics", []string{"GetTopicAttributes", "ListTagsForResource"}},
	{"function", "AWS::Lambda::Function", "ListFunctions", []string{"ListTags"}},
	{"bucket", "AWS::S3::Bucket", "ListBuckets", []string{
		"GetBucketTagging", "GetBucketEncryption", "GetBucketVersioning", "GetPublicAccessBlock", "GetBucketPolicy",
	}},
	{"role", "AWS::IAM::Role", "GetAccountAuthorizationDetails", []string{"ListRoles"}},
}

func (a *account) kind(t *testing.T, name string) *kind {
	t.Helper()
	for _, k := range a.kinds {
		if k.name == name {
			return k
		}
	}
	t.Fatalf("there is no kind %s", name)
	return nil
}

// have makes resources of a kind until there are that many.
func (a *account) have(t *testing.T, name string, n int) *kind {
	t.Helper()
	k := a.kind(t, name)
	k.most = max(k.most, n+1)
	for len(k.live) < n {
		if err := a.make(t.Context(), k); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func TestAccessDenied_OnAnyPageIsAFailureOfTheScope(t *testing.T) {
	for _, reading := range readings {
		if reading.kind == "lb" || reading.kind == "database" || reading.kind == "topic" {
			continue // the same protocol as roles, and slow to make
		}
		t.Run(reading.resourceType, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, options{types: []string{reading.resourceType}, pageSize: 1})
			a := newAccount(t, c, 1)
			k := a.have(t, reading.kind, 8)
			c.clear()
			before := c.recorded(storage.HeadRevision)
			first := c.head()
			if err := k.destroy(t.Context(), k.live[0]); err != nil {
				t.Fatal(err)
			}
			if err := a.make(t.Context(), k); err != nil {
				t.Fatal(err)
			}
			for _, page := range []int{1, 7} {
				result := c.scan(faultproxy.Rule{Operation: reading.list, Page: page, Fault: faultproxy.Deny})
				if got := c.proxy.Injected(); len(got) != 1 || got[0].Call.Page != page {
					t.Fatalf("injected %v", got)
				}
				c.wantEvents(result)
				s := state(t, result, reading.resourceType)
				if s.Status != storage.ScopeFailed || s.Reason != string(provider.ReasonAccessDenied) || !s.Stale() ||
					s.Resources != len(before) || s.LastComplete != first || !strings.Contains(s.Error, "grant the action ") {
					t.Errorf("page %d: got %+v", page, s)
				}
				if differences := compare(c.recorded(storage.HeadRevision), before); len(differences) > 0 {
					t.Errorf("page %d: %q", page, differences)
				}
			}
			result := c.clear()
			if result.Scan.Created != 1 || result.Scan.Disappeared != 1 || result.Scan.Modified != 0 {
				t.Errorf("after the failure: %d created, %d disappeared, %d modified; want 1, 1, 0",
					result.Scan.Created, result.Scan.Disappeared, result.Scan.Modified)
			}
		})
	}
}

func bucketPolicy(sid string) *string {
	return aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"` + sid + `","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}`)
}

func TestAccessDenied_OnADetailKeepsItsLastValueAndThenReportsTheChange(t *testing.T) {
	c := newCloud(t, options{types: []string{"AWS::S3::Bucket"}})
	a := newAccount(t, c, 1)
	name := &a.have(t, "bucket", 2).live[0]
	put := func(sid string) {
		t.Helper()
		if _, err := a.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: name, Policy: bucketPolicy(sid)}); err != nil {
			t.Fatal(err)
		}
	}
	put("before")
	c.clear()
	before := c.recorded(storage.HeadRevision)
	put("after")
	for range 2 {
		result := c.scan(faultproxy.Rule{Operation: "GetBucketPolicy", Fault: faultproxy.Deny})
		c.wantEvents(result)
		s := state(t, result, "AWS::S3::Bucket")
		if s.Status != storage.ScopePartial || s.Reason != string(provider.ReasonAccessDenied) || s.Stale() || s.LastComplete != result.Scan.Revision ||
			!strings.Contains(s.Error, "details of 2 resources") || !strings.Contains(s.Error, "grant the action s3:GetBucketPolicy") {
			t.Errorf("got %+v", s)
		}
		if differences := compare(c.recorded(storage.HeadRevision), before); len(differences) > 0 {
			t.Errorf("%q", differences)
		}
	}
	result := c.clear()
	c.wantEvents(result, "modified AWS::S3::Bucket")
	if got := changesOf(c.events(result.Scan.Revision - 1)[0]); !strings.Contains(got, `attributes.Policy.Statement`) || !strings.Contains(got, `after`) {
		t.Errorf("the event says %s", got)
	}
}

func TestDetail_ThatCameLaterIsNoModification(t *testing.T) {
	c := newCloud(t, options{types: []string{"AWS::S3::Bucket"}})
	a := newAccount(t, c, 1)
	name := &a.have(t, "bucket", 1).live[0]
	tag := func(value string) {
		t.Helper()
		if _, err := a.s3.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{
			Bucket: name, Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String("env"), Value: &value}}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	tag("test")
	result := c.scan(faultproxy.Rule{Operation: "GetBucketTagging", Fault: faultproxy.Throttle})
	if s := state(t, result, "AWS::S3::Bucket"); s.Status != storage.ScopePartial || s.Reason != string(provider.ReasonThrottled) {
		t.Errorf("got %+v", s)
	}
	c.wantEvents(result)
	result = c.clear()
	c.wantEvents(result)
	if result.Scan.Rebaselined != 1 {
		t.Errorf("%d resources were completed, want 1", result.Scan.Rebaselined)
	}
	tag("prod")
	c.wantEvents(c.clear(), "modified AWS::S3::Bucket")
}

func TestNotAvailable_IsNeitherFailedNorEmpty(t *testing.T) {
	c := newCloud(t, options{types: []string{"AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::EC2::VPC"}})
	a := newAccount(t, c, 1)
	a.have(t, "queue", 2)
	a.have(t, "topic", 2)
	c.clear()
	before := c.recorded(storage.HeadRevision)
	for range 2 {
		result := c.scan(
			faultproxy.Rule{Service: "sqs", Fault: faultproxy.NotAvailable},
			faultproxy.Rule{Service: "sns", Fault: faultproxy.NotAvailable},
			faultproxy.Rule{Service: "ec2", Fault: faultproxy.NotAvailable},
		)
		c.wantEvents(result)
		if result.Scan.Status != storage.ScanSuccess || result.Scan.ErrorCount != 0 || len(result.Errors) != 0 {
			t.Errorf("the scan is %s with %d errors: %v", result.Scan.Status, result.Scan.ErrorCount, result.Errors)
		}
		for scope, s := range result.States {
			if s.Status != storage.ScopeUnavailable || s.Resources == 0 || !s.Stale() {
				t.Errorf("%s: got %+v", scope, s)
			}
		}
		if differences := compare(c.recorded(storage.HeadRevision), before); len(differences) > 0 {
			t.Errorf("%q", differences)
		}
	}
	a.have(t, "topic", 3) // came while nobody could look: nobody knows when
	result := c.clear()
	c.wantEvents(result)
	if result.Scan.Baseline != 1 {
		t.Errorf("%d resources are a baseline, want 1", result.Scan.Baseline)
	}
}

// A call that hangs costs its own scope, and the scan ends at its time limit.
func TestHang_EndsAtTheTimeLimitAndCostsOneScope(t *testing.T) {
	t.Parallel() // it mostly waits
	c := newCloud(t, options{types: []string{"AWS::EC2::Volume", "AWS::SQS::Queue"}, timeout: 10 * time.Second, stubborn: true})
	a := newAccount(t, c, 1)
	a.have(t, "volume", 2)
	a.have(t, "queue", 2)
	c.truth() // so that all is remembered, and quick
	c.clear()
	k := a.have(t, "volume", 3)
	a.have(t, "queue", 3)
	c.truth()
	result := c.scan(faultproxy.Rule{Operation: "DescribeVolumes", Fault: faultproxy.Hang})
	c.wantEvents(result, "created AWS::SQS::Queue")
	if s := state(t, result, "AWS::EC2::Volume"); !result.TimedOut || s.Status != storage.ScopeFailed || s.Reason != string(provider.ReasonTimeout) || s.Resources != 2 {
		t.Errorf("timed out: %t; got %+v", result.TimedOut, s)
	}
	if s := state(t, result, "AWS::SQS::Queue"); s.Status != storage.ScopeComplete {
		t.Errorf("got %+v", s)
	}
	c.wantEvents(c.clear(), "created AWS::EC2::Volume")
	if got := len(k.live); got != len(c.recorded(storage.HeadRevision))-3 {
		t.Errorf("%d volumes live", got)
	}
}

// Whose credentials these are cannot be told: nothing is listed, and nothing is lost.
func TestPlan_ThatFailsMakesEverythingStale(t *testing.T) {
	c := newCloud(t, options{types: []string{"AWS::EC2::VPC", "AWS::IAM::Role"}})
	newAccount(t, c, 1).have(t, "role", 2)
	c.clear()
	before := c.recorded(storage.HeadRevision)
	for _, fault := range faultproxy.Faults() {
		switch fault {
		case faultproxy.Slow, faultproxy.EmptyPage, faultproxy.RepeatedToken:
			continue // they do not fail a call that is no list
		}
		result := c.scan(faultproxy.Rule{Service: "sts", Fault: fault})
		if result.Scan.Status != storage.ScanFailed || result.Scan.Error == "" {
			t.Errorf("%s: the scan is %s: %q", fault, result.Scan.Status, result.Scan.Error)
		}
		for scope, s := range result.States {
			if s.Status != storage.ScopeFailed || !s.Stale() || s.LastComplete != 1 {
				t.Errorf("%s: %s: got %+v", fault, scope, s)
			}
		}
		c.wantEvents(result)
		if differences := compare(c.recorded(storage.HeadRevision), before); len(differences) > 0 {
			t.Errorf("%s: %q", fault, differences)
		}
	}
	c.wantEvents(c.clear())
}

// The same failure in every scan has the same text, or it would be written each time.
func TestFailure_HasTheSameTextInEveryScan(t *testing.T) {
	c := newCloud(t, options{types: []string{"AWS::EC2::Volume"}})
	c.clear()
	for _, fault := range []faultproxy.Fault{faultproxy.Throttle, faultproxy.CutBefore, faultproxy.CutWithin, faultproxy.Garbage, faultproxy.RepeatedToken} {
		texts := map[string]bool{}
		for range 3 {
			result := c.scan(faultproxy.Rule{Service: "ec2", Fault: fault})
			texts[state(t, result, "AWS::EC2::Volume").Error] = true
		}
		if len(texts) != 1 {
			t.Errorf("%s: %s", fault, fmt.Sprint(texts))
		}
	}
}
