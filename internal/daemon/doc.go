// Package daemon is the life of `elava serve`: it reconciles on an interval, tells how it
// is, and stops cleanly.
//
// It knows the contracts provider and storage and nothing of what implements them: a test
// over its imports says so. Wiring is cmd/elava's business.
//
//   - reconciler.go: one iteration, from the plan to the metrics
//   - scan.go: the listing of scopes, in parallel, and its comparison by fingerprints
//   - detect.go: what the differences mean, and staging them
//   - spool.go: what differs, held until its scope is known to be complete
//   - failing.go: which failures the log has to tell
//   - loop.go: when iterations begin
//   - reload.go: other settings while it runs
//   - retention.go: dropping what is too old, beside them
//   - daemon.go: start, stop, and what belongs to it
//   - health.go: what orchestrators and people ask
//
// # Invariants
//
//   - A scan is compared with the last committed revision before anything of it is
//     stored, and all of it is stored at once.
//   - Only a scope that was listed to its end contributes anything; only it can make
//     resources disappear.
//   - One iteration runs at a time, and ends at its time limit whatever a provider does.
//   - Memory is bounded by the fingerprints of the scopes being listed and one page each.
package daemon
