package daemon_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/elava-dev/elava/provider/providertest"
)

// wantNone makes sure that no series has any of the words in its labels.
func wantNone(t *testing.T, series map[string]float64, name, word string) {
	t.Helper()
	for s := range series {
		if strings.HasPrefix(s, name+"{") && strings.Contains(s, word) {
			t.Errorf("there is a series %s", s)
		}
	}
}

func TestMetrics_TellWhatTheScansFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		far, bucket := scopeOf("west", "T::Web"), scopeOf("global", "T::Bucket")
		r.fake.Put(providertest.Resource(far, "f", `{}`), providertest.Resource(far, "g", `{}`))
		west := providertest.Resource(bucket, "b", `{}`)
		west.Key.Region = "west"
		r.fake.Set(bucket, west)
		r.start(t)
		synctest.Wait()
		wantSeries(t, r.series(), map[string]float64{
			"daemon_reconciliation_total": 1, "daemon_resources_scanned_total": 5, "daemon_resources_current": 5,
			"elava_resources{1 east T::Web}": 1, "elava_resources{1 west T::Web}": 2, "elava_resources{1 east T::DB}": 1,
			"elava_resources{1 west T::Bucket}":                         1,
			"elava_scope_up{1 east T::Web}":                             1,
			"elava_scope_up{1 global T::Bucket}":                        1,
			"elava_resources_created_total{east T::Web}":                0,
			"elava_change_events_stored_total":                          0,
			"daemon_reconciliation_errors_total":                        0,
			"storage_write_errors_total":                                0,
			"reconciliation_timeout_total":                              0,
			"daemon_last_reconciliation_timestamp":                      946684800, // where the clock of the test begins
			"elava_resources_modified_total{west T::Web}":               0,
			"elava_resources_disappeared_total{east T::DB}":             0,
			"elava_scope_last_complete_timestamp_seconds{1 east T::DB}": 946684800,
		})

		r.fake.Put(providertest.Resource(web, "a", `{"Size":2}`), providertest.Resource(web, "b", `{}`), providertest.Resource(web, "c", `{}`))
		r.fake.Delete(keyIn(far, "f"))
		r.fake.Fail(db, throttled)
		next(t)
		series := r.series()
		wantSeries(t, series, map[string]float64{
			"daemon_reconciliation_total": 2, "daemon_resources_scanned_total": 11, "daemon_resources_current": 6,
			"elava_resources_created_total{east T::Web}":                 2,
			"elava_resources_modified_total{east T::Web}":                1,
			"elava_resources_disappeared_total{west T::Web}":             1,
			"elava_resources_disappeared_total{east T::Web}":             0,
			"elava_change_events_stored_total":                           4,
			"elava_scope_up{1 east T::DB}":                               0,
			"elava_scope_up{1 east T::Web}":                              1,
			"elava_resources{1 east T::DB}":                              1, // the last known ones
			"elava_resources{1 east T::Web}":                             3,
			"elava_resources{1 west T::Web}":                             1,
			"elava_scope_last_complete_timestamp_seconds{1 east T::DB}":  946684800,
			"elava_scope_last_complete_timestamp_seconds{1 east T::Web}": 946684860,
			"daemon_last_reconciliation_timestamp":                       946684860,
			"daemon_reconciliation_errors_total":                         0, // one scope is not the scan
		})

		r.fake.Drop(far)
		r.fake.Fail(db, nil)
		next(t)
		series = r.series()
		wantSeries(t, series, map[string]float64{
			"daemon_resources_current": 5, "elava_scope_up{1 east T::DB}": 1,
			"elava_resources_disappeared_total{west T::Web}": 1, // a counter stays
			"elava_change_events_stored_total":               4,
		})
		for _, name := range []string{"elava_resources", "elava_scope_up", "elava_scope_last_complete_timestamp_seconds"} {
			wantNone(t, series, name, "west T::Web")
		}
	})
}

func TestMetrics_ReplacedResourceCountsAsGoneAndCreated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		replace := func(uid string) {
			a := providertest.Resource(web, "a", `{}`)
			a.UID = uid
			r.fake.Put(a)
		}
		replace("u1")
		r.start(t)
		synctest.Wait()
		replace("u2")
		next(t)
		wantSeries(t, r.series(), map[string]float64{
			"elava_resources_created_total{east T::Web}": 1, "elava_resources_disappeared_total{east T::Web}": 1,
			"elava_change_events_stored_total": 2, "elava_resources{1 east T::Web}": 1,
		})
	})
}

func TestMetrics_PlanThatFailsTakesEveryScopeDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil).start(t)
		synctest.Wait()
		r.fake.FailPlan(throttled)
		next(t)
		wantSeries(t, r.series(), map[string]float64{
			"daemon_reconciliation_total": 2, "daemon_reconciliation_errors_total": 1, "storage_write_errors_total": 0,
			"elava_scope_up{1 east T::Web}": 0, "elava_scope_up{1 east T::DB}": 0, "elava_resources{1 east T::Web}": 1,
			"daemon_resources_current": 2,
		})
	})
}
