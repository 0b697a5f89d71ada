package storagetest

import (
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

func TestDiff(t *testing.T) {
	numbered := func(n int) string {
		var lines []string
		for i := range n {
			lines = append(lines, fmt.Sprint(i))
		}
		return strings.Join(lines, "\n")
	}
	for name, c := range map[string]struct{ want, got, diff string }{
		"equal":     {"a\nb", "a\nb", ""},
		"one line":  {"a\nb\nc", "a\nX\nc", "  a\n- b\n+ X\n  c\n"},
		"added":     {"a\nc", "a\nb\nc", "  a\n+ b\n  c\n"},
		"removed":   {"a\nb\nc", "a\nc", "  a\n- b\n  c\n"},
		"two":       {"a\nb\nc\nd", "X\nb\nc\nY", "- a\n+ X\n  b\n  c\n- d\n+ Y\n"},
		"empty":     {"", "a", "- \n+ a\n"},
		"far apart": {numbered(30), strings.Replace(numbered(30), "\n15\n", "\n", 1), "  10\n  11\n  12\n  13\n  14\n- 15\n  16\n  17\n  18\n  19\n  20\n  ...\n"},
	} {
		if got := diff(c.want, c.got); got != c.diff {
			t.Errorf("%s: got\n%swant\n%s", name, got, c.diff)
		}
	}
	if d := diff(numbered(5000), "x"); strings.Count(d, "\n") > 150 {
		t.Errorf("a diff of 5000 lines has %d", strings.Count(d, "\n"))
	}
}

func TestShowError_TellsKindsApart(t *testing.T) {
	gone := &storage.GoneError{Last: &storage.Version{Resource: resource.Resource{Key: in(instances, "a")}}}
	seen := map[string]error{}
	for _, err := range append([]error{errors.New("other"), gone, &storage.GoneError{}, nil}, sentinels...) {
		if errors.Is(err, storage.ErrGone) && err == storage.ErrGone {
			continue // nobody returns it bare
		}
		shown := showError(err)
		if other, ok := seen[shown]; ok {
			t.Errorf("%v and %v are both shown as %q", err, other, shown)
		}
		seen[shown] = err
		if err != nil && showError(fmt.Errorf("wrapped: %w", err)) != shown {
			t.Errorf("%v is shown otherwise when wrapped", err)
		}
	}
}

func TestCollect_RefusesElementsAfterAnError(t *testing.T) {
	var seq iter.Seq2[int, error] = func(yield func(int, error) bool) {
		_ = yield(1, nil) && yield(0, storage.ErrClosed) && yield(2, nil)
	}
	if _, err := collect(seq); !errors.Is(err, errAfterError) {
		t.Errorf("got %v, want errAfterError", err)
	}
}

func TestViews_TellApartWhatDiffers(t *testing.T) {
	base := func() storage.Version {
		return storage.Version{Resource: *example(in(instances, "a"), 1), Revision: 1, ValidFrom: epoch, Schema: 1}
	}
	shown := func(change func(*storage.Version)) string {
		v := base()
		change(&v)
		return show(viewVersion(&v))
	}
	plain := shown(func(*storage.Version) {})
	for name, change := range map[string]func(*storage.Version){
		"tag":        func(v *storage.Version) { v.Resource.Tags["empty"] = "x" },
		"tag gone":   func(v *storage.Version) { delete(v.Resource.Tags, "empty") },
		"attributes": func(v *storage.Version) { v.Resource.Attributes = []byte("{}") },
		"nanosecond": func(v *storage.Version) { v.Resource.CreatedAt = v.Resource.CreatedAt.Add(1) },
		"zone":       func(v *storage.Version) { v.ValidFrom = v.ValidFrom.In(time.FixedZone("Z", 0)) },
		"end":        func(v *storage.Version) { v.EndRevision = 2 },
		"incomplete": func(v *storage.Version) { v.Incomplete = []string{"tags"} },
		"schema":     func(v *storage.Version) { v.Schema = 2 },
		"uid":        func(v *storage.Version) { v.Resource.UID = "" },
	} {
		if shown(change) == plain {
			t.Errorf("%s: two versions that differ look the same", name)
		}
	}
	same := shown(func(v *storage.Version) { v.Incomplete = []string{}; v.Changes = nil })
	if d := diff(plain, same); d != "" {
		t.Errorf("versions that count as equal look different:\n%s", d)
	}
	long := strings.Repeat("x", 10_000)
	if abbreviate(long+"a") == abbreviate(long+"b") || len(abbreviate(long)) > 300 {
		t.Error("long texts are not told apart, or not abbreviated")
	}
}
