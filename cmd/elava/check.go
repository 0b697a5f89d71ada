package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/elava-dev/elava/internal/config"
	"github.com/elava-dev/elava/provider"
)

// CheckCommand tries what the daemon would need.
type CheckCommand struct {
	daemonFlags
	Health   bool   `help:"Ask the daemon of this configuration, on this machine, how it is; for health checks of containers."`
	Problems bool   `help:"Leave out what is ok."`
	Output   string `short:"o" enum:"table,json,jsonl,csv,yaml" default:"table" help:"One of ${enum}."`
}

// Run implements the command.
func (c *CheckCommand) Run(ctx context.Context, env *Env) error {
	cfg, err := c.load(env)
	if err != nil {
		return err
	}
	if c.Health {
		return askHealth(ctx, cfg.Daemon)
	}
	p, err := providerToCheck(cfg)
	if err != nil {
		return &usageError{err}
	}
	ctx, release := untilSignal(ctx, func() {})
	defer release()
	found := []provider.Finding{provider.Finding{What: "storage"}.Found("", checkWritable(cfg.Storage.Path))}
	found = append(found, checkFiles(cfg, env)...)
	if checker, ok := p.(provider.Checker); ok {
		of, err := checker.Check(ctx)
		if err != nil {
			return fmt.Errorf("checking: %w", err)
		}
		found = append(found, of...)
	}
	return c.report(env, found)
}

// checkFiles tries what serve reads as it starts: the token of the API and the secrets of
// webhooks.
func checkFiles(cfg *config.Config, env *Env) []provider.Finding {
	var found []provider.Finding
	if file := cfg.API.TokenFile; file != "" {
		_, err := readTokenFile(file)
		found = append(found, provider.Finding{What: "api.token_file"}.Found("", err))
	}
	for i, h := range cfg.Notify {
		_, err := hookOf(h, env)
		found = append(found, provider.Finding{What: fmt.Sprintf("notify[%d]", i)}.Found("", err))
	}
	return found
}

func (c *CheckCommand) report(env *Env, found []provider.Finding) error {
	problems := 0
	err := writeList(env, c.Output, findingColumns(), func(yield func(*provider.Finding, error) bool) {
		for i := range found {
			if !found[i].OK() {
				problems++
			}
			if c.Problems && found[i].Status == provider.StatusOK {
				continue
			}
			if !yield(&found[i], nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if problems > 0 {
		return fmt.Errorf("%d of %d checks found a problem", problems, len(found))
	}
	return nil
}

func findingColumns() columns[provider.Finding] {
	shown := []column[provider.Finding]{
		{name: "ACCOUNT", value: func(f *provider.Finding) string { return f.Account }},
		{name: "REGION", value: func(f *provider.Finding) string { return f.Region }},
		{name: "WHAT", value: func(f *provider.Finding) string { return f.What }},
		{name: "STATUS", value: func(f *provider.Finding) string { return string(f.Status) }, paint: paintFinding},
		{name: "ACTION", value: func(f *provider.Finding) string { return f.Action }},
		{name: "ERROR", wide: true, value: func(f *provider.Finding) string { return f.Error }},
	}
	c := columns[provider.Finding]{table: shown}
	for i, name := range []string{"account", "region", "what", "status", "action", "error"} {
		c.csv = append(c.csv, column[provider.Finding]{name: name, value: shown[i].value})
	}
	return c
}

func paintFinding(status string) colour {
	switch provider.Status(status) {
	case provider.StatusOK:
		return green
	case provider.StatusUnavailable:
		return faint
	case provider.StatusDenied, provider.StatusFailed:
		return red
	}
	return ""
}

// checkWritable tries whether a directory can be written, or can be made. It leaves nothing
// behind.
func checkWritable(path string) error {
	dir := path
	for {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is not a directory", dir)
		}
		if err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			return err
		}
		dir = parent
	}
	probe, err := os.CreateTemp(dir, ".elava-check-*")
	if err != nil {
		return fmt.Errorf("the store at %s cannot be written: %w", path, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
