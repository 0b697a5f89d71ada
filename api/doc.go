// Package api answers questions about the inventory and its history over HTTP, and
// holds the Go client that asks them. The commands of elava use that client both
// against a daemon and, with NewLocalClient, against a store they opened themselves, so
// that one question has one answer whichever way it takes.
//
// It reads. It changes nothing in the store, runs no scan, and knows no engine and no
// cloud. Its paths, parameters and JSON are a contract with users; docs/api.md describes
// them.
//
// # Invariants
//
//   - An answer describes one revision, and so do all pages that its cursor leads to,
//     whatever is committed meanwhile.
//   - An answer is complete or it is an error: no byte is written before the whole page
//     was read. A page is bounded in items and in bytes, so memory is too.
//   - What a stranger sends never leads to a 5xx, and a 5xx never tells a stranger what
//     went wrong inside: that is logged.
//   - Nobody but loopback clients and holders of the token gets an answer. See Guard.
package api
