package daemon_test

import (
	"context"
	"errors"
	"fmt"
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
