// Package population tests that every type of the AWS provider that moto implements is
// found completely and exactly once, stays quiet while nothing changes, and reports a
// change under its right path.
//
// What is made and changed is the table of provider/aws/populationtest. All its rows are
// made in two accounts and three regions, listed by the provider, and recorded by the
// daemon's reconciler in a store of its own. What moto itself puts into an account is
// recorded before anything is made.
package population
