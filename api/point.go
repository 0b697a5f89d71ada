package api

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Point is a point in the history: a revision, or a time. Exactly one of the two is set;
// the zero Point is none.
type Point struct {
	Revision int64
	Time     time.Time
}

// IsZero reports whether p is no point at all.
func (p Point) IsZero() bool { return p.Revision == 0 && p.Time.IsZero() }

const pointForms = "want a time such as 2025-10-22T10:00:00Z, how long ago such as 2h, 3d or 1w, or a revision such as 42"

// ParsePoint reads a point as users write it: a time by RFC 3339; how long before now,
// in whole weeks (w), days (d, 24 hours), hours (h), minutes (m) and seconds (s), which
// combine, greatest first ("1d12h"); or the number of a revision, from 1.
func ParsePoint(s string, now time.Time) (Point, error) {
	if s == "" {
		return Point{}, errors.New("no point in time: " + pointForms)
	}
	if isDigits(s) {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			return Point{}, fmt.Errorf("revision %q: revisions are numbered from 1", s)
		}
		return Point{Revision: n}, nil
	}
	if ago, ok := parseAgo(s); ok {
		return Point{Time: now.Add(-ago).UTC()}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.IsZero() {
		return Point{}, fmt.Errorf("point in time %q: %s", s, pointForms)
	}
	return Point{Time: t.UTC()}, nil
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// parseAgo reads a duration such as "1d12h". It refuses what no time.Duration can hold
// (292 years).
func parseAgo(s string) (time.Duration, bool) {
	const units = "wdhms"
	lengths := [...]time.Duration{7 * 24 * time.Hour, 24 * time.Hour, time.Hour, time.Minute, time.Second}
	var total time.Duration
	for last := -1; s != ""; {
		end := strings.IndexAny(s, units)
		if end < 1 || !isDigits(s[:end]) {
			return 0, false
		}
		n, err := strconv.ParseInt(s[:end], 10, 64)
		unit := strings.IndexByte(units, s[end])
		if err != nil || unit <= last || n > int64((math.MaxInt64-total)/lengths[unit]) {
			return 0, false
		}
		total += time.Duration(n) * lengths[unit]
		last, s = unit, s[end+1:]
	}
	return total, true
}
