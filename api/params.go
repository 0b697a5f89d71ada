package api

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	maxValues    = 100 // of one parameter: each is compared with every resource
)

// paramError is a parameter that cannot be used.
type paramError struct {
	name, message string
}

func (e *paramError) Error() string { return "parameter " + e.name + ": " + e.message }

// params reads the parameters of one request. It keeps the first error, after which its
// methods return zero values; the caller looks at err once, when all are read.
type params struct {
	values url.Values
	now    time.Time
	err    error
}

// parseParams refuses parameters that are not among the allowed ones: a filter that is
// misspelled and ignored would answer another question than was asked.
func parseParams(rawQuery string, now time.Time, allowed []string) *params {
	values, err := url.ParseQuery(rawQuery)
	if err != nil {
		return &params{err: &paramError{"?" + rawQuery, "the query is malformed: " + err.Error()}}
	}
	p := &params{values: values, now: now}
	for name, all := range values {
		switch {
		case !slices.Contains(allowed, name):
			p.fail(name, "unknown here; there are "+strings.Join(allowed, ", "))
		case len(all) > maxValues:
			p.fail(name, fmt.Sprintf("at most %d values", maxValues))
		case slices.Contains(all, ""):
			p.fail(name, "is empty; leave it out instead")
		}
	}
	if len(allowed) == 0 && p.err != nil {
		p.err = &paramError{"?" + rawQuery, "there are no parameters here"}
	}
	return p
}

// fail records an error. Where several parameters are wrong, which come in no order, the
// first by name is reported.
func (p *params) fail(name, message string) {
	old, ok := errors.AsType[*paramError](p.err)
	if !ok || name < old.name {
		p.err = &paramError{name, message}
	}
}

// one returns the value of a parameter that may be given once.
func (p *params) one(name string) string {
	if len(p.values[name]) > 1 {
		p.fail(name, "may be given once")
	}
	return p.values.Get(name)
}

// many returns the values of a parameter that may be repeated and may list values
// separated by commas.
func (p *params) many(name string) []string {
	var all []string
	for _, v := range p.values[name] {
		all = append(all, strings.Split(v, ",")...)
	}
	if slices.Contains(all, "") {
		p.fail(name, "a value of the list is empty")
	}
	if len(all) > maxValues {
		p.fail(name, fmt.Sprintf("at most %d values", maxValues))
	}
	return all
}

// oneOf returns the value of a parameter that has few; fallback where it is not given.
func (p *params) oneOf(name, fallback string, allowed ...string) string {
	v := p.one(name)
	if v == "" {
		return fallback
	}
	if !slices.Contains(allowed, v) {
		p.fail(name, fmt.Sprintf("%q is not one of %s", v, strings.Join(allowed, ", ")))
	}
	return v
}

func (p *params) limit() int { return p.limitOr(defaultLimit) }

func (p *params) limitOr(fallback int) int {
	v := p.one("limit")
	if v == "" {
		return fallback
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > maxLimit {
		p.fail("limit", fmt.Sprintf("%q is not a number from 1 to %d", v, maxLimit))
	}
	return n
}

// point returns a point in history; the zero Point where it is not given. A blank stands
// for the plus sign of a time zone, which a URL turns into one unless it is escaped.
func (p *params) point(name string) Point {
	v := p.one(name)
	if v == "" {
		return Point{}
	}
	point, err := ParsePoint(strings.ReplaceAll(v, " ", "+"), p.now)
	if err != nil {
		p.fail(name, err.Error())
	}
	return point
}

func (p *params) key() *resource.Key {
	const name = "key"
	v := p.one(name)
	if v == "" {
		return nil
	}
	k, err := resource.ParseKey(v)
	if err != nil {
		p.fail(name, err.Error())
	}
	return &k
}

// filter returns the filter that the parameters describe, of which a path allows some.
func (p *params) filter() storage.Filter {
	f := storage.Filter{
		Types: p.many("type"), Regions: p.many("region"), Accounts: p.many("account"),
		Name: p.one("name"), ID: p.one("id"),
	}
	for _, t := range p.values["tag"] {
		tag, err := storage.ParseTagFilter(t)
		if err != nil {
			p.fail("tag", err.Error())
		}
		f.Tags = append(f.Tags, tag)
	}
	if err := f.Validate(); err != nil {
		p.fail("type", err.Error())
	}
	return f
}

func (p *params) changeTypes() []change.Type {
	var types []change.Type
	for _, v := range p.many("change_type") {
		t := change.Type(v)
		if !t.Reported() && v != "" {
			p.fail("change_type", fmt.Sprintf("%q is not one of created, modified, disappeared", v))
		}
		types = append(types, t)
	}
	return types
}

// question is what is asked for, leaving aside which page of the answer.
func (p *params) question() string {
	q := url.Values{}
	for name, v := range p.values {
		if name != "cursor" && name != "limit" {
			q[name] = v
		}
	}
	return q.Encode()
}
