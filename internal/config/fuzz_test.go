package config_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/internal/config"
)

// checkResult fails the test if Load returned neither a valid configuration nor
// an error that can be shown.
func checkResult(t *testing.T, cfg *config.Config, err error) {
	t.Helper()
	if err == nil {
		checkValid(t, cfg)
		checkPrintedSettings(t, cfg)
		return
	}
	if cfg != nil {
		t.Error("a configuration beside an error")
	}
	all := problems(t, err)
	if lines := strings.Split(err.Error(), "\n"); len(all) == 0 || len(lines) != len(all) {
		t.Errorf("%d problems in %d lines:\n%s", len(all), len(lines), err)
	}
	for _, p := range all {
		if p.Source == "" || p.Message == "" {
			t.Errorf("incomplete problem %+v", p)
		}
	}
}

func checkValid(t *testing.T, cfg *config.Config) {
	t.Helper()
	d, c := cfg.Daemon, cfg.Cloud
	for what, ok := range map[string]bool{
		"interval":    d.ReconciliationInterval > 0,
		"timeout":     d.ReconciliationTimeout > 0,
		"shutdown":    d.GracefulShutdownTimeout > 0,
		"port":        d.MetricsPort >= 0 && d.MetricsPort <= 65535,
		"provider":    c.Provider == config.ProviderAWS || c.Provider == config.ProviderDemo,
		"regions":     len(c.Regions) > 0 && !slices.Contains(c.Regions, ""),
		"accounts":    !slices.ContainsFunc(c.Accounts, func(a config.Account) bool { return a.RoleARN == "" }),
		"concurrency": c.ScanConcurrency > 0,
		"demo":        c.Demo.Resources >= 0 && c.Demo.ChangeRate >= 0 && c.Demo.ChangeRate <= 1,
		"path":        cfg.Storage.Path != "",
		"retention":   cfg.Storage.Retention >= 0,
		"format":      cfg.Logging.Format == config.FormatText || cfg.Logging.Format == config.FormatJSON,
	} {
		if !ok {
			t.Errorf("accepted with an impossible %s: %+v", what, cfg)
		}
	}
}

func FuzzLoad_File(f *testing.F) {
	for _, path := range fixtures(f, "*.yaml") {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "elava.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Sources{File: path, LookupEnv: environment(nil)})
		checkResult(t, cfg, err)
	})
}

// The value is given to the variable of every setting, one after the other.
func FuzzLoad_Environment(f *testing.F) {
	for _, key := range slices.Sorted(maps.Keys(layers)) {
		f.Add(layers[key].env)
		f.Add(layers[key].file)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, spec := range config.Specs() {
			if spec.Env == "" {
				continue
			}
			cfg, err := config.Load(config.Sources{LookupEnv: environment(map[string]string{spec.Env: value})})
			checkResult(t, cfg, err)
		}
	})
}
