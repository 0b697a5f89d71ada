//go:build !race

package e2e

// buildFlags make the program as releases are.
func buildFlags() (env, flags []string) { return []string{"CGO_ENABLED=0"}, []string{"-trimpath"} }
