package storagetest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Compare asks a store and a Model the same questions and says where the answers differ:
// the head, every history, every event, every scan, and the whole inventory at the head,
// the oldest revision and every revision that picks reports true for; nil picks all. What
// lies below the oldest revision must be compacted.
func Compare(ctx context.Context, want *Model, got storage.Store, picks func(revision int64) bool) error {
	c := comparison{ctx: ctx, want: want, got: got}
	head, err := c.summary()
	if err != nil {
		return err
	}
	oldest := max(1, want.oldest)
	for r := oldest; r <= head; r++ {
		if r > oldest && r < head && picks != nil && !picks(r) {
			continue
		}
		if err := c.revision(r); err != nil {
			return err
		}
	}
	if err := c.compacted(oldest - 1); err != nil {
		return err
	}
	if err := c.histories(); err != nil {
		return err
	}
	return c.feeds()
}

// comparison lives for one call of Compare, whose context it keeps for that reason.
type comparison struct {
	ctx  context.Context
	want *Model
	got  storage.Store
}

func (c *comparison) summary() (head int64, err error) {
	type summary struct{ Head, Stats any }
	of := func(s storage.Store) (string, error) {
		h, err := s.Head(c.ctx)
		if err != nil {
			return "", err
		}
		stats, err := s.Stats(c.ctx)
		return show(summary{viewHead(h), viewStats(stats)}), err
	}
	want, err := of(c.want)
	if err != nil {
		return 0, err
	}
	got, err := of(c.got)
	if err != nil {
		return 0, err
	}
	return c.want.head(), mismatch("the head", want, got)
}

func (c *comparison) revision(r int64) error {
	what := func(s string) string { return fmt.Sprintf("%s at revision %d", s, r) }
	err := same(what("List"), viewVersion, equalVersions,
		c.want.List(c.ctx, storage.Query{Revision: r}), c.got.List(c.ctx, storage.Query{Revision: r}))
	if err != nil {
		return err
	}
	err = same(what("List of keys"), func(k resource.Key) any { return k.String() }, func(a, b resource.Key) bool { return a == b },
		keysOf(c.want.List(c.ctx, storage.Query{Revision: r})), keysOf(c.got.List(c.ctx, storage.Query{Revision: r, KeysOnly: true})))
	if err != nil {
		return err
	}
	if err := Searches(c.ctx, c.got, r); err != nil {
		return err
	}
	if err := same(what("Scopes"), viewScope, nil, c.want.Scopes(c.ctx, r), c.got.Scopes(c.ctx, r)); err != nil {
		return err
	}
	for state, err := range c.want.Scopes(c.ctx, r) {
		if err != nil {
			return err
		}
		err = same(what("Known of "+state.Scope.String()), viewKnown, func(a, b storage.Known) bool { return a == b },
			c.want.Known(c.ctx, state.Scope, r), c.got.Known(c.ctx, state.Scope, r))
		if err != nil {
			return err
		}
	}
	at := c.want.timeOf(r)
	for _, t := range []time.Time{at, at.Add(-1)} {
		want, _ := c.want.RevisionAt(c.ctx, t)
		got, err := c.got.RevisionAt(c.ctx, t)
		if err != nil || want != got {
			return fmt.Errorf("RevisionAt(%v): %d and %s, want %d", t, got, fmt.Sprint(err), want)
		}
	}
	return nil
}

// searched is how many names and ARNs Searches looks for at one revision.
const searched = 40

// Searches compares what a store finds by names and ARNs at a revision with what it lists
// there. Of many it takes some.
func Searches(ctx context.Context, s storage.Store, revision int64) error {
	type text struct{ name, arn string }
	called := map[text][]string{}
	for v, err := range s.List(ctx, storage.Query{Revision: revision}) {
		if err != nil {
			return err
		}
		for _, t := range []text{{name: v.Resource.Name}, {arn: v.Resource.ARN}} {
			called[t] = append(called[t], v.Resource.Key.String())
		}
	}
	delete(called, text{})
	texts := slices.SortedFunc(maps.Keys(called), func(a, b text) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.arn, b.arn))
	})
	for i := 0; i < len(texts); i += 1 + len(texts)/searched {
		filter := storage.Filter{Name: texts[i].name, ARN: texts[i].arn}
		found, err := collect(keysOf(s.List(ctx, storage.Query{Filter: filter, Revision: revision})))
		if err != nil {
			return err
		}
		var keys []string
		for _, k := range found {
			keys = append(keys, k.String())
		}
		if !slices.Equal(keys, called[texts[i]]) {
			return fmt.Errorf("List at revision %d by name %q and ARN %q: %q, want %q", revision, filter.Name, filter.ARN, keys, called[texts[i]])
		}
	}
	return nil
}

func (c *comparison) compacted(r int64) error {
	if r < 1 {
		return nil
	}
	var compacted *storage.CompactedError
	_, err := collect(c.got.List(c.ctx, storage.Query{Revision: r}))
	if !errors.As(err, &compacted) || compacted.Oldest != c.want.oldest {
		return fmt.Errorf("List at revision %d: %s, want an error that names %d as the oldest", r, fmt.Sprint(err), c.want.oldest)
	}
	return nil
}

func (c *comparison) histories() error {
	for _, k := range c.want.keys() {
		if err := same(fmt.Sprintf("History(%s)", k), viewVersion, equalVersions, c.want.History(c.ctx, k), c.got.History(c.ctx, k)); err != nil {
			return err
		}
		want, wantErr := c.want.Get(c.ctx, k, storage.HeadRevision)
		got, gotErr := c.got.Get(c.ctx, k, storage.HeadRevision)
		if wantErr == nil && gotErr == nil && equalVersions(want, got) {
			continue
		}
		if err := mismatch(fmt.Sprintf("Get(%s)", k), showGet(want, wantErr), showGet(got, gotErr)); err != nil {
			return err
		}
	}
	return nil
}

func showGet(v *storage.Version, err error) string {
	if err != nil {
		return showError(err)
	}
	return show(viewVersion(v))
}

func (c *comparison) feeds() error {
	for _, q := range []storage.ChangeQuery{
		{}, {OldestFirst: true}, {Filter: storage.Filter{Regions: []string{"eu-west-1"}}},
		{ChangeTypes: []change.Type{change.Disappeared}}, {Filter: storage.Filter{Types: []string{"*Bucket"}}, OldestFirst: true},
	} {
		if err := same(showChangeQuery(q), viewEvent, equalEvents, c.want.Changes(c.ctx, q), c.got.Changes(c.ctx, q)); err != nil {
			return err
		}
	}
	return same("Scans", viewScan, nil, c.want.Scans(c.ctx, storage.HeadRevision), c.got.Scans(c.ctx, storage.HeadRevision))
}

func keysOf(versions iter.Seq2[*storage.Version, error]) iter.Seq2[resource.Key, error] {
	return func(yield func(resource.Key, error) bool) {
		for v, err := range versions {
			var k resource.Key
			if err == nil {
				k = v.Resource.Key
			}
			if !yield(k, err) {
				return
			}
		}
	}
}

// keys returns every key of which the Model has a version, in order.
func (m *Model) keys() []resource.Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sortedKeys()
}

func (m *Model) sortedKeys() []resource.Key {
	return slices.SortedFunc(maps.Keys(m.versions), resource.Key.Compare)
}

// same compares two answers element by element. equal, if not nil, is a quick way to find
// out that two elements are equal; what it denies is looked at as it is shown.
func same[T any](what string, view func(T) any, equal func(a, b T) bool, want, got iter.Seq2[T, error]) error {
	wanted, wantErr := collect(want)
	received, gotErr := collect(got)
	for i := range min(len(wanted), len(received)) {
		if equal != nil && equal(wanted[i], received[i]) {
			continue
		}
		if err := mismatch(fmt.Sprintf("%s, element %d", what, i), show(view(wanted[i])), show(view(received[i]))); err != nil {
			return err
		}
	}
	if err := mismatch(what, showError(wantErr), showError(gotErr)); err != nil {
		return fmt.Errorf("%w(the error was: %s)", err, fmt.Sprint(gotErr))
	}
	if len(wanted) != len(received) {
		return fmt.Errorf("%s: %d elements, want %d", what, len(received), len(wanted))
	}
	return nil
}

func mismatch(what, want, got string) error {
	if d := diff(want, got); d != "" {
		return fmt.Errorf("%s is wrong (- as it should be, + as it is):\n%s", what, d)
	}
	return nil
}

func equalTimes(a, b time.Time) bool { return a.Equal(b) && a.Location() == b.Location() }

func equalChanges(a, b []change.FieldChange) bool {
	return slices.EqualFunc(a, b, func(a, b change.FieldChange) bool {
		return a.Path == b.Path && bytes.Equal(a.Old, b.Old) && bytes.Equal(a.New, b.New)
	})
}

func equalVersions(a, b *storage.Version) bool {
	r, s := &a.Resource, &b.Resource
	return r.Key == s.Key && r.ARN == s.ARN && r.Name == s.Name && r.Status == s.Status && r.UID == s.UID &&
		equalTimes(r.CreatedAt, s.CreatedAt) && maps.Equal(r.Tags, s.Tags) && bytes.Equal(r.Attributes, s.Attributes) &&
		a.Revision == b.Revision && a.EndRevision == b.EndRevision &&
		equalTimes(a.ValidFrom, b.ValidFrom) && equalTimes(a.ValidTo, b.ValidTo) &&
		a.ChangeType == b.ChangeType && equalChanges(a.Changes, b.Changes) &&
		a.Schema == b.Schema && slices.Equal(a.Incomplete, b.Incomplete)
}

func equalEvents(a, b *storage.ChangeEvent) bool {
	return a.ID == b.ID && a.Revision == b.Revision && equalTimes(a.Time, b.Time) && a.ChangeType == b.ChangeType &&
		a.Key == b.Key && a.Provider == b.Provider && a.Account == b.Account && a.Region == b.Region &&
		a.Type == b.Type && a.ResourceID == b.ResourceID && a.Name == b.Name && equalChanges(a.Changes, b.Changes)
}

// Answers writes down everything that a store answers, as JSON values one after the other,
// in an order of its own: what the engine says of itself in Stats is left out.
func Answers(ctx context.Context, s storage.Store) (string, error) {
	var b strings.Builder
	head, err := s.Head(ctx)
	if err != nil {
		return "", err
	}
	stats, err := s.Stats(ctx)
	if err != nil {
		return "", err
	}
	b.WriteString(show(map[string]any{"Head": viewHead(head), "Stats": viewStats(stats)}))
	keys := map[resource.Key]bool{}
	for r := max(1, stats.OldestRevision); r <= head.Revision; r++ {
		if err := answersAt(ctx, &b, s, r, keys); err != nil {
			return "", err
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(keys), resource.Key.Compare) {
		if err := answer(&b, "History of "+k.String(), viewVersion, s.History(ctx, k)); err != nil {
			return "", err
		}
	}
	return b.String(), errors.Join(
		answer(&b, "Changes", viewEvent, s.Changes(ctx, storage.ChangeQuery{})),
		answer(&b, "Scans", viewScan, s.Scans(ctx, storage.HeadRevision)))
}

func answersAt(ctx context.Context, b *strings.Builder, s storage.Store, r int64, keys map[resource.Key]bool) error {
	at := fmt.Sprintf(" at revision %d", r)
	scopes := map[resource.Scope]bool{}
	for v, err := range s.List(ctx, storage.Query{Revision: r}) {
		if err != nil {
			return err
		}
		keys[v.Resource.Key] = true
		scopes[v.Resource.Key.Scope()] = true
	}
	if err := answer(b, "List"+at, viewVersion, s.List(ctx, storage.Query{Revision: r})); err != nil {
		return err
	}
	for _, scope := range slices.SortedFunc(maps.Keys(scopes), resource.Scope.Compare) {
		if err := answer(b, "Known of "+scope.String()+at, viewKnown, s.Known(ctx, scope, r)); err != nil {
			return err
		}
	}
	return answer(b, "Scopes"+at, viewScope, s.Scopes(ctx, r))
}

func answer[T any](b *strings.Builder, what string, view func(T) any, seq iter.Seq2[T, error]) error {
	items, err := collect(seq)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	views := make([]any, len(items))
	for i, item := range items {
		views[i] = view(item)
	}
	b.WriteString(show(map[string]any{what: views}))
	return nil
}
