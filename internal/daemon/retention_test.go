package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider/providertest"
	"github.com/elava-dev/elava/storage"
)

func TestRetention_DropsWhatIsTooOldAndKeepsThePresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *rig, o *daemon.Options) { o.Retention = 10 * interval })
		r.start(t)
		for i := range 30 {
			synctest.Wait()
			r.fake.Put(providertest.Resource(web, "a", fmt.Sprintf(`{"Size":%d}`, i+2)))
			time.Sleep(interval)
		}
		synctest.Wait()
		stats, err := r.model.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if stats.Revision != 31 || stats.OldestRevision < 20 || stats.OldestRevision > 22 {
			t.Errorf("revisions %d to %d can be read, want the last ten of 31", stats.OldestRevision, stats.Revision)
		}
		if _, err := r.model.Get(t.Context(), keyIn(web, "a"), 1); !errors.Is(err, storage.ErrCompacted) {
			t.Errorf("what is too old answers %v", err)
		}
		if v, err := r.model.Get(t.Context(), keyIn(db, "d"), stats.OldestRevision); err != nil || v.Revision != 1 {
			t.Errorf("what did not change since revision 1 is gone: %v", err)
		}
	})
}

// A clock that is set a year forward drops nothing that is not too old.
func TestRetention_ClockThatIsWrongDropsNothing(t *testing.T) {
	for _, when := range []string{"before the start", "later"} {
		t.Run(when, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var ahead atomic.Int64
				r := newRig(t, func(_ *rig, o *daemon.Options) {
					o.Retention = 100 * interval
					o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
				})
				commitEmpty(t, r.model)
				if when == "before the start" {
					ahead.Store(int64(365 * 24 * time.Hour))
				}
				r.start(t)
				for i := range 30 {
					synctest.Wait()
					r.fake.Put(providertest.Resource(web, "a", fmt.Sprintf(`{"Size":%d}`, i+2)))
					time.Sleep(interval)
					ahead.Store(int64(365 * 24 * time.Hour))
				}
				synctest.Wait()
				if stats, err := r.model.Stats(t.Context()); err != nil || stats.Revision < 30 || stats.OldestRevision != 1 {
					t.Errorf("revisions %d to %d can be read, want all; %v", stats.OldestRevision, stats.Revision, err)
				}
			})
		})
	}
}

// A store that fails as the daemon starts is a failure of the first scan, no end.
func TestRetention_StoreThatFailsAtTheStartIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *rig, o *daemon.Options) { o.Retention = 10 * interval })
		r.store.on(callHead, func(context.Context) error { return storage.ErrFull })
		r.start(t)
		synctest.Wait()
		select {
		case <-r.Done():
			t.Fatalf("the daemon ended: %v", r.Err())
		default:
		}
		r.store.on("", nil)
		for i := range 30 {
			r.fake.Put(providertest.Resource(web, "a", fmt.Sprintf(`{"Size":%d}`, i+2)))
			time.Sleep(interval)
		}
		synctest.Wait()
		if stats, err := r.model.Stats(t.Context()); err != nil || stats.Revision != 30 || stats.OldestRevision < 15 {
			t.Errorf("revisions %d to %d can be read, want about the last ten of 30; %v", stats.OldestRevision, stats.Revision, err)
		}
	})
}

// commitEmpty records a scan that found nothing.
func commitEmpty(t *testing.T, s storage.Store) {
	t.Helper()
	txn, err := s.Begin(t.Context(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := txn.Commit(t.Context(), &storage.ScanMetadata{StartTime: time.Now(), Status: storage.ScanSuccess}); err != nil {
		t.Fatal(err)
	}
}

func TestRetention_IsOffWithoutALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start(t)
		time.Sleep(100 * interval)
		synctest.Wait()
		if stats, err := r.model.Stats(t.Context()); err != nil || stats.OldestRevision != 1 {
			t.Errorf("the oldest revision is %d, %v", stats.OldestRevision, err)
		}
	})
}

func TestRetention_FailureIsTriedAgainAndStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ *rig, o *daemon.Options) { o.Retention = 10 * interval })
		failures := 0
		r.store.on(callTrim, func(context.Context) error {
			if failures++; failures <= 3 {
				return storage.ErrFull
			}
			return nil
		})
		r.start(t)
		time.Sleep(20*interval + time.Second)
		synctest.Wait()
		wantHead(t, r.model, 21)
		if stats, err := r.model.Stats(t.Context()); err != nil || stats.OldestRevision < 10 {
			t.Errorf("the oldest revision is %d, %v", stats.OldestRevision, err)
		}
		r.wantHealth(t, daemon.Healthy)
	})
}
