package main

import (
	"context"
	"fmt"
)

// scanWarning is printed by the deprecated command before anything else.
const scanWarning = "⚠️  WARNING: 'scan' command is deprecated. Use 'elava serve' for continuous monitoring."

// ScanCommand scans once. It goes in v2.0; docs/migration.md says how to move.
type ScanCommand struct {
	daemonFlags
	Once bool `name:"once" hidden:"" help:"Always so."`
}

// Run implements the command.
func (c *ScanCommand) Run(ctx context.Context, env *Env) error {
	fmt.Fprintln(env.Stderr, scanWarning)
	cfg, err := c.load(env)
	if err != nil {
		return err
	}
	return scanOnce(ctx, cfg, env)
}
