package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/elava-dev/elava/provider/aws/mototest"
)

// fewAttempts is for outages: each further attempt waits for seconds, and meets the same.
const fewAttempts = "AWS_MAX_ATTEMPTS=2"

// The API is gone in the middle of a scan and comes back with all that it had: nothing
// disappeared, nothing was created, and meanwhile everybody could see what is the matter.
func TestOutage_NothingDisappears(t *testing.T) {
	t.Parallel() // it mostly waits
	c := newCloud(t)
	smallPopulation(t, c)
	g := newGate(t, c.url)
	e := install(t, append(c.env(t), "AWS_ENDPOINT_URL="+g.url, fewAttempts)...)
	p := e.serve(t, "--interval", "100ms")
	p.AwaitScan(t, 1)
	inventory := p.source().resources(t)
	c.truth(t, "us-east-1").compare(t, inventory)

	g.hold() // a scan is under way for certain
	g.awaitHeld(t)
	g.shut()
	g.release()
	p.Await(t, `\[Scan #\d+\].*status=(partial|failed)`)
	h := p.awaitHealth(t, "health is degraded", func(h healthStatus) bool { return h.Status == "degraded" && len(h.Reasons) > 0 })
	if !h.StorageHealthy || !strings.Contains(strings.Join(h.Reasons, "\n"), "connection") {
		t.Errorf("health does not say why: %+v", h)
	}
	p.nextScans(t, 2)
	scans := p.source().scans(t)
	if last := scans[len(scans)-1]; last.Status != "failed" || last.ResourceCount != len(inventory) {
		t.Errorf("the last scan without an API: %+v", last)
	}
	during := p.source().resources(t)
	if !slices.Equal(keysOf(during), keysOf(inventory)) {
		t.Errorf("the inventory is %q, want %q", keysOf(during), keysOf(inventory))
	}
	for _, r := range during {
		if !r.Stale {
			t.Errorf("%s is not stale", r.Key)
		}
	}
	if _, metrics := p.get(t, "/metrics"); !strings.Contains(metrics, "elava_scope_up{") || strings.Contains(metricLines(metrics, "elava_scope_up{"), " 1\n") {
		t.Errorf("scopes that cannot be listed are up:\n%s", metricLines(metrics, "elava_scope_up{"))
	}

	g.open(t)
	p.awaitHealth(t, "health is normal again", func(h healthStatus) bool { return h.Status == "healthy" && len(h.Reasons) == 0 })
	p.nextScans(t, 1)
	if got := p.source().changes(t); len(got) != 0 {
		t.Errorf("an outage made events: %s", got)
	}
	after := p.source().resources(t)
	if !slices.Equal(keysOf(after), keysOf(inventory)) || slices.ContainsFunc(after, func(r resourceItem) bool { return r.Stale || r.Revision != 1 }) {
		t.Errorf("after the outage: %+v", after)
	}
	p.stop(t)
}

func metricLines(metrics, prefix string) string {
	var b strings.Builder
	for line := range strings.Lines(metrics) {
		if strings.HasPrefix(line, prefix) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// One service that answers with errors is one scope that is stale. What changes in the
// others is reported meanwhile, and what changed in it, afterwards.
func TestOutage_OfOneService(t *testing.T) {
	t.Parallel() // it mostly waits
	c := newCloud(t)
	smallPopulation(t, c)
	g := newGate(t, c.url)
	e := install(t, append(c.env(t), "AWS_ENDPOINT_URL="+g.url)...)
	e.once(t)
	g.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.Header.Get("X-Amz-Target"), "DynamoDB") {
			return false
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"AccessDeniedException","message":"no"}`)
		return true
	})
	ok(c.dynamodb().DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("carts")}))(t)
	c.tagRole(t, "worker", "team", "b")
	log := e.once(t)
	role := modified(c.globalKey("AWS::IAM::Role", "worker"), change("tags.team", "a", "b"))
	checkEvents(t, e.closed().changes(t), []wantEvent{role})
	if !strings.Contains(log, "status=partial") || !strings.Contains(log, "grant the action dynamodb:ListTables") {
		t.Errorf("the log says neither that nor what to do:\n%s", log)
	}
	for _, s := range items[scopeItem](t, e.closed(), "scopes") {
		want, wantError := "complete", ""
		if s.Type == "AWS::DynamoDB::Table" {
			want, wantError = "failed", "AccessDenied"
		}
		if s.Status != want || !strings.Contains(s.LastError, wantError) {
			t.Errorf("scope %+v, want status %s", s, want)
		}
	}
	for _, r := range e.closed().resources(t) {
		if r.Stale != (r.Type == "AWS::DynamoDB::Table") {
			t.Errorf("%s: stale is %v", r.Key, r.Stale)
		}
	}
	g.answer(nil)
	e.once(t)
	checkEvents(t, e.closed().changes(t), []wantEvent{role, disappeared(c.key("AWS::DynamoDB::Table", "carts"))})
}

// The server itself is killed in the middle of a scan and comes back on its port, empty,
// as moto does: as long as it is away nothing disappeared, and then exactly what did.
func TestOutage_ServerRestarts(t *testing.T) {
	t.Parallel() // it mostly waits
	server := mototest.Start(t)
	c := cloudAt(server.URL, mototest.DefaultAccount, aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	smallPopulation(t, c)
	e := c.install(t, fewAttempts)
	p := e.serve(t, "--interval", "100ms")
	p.AwaitScan(t, 1)
	before := p.source().resources(t)
	p.awaitHealth(t, "a scan is under way", func(h healthStatus) bool { return h.Phase == "scanning" })
	server.Stop()

	p.Await(t, `\[Scan #\d+\].*status=(partial|failed)`)
	p.awaitHealth(t, "health is degraded", func(h healthStatus) bool { return h.Status == "degraded" && len(h.Reasons) > 0 })
	p.nextScans(t, 2)
	if got := p.source().changes(t); len(got) != 0 {
		t.Errorf("the end of the server made events: %s", got)
	}
	if got := p.source().resources(t); !slices.Equal(keysOf(got), keysOf(before)) {
		t.Errorf("the inventory is %q, want %q", keysOf(got), keysOf(before))
	}

	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.awaitHealth(t, "health is normal again", func(h healthStatus) bool { return h.Status == "healthy" })
	p.nextScans(t, 1)
	want := c.truth(t, "us-east-1")
	want.compare(t, p.source().resources(t))
	var events []wantEvent
	for _, r := range before {
		if _, still := want[r.Key]; !still {
			events = append(events, disappeared(r.Key))
		}
	}
	for key := range want {
		if !slices.Contains(keysOf(before), key) {
			events = append(events, created(key))
		}
	}
	checkEvents(t, p.source().changes(t), events)
	p.stop(t)
}
