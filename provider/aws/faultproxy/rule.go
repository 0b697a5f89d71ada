package faultproxy

import (
	"fmt"
	"hash/fnv"
	"path"
	"slices"
	"strings"
	"time"
)

// Rule says which calls meet a fault. The first rule that applies to a call decides.
type Rule struct {
	Service, Operation string // globs on Call's members; empty: all
	Region             string // exact; empty: all
	Contains           string // what stands in the path, the parameters or the body of the request
	Page               int    // of a listing; 0: all

	Fault       Fault
	Probability float64 // 0 means 1
	Skip        int     // calls that pass before the rule applies
	Times       int     // how often it applies at most; 0: without limit

	// PerSecond is how many calls of an operation pass in any one second before the rule
	// applies to more; 0: none passes for that reason. Calls that meet the rule do not count.
	PerSecond int

	Rewrite func(body []byte) []byte // for the fault Rewrite
}

// String names the rule in logs of tests.
func (r Rule) String() string {
	s := fmt.Sprintf("%s %s.%s", r.Fault, orAll(r.Service), orAll(r.Operation))
	if r.Page > 0 {
		s += fmt.Sprintf(" page %d", r.Page)
	}
	if r.Probability > 0 {
		s += fmt.Sprintf(" p=%.2g", r.Probability)
	}
	if r.Times > 0 {
		s += fmt.Sprintf(" times=%d", r.Times)
	}
	if r.PerSecond > 0 {
		s += fmt.Sprintf(" above=%d/s", r.PerSecond)
	}
	return s
}

func orAll(glob string) string {
	if glob == "" {
		return "*"
	}
	return glob
}

// Injection is a fault that was injected.
type Injection struct {
	Call  Call
	Fault Fault
}

// rule is a rule at work.
type rule struct {
	Rule
	seen, done int
	passed     map[string][]time.Time // of the last second, by Call.Name; for PerSecond
}

// passes reports whether a call is among those of the last second that pass.
func (r *rule) passes(c Call, now time.Time) bool {
	if r.PerSecond == 0 {
		return false
	}
	recent := slices.DeleteFunc(r.passed[c.Name()], func(at time.Time) bool { return now.Sub(at) >= time.Second })
	passes := len(recent) < r.PerSecond
	if passes {
		recent = append(recent, now)
	}
	if r.passed == nil {
		r.passed = map[string][]time.Time{}
	}
	r.passed[c.Name()] = recent
	return passes
}

func (r *rule) matches(c Call, request string) bool {
	return glob(r.Service, c.Service) && glob(r.Operation, c.Operation) &&
		(r.Region == "" || r.Region == c.Region) && (r.Page == 0 || r.Page == c.Page) &&
		(r.Contains == "" || strings.Contains(request, r.Contains))
}

func glob(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return pattern == "" || ok && err == nil
}

// decide returns the rule that a call meets and notes the injection; nil: none. request
// is what the call's request consists of.
func (p *Proxy) decide(c Call, request string) *Rule {
	if c.Protocol == Unknown || !c.Reads() {
		return nil
	}
	_, isList := listOf(c)
	p.mu.Lock()
	defer p.mu.Unlock()
	ordinal := p.counts[c.Name()]
	p.counts[c.Name()]++
	for i, r := range p.rules {
		if !r.matches(c, request) || r.Fault.forListings() && !isList {
			continue
		}
		r.seen++
		if r.seen <= r.Skip || r.Times > 0 && r.done >= r.Times {
			continue
		}
		if r.passes(c, time.Now()) {
			continue
		}
		if r.Probability > 0 && p.chance(i, c, ordinal) >= r.Probability {
			continue
		}
		r.done++
		p.injected = append(p.injected, Injection{c, r.Fault})
		return &r.Rule
	}
	return nil
}

// chance is a number in [0, 1) that depends on the seed, the round, the rule and how
// many calls of the operation came before, and on nothing else.
func (p *Proxy) chance(rule int, c Call, ordinal int) float64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d/%d/%d/%s/%d", p.seed, p.round, rule, c.Name(), ordinal)
	x := h.Sum64() // mixed once more: the last bytes of FNV reach the high bits badly
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
