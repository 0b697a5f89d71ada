package api

import (
	"testing"
	"time"
)

func TestParsePoint(t *testing.T) {
	for s, want := range map[string]Point{
		"1":                              {Revision: 1},
		"042":                            {Revision: 42},
		"9223372036854775807":            {Revision: 1<<63 - 1},
		"2h":                             {Time: now.Add(-2 * time.Hour)},
		"90m":                            {Time: now.Add(-90 * time.Minute)},
		"30s":                            {Time: now.Add(-30 * time.Second)},
		"3d":                             {Time: now.Add(-72 * time.Hour)},
		"1w":                             {Time: now.Add(-168 * time.Hour)},
		"1w2d3h4m5s":                     {Time: now.Add(-(9*24*time.Hour + 3*time.Hour + 4*time.Minute + 5*time.Second))},
		"0s":                             {Time: now},
		"2025-10-22T10:00:00Z":           {Time: time.Date(2025, 10, 22, 10, 0, 0, 0, time.UTC)},
		"2025-10-22T10:00:00.5+02:00":    {Time: time.Date(2025, 10, 22, 8, 0, 0, 500e6, time.UTC)},
		"2025-10-22T10:00:00.123456789Z": {Time: time.Date(2025, 10, 22, 10, 0, 0, 123456789, time.UTC)},
	} {
		got, err := ParsePoint(s, now)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", "0", "-1", "+1", "1.5", "9223372036854775808", "h", "2x", "-2h", "1.5h", "2h ", "1h1d", "1h1h", "2hh",
		"9999999w", "99999999999999999999h", "15250w6d", "now", "yesterday", "2025-10-22", "2025-10-22 10:00:00Z",
		"2025-10-22T10:00:00", "2025-13-01T00:00:00Z", "0001-01-01T00:00:00Z", "１h",
	} {
		if got, err := ParsePoint(s, now); err == nil {
			t.Errorf("%q: %+v, want an error", s, got)
		}
	}
}

func FuzzParsePoint(f *testing.F) {
	for _, s := range []string{"1", "2h", "1w2d", "2025-10-22T10:00:00Z", "99999999999999999999w", "0", "-1h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePoint(s, now)
		if err != nil {
			return
		}
		if (p.Revision == 0) == p.Time.IsZero() || p.Revision < 0 {
			t.Fatalf("%q: %+v is not exactly one of the two", s, p)
		}
		if !p.Time.IsZero() {
			if again, err := ParsePoint(p.Time.Format(time.RFC3339Nano), now); err == nil && again != p {
				t.Errorf("%q: %v, read back as %v", s, p.Time, again.Time)
			}
		}
	})
}
