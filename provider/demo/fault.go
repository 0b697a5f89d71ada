package demo

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

// FaultsHelp says how faults are written, for error messages and documentation.
const FaultsHelp = "fail:GLOB, throttle[:GLOB], hang[:GLOB], hang-hard[:GLOB], partial:GLOB, slow:DURATION, panic:GLOB, flaky:PERCENT"

// The first words of faults.
const (
	faultFail     = "fail"
	faultThrottle = "throttle"
	faultHang     = "hang"
	faultHangHard = "hang-hard"
	faultPartial  = "partial"
	faultSlow     = "slow"
	faultPanic    = "panic"
	faultFlaky    = "flaky"
)

// fault is one way of going wrong. It is not changed once it is parsed.
type fault struct {
	text    string // as the user wrote it
	word    string
	glob    string // lower case; "*" for all scopes
	delay   time.Duration
	percent int
}

// faultSet is all that is switched on at a time.
type faultSet struct{ faults []*fault }

// SetFaults switches on these faults and no others, for the listings that begin from
// now on:
//
//	fail:GLOB         access is denied
//	throttle[:GLOB]   throttled after the first page, in every third step; which one
//	                  of the three differs from scope to scope
//	hang[:GLOB]       blocks until the context of the listing ends
//	hang-hard[:GLOB]  blocks until the provider is closed, whatever the context says
//	partial:GLOB      the tags of every third resource, always the same, are unknown
//	slow:DURATION     every page takes this long ("250ms")
//	panic:GLOB        List panics
//	flaky:PERCENT     so many listings of a hundred end with a network error after the
//	                  first page; which ones depends on seed, scope and step
//
// A glob is matched against the type ("Demo::Compute::*"), with one slash against
// region and type ("us-east-1/*"), and with three against the scope as Scope.String
// writes it; the case of letters does not matter. One without a match is an error:
// it would silently do nothing. Where several faults strike one scope, the worst does.
//
// After an error the faults are those of before.
func (p *Provider) SetFaults(faults []string) error {
	set := &faultSet{}
	var errs []error
	for _, text := range faults {
		f, err := parseFault(text)
		if err == nil {
			err = f.checkMatch(p.cloud.extents)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("demo cloud: fault %q: %w", text, err))
			continue
		}
		set.faults = append(set.faults, f)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.faults.Store(set)
	return nil
}

func (s *faultSet) String() string {
	texts := make([]string, len(s.faults))
	for i, f := range s.faults {
		texts[i] = f.text
	}
	return strings.Join(texts, ", ")
}

func parseFault(text string) (*fault, error) {
	word, argument, given := strings.Cut(text, ":")
	f := &fault{text: text, word: word, glob: "*"}
	var err error
	switch word {
	case faultThrottle, faultHang, faultHangHard:
		if given {
			f.glob = strings.ToLower(argument)
		}
	case faultFail, faultPartial, faultPanic:
		f.glob = strings.ToLower(argument)
	case faultSlow:
		if f.delay, err = time.ParseDuration(argument); err != nil || f.delay <= 0 {
			return nil, fmt.Errorf("want a duration above 0, such as slow:250ms")
		}
	case faultFlaky:
		f.percent, err = strconv.Atoi(strings.TrimSuffix(argument, "%"))
		if err != nil || f.percent < 0 || f.percent > 100 {
			return nil, fmt.Errorf("want a percentage from 0 to 100, such as flaky:10")
		}
	default:
		return nil, fmt.Errorf("unknown; allowed are %s", FaultsHelp)
	}
	if _, err := path.Match(f.glob, ""); err != nil || f.glob == "" {
		return nil, fmt.Errorf("want a glob of types or scopes, such as %s:%s*", word, typePrefix)
	}
	return f, nil
}

// checkMatch refuses a glob that matches nothing, and names the types there are.
func (f *fault) checkMatch(extents []*extent) error {
	var types []string
	for _, e := range extents {
		if f.matches(e.scope) {
			return nil
		}
		if t := e.scope.Type; len(types) == 0 || types[len(types)-1] != t {
			types = append(types, t)
		}
	}
	return fmt.Errorf("%s matches no scope; a scope is %s, a type is one of %s",
		f.glob, extents[0].scope, strings.Join(types, ", "))
}

func (f *fault) matches(scope resource.Scope) bool {
	text := scope.Type
	switch strings.Count(f.glob, "/") {
	case 0:
	case 1:
		text = scope.Region + "/" + scope.Type
	default:
		text = scope.String()
	}
	ok, err := path.Match(f.glob, strings.ToLower(text))
	return ok && err == nil
}

func (f *fault) hint() string { return `the fault "` + f.text + `" is switched on` }

func (f *fault) error(reason provider.Reason, format string, args ...any) *provider.Error {
	return &provider.Error{Reason: reason, Hint: f.hint(), Err: fmt.Errorf(format, args...)}
}

// trouble is what goes wrong with one listing.
type trouble struct {
	panics     *fault
	hangs      bool
	hangsHard  bool
	firstPage  error // instead of the first page
	secondPage error // instead of the second page, or of the end after the first
	delay      time.Duration
	partial    *fault
}

// at returns what goes wrong with a scope at a step.
func (s *faultSet) at(c *cloud, e *extent, tick uint64) trouble {
	var t trouble
	for _, f := range s.faults {
		if !f.matches(e.scope) {
			continue
		}
		switch f.word {
		case faultFail:
			t.firstPage = f.error(provider.ReasonAccessDenied, "not authorized to list %s in %s", e.scope.Type, e.scope.Region)
		case faultThrottle:
			if (tick+uint64(e.index))%3 == 0 {
				t.secondPage = f.error(provider.ReasonThrottled, "rate exceeded while listing %s", e.scope.Type)
			}
		case faultFlaky:
			r := rng(mix(streamFault.key(c.seed)+tick) + uint64(e.index))
			if r.below(100) < f.percent {
				t.secondPage = f.error(provider.ReasonNetwork, "connection reset while listing %s", e.scope.Type)
			}
		case faultHang:
			t.hangs = true
		case faultHangHard:
			t.hangsHard = true
		case faultPartial:
			t.partial = f
		case faultSlow:
			t.delay = max(t.delay, f.delay)
		case faultPanic:
			t.panics = f
		}
	}
	return t
}

// hideTags makes the tags of a third of the resources unknown, by their ids.
func (f *fault) hideTags(resources []resource.Resource, seed uint64) {
	for i := range resources {
		r := &resources[i]
		h := streamPartial.key(seed)
		for _, b := range []byte(r.Key.ID) {
			h = (h ^ uint64(b)) * 0x100000001b3 // FNV-1a
		}
		if mix(h)%3 == 0 {
			r.Tags = nil
			r.Unknown = []resource.Unknown{{
				Part: resource.PartTags,
				Err:  f.error(provider.ReasonAccessDenied, "not authorized to read the tags of %s", r.Key.ID),
			}}
		}
	}
}
