// Package demo is a synthetic cloud behind the provider contract: so that anyone can
// try Elava without an account, and so that tests can list a million resources, let a
// known share of them change, and switch failures on.
//
// It reads nothing from anywhere and imitates no cloud's behaviour beyond what a
// listing shows: a resource has a plausible document, references to others may dangle,
// and what changes changes without a cause.
//
// # Steps
//
// The cloud moves in steps. The first [Provider.Plan] shows step [Options.Tick], each
// further one the step after. Between two steps every resource changes with a
// probability of Options.ChangeRate: nine times in ten it is modified (a tag, its
// status, its size, or the elements of a set), else it disappears; and as many appear
// as disappear, so that their number stays around Options.Resources, which is exactly
// their number at step 0. Beside that, some fields move at every step that are no
// change (counters, the order of sets): the schemas take care of them.
//
// # Invariants
//
//   - The resources of a step depend on Seed, Resources, ChangeRate, Regions,
//     AttributeBytes and the number of the step, and on nothing else: no clock, no
//     machine, no listing that went before or failed. Faults touch what a listing
//     tells, never the cloud.
//   - Keys are unique by construction: ids are a bijection of a resource's number.
//   - A change that takes place alters the fingerprint, and only a change does.
//   - A listing shows one step throughout, also when the next Plan comes before its end.
//
// # Limits
//
// Memory is 8 bytes for each of 1.1 times Options.Resources, twice while a Plan makes
// the next step, and one page for each listing under way. Documents are generated when
// they are listed. Starting at a late step repeats all steps before it, at some ten
// nanoseconds for each change of the past. CreatedAt counts from a fixed epoch and says
// nothing about the wall clock. The newest 65,536 successors of one resource have
// different ids; then they repeat.
package demo
