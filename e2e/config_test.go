package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A wrong configuration is refused as a whole: every problem with its key and where it
// stands, exit code 2, and nothing was started.
func TestConfig_WrongIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		env, args  []string
		want       []string
	}{
		{
			name: "all at once in a file",
			file: "daemon:\n  reconciliation_interval: 0s\n  metrics_port: 99999\n  metricsport: 1\ncloud:\n  provider: azure\nstorge:\n  path: /x\n",
			want: []string{
				"elava.yaml:2: daemon.reconciliation_interval", "elava.yaml:3: daemon.metrics_port", "99999",
				"elava.yaml:4: daemon.metricsport: is unknown; did you mean metrics_port?", "elava.yaml:6: cloud.provider", "aws or demo", "azure",
				"elava.yaml:7: storge: is unknown; did you mean storage?",
			},
		},
		{name: "an unknown key", file: "daemon:\n  interval: 5m\n", want: []string{"elava.yaml:2: daemon.interval: is unknown"}},
		{name: "an interval of 0", args: []string{"--interval", "0"}, want: []string{"--interval", "above 0"}},
		{name: "port 99999", args: []string{"--metrics-port", "99999"}, want: []string{"--metrics-port", "65535"}},
		{name: "an unknown provider", env: []string{"ELAVA_CLOUD_PROVIDER=azure"}, want: []string{"ELAVA_CLOUD_PROVIDER", "aws or demo"}},
		{
			name: "all at once, everywhere", file: "daemon:\n  reconciliation_timeout: soon\n",
			env: []string{"ELAVA_LOG_LEVEL=loud", "ELAVA_CLOUD_REGION=us-east-1,Nowhere"}, args: []string{"--interval", "never"},
			want: []string{"elava.yaml:2: daemon.reconciliation_timeout", "ELAVA_LOG_LEVEL", "ELAVA_CLOUD_REGION", "--interval"},
		},
		{name: "a broken file", file: "daemon:\n  metrics_port: 2112\n bad: [\n", want: []string{"elava.yaml:3"}},
		{name: "a wrong type", file: "daemon: 5\n", want: []string{"elava.yaml:1: daemon"}},
		{name: "a file that is not there", args: []string{"--config", "absent.yaml"}, want: []string{"absent.yaml", "no such file"}},
		{name: "a fault that is none", env: []string{"ELAVA_CLOUD_PROVIDER=demo", "ELAVA_CLOUD_DEMO_FAULTS=explode"}, want: []string{"explode", "hang-hard"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, command := range [][]string{{"serve"}, {"serve", "--once"}, {"scan"}, {"config"}} {
				e := install(t, tt.env...)
				args := command
				if tt.file != "" {
					path := filepath.Join(e.home, "elava.yaml")
					if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
						t.Fatal(err)
					}
					args = append(args, "--config", path)
				}
				if command[0] == "config" && strings.Contains(tt.name, "fault") {
					continue // config does not know which faults there are
				}
				r := e.run(t, append(append(args, "--storage-path", e.store), tt.args...)...)
				if r.code != 2 {
					t.Errorf("%q: exit code %d, want 2", command, r.code)
				}
				for _, want := range tt.want {
					if !strings.Contains(r.stderr, want) {
						t.Errorf("%q: standard error has no %q:\n%s", command, want, r.stderr)
					}
				}
				if _, err := os.Stat(e.store); err == nil {
					t.Errorf("%q made a store all the same", command)
				}
				if strings.Contains(r.stderr, "listening") || r.stdout != "" {
					t.Errorf("%q began all the same:\n%s%s", command, r.stdout, r.stderr)
				}
			}
		})
	}
}

// config tells what would be used, and where each value comes from.
func TestConfig_IsShown(t *testing.T) {
	e := install(t, "ELAVA_METRICS_PORT=3000", "ELAVA_RECONCILIATION_INTERVAL=1h")
	path := filepath.Join(e.home, "elava.yaml")
	file := "daemon:\n  reconciliation_interval: 1m\n  metrics_port: 1\n  reconciliation_timeout: 3m\n"
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	out := e.must(t, "config", "--config", path, "--interval", "10s", "-o", "json")
	type setting struct{ Key, Value, Origin string }
	got := map[string]setting{}
	for _, s := range decodeItems[setting](t, out) {
		got[s.Key] = s
	}
	for _, want := range []setting{
		{"daemon.reconciliation_interval", "10s", "--interval"},
		{"daemon.metrics_port", "3000", "ELAVA_METRICS_PORT"},
		{"daemon.reconciliation_timeout", "3m", path + ":4"},
		{"cloud.provider", "aws", "default"},
		{"storage.path", filepath.Join(e.home, ".local/state/elava/data"), "HOME"},
	} {
		s := got[want.Key]
		if s.Value != want.Value || !strings.Contains(s.Origin, want.Origin) {
			t.Errorf("got %+v, want %+v", s, want)
		}
	}
	if table := e.must(t, "config", "--config", path); !strings.Contains(table, "daemon.metrics_port") || !strings.HasPrefix(table, "KEY") {
		t.Errorf("the table is\n%s", table)
	}
	if _, err := os.Stat(filepath.Join(e.home, ".local")); err == nil {
		t.Error("config made the store")
	}
}

func TestVersion(t *testing.T) {
	e := install(t)
	if out := e.must(t, "version"); !strings.HasPrefix(out, "elava ") || !strings.Contains(out, "go1.") {
		t.Errorf("got %q", out)
	}
	var v map[string]string
	if err := json.Unmarshal([]byte(e.must(t, "version", "-o", "json")), &v); err != nil || v["version"] == "" || v["revision"] == "" || !strings.HasPrefix(v["goversion"], "go1.") {
		t.Errorf("got %v, %v", v, err)
	}
	for _, args := range [][]string{{"--help"}, {"serve", "--help"}, {"resources", "--help"}} {
		if out := e.must(t, args...); !strings.Contains(out, "Usage: elava") {
			t.Errorf("%q: %s", args, out)
		}
	}
	for _, args := range [][]string{{}, {"florp"}, {"serve", "--florp"}, {"resources", "-o", "florp"}, {"resources", "--at", "florp"}} {
		if r := e.run(t, args...); r.code != 2 || r.stderr == "" {
			t.Errorf("%q: exit code %d, want 2; %s", args, r.code, r.stderr)
		}
	}
}
