// Package faults proves the invariants that matter most to whoever is paged by the
// change feed: a failure is never an absence, no event is false, none is missing and
// none is double. It holds tests only.
//
// The tests run the real reconciler, the real provider and the real store in one
// process against moto, through provider/aws/faultproxy. In one process a scan takes
// tenths of a second and every answer can be compared with the truth to the byte; e2e
// shows the same of the binary in few cases. They have a package of their own because
// they bring together what must not know one another elsewhere: internal/daemon reaches
// neither the SDK nor an engine, also not in its tests.
//
//   - cloud_test.go: moto, the proxy, a provider, a reconciler and a store, wired
//   - account_test.go: what happens in the account
//   - oracle_test.go: what a scan must record and report, worked out from the truth
//   - random_test.go: random faults, random changes, and the count of false, missed and
//     double events
//   - scope_test.go, answer_test.go, guard_test.go: one fault at a time
package faults
