// Package storagetest is what every storage engine is measured with.
//
// It holds three things. Model is the contract of package storage written down as maps
// and slices, slow and plain enough to be read and believed. Exercise is the conformance
// suite: what the contract says, sentence by sentence, as subtests. Random applies long
// random sequences of transactions, crashes and reads to an engine and to the Model, and
// demands the same answers; RunScript does so for a sequence that a fuzzer made up.
//
// An engine's own tests come down to:
//
//	func open(t testing.TB, dir string) storage.Store {
//		s, err := badger.Open(dir)
//		if err != nil {
//			t.Fatal(err)
//		}
//		return s
//	}
//
//	var options = storagetest.Options{Persistent: true, Crash: copyDirectory}
//
//	func TestStore_Conforms(t *testing.T)          { storagetest.Exercise(t, open, options) }
//	func TestStore_AnswersAsTheModel(t *testing.T) { storagetest.Random(t, storagetest.Seed(t), 2000, open, options) }
//
//	func FuzzStore(f *testing.F) {
//		f.Fuzz(func(t *testing.T, script []byte) { storagetest.RunScript(t, script, open, options) })
//	}
//
// What an engine does beyond the contract (giving space back, backup, repair, locking of the
// directory, its error texts) is tested where the engine lives.
//
// # Readings
//
// Where the contract leaves room, the suite takes the reading that is written here, or
// keeps away from the question.
//
//   - A version's EndRevision and ValidTo say when it really ended, at whatever revision
//     it is read. A version that a commit ends while an iterator runs may show its end or not.
//   - A tombstone ends where the resource is created again.
//   - In an empty store HeadRevision is a state without resources, not an error.
//   - Above, UpTo and After of a ChangeQuery and the bound of Scans are bounds, not states:
//     the suite does not ask what they mean above the head.
//   - Nil and empty are one: tags, regions, changes, incomplete parts, and attributes {}.
//   - A caller's ErrorCount is the number of FailedScopes that the scan will have.
//   - Trim may be called while a transaction is open. What Trim(HeadRevision) means is not asked.
//   - Stage refuses a key, and SetScope a scope, that is not valid.
//   - Stage copies what it keeps, and whoever receives an answer may keep it.
//   - An iterator sees the cancellation of its context at the latest some thousand
//     elements later; one whose context is cancelled from the start yields that error only.
package storagetest
