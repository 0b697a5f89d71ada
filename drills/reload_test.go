//go:build linux

package drills

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/elava-dev/elava/e2e/processtest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

func TestReload_TakesANewConfigurationWithoutLosingAScan(t *testing.T) {
	d := begin(t, "5e", "7.5", "SIGHUP takes what can be changed")
	rounds := times(1, 10)
	for range rounds {
		reloadOnce(t)
	}
	d.tell("SIGHUP in the middle of a scan: another interval, fewer types, log level, token, a webhook, and what needs a restart",
		fmt.Sprintf("%d times", rounds), "the scan in flight was stored as it began, the next one was under the new configuration; nothing disappeared of what is not listed any more; the old token was refused and the new one taken; the webhook was told; what needs a restart was named")
}

func reloadOnce(t *testing.T) {
	t.Helper()
	told := make(chan struct{}, 1000)
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { told <- struct{}{} }))
	defer hook.Close()
	i := install(t)
	tokens := [2]string{filepath.Join(i.dir, "token1"), filepath.Join(i.dir, "token2")}
	for n, file := range tokens {
		if err := os.WriteFile(file, fmt.Appendf(nil, "token-number-%d\n", n+1), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	slow := demoCloud(400, "10%", "slow:300ms")
	i.configure(t, "reconciliation_interval: 1h", slow, "api: {token_file: "+tokens[0]+"}")
	p := i.serve(t)
	p.awaitHealth(t, "a scan is under way", func(h health) bool { return h.Phase == "scanning" })
	fewer := strings.Replace(demoCloud(400, "10%"), "demo: {", `exclude_types: ["*volume*", "*role*"], demo: {`, 1)
	i.configure(t, "reconciliation_interval: 100ms, reconciliation_timeout: 9m", fewer,
		"api: {token_file: "+tokens[1]+"}", "notify: [{url: '"+hook.URL+"'}]", "logging: {level: debug, format: json}")
	if said := p.reload(t); !strings.Contains(said, "scan_under_way=") || !strings.Contains(said,
		"changed=daemon.reconciliation_interval,daemon.reconciliation_timeout,cloud.exclude_types,cloud.demo.faults,api.token_file,notify,logging.level") {
		t.Errorf("the log says %q", said)
	}
	p.Await(t, `WARN Changed settings need a restart and keep their values until then settings=logging\.format`)
	p.AwaitScan(t, 1)
	p.Await(t, "DEBUG demo cloud made a step tick=1")
	p.AwaitScan(t, 3)
	select {
	case <-told:
	case <-time.After(waitLimit):
		t.Fatal("the webhook that was added is told nothing")
	}
	for token, want := range map[string]int{"token-number-1": http.StatusForbidden, "token-number-2": http.StatusOK} {
		if code := p.getBy(t, token); code != want {
			t.Errorf("%s is answered %d, want %d", token, code, want)
		}
	}
	i.configure(t, "reconciliation_interval: 100ms", fewer, "logging: {level: warn, format: json}")
	offset := p.behind()
	p.Signal(t, syscall.SIGHUP)
	p.awaitBehind(t, offset, "WARN Changed settings need a restart")
	offset, revision := p.behind(), p.metric(t, "elava_storage_revision")
	p.awaitMetric(t, "elava_storage_revision", func(v float64) bool { return v >= revision+2 })
	if log := p.Log.Text(); strings.Count(log[offset:], "[Scan #") > 1 { // one may have been under way
		t.Errorf("the log goes on as before:\n%s", log[offset:])
	}
	p.stop(t)

	s := open(t, i.store)
	defer closeStore(t, s)
	o := newOracle(400, 0.1)
	o.watches = func(k resource.Key) bool {
		return !strings.Contains(k.Type, "Volume") && !strings.Contains(k.Type, "Role")
	}
	o.check(t, s, 0)
	checkExcluded(t, s, func(sc resource.Scope) bool {
		return strings.Contains(sc.Type, "Volume") || strings.Contains(sc.Type, "Role")
	})
}

// getBy asks as one that is not on loopback would, by a token.
func (p *process) getBy(t testing.TB, token string) int {
	t.Helper()
	code, _, err := processtest.Fetch(t.Context(), p.URL+"/api/v1/scans", func(r *http.Request) {
		r.Header.Set("X-Forwarded-For", "192.0.2.1")
		r.Header.Set("Authorization", "Bearer "+token)
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// checkExcluded checks that scopes are not listed any more, and that nothing of them was
// reported.
func checkExcluded(t testing.TB, s storage.Store, excluded func(resource.Scope) bool) {
	t.Helper()
	n := 0
	for _, state := range scopesOf(t, s) {
		if excluded(state.Scope) {
			n++
			if state.Status != storage.ScopeExcluded || state.Resources == 0 {
				t.Errorf("%s is %s with %d resources", state.Scope, state.Status, state.Resources)
			}
		}
	}
	if n == 0 {
		t.Error("no scope was excluded: this tests nothing")
	}
	for e, err := range s.Changes(t.Context(), storage.ChangeQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		key, err := resource.ParseKey(e.Key)
		if err != nil {
			t.Fatal(err)
		}
		if excluded(key.Scope()) {
			t.Fatalf("%s of what is not listed any more: %s", e.ChangeType, e.Key)
		}
	}
}

func TestReload_RefusesABadConfiguration(t *testing.T) {
	d := begin(t, "5f", "7.5", "SIGHUP refuses a bad configuration")
	rounds := times(1, 10)
	i := install(t)
	good := demoCloud(300, "10%")
	bad := []struct{ daemon, cloud, section, says string }{
		{"reconciliation_interval: soon, metrics_prot: 1", good, "", `daemon.reconciliation_interval: must be a duration above 0`},
		{"reconciliation_interval: 1h", demoCloud(300, "10%", "no-such-fault"), "", "no-such-fault"},
		{"reconciliation_interval: 1h", good, "api: {token_file: " + filepath.Join(i.dir, "no-such-file") + "}", "reading the token"},
		{"reconciliation_interval: 1h", good, "notify: [{url: 'http://169.254.169.254/x'}]", "notify[0].url: leads to 169.254.169.254"},
		{"reconciliation_interval: 1h", good, ": no yaml: at: all [", "elava.yaml"},
	}
	i.configure(t, "reconciliation_interval: 100ms", good)
	p := i.serve(t)
	p.AwaitScan(t, 1)
	refused := 0
	for range rounds {
		for _, b := range bad {
			i.configure(t, b.daemon, b.cloud, b.section)
			offset := p.behind()
			if said := p.reload(t); said != "Configuration refused, the one before stays in force" {
				t.Fatalf("%s: the log says %q", b.says, said)
			}
			text := p.Log.Text()
			if log := text[offset:]; !strings.Contains(log, "ERROR The configuration has a problem: ") || !strings.Contains(log, b.says) {
				t.Errorf("the log does not say %q:\n%s", b.says, log)
			}
			refused++
			p.nextScans(t, 1) // at the old interval
			if h := p.health(t); h.Status != "degraded" || !strings.Contains(h.Reasons[0], "the configuration was read again and refused") {
				t.Errorf("health does not tell: %+v", h)
			}
			if v := p.metric(t, "elava_config_last_reload_successful"); v != 0 {
				t.Errorf("the metric says %v", v)
			}
		}
		i.configure(t, "reconciliation_interval: 100ms", good)
		if said := p.reload(t); !strings.HasPrefix(said, "Configuration reloaded changed=nothing") {
			t.Errorf("the log says %q", said)
		}
		if h := p.health(t); h.Status != "healthy" || p.metric(t, "elava_config_last_reload_successful") != 1 {
			t.Errorf("health still tells: %+v", h)
		}
	}
	p.stop(t)
	head := newOracle(300, 0.1).checkStore(t, i.store, 0)
	d.tell("SIGHUP with a wrong value and an unknown key, a fault that there is not, a token file that there is not, a webhook to a forbidden address, and no YAML at all; then with the good one again",
		fmt.Sprintf("%d refusals", refused), fmt.Sprintf("the log named each problem, health and elava_config_last_reload_successful told, scans went on at the old interval: %d, exact", head))
}

// Signals that come at any moment, in any number, lose nothing.
func TestReload_StormOfSignals(t *testing.T) {
	d := begin(t, "5g", "7.5", "Storm of SIGHUPs")
	signals := times(40, 1000)
	random := processtest.Random(t)
	i := install(t)
	i.configure(t, "reconciliation_interval: 50ms", demoCloud(1000, "10%"))
	p := i.serve(t)
	p.Signal(t, syscall.SIGHUP) // perhaps before the first scan
	p.AwaitScan(t, 1)
	before := p.files(t)
	for n := range signals {
		i.configure(t, fmt.Sprintf("reconciliation_interval: %dms", 40+random.IntN(20)), demoCloud(1000, "10%"))
		p.Signal(t, syscall.SIGHUP)
		time.Sleep(time.Duration(random.Int64N(int64(30 * time.Millisecond)))) // the moment is what is random
		if n%10 == 0 {
			p.health(t)
		}
	}
	p.nextScans(t, 2)
	goroutines, files := p.metric(t, "daemon_goroutines"), p.files(t)
	if files > before+10 {
		t.Errorf("%v files were open, now %v are", before, files)
	}
	p.stop(t)
	log := p.Log.Text()
	reloads := strings.Count(log, "Configuration reloaded")
	if reloads < signals/10 || strings.Contains(log, "refused") {
		t.Errorf("%d of %d signals were heeded", reloads, signals)
	}
	o := newOracle(1000, 0.1)
	head := o.checkStore(t, i.store, 0)
	d.tell("SIGHUPs at random moments, each with another interval, while scans follow each other", fmt.Sprintf("%d signals, %d reloads (signals that come together are one), %d scans", signals, reloads, head),
		fmt.Sprintf("%d events, exact; %.0f goroutines and %.0f files in the end", o.events, goroutines, files))
}

func TestReload_RegionThatIsDroppedAndComesBack(t *testing.T) {
	d := begin(t, "5h", "7.5", "SIGHUP drops a region and takes it back")
	rounds := times(1, 5)
	a := newAccount(t)
	i := a.install(t)
	configure := func(regions string) {
		i.configure(t, "reconciliation_interval: 200ms", strings.Replace(awsCloud, "region: us-east-1", "region: "+regions, 1))
	}
	configure("[us-east-1, eu-west-1]")
	p := i.serve(t)
	healthy := func(h health) bool { return h.Status == "healthy" && p.lastScan() > 0 }
	p.awaitHealth(t, "all scopes are complete", healthy)
	for range rounds {
		configure("us-east-1")
		p.reload(t)
		p.nextScans(t, 2)
		if scopes := p.get(t, "/api/v1/scopes?region=eu-west-1"); !strings.Contains(scopes, `"status":"excluded"`) || strings.Contains(scopes, `"status":"complete"`) {
			t.Errorf("the scopes of the region are %s", scopes)
		}
		if metrics := p.get(t, "/metrics"); strings.Contains(metrics, `elava_scope_up{account="123456789012",region="eu-west-1"`) {
			t.Error("the region still has series")
		}
		configure("[us-east-1, eu-west-1]")
		p.reload(t)
		p.nextScans(t, 2)
		p.awaitHealth(t, "all scopes are complete", healthy)
	}
	if feed := p.feed(t); len(feed) != 0 {
		t.Errorf("it reports %q", feed)
	}
	p.stop(t)
	d.tell("moto with two regions, of which one is dropped from the configuration and taken back", fmt.Sprintf("%d times, %d scans", rounds, p.lastScan()),
		"its scopes were excluded, its series gone, and nothing was reported as disappeared or created")
}
