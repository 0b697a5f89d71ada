package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
)

// ConfigCommand shows what the daemon would run with.
type ConfigCommand struct {
	daemonFlags
	Output string `name:"output" short:"o" enum:"table,json" default:"table" help:"table or json."`
}

// Run implements the command.
func (c *ConfigCommand) Run(env *Env) error {
	cfg, err := c.load(env)
	if err != nil {
		return err
	}
	if c.Output == "json" {
		type setting struct {
			Key    string `json:"key"`
			Value  string `json:"value"`
			Origin string `json:"origin"`
		}
		items := []setting{}
		for _, s := range cfg.Settings() {
			items = append(items, setting{s.Key, s.Value, s.Origin.String()})
		}
		e := json.NewEncoder(env.Stdout)
		e.SetEscapeHTML(false)
		return e.Encode(map[string]any{"items": items})
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KEY\tVALUE\tORIGIN")
	for _, s := range cfg.Settings() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Key, s.Value, s.Origin)
	}
	return w.Flush()
}
