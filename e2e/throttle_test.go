package e2e

import (
	"fmt"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/elava-dev/elava/provider/aws/faultproxy"
)

const (
	tortureVariable = "ELAVA_TORTURE"

	throttledAbove = 5    // calls a second, of each operation, whichever region they ask
	mostRefused    = 0.05 // of the calls
)

var throttledRegions = []string{"us-east-1", "eu-west-1"}

// throttling is a server that refuses what exceeds so many calls of an operation a second.
type throttling struct {
	*faultproxy.Proxy
	url string
}

func throttle(t testing.TB, c *cloud) throttling {
	t.Helper()
	proxy := ok(faultproxy.New(c.url, faultproxy.Options{}))(t)
	proxy.Inject(faultproxy.Rule{Fault: faultproxy.Throttle, PerSecond: throttledAbove})
	s := httptest.NewServer(proxy)
	t.Cleanup(func() {
		proxy.Close()
		s.Close()
	})
	return throttling{proxy, s.URL}
}

// tally is how many calls were made, and how many of them were refused.
type tally struct{ calls, refused int }

func (n tally) String() string {
	return fmt.Sprintf("%d of %d calls were refused: %.2f %%", n.refused, n.calls, 100*float64(n.refused)/float64(max(n.calls, 1)))
}

func (p throttling) tally() tally {
	n := tally{refused: len(p.Injected())}
	for _, calls := range p.Calls() {
		n.calls += calls
	}
	return n
}

// queuesAndTopics makes n of each in a region: things that take calls of their own, of
// which each operation has as many as there are things.
func (c *cloud) queuesAndTopics(t testing.TB, n int) {
	t.Helper()
	for i := range n {
		name := aws.String(fmt.Sprintf("t%04d", i))
		ok(c.sqs().CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: name, Tags: map[string]string{"n": *name}}))(t)
		ok(c.sns().CreateTopic(t.Context(), &sns.CreateTopicInput{Name: name}))(t)
	}
}

// Where AWS throttles everything above five calls a second, while the budget would allow
// twenty in each of two regions, scans are complete, the budget finds the pace, and nothing
// false is reported. Once it is found at most a twentieth of the calls is refused: with
// ELAVA_TORTURE after the first minute of a scan that takes several, with many calls of each
// operation that reads one thing, otherwise after a first scan of seconds.
func TestThrottle_FiveCallsASecond(t *testing.T) {
	t.Parallel() // it mostly waits
	things, long := 10, os.Getenv(tortureVariable) != ""
	if long {
		things = 120
	}
	c := newCloud(t)
	for _, r := range throttledRegions {
		c.in(r).queuesAndTopics(t, things)
	}
	cloudNow := c.truth(t, throttledRegions...)
	proxy := throttle(t, c)
	e := install(t, append(c.env(t), "AWS_ENDPOINT_URL="+proxy.url, "ELAVA_CLOUD_REGION="+strings.Join(throttledRegions, ","))...)

	began := time.Now()
	p := e.serve(t, "--interval", "1s")
	atFirst := tally{}
	if long {
		time.Sleep(time.Until(began.Add(time.Minute))) // that of the bar
		atFirst = proxy.tally()
	}
	checkWhole(t, p.awaitThrottledScan(t, 1))
	if first := proxy.tally(); first.refused == 0 {
		t.Error("no call was refused: the budget was not needed")
	} else {
		t.Logf("the first scan took %s: %s", time.Since(began).Round(time.Second), first)
		if !long {
			atFirst = first
		}
	}
	cloudNow.compare(t, p.source().resources(t))

	// What changes meanwhile is reported, and nothing else.
	topic := ok(c.sns().CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("t0000")}))(t).TopicArn
	ok(c.sns().SetTopicAttributes(t.Context(), &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: aws.String("DisplayName"), AttributeValue: aws.String("b")}))(t)
	gone := ok(c.sqs().GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("t0001")}))(t).QueueUrl
	ok(c.sqs().DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: gone}))(t)
	p.awaitThrottledScan(t, 2)
	p.awaitThrottledScan(t, 3) // the second may have read them before they changed
	all := proxy.tally()
	t.Logf("three scans took %s: %s", time.Since(began).Round(time.Second), all)
	checkEvents(t, p.source().changes(t), []wantEvent{
		modified(c.key("AWS::SNS::Topic", "t0000"), change("attributes.DisplayName", nil, "b")),
		disappeared(c.key("AWS::SQS::Queue", "t0001")),
	})
	if i := slices.IndexFunc(p.source().scans(t), func(s scanItem) bool { return s.Status != "success" }); i >= 0 {
		t.Errorf("scan %d was not whole: %+v", i+1, p.source().scans(t)[i])
	}
	settled := tally{all.calls - atFirst.calls, all.refused - atFirst.refused}
	t.Logf("once the pace was found: %s", settled)
	if float64(settled.refused) > mostRefused*float64(settled.calls) {
		t.Errorf("want at most %.0f %% refused", 100*mostRefused)
	}
	p.stop(t)
}

// awaitThrottledScan waits for a scan that takes minutes.
func (p *process) awaitThrottledScan(t testing.TB, n int64) string {
	t.Helper()
	p.Limit = 30 * time.Minute
	return p.AwaitScan(t, n)
}
