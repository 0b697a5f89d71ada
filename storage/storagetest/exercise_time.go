package storagetest

import (
	"fmt"
	"time"

	"github.com/elava-dev/elava/storage"
)

var timeCases = []testCase{
	{name: "the time of a revision is in UTC and in milliseconds", run: timeIsTruncated},
	{name: "times ascend also where the clock was set back", run: clockSetBack},
	{name: "times ascend where the clock stands still", run: clockStandsStill},
	{name: "RevisionAt gives the newest revision that is not younger", run: revisionAt},
	{name: "RevisionAt is right where revisions are a millisecond apart", run: revisionAtDense},
}

func timeIsTruncated(w *twin) {
	zone := time.FixedZone("UTC+2", 2*60*60)
	now := time.Date(2025, 10, 22, 12, 0, 0, 123_999_999, zone)
	w.begin(now)
	want := "2025-10-22T10:00:00.123Z"
	w.want("the transaction's time", []string{showTime(w.txn.Time())}, want)
	key := in(instances, "a")
	w.stage(created(key, 1))
	meta := w.commit(storage.ScanMetadata{})
	w.want("end of the scan", []string{showTime(meta.EndTime)}, want)
	v, err := w.get(key, storage.HeadRevision)
	w.ok(err, "Get")
	w.want("the version's time", []string{showTime(v.ValidFrom)}, want)
	w.want("the head's time", []string{showTime(w.head().Time)}, want)
	w.want("the event's time", []string{showTime(w.changes(storage.ChangeQuery{})[0].Time)}, want)
	w.check()
}

func clockSetBack(w *twin) {
	w.scanAt(epoch.Add(time.Hour), created(in(instances, "a"), 1))
	for i, now := range []time.Time{epoch, epoch.Add(-24 * time.Hour), epoch.Add(time.Hour)} {
		meta := w.scanAt(now, created(in(instances, fmt.Sprint("b", i)), 1))
		if want := epoch.Add(time.Hour + time.Duration(i+1)*time.Millisecond); !meta.EndTime.Equal(want) {
			w.fail("revision %d, begun at %v, has time %v, want %v", meta.Revision, now, meta.EndTime, want)
		}
	}
	w.scanAt(epoch.Add(2*time.Hour), created(in(instances, "c"), 1))
	w.want("times", scanTimes(w), "12:00:00", "11:00:00.003", "11:00:00.002", "11:00:00.001", "11:00:00")
	w.check()
}

func scanTimes(w *twin) []string {
	var times []string
	for _, s := range w.scans(storage.HeadRevision) {
		times = append(times, s.EndTime.Format("15:04:05.999999999"))
	}
	return times
}

func clockStandsStill(w *twin) {
	now := epoch.Add(999_999) // less than a millisecond later is not later
	w.scanAt(epoch)
	w.scanAt(now)
	w.scanAt(now)
	w.want("times", scanTimes(w), "10:00:00.002", "10:00:00.001", "10:00:00")
	w.check()
}

func revisionAt(w *twin) {
	at := func(d time.Duration) time.Time { return epoch.Add(d) }
	w.scanAt(at(0), created(in(instances, "a"), 1))
	w.scanAt(at(time.Hour))
	w.scanAt(at(2*time.Hour), created(in(instances, "b"), 1))
	for _, c := range []struct {
		t    time.Time
		want int64
	}{
		{time.Unix(0, 0).UTC(), 0},
		{at(-time.Nanosecond), 0},
		{at(0), 1},
		{at(time.Nanosecond), 1},
		{at(time.Hour - time.Nanosecond), 1},
		{at(time.Hour), 2},
		{at(90 * time.Minute), 2},
		{at(2 * time.Hour).In(time.FixedZone("UTC-7", -7*60*60)), 3},
		{at(1000 * time.Hour), 3},
	} {
		if got := w.revisionAt(c.t); got != c.want {
			w.fail("RevisionAt(%v) is %d, want %d", c.t, got, c.want)
		}
	}
}

func revisionAtDense(w *twin) {
	for range 20 {
		w.scanAt(epoch)
	}
	for i := range 20 {
		at := epoch.Add(time.Duration(i) * time.Millisecond)
		if got := w.revisionAt(at); got != int64(i+1) {
			w.fail("RevisionAt(%v) is %d, want %d", at, got, i+1)
		}
		if got := w.revisionAt(at.Add(-time.Nanosecond)); got != int64(i) {
			w.fail("RevisionAt just before %v is %d, want %d", at, got, i)
		}
	}
}
