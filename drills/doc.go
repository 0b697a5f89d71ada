// Package drills lets the surroundings of a daemon fail, one after the other, as section 7
// of the first design lists them, and looks whether the program that users run comes
// through. It holds tests only.
//
// The program is the real one, built as releases are, asked through its own ports, signals
// and files. The cloud is the demo provider, whose every step is known, or moto behind
// provider/aws/faultproxy. Only the clock is set in one process with the daemon: no test
// may set that of a machine.
//
// Each drill has a short form, which `make test` runs, and a long one, which `make drills`
// runs: that is ELAVA_DRILLS=full. The long one writes docs/drills.md.
//
//   - process_test.go, disk_test.go, cage_test.go: the program, also on a disk of its own, and
//     with so much memory and no more
//   - oracle_test.go: what a store has to say, worked out from the demo cloud's truth
//   - report_test.go: docs/drills.md
//   - the other files: drills, by what fails
//
// Drills on a disk of their own need root, or name spaces of users. As root the disk is an
// ext4 file system, which can also be slow; else it is in memory, and the drill with the
// slow disk is left out of the short form. The long one has to be run as root.
package drills
