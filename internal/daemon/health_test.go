package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

var update = flag.Bool("update", false, "write the golden files of this package anew")

var throttled = &provider.Error{Reason: provider.ReasonThrottled, Err: errors.New("slow down")}

// ask returns the answer of one of the daemon's own routes.
func (r *rig) ask(t *testing.T, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	r.routes[path].ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// wantHealth compares status and reasons. A reason is told by what it begins with.
func (r *rig) wantHealth(t *testing.T, status string, reasons ...string) {
	t.Helper()
	got := r.Health()
	same := got.Status == status && len(got.Reasons) == len(reasons)
	for i := 0; same && i < len(reasons); i++ {
		same = strings.HasPrefix(got.Reasons[i], reasons[i])
	}
	if !same {
		t.Errorf("health is %s %q, want %s %q", got.Status, got.Reasons, status, reasons)
	}
	want := http.StatusOK
	if status == daemon.Unhealthy {
		want = http.StatusServiceUnavailable
	}
	if code, body := r.ask(t, "/health"); code != want {
		t.Errorf("/health answers %d, want %d: %s", code, want, body)
	}
}

// next waits for the next iteration to end.
func next(t *testing.T) {
	t.Helper()
	time.Sleep(interval)
	synctest.Wait()
}

func TestHealth_FollowsTheScans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.wantHealth(t, daemon.Healthy)
		r.start(t)
		synctest.Wait()
		r.wantHealth(t, daemon.Healthy)

		r.fake.Fail(web, throttled)
		next(t)
		r.wantHealth(t, daemon.Degraded, "the last scan was partial", "fake/1/east/T::Web: failed: slow down")
		r.fake.Fail(db, throttled)
		next(t)
		r.wantHealth(t, daemon.Degraded, "the last scan failed: nothing could be listed: every scope failed", "fake/1/east/T::DB: failed", "fake/1/east/T::Web: failed")
		r.fake.Fail(web, nil)
		r.fake.Fail(db, nil)
		next(t)
		r.wantHealth(t, daemon.Healthy)

		unread := providertest.Resource(web, "a", `{"Size":1}`)
		unread.Unknown = []resource.Unknown{{Part: "tags", Err: throttled}}
		r.fake.Put(unread)
		next(t)
		r.wantHealth(t, daemon.Degraded, "the last scan was partial", "fake/1/east/T::Web: partial: details of 1 resource")
		r.fake.Set(web)
		r.fake.Fail(web, &provider.Error{Reason: provider.ReasonUnavailable, Err: errors.New("no such region")})
		next(t)
		r.wantHealth(t, daemon.Healthy)
	})
}

func TestHealth_PlanThatFailsIsAnErrorUntilOneSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start(t)
		synctest.Wait()
		r.fake.FailPlan(errors.New("no credentials"))
		for n := 1; n <= 2; n++ {
			next(t)
			r.wantHealth(t, daemon.Degraded, "the last scan failed: nothing could be listed: no credentials", "fake/1/east/T::DB", "fake/1/east/T::Web")
			if h := r.Health(); h.ReconciliationErrors != n || !h.StorageHealthy {
				t.Errorf("after %d failures health is %+v", n, h)
			}
		}
		r.fake.FailPlan(nil)
		next(t)
		r.wantHealth(t, daemon.Healthy)
		if n := r.Health().ReconciliationErrors; n != 2 {
			t.Errorf("%d errors are counted, want the 2 that were", n)
		}
	})
}

func TestHealth_StorageThatFailsDegradesAndLosesNothing(t *testing.T) {
	for _, call := range []string{callScopes, callKnown, callGet, callBegin, callStage, callSetScope, callCommit} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil).start(t)
				synctest.Wait()
				r.fake.Put(providertest.Resource(web, "a", `{"Size":2}`), providertest.Resource(web, "new", `{}`))
				r.fake.Delete(keyIn(db, "d"))
				r.store.failOnce(call, storage.ErrFull)
				next(t)
				r.wantHealth(t, daemon.Degraded, "the last scan could not be stored: ")
				if h := r.Health(); h.StorageHealthy || h.ReconciliationErrors != 1 {
					t.Errorf("health is %+v", h)
				}
				wantSeries(t, r.series(), map[string]float64{
					"storage_write_errors_total": 1, "daemon_reconciliation_errors_total": 1, "daemon_reconciliation_total": 2,
					"elava_change_events_stored_total": 0, "elava_resources_created_total{east T::Web}": 0,
				})
				wantHead(t, r.model, 1)
				next(t)
				r.wantHealth(t, daemon.Healthy)
				wantEvents(t, r.model, "2-1 modified a", "2-2 created new", "2-3 disappeared d")
				wantSeries(t, r.series(), map[string]float64{
					"storage_write_errors_total": 1, "elava_change_events_stored_total": 3, "elava_resources_created_total{east T::Web}": 1,
				})
			})
		})
	}
}

func TestHealth_StoreThatCannotBeUsedIsUnhealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start(t)
		synctest.Wait()
		r.store.on(callHead, func(context.Context) error { return storage.ErrCorrupt })
		r.wantHealth(t, daemon.Unhealthy, "the store cannot be used: store is damaged")
		next(t)
		r.wantHealth(t, daemon.Unhealthy, "the last scan could not be stored", "the store cannot be used")
		if r.Health().StorageHealthy {
			t.Error("storage is told to be healthy")
		}
		r.store.on("", nil)
		next(t)
		r.wantHealth(t, daemon.Healthy)
	})
}

func TestHealth_SilenceForThreeIntervalsAndTheTimeLimitIsUnhealthy(t *testing.T) {
	const most = 3*interval + limit
	t.Run("after a scan", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil).start(t)
			synctest.Wait()
			g := newGate()
			r.store.on(callCommit, g.deaf)
			time.Sleep(most)
			r.wantHealth(t, daemon.Healthy)
			time.Sleep(time.Second)
			r.wantHealth(t, daemon.Unhealthy, "no scan has ended for 3m21s")
			close(g.open)
			synctest.Wait()
			r.wantHealth(t, daemon.Healthy)
		})
	})
	t.Run("from the start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, nil)
			g := newGate()
			r.store.on(callCommit, g.deaf)
			r.start(t)
			time.Sleep(most)
			r.wantHealth(t, daemon.Healthy)
			time.Sleep(time.Second)
			r.wantHealth(t, daemon.Unhealthy, "no scan has ended for")
			close(g.open)
		})
	})
}

func TestHealth_NamesTenScopesAndCountsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		for i := range 14 {
			r.fake.Fail(scopeOf("east", fmt.Sprintf("T::%02d", i)), throttled)
		}
		r.start(t)
		synctest.Wait()
		reasons := r.Health().Reasons
		if len(reasons) != 12 || !strings.HasPrefix(reasons[11], "and 4 scopes more") {
			t.Errorf("there are %d reasons: %q", len(reasons), reasons)
		}
	})
}

func TestHealth_InterruptedScanIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		watchStarts(r.fake, web, time.Hour)
		r.start(t)
		synctest.Wait()
		if err := r.Stop(); err != nil {
			t.Fatal(err)
		}
		if h := r.Health(); h.ReconciliationErrors != 0 || h.LastReconciliation != nil {
			t.Errorf("health is %+v", h)
		}
		wantSeries(t, r.series(), map[string]float64{"daemon_reconciliation_total": 0, "daemon_reconciliation_errors_total": 0})
	})
}

func TestReady_OnceTheFirstScanHasEndedHoweverItEnded(t *testing.T) {
	for name, prepare := range map[string]func(*rig){
		"success":        func(*rig) {},
		"failed plan":    func(r *rig) { r.fake.FailPlan(throttled) },
		"failed storage": func(r *rig) { r.store.failOnce(callBegin, storage.ErrFull) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				prepare(r)
				watchStarts(r.fake, web, time.Second)
				if code, _ := r.ask(t, "/-/ready"); code != http.StatusServiceUnavailable {
					t.Errorf("before the start /-/ready answers %d", code)
				}
				if name == "success" {
					r.start(t)
					synctest.Wait()
					if code, _ := r.ask(t, "/-/ready"); code != http.StatusServiceUnavailable {
						t.Errorf("during the first scan /-/ready answers %d", code)
					}
				}
				r.start(t)
				time.Sleep(2 * time.Second)
				synctest.Wait()
				for _, path := range []string{"/-/ready", "/-/healthy"} {
					if code, body := r.ask(t, path); code != http.StatusOK {
						t.Errorf("%s answers %d %s", path, code, body)
					}
				}
			})
		})
	}
}

// What orchestrators and dashboards read, byte by byte.
func TestHealth_JSONIsThatOfTheContract(t *testing.T) {
	for name, prepare := range map[string]func(*testing.T, *rig){
		"before the first scan": func(*testing.T, *rig) {},
		"healthy":               func(t *testing.T, r *rig) { r.start(t) },
		"degraded": func(t *testing.T, r *rig) {
			r.fake.SetNotices("these resources are <synthetic>")
			r.fake.Fail(web, throttled)
			r.start(t)
		},
		"unhealthy": func(t *testing.T, r *rig) {
			r.store.on(callHead, func(context.Context) error { return storage.ErrCorrupt })
			r.start(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				prepare(t, r)
				time.Sleep(30 * time.Second)
				synctest.Wait()
				_, body := r.ask(t, "/health")
				var indented strings.Builder
				e := json.NewEncoder(&indented)
				e.SetEscapeHTML(false)
				e.SetIndent("", "  ")
				if err := e.Encode(json.RawMessage(body)); err != nil {
					t.Fatal(err)
				}
				wantGolden(t, "health "+name+".json", indented.String())
			})
		})
	}
}

// Others are told that something is wrong, and not what: the texts are the cloud's.
func TestHealth_TellsReasonsToWhomItTrusts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trusted := true
		r := newRig(t, func(_ *rig, o *daemon.Options) { o.Trusts = func(*http.Request) bool { return trusted } })
		r.fake.SetNotices("these resources are of account 111122223333")
		r.fake.Fail(web, throttled)
		r.start(t)
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if _, body := r.ask(t, "/health"); !strings.Contains(body, "slow down") || !strings.Contains(body, "111122223333") {
			t.Errorf("one that is trusted is told %s", body)
		}
		trusted = false
		_, body := r.ask(t, "/health")
		if !strings.Contains(body, `"degraded"`) || !strings.Contains(body, "the reasons are told to") ||
			strings.Contains(body, "slow down") || strings.Contains(body, "111122223333") {
			t.Errorf("one that is not trusted is told %s", body)
		}
	})
}

func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", strings.ReplaceAll(name, " ", "-"))
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", path, got, want)
	}
}
