package faults

import (
	"slices"
	"testing"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/aws/faultproxy"
	"github.com/elava-dev/elava/storage"
)

// harmless faults are those after which a client has the whole answer.
var harmless = []faultproxy.Fault{faultproxy.Slow, faultproxy.EmptyPage}

// bearable faults of a detail may leave its answer whole: half of a short one can hold all
// that it says.
var bearable = []faultproxy.Fault{faultproxy.Slow, faultproxy.CutWithin, faultproxy.Truncate}

// ruleOf is a fault of an operation that ends: a list of empty pages only has none.
func ruleOf(operation string, fault faultproxy.Fault) faultproxy.Rule {
	r := faultproxy.Rule{Operation: operation, Fault: fault}
	if fault == faultproxy.EmptyPage {
		r.Times = 2
	}
	return r
}

func TestList_EveryFaultIsAFailureAndNeverAnEmptyList(t *testing.T) {
	for _, reading := range readings {
		t.Run(reading.resourceType, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, options{types: []string{reading.resourceType}, pageSize: 2})
			newAccount(t, c, 1).have(t, reading.kind, 3)
			c.truth()
			c.clear()
			before := c.recorded(storage.HeadRevision)
			for _, fault := range faultproxy.Faults() {
				result := c.scan(ruleOf(reading.list, fault))
				if len(c.proxy.Injected()) == 0 {
					t.Fatalf("%s was not injected", fault)
				}
				s := state(t, result, reading.resourceType)
				want := storage.ScopeFailed
				switch {
				case slices.Contains(harmless, fault):
					want = storage.ScopeComplete
				case fault == faultproxy.NotAvailable:
					want = storage.ScopeUnavailable
				}
				if s.Status != want || want != storage.ScopeComplete && !slices.Contains(reasons[fault], provider.Reason(s.Reason)) {
					t.Errorf("%s: the scope is %s, %s: %s; want %s, %v", fault, s.Status, s.Reason, s.Error, want, reasons[fault])
				}
				c.wantEvents(result)
				if differences := compare(c.recorded(storage.HeadRevision), before); len(differences) > 0 {
					t.Errorf("%s: %q", fault, differences)
				}
			}
			c.wantEvents(c.clear())
		})
	}
}

// Every fault of every call that adds to what a list says, while what it says changes:
// the last good value stays, and the change is reported when it can be seen.
func TestDetail_EveryFaultKeepsTheLastValue(t *testing.T) {
	for _, reading := range readings {
		if len(reading.details) == 0 {
			continue
		}
		t.Run(reading.resourceType, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, options{types: []string{reading.resourceType}})
			a := newAccount(t, c, 1)
			k := a.have(t, reading.kind, 2)
			o := newOracle(t)
			o.follow(c, c.truth())
			done := 0
			for _, detail := range reading.details {
				for _, fault := range faultproxy.Faults() {
					if fault == faultproxy.EmptyPage || fault == faultproxy.RepeatedToken {
						continue // for lists
					}
					if err := k.changes[done%len(k.changes)](t.Context(), k.live[0]); err != nil {
						t.Fatal(err)
					}
					done++
					rule := faultproxy.Rule{Operation: detail, Fault: fault, Times: 1}
					if fault == faultproxy.CutBefore {
						rule.Times = 0 // net/http itself asks again where an idle connection turns out to be closed
					}
					// Without the tag index, which would spare the call of what is as recorded.
					result := o.follow(c, c.truth(), rule, faultproxy.Rule{Operation: indexOperation, Fault: faultproxy.Deny})
					if s := state(t, result, reading.resourceType); s.Status == storage.ScopeComplete && !slices.Contains(bearable, fault) {
						t.Errorf("%s %s: the scope is complete", detail, fault)
					}
				}
				o.follow(c, c.truth())
			}
			t.Logf("%s", o.tally)
			if o.tally.true_ == 0 {
				t.Error("nothing changed, so nothing is shown")
			}
		})
	}
}
