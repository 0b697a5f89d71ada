package storage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

func TestErrors_AreWhatCallersAskFor(t *testing.T) {
	gone := &storage.GoneError{Last: &storage.Version{
		Resource:    resource.Resource{Key: resource.Key{Provider: "aws", Account: "1", Region: "us-east-1", Type: "T", ID: "i-1"}},
		EndRevision: 12, ValidTo: time.Date(2025, 10, 22, 10, 0, 0, 0, time.UTC),
	}}
	for _, c := range []struct {
		err  error
		is   error
		says []string
	}{
		{gone, storage.ErrGone, []string{"aws/1/us-east-1/T/i-1", "revision 12", "2025-10-22 10:00:00 UTC"}},
		{&storage.CompactedError{Revision: 3, Oldest: 7}, storage.ErrCompacted, []string{"revision 3", "is 7"}},
		{&storage.LockedError{Path: "/data", PID: 42}, storage.ErrLocked, []string{"/data", "process 42", "--server"}},
		{&storage.LockedError{Path: "/data"}, storage.ErrLocked, []string{"another process"}},
	} {
		if !errors.Is(fmt.Errorf("reading: %w", c.err), c.is) {
			t.Errorf("%v is not %v", c.err, c.is)
		}
		for _, other := range []error{storage.ErrNotFound, storage.ErrGone, storage.ErrCompacted, storage.ErrLocked} {
			if other != c.is && errors.Is(c.err, other) {
				t.Errorf("%v is also %v", c.err, other)
			}
		}
		for _, part := range c.says {
			if !strings.Contains(c.err.Error(), part) {
				t.Errorf("%q does not say %q", c.err, part)
			}
		}
	}
}
