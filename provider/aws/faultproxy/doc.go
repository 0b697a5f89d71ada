// Package faultproxy stands between a client of AWS and a server that answers as AWS
// does, and breaks answers by rule, for tests.
//
// It recognises service and operation of a request by its signature and by the form of
// each protocol, and refuses, cuts, garbles, delays or rewrites the answer in the form
// that the protocol has for it. It also cuts the answers of list operations into pages
// with tokens of its own, as the test server answers most lists at once, and may
// remember answers, so that a test pays for what changed and not for every listing.
//
// It knows nothing of the AWS SDK and nothing of Elava: what it sends is what travels on
// the wire.
//
// # Invariants
//
//   - A fault is injected into reads only. A write passes as it is, so that a test knows
//     what its cloud holds.
//   - The pages of one listing are those of one answer: what is deleted between two of
//     them moves no element from one page to another, as with AWS's own tokens.
//   - The same calls in the same round meet the same faults, whatever their order.
//   - A call that hangs ends with its client, with the proxy or after MaxHang.
package faultproxy
