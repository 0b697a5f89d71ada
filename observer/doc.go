// Package observer is how Elava is watched from outside: its metrics, the HTTP server
// that shows them, and the form of its log lines.
//
// Metrics holds the OpenTelemetry instruments; it knows no exporter. Prometheus is a
// meter provider together with the registry that is scraped. MetricsServer answers
// HTTP on the daemon's one port. NewLogger makes the logger.
//
// It does not decide: what counts as a failure, when a scan ended and who may see
// which path is told by those who call. It reads neither the store nor the cloud.
//
// # Invariants
//
//   - Metric names are a contract with users. An exporter adds nothing to them: no
//     unit, no type, no scope label.
//   - No label carries an id, a name, a tag or an error text. The number of series is
//     bounded by accounts, regions and resource types.
//   - A counter exists with value 0 before its first event wherever its labels are
//     known, so that the first event is seen as an increase.
//   - Series of a scope come from one snapshot, which is replaced as a whole: a scrape
//     never mixes two scans, and a scope that is gone leaves no series behind.
//   - A scrape is answered whole or with an error, never in part without saying so.
//   - A log record is one line and one Write, whatever its values contain.
package observer
