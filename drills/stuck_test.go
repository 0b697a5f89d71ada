//go:build linux

package drills

import (
	"fmt"
	"strings"
	"testing"

	"github.com/elava-dev/elava/provider/aws/faultproxy"
	"github.com/elava-dev/elava/resource"
)

// watchStuck watches a daemon whose scans are stuck, and returns what it takes meanwhile
// once it has settled.
func watchStuck(t testing.TB, p *process, settled, scans int64) string {
	t.Helper()
	var u usage
	for n := settled; n <= scans; n++ {
		p.AwaitScan(t, n)
		u.sample(t, p, n)
	}
	return u.wantLevel(t)
}

// watchBoth watches a daemon whose scans are stuck beside one that lists the same without
// what hangs. With hundreds of scans the engine compacts again and again, which takes memory
// for a while; nothing may be kept beyond that.
func watchBoth(t testing.TB, stuck, control *process, settled, scans int64) string {
	t.Helper()
	var u, c usage
	for n := settled; n <= scans; n++ {
		stuck.AwaitScan(t, n)
		control.AwaitScan(t, n)
		u.sample(t, stuck, stuck.lastScan())
		c.sample(t, control, control.lastScan())
	}
	text := fmt.Sprintf("%s; %s", u.goroutines.wantLevel(t, "goroutines", levelCount),
		u.files.wantLevel(t, "open files beside those of the store", levelCount))
	if len(u.heap.y) < 20 {
		return text
	}
	growth, noise, mean := u.heap.floor().trend()
	growthThere, noiseThere, meanThere := c.heap.floor().trend()
	if growth-growthThere > noise+noiseThere && growth-growthThere > levelMemory*mean {
		t.Errorf("it grows more than without hanging: %.1f MiB and %.1f MiB\n%.1f\n%.1f", growth, growthThere, u.heap.y, c.heap.y)
	}
	return fmt.Sprintf("live heap in MiB %.1f on average, trend %+.1f ± %.1f, and %.1f, %+.1f ± %.1f of a daemon beside it that lists the same and of which nothing hangs; %s",
		mean, growth, noise, meanThere, growthThere, noiseThere, text)
}

// notStuck are the resources of all scopes but those that the faults of these drills hold up.
func notStuck(k resource.Key) bool { return !strings.Contains(k.Type, "Volume") }

func TestStuck_CallThatNeverAnswers(t *testing.T) {
	d := begin(t, "4a", "7.4", "Listing that never answers")
	scans := int64(times(6, 50))
	i := install(t)
	i.configure(t, "reconciliation_interval: 100ms, reconciliation_timeout: 1500ms", demoCloud(500, "5%", "hang:*volume*"))
	p := i.serve(t)
	level := watchStuck(t, p, int64(times(2, 10)), scans)
	timeouts := p.metric(t, "reconciliation_timeout_total")
	if timeouts < float64(scans) {
		t.Errorf("%v of %d iterations ended at their time limit", timeouts, scans)
	}
	p.stop(t)
	o := newOracle(500, 0.05)
	o.watches = notStuck
	head := o.checkStore(t, i.store, 0)
	checkStuckScopes(t, i)
	d.tell("two of 22 scopes never answer; time limit of 1.5 s", fmt.Sprintf("%d scans", head),
		fmt.Sprintf("each ended at its limit, reconciliation_timeout_total %.0f; the other scopes were stored, %d events of them, exact; %s", timeouts, o.events, level))
}

func TestStuck_ProviderThatIgnoresItsContext(t *testing.T) {
	d := begin(t, "4b", "7.4", "Listing that ignores that it is to stop")
	scans := int64(times(10, 150))
	i := install(t)
	i.configure(t, "reconciliation_interval: 100ms, reconciliation_timeout: 1500ms", demoCloud(500, "5%", "hang-hard:*volume*"))
	control := install(t)
	control.configure(t, "reconciliation_interval: 100ms, reconciliation_timeout: 1500ms",
		strings.Replace(demoCloud(500, "5%"), "demo: {", `exclude_types: ["*volume*"], demo: {`, 1))
	p := i.serve(t)
	level := watchBoth(t, p, control.serve(t), int64(times(3, 50)), scans)
	timeouts := p.metric(t, "reconciliation_timeout_total")
	if timeouts < 1 {
		t.Error("no iteration ended at its time limit")
	}
	if h := p.health(t); !strings.Contains(strings.Join(h.Reasons, "\n"), "an earlier listing of this scope still hangs") {
		t.Errorf("health does not say that a listing hangs: %+v", h)
	}
	p.stop(t)
	o := newOracle(500, 0.05)
	o.watches = notStuck
	head := o.checkStore(t, i.store, 0)
	checkStuckScopes(t, i)
	d.tell("two of 22 scopes block for good and heed nothing; time limit of 1.5 s", fmt.Sprintf("%d scans", head),
		fmt.Sprintf("the first ended at its limit and left them behind, the others did not call them again; the other scopes were stored, %d events, exact; exit code 0 all the same; %s", o.events, level))
}

// checkStuckScopes checks that what never answered is failed, and the rest complete.
func checkStuckScopes(t testing.TB, i *installation) {
	t.Helper()
	s := open(t, i.store)
	defer closeStore(t, s)
	failed := 0
	for _, state := range scopesOf(t, s) {
		stuck := strings.Contains(state.Scope.Type, "Volume")
		if stuck {
			failed++
		}
		if stuck != (state.Status == "failed") {
			t.Errorf("%s is %s (%s)", state.Scope, state.Status, state.Error)
		}
	}
	if failed == 0 {
		t.Error("no scope was stuck: this tests nothing")
	}
}

func TestStuck_APICallThatNeverAnswers(t *testing.T) {
	d := begin(t, "4c", "7.4", "AWS call that never answers")
	rounds := int64(times(3, 50))
	a := newAccount(t)
	i := a.install(t)
	i.configure(t, "reconciliation_interval: 100ms, reconciliation_timeout: 3s", awsCloud)
	p := i.serve(t)
	p.awaitHealth(t, "all scopes are complete", func(h health) bool { return h.Status == "healthy" && p.lastScan() > 0 })
	a.Inject(faultproxy.Rule{Service: "sns", Fault: faultproxy.Hang})
	stuck := p.lastScan() + 1
	before := p.metric(t, "reconciliation_timeout_total")
	var u usage
	for n := range rounds {
		p.AwaitScan(t, stuck+1+n)
		if n >= rounds/5 { // it has settled
			u.sample(t, p, n)
		}
	}
	timeouts := p.metric(t, "reconciliation_timeout_total") - before
	if timeouts < float64(rounds) {
		t.Errorf("%v of %d iterations ended at their time limit", timeouts, rounds)
	}
	level := "too few scans for a trend"
	if rounds >= 10 {
		level = u.wantLevel(t)
	}
	a.createTopic(t, "meanwhile")
	a.Inject()
	p.awaitHealth(t, "health is normal again", func(h health) bool { return h.Status == "healthy" })
	p.nextScans(t, 1)
	if got := strings.Join(p.feed(t), "\n"); got != "created meanwhile" {
		t.Errorf("the feed is %q", got)
	}
	p.stop(t)
	d.tell("moto behind a proxy that gives no answer to any call of SNS; time limit of 3 s; then it answers again", fmt.Sprintf("%.0f scans", timeouts),
		"each ended at its limit, reconciliation_timeout_total counted each; what had changed meanwhile was reported once afterwards, nothing else; "+level)
}
