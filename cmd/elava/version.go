package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/elava-dev/elava/observer"
)

// version and commit are set by the linker when a release is built:
// -ldflags "-X main.version=v1.2.3 -X main.commit=0123abc".
var (
	version string
	commit  string
)

// VersionCommand shows what this binary is.
type VersionCommand struct {
	Output string `name:"output" short:"o" enum:"text,json" default:"text" help:"text or json."`
}

// Run implements the command.
func (c *VersionCommand) Run(env *Env) error {
	b := buildInfo()
	if c.Output == "json" {
		return json.NewEncoder(env.Stdout).Encode(map[string]string{
			"version": b.Version, "revision": b.Revision, "goversion": b.GoVersion,
			"platform": runtime.GOOS + "/" + runtime.GOARCH,
		})
	}
	_, err := fmt.Fprintf(env.Stdout, "elava %s (revision %s, %s, %s/%s)\n",
		b.Version, b.Revision, b.GoVersion, runtime.GOOS, runtime.GOARCH)
	return err
}

// buildInfo is what the linker was told, else what the Go toolchain noted.
func buildInfo() observer.BuildInfo {
	b := observer.BuildInfo{Version: version, Revision: commit, GoVersion: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if ok && b.Version == "" {
		b.Version = info.Main.Version
	}
	if ok && b.Revision == "" {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	if b.Version == "" {
		b.Version = "(devel)"
	}
	if b.Revision == "" {
		b.Revision = "unknown"
	}
	return b
}
