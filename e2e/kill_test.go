package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/elava-dev/elava/e2e/processtest"
)

// killAt runs a scan and kills it, with no time to say goodbye, some time after it
// began. It reports whether the scan was still alive.
func (e *elava) killAt(t testing.TB, after time.Duration) bool {
	t.Helper()
	p := e.start(t, "serve", "--once", "--storage-path", e.store)
	p.Await(t, "Starting Elava daemon")
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.Exited():
		if p.Code() != 0 {
			t.Fatalf("a scan ended with code %d", p.Code())
		}
		return false
	}
	p.Kill()
	return p.Code() == -1
}

// scanTime measures how long a scan takes from its first line to its end.
func (e *elava) scanTime(t testing.TB) time.Duration {
	t.Helper()
	p := e.start(t, "serve", "--once", "--storage-path", e.store)
	p.Await(t, "Starting Elava daemon")
	began := time.Now()
	if code, _ := p.Exit(t); code != 0 {
		t.Fatalf("serve --once: exit code %d", code)
	}
	return time.Since(began)
}

// plain is what two stores of the same cloud have in common: all but times.
func (e event) plain() string { return e.String() }

func (r resourceItem) plain() string {
	return fmt.Sprint(r.Key, r.Revision, r.Name, r.Status, r.Tags, string(r.Attributes))
}

func plainAll[T interface{ plain() string }](all []T) []string {
	var out []string
	for _, v := range all {
		out = append(out, v.plain())
	}
	return out
}

// record is what a store says at its head.
type record struct {
	head      int64
	inventory []string
	events    []string // of the head's revision
}

func (e *elava) record(t testing.TB) record {
	t.Helper()
	var r record
	for _, s := range items[scanItem](t, e.closed(), "scans", "--limit", "1") {
		if r.head = s.Revision; s.ScanID != s.Revision || s.Status != "success" {
			t.Errorf("the newest scan is %+v", s)
		}
	}
	r.inventory = plainAll(e.closed().resources(t))
	if r.head == 0 {
		return r
	}
	for _, ev := range e.closed().changes(t, "--since", strconv.FormatInt(max(r.head-1, 1), 10)) {
		if ev.Revision != r.head {
			t.Errorf("an event of revision %d, above the head %d", ev.Revision, r.head)
		}
		r.events = append(r.events, ev.plain())
	}
	return r
}

func (r record) check(t testing.TB, want record) {
	t.Helper()
	if r.head != want.head || !slices.Equal(r.inventory, want.inventory) {
		t.Fatalf("revision %d with %d resources is not revision %d with %d resources of a store that nobody disturbed",
			r.head, len(r.inventory), want.head, len(want.inventory))
	}
	if !slices.Equal(r.events, want.events) {
		t.Fatalf("revision %d has %d events that are not the %d of a store that nobody disturbed", r.head, len(r.events), len(want.events))
	}
}

// The demo cloud does the same in every store. The scans of one store are killed, those
// of another are not, and after every kill both say the same.
func TestKill_DemoScansAtRandomMoments(t *testing.T) {
	t.Parallel() // it needs no moto
	random := processtest.Random(t)
	const kills = 10
	// So much changes that one scan is more than one transaction of the engine.
	cloud := []string{"ELAVA_CLOUD_PROVIDER=demo", "ELAVA_CLOUD_DEMO_RESOURCES=1500", "ELAVA_CLOUD_DEMO_CHANGE_RATE=90%"}
	whole, killed := install(t, cloud...), install(t, cloud...)
	records := []record{{}}
	var took []time.Duration // of the scan that makes the next revision
	undisturbed := func(revision int64) record {
		for int64(len(records)) <= revision {
			took = append(took, whole.scanTime(t))
			records = append(records, whole.record(t))
		}
		return records[revision]
	}

	undone, tries, committed := 0, 0, int64(0)
	for done := 0; done < kills; tries++ {
		if tries > 4*kills {
			t.Fatalf("only %d of %d scans could be killed", done, tries)
		}
		undisturbed(committed + 1)
		moment := random.Float64()
		if done%2 == 1 { // what is stored is stored late
			moment = 0.6 + 0.4*moment
		}
		if !killed.killAt(t, time.Duration(moment*float64(took[committed]))) {
			committed++
			continue
		}
		done++
		if _, err := os.Stat(killed.store + "/FORMAT"); err != nil {
			continue // killed before there was a store
		}
		r := killed.record(t)
		if r.head != committed && r.head != committed+1 {
			t.Fatalf("after a kill in scan %d the head is %d", committed+1, r.head)
		}
		r.check(t, undisturbed(r.head))
		if r.head == committed {
			undone++
		}
		if r.head == committed && done%2 == 0 { // else the same scan is killed once more
			killed.once(t)
			r.head++
		}
		committed = r.head
	}
	t.Logf("%d scans killed in %d tries, %d of them before they were stored", kills, tries, undone)
	if undone < kills/4 {
		t.Errorf("only %d kills struck before the scan was stored: this tests nothing", undone)
	}
	killed.once(t)
	last := killed.record(t)
	last.check(t, undisturbed(last.head))
	if got, want := plainAll(killed.closed().changes(t)), plainAll(whole.closed().changes(t)); !slices.Equal(got, want) || len(got) < 1000 {
		t.Errorf("in the end there are %d events, want %d and more than 1000", len(got), len(want))
	}
}

// The same against moto: what is pending when a scan is killed is reported once.
func TestKill_AWSScansAtRandomMoments(t *testing.T) {
	random := processtest.Random(t)
	c := newCloud(t)
	smallPopulation(t, c)
	e := c.install(t)
	e.once(t)
	limit := e.scanTime(t)
	key := c.globalKey("AWS::IAM::Role", "worker")
	var want []wantEvent
	done, scans := 0, 2
	for round := 1; done < 10; round++ {
		if round > 40 {
			t.Fatalf("only %d of %d scans could be killed", done, round)
		}
		table := fmt.Sprintf("table%d", round)
		c.tagRole(t, "worker", "round", strconv.Itoa(round))
		c.createTable(t, table)
		before := any(strconv.Itoa(round - 1))
		if round == 1 {
			before = nil
		} else {
			ok(c.dynamodb().DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String(fmt.Sprintf("table%d", round-1))}))(t)
			want = append(want, disappeared(c.key("AWS::DynamoDB::Table", fmt.Sprintf("table%d", round-1))))
		}
		want = append(want, modified(key, change("tags.round", before, strconv.Itoa(round))), created(c.key("AWS::DynamoDB::Table", table)))
		if e.killAt(t, time.Duration(random.Int64N(int64(limit)))) {
			done++
		}
		n := len(e.closed().scans(t))
		if n != scans && n != scans+1 {
			t.Fatalf("there were %d scans, and after a kill there are %d", scans, n)
		}
		checkWhole(t, e.once(t))
		scans = n + 1
		checkEvents(t, e.closed().changes(t), want)
		c.truth(t, "us-east-1").compare(t, e.closed().resources(t))
		if t.Failed() {
			t.FailNow()
		}
	}
	e.once(t)
	checkEvents(t, e.closed().changes(t), want)
}
