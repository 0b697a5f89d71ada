package faultproxy

import (
	"testing"
	"time"
)

func TestRule_PerSecondLetsSoManyPass(t *testing.T) {
	r := &rule{Rule: Rule{PerSecond: 2}}
	list, get := Call{Service: "s", Operation: "ListThings"}, Call{Service: "s", Operation: "GetThing"}
	begin := time.Now()
	for _, step := range []struct {
		c    Call
		at   time.Duration
		want bool
	}{
		{list, 0, true}, {list, 100 * time.Millisecond, true}, {list, 200 * time.Millisecond, false},
		{get, 200 * time.Millisecond, true}, // each operation by itself
		{list, 999 * time.Millisecond, false}, {list, time.Second, true}, {list, time.Second, false}, {list, 1100 * time.Millisecond, true},
	} {
		if got := r.passes(step.c, begin.Add(step.at)); got != step.want {
			t.Errorf("%s after %s: passes is %v", step.c.Name(), step.at, got)
		}
	}
}
