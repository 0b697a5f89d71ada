package daemon_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/storage/storagetest"
)

func TestReconciler_WarnsOfAFailureOnceUntilItsReasonChanges(t *testing.T) {
	var log bytes.Buffer
	fake := cloudOf()
	rec := daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: fake, Store: storagetest.NewModel(), Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	scan := func(err error) string {
		t.Helper()
		log.Reset()
		fake.Fail(web, err)
		reconcile(t, rec)
		return log.String()
	}
	denied := &provider.Error{Reason: provider.ReasonAccessDenied, Err: errors.New("no ec2:DescribeInstances, request 1")}
	again := &provider.Error{Reason: provider.ReasonAccessDenied, Err: errors.New("no ec2:DescribeInstances, request 2")}
	throttled := &provider.Error{Reason: provider.ReasonThrottled, Err: errors.New("slow down")}
	const warning, over = "level=WARN", "Does not fail any more"
	for i, step := range []struct {
		err  error
		warn bool
		over bool
	}{
		{err: denied, warn: true},
		{err: again},
		{err: throttled, warn: true},
		{err: throttled},
		{over: true},
		{},
		{err: throttled, warn: true},
	} {
		said := scan(step.err)
		if got := strings.Contains(said, warning); got != step.warn {
			t.Errorf("scan %d: warned %t, want %t:\n%s", i+1, got, step.warn, said)
		}
		if got := strings.Contains(said, over); got != step.over {
			t.Errorf("scan %d: told of the end %t, want %t:\n%s", i+1, got, step.over, said)
		}
	}

	fake.FailPlan(throttled)
	log.Reset()
	if _, err := rec.Reconcile(t.Context()); err == nil {
		t.Fatal("a plan that failed is no error")
	}
	if strings.Contains(log.String(), over) {
		t.Errorf("what was not tried is said to be well again:\n%s", &log)
	}
	fake.FailPlan(nil)
	if said := scan(nil); !strings.Contains(said, over) {
		t.Errorf("the end of a failure before a lost scan is not told:\n%s", said)
	}
}
