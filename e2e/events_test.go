package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wantEvent is a change event that a test expects: its kind, its key, and for what was
// modified the fields with their old and new values.
type wantEvent struct {
	kind, key string
	changes   []string // as written by field
}

func created(key string) wantEvent     { return wantEvent{kind: "created", key: key} }
func disappeared(key string) wantEvent { return wantEvent{kind: "disappeared", key: key} }

func modified(key string, changes ...string) wantEvent {
	slices.Sort(changes)
	return wantEvent{"modified", key, changes}
}

// change is a field with its old and new value; nil stands for none, anyValue for a
// value that the test cannot know.
func change(path string, before, after any) string {
	return path + ": " + value(before) + " -> " + value(after)
}

type unknowable struct{}

var anyValue unknowable

func value(v any) string {
	if v == anyValue {
		return "*"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// fits compares a change with an expected one, in which values may be left open.
func fits(want string, got fieldChange) bool {
	path, values, _ := strings.Cut(want, ": ")
	before, after, _ := strings.Cut(values, " -> ")
	return path == got.Path && (before == "*" || before == string(got.Old)) && (after == "*" || after == string(got.New))
}

func (w wantEvent) matches(e event) bool {
	return w.kind == e.ChangeType && w.key == e.Key && (w.kind != "modified" ||
		slices.EqualFunc(w.changes, e.Changes, fits))
}

// checkEvents checks that exactly the expected events are there, each once.
func checkEvents(t testing.TB, got []event, want []wantEvent) {
	t.Helper()
	left := slices.Clone(want)
	for _, e := range got {
		slices.SortFunc(e.Changes, func(a, b fieldChange) int { return strings.Compare(a.Path, b.Path) })
		i := slices.IndexFunc(left, func(w wantEvent) bool { return w.matches(e) })
		if i < 0 {
			t.Errorf("unexpected: %s", e)
			continue
		}
		left = slices.Delete(left, i, i+1)
		if e.ID == "" || !strings.HasPrefix(e.ID, fmt.Sprint(e.Revision)+"-") || !strings.HasSuffix(e.Key, "/"+e.Type+"/"+e.ResourceID) {
			t.Errorf("the event contradicts itself: %+v", e)
		}
	}
	for _, w := range left {
		t.Errorf("missing: %s %s %s", w.kind, w.key, strings.Join(w.changes, "; "))
	}
}

func (e event) String() string {
	s := fmt.Sprintf("%s %s %s", e.ID, e.ChangeType, e.Key)
	for _, c := range e.Changes {
		s += fmt.Sprintf("\n    %s: %s -> %s", c.Path, c.Old, c.New)
	}
	return s
}
