package daemon_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/storage"
)

// settingsOf are those of a rig, but for what change does.
func settingsOf(change func(*daemon.Settings)) daemon.Settings {
	s := daemon.Settings{Interval: interval, Timeout: limit, ShutdownTimeout: stopping, Concurrency: 4}
	change(&s)
	return s
}

func made(p provider.Provider) daemon.MakeProvider {
	return func(context.Context) (provider.Provider, error) { return p, nil }
}

// What a scan in flight lists is stored as if nothing had happened; what the next provider
// does not plan any more is excluded, and nothing of it disappears.
func TestReload_ScanInFlightEndsAsItBeganAndTheNextIsUnderTheNewSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start(t)
		synctest.Wait()
		r.fake.Put(providertest.Resource(web, "new", `{}`), providertest.Resource(db, "new", `{}`))
		r.fake.Hook(web, func(context.Context, int) error { time.Sleep(15 * time.Second); return nil })
		time.Sleep(interval + time.Second)
		other := providertest.New("fake")
		other.Set(db, providertest.Resource(db, "d", `{"Size":2}`), providertest.Resource(db, "new", `{}`))
		watchStarts(other, db, time.Hour)
		r.Reload(settingsOf(func(s *daemon.Settings) { s.Timeout = 5 * time.Second }), made(other))

		time.Sleep(15 * time.Second)
		synctest.Wait()
		wantHead(t, r.model, 2)
		wantEvents(t, r.model, "2-1 created new", "2-2 created new")
		wantState(t, r.model, web, storage.ScopeComplete, "")

		time.Sleep(interval - 15*time.Second + 4*time.Second)
		other.Hook(db, nil)
		synctest.Wait()
		wantHead(t, r.model, 3) // by the new time limit
		wantState(t, r.model, db, storage.ScopeFailed, provider.ReasonTimeout)
		wantState(t, r.model, web, storage.ScopeExcluded, "")
		time.Sleep(interval)
		synctest.Wait()
		wantEvents(t, r.model, "2-1 created new", "2-2 created new", "4-1 modified d")
	})
}

func TestReload_WorksOutAnewWhenTheNextScanBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *rig, o *daemon.Options) { o.Interval = time.Hour })
		w := watchStarts(r.fake, web, time.Second)
		r.start(t)
		time.Sleep(10 * time.Second)
		r.Reload(settingsOf(func(*daemon.Settings) {}), nil) // from an hour to a minute
		time.Sleep(interval - 10*time.Second)
		synctest.Wait()
		w.want(t, 0, interval)
		time.Sleep(10 * time.Second)
		r.Reload(settingsOf(func(s *daemon.Settings) { s.Interval = 5 * time.Second }), nil) // that have passed
		synctest.Wait()
		w.want(t, 0, interval, interval+10*time.Second)
		r.Reload(settingsOf(func(s *daemon.Settings) { s.Interval = time.Hour }), nil)
		time.Sleep(interval)
		synctest.Wait()
		w.want(t, 0, interval, interval+10*time.Second)
		if h := r.Health(); h.Status != daemon.Healthy {
			t.Errorf("health is %+v", h)
		}
	})
}

// Reloading over and over, at any moment, begins no scan earlier and holds none up.
func TestReload_OftenIsNoStorm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		w := watchStarts(r.fake, web, time.Second)
		r.start(t)
		for range 3 * 60 {
			time.Sleep(time.Second)
			r.Reload(settingsOf(func(*daemon.Settings) {}), made(r.fake))
		}
		synctest.Wait()
		w.want(t, 0, interval, 2*interval, 3*interval)
	})
}

func TestReload_ProviderThatCannotBeMadeIsTriedAgainAndTheOneBeforeGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start(t)
		synctest.Wait()
		tries := 0
		r.Reload(settingsOf(func(*daemon.Settings) {}), func(context.Context) (provider.Provider, error) {
			if tries++; tries == 1 {
				return nil, errors.New("not yet")
			}
			return providertest.New("fake"), nil
		})
		time.Sleep(interval)
		synctest.Wait()
		wantHead(t, r.model, 2)
		wantState(t, r.model, web, storage.ScopeComplete, "")
		r.wantHealth(t, daemon.Degraded, "the reloaded configuration is not in force: not yet")
		time.Sleep(interval)
		synctest.Wait()
		wantHead(t, r.model, 3)
		wantState(t, r.model, web, storage.ScopeExcluded, "")
		r.wantHealth(t, daemon.Healthy)
		wantEvents(t, r.model)
	})
}

func TestReload_TurnsRetentionOnAndOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.start(t)
		oldest := func(want int64) {
			t.Helper()
			synctest.Wait()
			if stats, err := r.model.Stats(t.Context()); err != nil || stats.OldestRevision != want {
				t.Errorf("the oldest revision is %d, want %d, %v", stats.OldestRevision, want, err)
			}
		}
		time.Sleep(10*interval + time.Second)
		oldest(1)
		r.Reload(settingsOf(func(s *daemon.Settings) { s.Retention = 3 * interval }), nil)
		oldest(8)
		time.Sleep(5 * interval)
		oldest(13)
		r.Reload(settingsOf(func(*daemon.Settings) {}), nil)
		time.Sleep(5 * interval)
		oldest(13)
	})
}

// A listing that was left behind is remembered beyond a reload: hanging calls do not pile up.
func TestReload_RemembersListingsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *stubborn
		r := newRig(t, func(r *rig, o *daemon.Options) {
			s = newStubborn(r.fake, web)
			o.Provider = s
		}).start(t)
		for range 10 {
			time.Sleep(interval)
			r.Reload(settingsOf(func(*daemon.Settings) {}), made(s))
		}
		synctest.Wait()
		if n := s.calls.Load(); n != 1 {
			t.Errorf("a scope whose listing hangs was listed %d times", n)
		}
		if reasons := strings.Join(r.Health().Reasons, "\n"); !strings.Contains(reasons, "an earlier listing of this scope still hangs") {
			t.Errorf("health does not tell: %s", reasons)
		}
		close(s.release)
		<-s.late
	})
}
