package daemon

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The next iteration may begin as soon as a call is over, and must find its scope free.
func TestCall_IsOverOnlyAfterReturnedHasRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReconciler(ReconcilerOptions{})
		free := false
		err := r.call(t.Context(), "test", func() error { return nil }, func() {
			time.Sleep(time.Second)
			free = true
		})
		if err != nil || !free {
			t.Errorf("the call is over with %v, and its scope is free: %v", err, free)
		}
	})
}

func TestCall_ThatReturnsInTimeAfterItsContextEndedIsNotLeftBehind(t *testing.T) {
	for name, want := range map[string]error{"complete": nil, "broken off": context.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var result error
				if want != nil {
					result = errors.New("the connection was closed")
				}
				begin := time.Now()
				err := NewReconciler(ReconcilerOptions{}).call(ctx, "test", func() error {
					time.Sleep(2 * time.Second)
					return result
				}, func() {})
				if !errors.Is(err, want) || time.Since(begin) != 2*time.Second {
					t.Errorf("the call ended with %v after %s, want %v after 2s", err, time.Since(begin), want)
				}
			})
		})
	}
}
