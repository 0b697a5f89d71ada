//go:build race

package e2e

// buildFlags make the program like this test: with the race detector.
func buildFlags() (env, flags []string) { return nil, []string{"-race"} }
