// Package docs holds the documentation against the program: every command that a page shows
// is run as a reader would run it, and the picture in README.md is drawn from what the
// program writes.
//
// It has tests only. docs/testing.md says how commands are marked.
package docs
