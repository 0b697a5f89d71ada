package daemon_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// outcome is what a scan of a scenario returned and wrote.
type outcome struct {
	daemon.ReconcileResult
	err               error
	mutations, states int // staged
}

// check compares a scan with what the scenario says of it, and with what has to be true
// of every scan.
func (w *world) check(s *statement, o *outcome) error {
	if err := s.takes(1, 2, "errors", "baseline", "rebaselined", "resources"); err != nil {
		return err
	}
	if s.args[0] == "stores-nothing" {
		return w.checkNothingStored(s, o)
	}
	if o.Scan == nil {
		return s.errorf("nothing was stored: %v", o.err)
	}
	if (o.err != nil) != (o.Scan.Status == storage.ScanFailed) || o.err != nil && !errors.Is(o.err, daemon.ErrNothingListed) ||
		o.Scan.Error != "" && o.err == nil {
		return s.errorf("the scan was stored with the error %q and returned %v", o.Scan.Error, o.err)
	}
	for _, check := range []func(*statement, *outcome) error{
		w.checkMetadata, w.checkEvents, w.checkStates, w.checkFurther, w.checkInventory, w.checkPast,
	} {
		if err := check(s, o); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) checkNothingStored(s *statement, o *outcome) error {
	head, err := w.store.Head(w.t.Context())
	if err != nil {
		return err
	}
	if o.err == nil || o.Scan != nil || head != w.head {
		return s.errorf("the scan returned the error %v; the head was %d and is %d", o.err, w.head.Revision, head.Revision)
	}
	now, err := w.inventoryAt(storage.HeadRevision)
	if err != nil {
		return err
	}
	return s.sameVersions("the inventory after a scan that stored nothing", w.inventory, now)
}

func (w *world) checkMetadata(s *statement, o *outcome) error {
	if got := string(o.Scan.Status); got != s.args[0] {
		return s.errorf("the scan is %s: %s%v", got, o.Scan.Error, o.Errors)
	}
	for name, got := range map[string]int{
		"errors": o.Scan.ErrorCount, "baseline": o.Scan.Baseline, "rebaselined": o.Scan.Rebaselined,
	} {
		if want, err := s.number(name, 0); err != nil || got != want {
			return errors.Join(err, s.errorf("%s is %d, want %d", name, got, want))
		}
	}
	if want, err := s.number("resources", o.Scan.ResourceCount); err != nil || o.Scan.ResourceCount != want {
		return errors.Join(err, s.errorf("%d resources, want %d", o.Scan.ResourceCount, want))
	}
	if o.err == nil && len(o.Errors) != o.Scan.ErrorCount {
		return s.errorf("%d errors are counted, these are reported: %v", o.Scan.ErrorCount, o.Errors)
	}
	if len(s.args) == 2 && s.args[1] != "quiet" {
		return s.errorf("want quiet or nothing")
	}
	if len(s.args) == 2 && o.mutations+o.states > 0 {
		return s.errorf("%d mutations and %d scope states were written", o.mutations, o.states)
	}
	return w.checkRecord(s, o)
}

// checkRecord compares the stored record of the scan with the returned one.
func (w *world) checkRecord(s *statement, o *outcome) error {
	if o.Scan.Revision != w.head.Revision+1 || !o.Scan.EndTime.After(w.head.Time) {
		return s.errorf("revision %d at %s follows revision %d at %s", o.Scan.Revision, o.Scan.EndTime, w.head.Revision, w.head.Time)
	}
	for stored, err := range w.store.Scans(w.t.Context(), storage.HeadRevision) {
		if err != nil {
			return err
		}
		if len(stored.FailedScopes) != o.Scan.ErrorCount {
			return s.errorf("%d failed scopes are recorded, want %d", len(stored.FailedScopes), o.Scan.ErrorCount)
		}
		want := *o.Scan
		want.FailedScopes, stored.FailedScopes = nil, nil
		a, b := fmt.Sprintf("%+v", want), fmt.Sprintf("%+v", *stored)
		if a != b {
			return s.errorf("the record is %s, returned was %s", b, a)
		}
		return nil
	}
	return s.errorf("no scan is recorded")
}

// checkEvents compares the change events of the revision, exactly, with those below the
// scan. Their order counts only for one resource.
func (w *world) checkEvents(s *statement, o *outcome) error {
	var want []block
	for _, b := range s.below {
		if change.Type(b.verb).Reported() {
			if err := b.takes(1, 1); err != nil {
				return err
			}
			want = append(want, wantedBlock(b))
		}
	}
	var got []block
	query := storage.ChangeQuery{Above: o.Scan.Revision - 1, UpTo: o.Scan.Revision, OldestFirst: true}
	for e, err := range w.store.Changes(w.t.Context(), query) {
		if err != nil {
			return err
		}
		if err := w.checkEvent(s, o, e); err != nil {
			return err
		}
		got = append(got, w.eventBlock(e))
	}
	if a, b := blocksText(want), blocksText(got); a != b {
		return s.errorf("the change events are not the expected ones\nwant:\n%sgot:\n%s", a, b)
	}
	if o.ChangesDetected != len(got) || o.Scan.Changes() != len(got) {
		return s.errorf("%d changes detected, %d counted, %d events", o.ChangesDetected, o.Scan.Changes(), len(got))
	}
	return nil
}

// block is an event as a text of several lines, with what it is sorted by.
type block struct {
	ref  string
	text string
}

func blocksText(blocks []block) string {
	slices.SortStableFunc(blocks, func(a, b block) int { return strings.Compare(a.ref, b.ref) })
	var text strings.Builder
	for _, b := range blocks {
		text.WriteString(b.text)
	}
	return text.String()
}

func wantedBlock(b *statement) block {
	lines := []string{"  " + b.text + "\n"}
	for _, field := range b.below {
		lines = append(lines, "    "+field.text+"\n")
	}
	slices.Sort(lines[1:])
	return block{b.args[0], strings.Join(lines, "")}
}

func (w *world) eventBlock(e *storage.ChangeEvent) block {
	ref := w.cloud.ref(eventKey(e))
	lines := []string{fmt.Sprintf("  %s %s\n", e.ChangeType, ref)}
	for _, c := range e.Changes {
		lines = append(lines, fmt.Sprintf("    %s %s -> %s\n", c.Path, c.Old, c.New))
	}
	slices.Sort(lines[1:])
	return block{ref, strings.Join(lines, "")}
}

func eventKey(e *storage.ChangeEvent) resource.Key {
	return resource.Key{Provider: e.Provider, Account: e.Account, Region: e.Region, Type: e.Type, ID: e.ResourceID}
}

// checkEvent compares what every event tells beside its type and its fields.
func (w *world) checkEvent(s *statement, o *outcome, e *storage.ChangeEvent) error {
	if e.Key != eventKey(e).String() || e.Revision != o.Scan.Revision || !e.Time.Equal(o.Scan.EndTime) {
		return s.errorf("event %+v of revision %d at %s", e, o.Scan.Revision, o.Scan.EndTime)
	}
	if (e.ChangeType == change.Modified) != (len(e.Changes) > 0) {
		return s.errorf("event %s %s has %d changes", e.ChangeType, e.Key, len(e.Changes))
	}
	return nil
}

// checkStates compares the states of scopes with the scope lines below the scan. A scope
// that is not complete has to have one.
func (w *world) checkStates(s *statement, o *outcome) error {
	stored := map[resource.Scope]*storage.ScopeState{}
	for state, err := range w.store.Scopes(w.t.Context(), storage.HeadRevision) {
		if err != nil {
			return err
		}
		stored[state.Scope] = state
	}
	if err := sameStates(stored, o.States); err != nil {
		return s.errorf("%v", err)
	}
	told := map[resource.Scope]bool{}
	for _, b := range s.below {
		if b.verb != "scope" {
			continue
		}
		if err := b.takes(2, 3, "resources", "last"); err != nil {
			return err
		}
		sc, err := w.cloud.scope(b, b.args[0])
		if err != nil {
			return err
		}
		told[sc.scope] = true
		if err := b.checkState(stored[sc.scope]); err != nil {
			return err
		}
	}
	for scope, state := range stored {
		if state.Status != storage.ScopeComplete && !told[scope] {
			return s.errorf("%s is %s (%s: %s), and nothing is said of it", scope, state.Status, state.Reason, state.Error)
		}
	}
	return nil
}

func (s *statement) checkState(state *storage.ScopeState) error {
	if state == nil {
		return s.errorf("the scope has no state")
	}
	reason := ""
	if len(s.args) == 3 {
		reason = s.args[2]
	}
	if string(state.Status) != s.args[1] || state.Reason != reason {
		return s.errorf("the scope is %s %s (%s)", state.Status, state.Reason, state.Error)
	}
	if n, err := s.number("resources", state.Resources); err != nil || n != state.Resources {
		return errors.Join(err, s.errorf("the scope has %d resources", state.Resources))
	}
	if n, err := s.number("last", int(state.LastComplete)); err != nil || int64(n) != state.LastComplete {
		return errors.Join(err, s.errorf("the scope was last complete at revision %d", state.LastComplete))
	}
	return nil
}

// sameStates compares what the store says with what the scan returned.
func sameStates(stored, returned map[resource.Scope]*storage.ScopeState) error {
	if len(stored) != len(returned) {
		return fmt.Errorf("%d scope states are stored, %d were returned", len(stored), len(returned))
	}
	for scope, a := range stored {
		b := returned[scope]
		if b == nil || !a.Same(b) || a.LastComplete != b.LastComplete || !a.LastCompleteTime.Equal(b.LastCompleteTime) {
			return fmt.Errorf("the state of %s is stored as %+v and was returned as %+v", scope, a, b)
		}
	}
	return nil
}

// checkFurther does what the other lines below the scan ask for.
func (w *world) checkFurther(s *statement, _ *outcome) error {
	for _, b := range s.below {
		var err error
		switch b.verb {
		case "created", "modified", "disappeared", "scope": // checked elsewhere
		case "recorded":
			err = w.checkRecorded(b)
		case "history":
			err = w.checkHistory(b)
		default:
			err = b.errorf("unknown check")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkRecorded compares all that is recorded of one resource.
func (w *world) checkRecorded(s *statement) error {
	if err := s.takes(1, 1, "name", "status", "uid", "raw", "tags.*", "incomplete"); err != nil {
		return err
	}
	_, key, err := w.cloud.resolve(s, s.args[0])
	if err != nil {
		return err
	}
	want, err := s.resource(key)
	if err != nil {
		return err
	}
	v, err := w.store.Get(w.t.Context(), key, storage.HeadRevision)
	if err != nil {
		return s.errorf("%v", err)
	}
	if a, b := contents(&want), contents(&v.Resource); a != b {
		return s.errorf("recorded is %s", b)
	}
	if got := strings.Join(v.Incomplete, ","); got != s.named["incomplete"] {
		return s.errorf("incomplete is %q", got)
	}
	return nil
}

// contents is what counts of a resource, as a text.
func contents(r *resource.Resource) string {
	tags, err := json.Marshal(r.Tags)
	if err != nil || r.Tags == nil {
		tags = []byte("{}")
	}
	attributes := string(r.Attributes)
	if attributes == "" {
		attributes = "{}"
	}
	return fmt.Sprintf("name=%s status=%s tags=%s %s", r.Name, r.Status, tags, attributes)
}

// checkHistory compares the versions of a resource, oldest first, as "baseline@1".
func (w *world) checkHistory(s *statement) error {
	if err := s.takes(1, 99); err != nil {
		return err
	}
	_, key, err := w.cloud.resolve(s, s.args[0])
	if err != nil {
		return err
	}
	var got []string
	for v, err := range w.store.History(w.t.Context(), key) {
		if err != nil {
			return s.errorf("%v", err)
		}
		got = append(got, string(v.ChangeType)+"@"+strconv.FormatInt(v.Revision, 10))
	}
	slices.Reverse(got)
	if !slices.Equal(got, s.args[1:]) {
		return s.errorf("the history is %v", got)
	}
	return nil
}

// checkInventory compares the store with the cloud: a scope that was listed completely is
// recorded as it is, parts that could not be read aside; any other one is as it was.
func (w *world) checkInventory(s *statement, o *outcome) error {
	now, err := w.inventoryAt(storage.HeadRevision)
	if err != nil {
		return err
	}
	written := 0
	for _, v := range now {
		if v.Revision == o.Scan.Revision {
			written++
		}
	}
	if want := o.Scan.Created + o.Scan.Modified + o.Scan.Baseline + o.Scan.Rebaselined; written != want {
		return s.errorf("%d versions were written, the scan counts %d", written, want)
	}
	for scope, state := range o.States {
		recorded, before := scopePart(now, scope), scopePart(w.inventory, scope)
		if !state.Listed() {
			if err := s.sameVersions(scope.String()+", which was not listed,", before, recorded); err != nil {
				return err
			}
			continue
		}
		if state.Resources != len(recorded) {
			return s.errorf("%s has %d resources, its state says %d", scope, len(recorded), state.Resources)
		}
		if err := w.checkScopeContents(s, scope, recorded); err != nil {
			return err
		}
	}
	return nil
}

func scopePart(all map[resource.Key]*storage.Version, scope resource.Scope) map[resource.Key]*storage.Version {
	part := maps.Clone(all)
	maps.DeleteFunc(part, func(k resource.Key, _ *storage.Version) bool { return !scope.Contains(k) })
	return part
}

// sameVersions compares two inventories that should be one.
func (s *statement) sameVersions(what string, want, got map[resource.Key]*storage.Version) error {
	same := maps.EqualFunc(want, got, func(a, b *storage.Version) bool {
		return a.Revision == b.Revision && contents(&a.Resource) == contents(&b.Resource)
	})
	if !same {
		return s.errorf("%s is not as it was before:\nwas %v\n is %v", what, keysOf(want), keysOf(got))
	}
	return nil
}

func keysOf(all map[resource.Key]*storage.Version) []string {
	var keys []string
	for k, v := range all {
		keys = append(keys, fmt.Sprintf("%s@%d %s", k.ID, v.Revision, contents(&v.Resource)))
	}
	slices.Sort(keys)
	return keys
}

func (w *world) checkScopeContents(s *statement, scope resource.Scope, recorded map[resource.Key]*storage.Version) error {
	for _, sc := range w.cloud.scopes {
		if sc.scope != scope {
			continue
		}
		if len(sc.resources) != len(recorded) {
			return s.errorf("the cloud has %d resources in %s, recorded are %v", len(sc.resources), sc.nick, keysOf(recorded))
		}
		for _, r := range sc.resources {
			v := recorded[r.Key]
			if v == nil {
				return s.errorf("%s is not recorded", w.cloud.ref(r.Key))
			}
			if a, b := contents(&r), contents(&v.Resource); len(r.Unknown) == 0 && a != b {
				return s.errorf("%s is %s and is recorded as %s", w.cloud.ref(r.Key), a, b)
			}
		}
	}
	return nil
}

// checkPast makes sure that the scan left the revision before it alone.
func (w *world) checkPast(s *statement, _ *outcome) error {
	if w.head.Revision == 0 {
		return nil
	}
	past, err := w.inventoryAt(w.head.Revision)
	if err != nil {
		return err
	}
	return s.sameVersions("the revision before the scan", w.inventory, past)
}
