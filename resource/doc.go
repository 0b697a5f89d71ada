// Package resource holds the nouns of Elava: the Key that identifies a
// resource, the Scope in which it is listed, the Resource itself, its canonical
// document and the Fingerprint by which two observations are compared.
//
// It answers three questions: which resource is this (Key), where does it come
// from (Scope), is it the same as last time (Fingerprint). It does not list
// resources (package provider), does not tell what differs (package change) and
// does not keep anything (package storage).
//
// # Invariants
//
//   - A Key names the provider, the account, the region and the type beside the
//     id. Two resources with one id in two accounts, regions or types never mix.
//   - The canonical document of a resource depends on what the cloud says, not on
//     how it says it: members sorted by name, sets sorted by key, policies parsed,
//     empty, null and absent values left out, volatile members left out.
//   - The same facts give the same bytes on every machine and in every release
//     with the same schema version.
//
// The package uses the standard library only.
package resource
