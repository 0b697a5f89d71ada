// Command mutants proves that the tests hold the invariants: it turns each of them off, one
// at a time, and expects tests to fail. `make mutants` runs it and writes the table in
// docs/testing.md.
//
// A mutant is an edit of one or two places of the source, kept in mutants.txt with the
// tests that have to notice it. The source itself is not touched: the compiler reads the
// edited file instead of it (go build -overlay). A mutant that does not compile, or that no
// test notices, fails the run.
//
// In mutants.txt each mutant is a block of lines:
//
//	mutant NAME
//	holds  what it turns off: "invariant 2", "details"
//	says   the mistake, for the table
//	test   PACKAGE PATTERN, as for go test PACKAGE -run PATTERN
//	file   the file that the edits below it change
//	<      a line to replace; several together are one text, which the file has exactly once
//	>      a line to put there instead; none: nothing
//
// A further line with < behind one with > begins a further edit.
package main
