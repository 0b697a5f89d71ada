package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/elava-dev/elava/internal/config"
)

// IAMPolicyCommand prints the least policy with which the configured types can be listed.
type IAMPolicyCommand struct {
	daemonFlags
	Member    bool   `help:"Print the policy of the role in an account of cloud.accounts or cloud.organization, not that of the caller."`
	Wildcards bool   `help:"Replace several actions of a service that describe or list by one pattern. It allows more than is needed."`
	Split     string `placeholder:"DIR" help:"Write policies that fit the size limit of managed policies into this directory."`
}

// Run implements the command.
func (c *IAMPolicyCommand) Run(env *Env) error {
	cfg, err := c.load(env)
	if err != nil {
		return err
	}
	if cfg.Cloud.Provider != config.ProviderAWS {
		return usagef("the provider %s needs no policy; use --provider aws", cfg.Cloud.Provider)
	}
	policy, err := awsPolicy(cfg, c.Member, c.Wildcards)
	if err != nil {
		return &usageError{err}
	}
	if c.Split != "" {
		return writePolicies(env, c.Split, policy.Split())
	}
	if size := policy.Size(); size > maxPolicySize {
		env.note("the policy has %d characters, and a managed policy may have %d: use --split or --wildcards", size, maxPolicySize)
	}
	return writePolicy(env.Stdout, policy)
}

func writePolicy(w io.Writer, policy *iamPolicy) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(policy)
}

// writePolicies writes one file for each policy and prints their names.
func writePolicies(env *Env, dir string, policies []*iamPolicy) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the policies: %w", err)
	}
	for i, policy := range policies {
		name := filepath.Join(dir, fmt.Sprintf("elava-%d.json", i+1))
		f, err := os.Create(name)
		if err != nil {
			return fmt.Errorf("writing the policies: %w", err)
		}
		if err := errors.Join(writePolicy(f, policy), f.Close()); err != nil {
			return fmt.Errorf("writing the policies: %w", err)
		}
		fmt.Fprintln(env.Stdout, name)
	}
	return nil
}
