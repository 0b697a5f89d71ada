package config_test

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/internal/config"
)

// environment returns a lookup in the given variables, beside a home directory.
func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := vars[name]; ok {
			return v, true
		}
		return "/home/ada", name == "HOME"
	}
}

// writeFile writes a configuration file and returns its path.
func writeFile(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "elava.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t testing.TB, src config.Sources) *config.Config {
	t.Helper()
	cfg, err := config.Load(src)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return cfg
}

// problems returns the problems of an error of Load, or fails the test.
func problems(t testing.TB, err error) []config.Problem {
	t.Helper()
	bad, ok := errors.AsType[*config.Error](err)
	if !ok {
		t.Fatalf("error %v (%T), want a *config.Error", err, err)
	}
	return bad.Problems
}

// setting returns "value (origin)" of one key.
func setting(t testing.TB, cfg *config.Config, key string) string {
	t.Helper()
	for _, s := range cfg.Settings() {
		if s.Key == key {
			return fmt.Sprintf("%s (%s)", s.Value, s.Origin)
		}
	}
	t.Fatalf("no setting %q", key)
	return ""
}

func TestLoad_GivesTheDefaultsWhereNothingIsSet(t *testing.T) {
	cfg := mustLoad(t, config.Sources{LookupEnv: environment(nil)})

	want := &config.Config{
		Daemon: config.Daemon{
			ReconciliationInterval:  5 * time.Minute,
			ReconciliationJitter:    0.1,
			ReconciliationTimeout:   10 * time.Minute,
			MetricsPort:             2112,
			GracefulShutdownTimeout: 30 * time.Second,
		},
		Cloud: config.Cloud{
			Provider:        config.ProviderAWS,
			Regions:         []string{"us-east-1"},
			Accounts:        []config.Account{},
			ScanConcurrency: 8,
			APIBudget:       0.2,
			DoubtShare:      0.5,
			DoubtCount:      20,
			Demo:            config.Demo{Seed: 1, Resources: 200, ChangeRate: 0.02},
		},
		Storage: config.Storage{Path: "/home/ada/.local/state/elava/data"},
		Logging: config.Logging{Level: slog.LevelInfo, Format: config.FormatText},
	}
	for _, section := range []struct{ got, want any }{
		{cfg.Daemon, want.Daemon}, {cfg.Cloud, want.Cloud}, {cfg.Storage, want.Storage},
		{cfg.API, want.API}, {cfg.Logging, want.Logging},
	} {
		if !reflect.DeepEqual(section.got, section.want) {
			t.Errorf("got  %+v\nwant %+v", section.got, section.want)
		}
	}
}

func TestLoad_WorksWithZeroSourcesExceptForTheStoragePath(t *testing.T) {
	_, err := config.Load(config.Sources{})
	want := []config.Problem{{
		Source: "default", Key: "storage.path",
		Message: "has no value: set it in the file, with ELAVA_STORAGE_PATH or --storage-path, or set STATE_DIRECTORY, XDG_STATE_HOME or HOME",
	}}
	if got := problems(t, err); !slices.Equal(got, want) {
		t.Errorf("problems %q, want %q", got, want)
	}
}

// layers holds, for every setting that has them, three values that differ from
// each other and from the default, as they are written in the file, in the
// variable and on the command line, and how they are printed.
var layers = map[string]struct{ file, env, flag, printedFile, printedEnv, printedFlag string }{
	"daemon.reconciliation_interval":   {"7m", "8m", "9m", "7m", "8m", "9m"},
	"daemon.reconciliation_jitter":     {"0", "25%", "", "0%", "25%", ""},
	"daemon.reconciliation_timeout":    {"7m", "1h", "", "7m", "1h", ""},
	"daemon.metrics_port":              {"0", "8080", "9090", "0", "8080", "9090"},
	"daemon.listen_address":            {"127.0.0.1", "::1", "", "127.0.0.1", "::1", `""`},
	"daemon.graceful_shutdown_timeout": {"7s", "1m30s", "", "7s", "1m30s", ""},
	"cloud.provider":                   {"demo", "aws", "demo", "demo", "aws", "demo"},
	"cloud.region":                     {"[eu-west-1]", "eu-west-2, eu-west-3", "all", "eu-west-1", "[eu-west-2, eu-west-3]", "all"},
	"cloud.include_types":              {"['*']", "A*,B*", "", "['*']", "[A*, B*]", ""},
	"cloud.exclude_types":              {"[A]", "B", "", "[A]", "[B]", ""},
	"cloud.scan_concurrency":           {"1", "16", "", "1", "16", ""},
	"cloud.organization.role_name":     {"elava", "team/elava", "", "elava", "team/elava", ""},
	"cloud.organization.external_id":   {"'0042'", "e5", "", `"0042"`, "e5", ""},
	"cloud.api_budget":                 {"1%", "0.5", "", "1%", "50%", ""},
	"cloud.doubt_share":                {"10%", "100%", "", "10%", "100%", ""},
	"cloud.doubt_count":                {"1", "500", "", "1", "500", ""},
	"cloud.demo.seed":                  {"2", "-3", "", "2", "-3", ""},
	"cloud.demo.resources":             {"1", "1000000", "", "1", "1000000", ""},
	"cloud.demo.change_rate":           {"0.5", "100%", "", "50%", "100%", ""},
	"cloud.demo.faults":                {"[a]", "b,c", "", "[a]", "[b, c]", ""},
	"storage.path":                     {"/file", "relative", "/flag dir", "/file", "relative", "/flag dir"},
	"storage.retention":                {"90d", "2161h", "", "90d", "2161h", ""},
	"api.token_file":                   {"/file", "/env", "", "/file", "/env", ""},
	"logging.level":                    {"debug", "warn", "", "debug", "warn", ""},
	"logging.format":                   {"json", "text", "", "json", "text", ""},
}

func flagsWith(t testing.TB, name, value string) config.Flags {
	t.Helper()
	var f config.Flags
	switch name {
	case "--interval":
		f.Interval = &value
	case "--metrics-port":
		f.MetricsPort = &value
	case "--listen-address":
		f.ListenAddress = &value
	case "--provider":
		f.Provider = &value
	case "--region":
		f.Regions = []string{value}
	case "--storage-path":
		f.StoragePath = &value
	default:
		t.Fatalf("no flag %s", name)
	}
	return f
}

// fileWith returns the text of a file with one key.
func fileWith(key, value string) string {
	var b strings.Builder
	parts := strings.Split(key, ".")
	for i, p := range parts {
		fmt.Fprintf(&b, "\n%s%s:", strings.Repeat("  ", i), p)
	}
	return fmt.Sprintf("%s %s\n", b.String(), value)
}

func TestLoad_LaterSourceWinsForEverySetting(t *testing.T) {
	for _, spec := range config.Specs() {
		if strings.HasPrefix(spec.Key, "cloud.accounts") || strings.HasPrefix(spec.Key, "notify") {
			continue // in the file only: see the fixtures
		}
		t.Run(spec.Key, func(t *testing.T) {
			l, ok := layers[spec.Key]
			if !ok {
				t.Fatal("no values for this setting in the test's table")
			}
			path := writeFile(t, fileWith(spec.Key, l.file))
			line := strings.Count(spec.Key, ".") + 2
			src := config.Sources{File: path, LookupEnv: environment(nil)}
			if got, want := setting(t, mustLoad(t, src), spec.Key), fmt.Sprintf("%s (%s:%d)", l.printedFile, path, line); got != want {
				t.Errorf("with a file: %s, want %s", got, want)
			}

			src.LookupEnv = environment(map[string]string{spec.Env: l.env})
			if got, want := setting(t, mustLoad(t, src), spec.Key), fmt.Sprintf("%s (environment %s)", l.printedEnv, spec.Env); got != want {
				t.Errorf("with a file and a variable: %s, want %s", got, want)
			}

			if spec.Flag == "" {
				return
			}
			src.Flags = flagsWith(t, spec.Flag, l.flag)
			if got, want := setting(t, mustLoad(t, src), spec.Key), fmt.Sprintf("%s (flag %s)", l.printedFlag, spec.Flag); got != want {
				t.Errorf("with all three: %s, want %s", got, want)
			}
			src.LookupEnv = environment(nil)
			if got, want := setting(t, mustLoad(t, src), spec.Key), fmt.Sprintf("%s (flag %s)", l.printedFlag, spec.Flag); got != want {
				t.Errorf("with a file and a flag: %s, want %s", got, want)
			}
		})
	}
}

func TestLoad_OneSourceDoesNotTouchTheSettingsOfAnother(t *testing.T) {
	level := "9m"
	cfg := mustLoad(t, config.Sources{
		File:      writeFile(t, "daemon:\n  metrics_port: 1\n  listen_address: localhost\n"),
		LookupEnv: environment(map[string]string{"ELAVA_METRICS_PORT": "2"}),
		Flags:     config.Flags{Interval: &level},
	})
	want := config.Daemon{
		ReconciliationInterval: 9 * time.Minute, ReconciliationJitter: 0.1, ReconciliationTimeout: 10 * time.Minute,
		MetricsPort: 2, ListenAddress: "localhost", GracefulShutdownTimeout: 30 * time.Second,
	}
	if cfg.Daemon != want {
		t.Errorf("daemon %+v, want %+v", cfg.Daemon, want)
	}
}

func TestLoad_ListOfAStrongerSourceReplacesTheWeakerOne(t *testing.T) {
	cfg := mustLoad(t, config.Sources{
		File:      writeFile(t, "cloud:\n  region: [us-east-1, us-east-2]\n  include_types: [A, B, C]\n"),
		LookupEnv: environment(map[string]string{"ELAVA_CLOUD_REGION": "eu-west-1", "ELAVA_CLOUD_INCLUDE_TYPES": "D"}),
		Flags:     config.Flags{Regions: []string{"eu-west-2", "eu-west-3"}},
	})
	if want := []string{"eu-west-2", "eu-west-3"}; !slices.Equal(cfg.Cloud.Regions, want) {
		t.Errorf("regions %q, want %q", cfg.Cloud.Regions, want)
	}
	if want := []string{"D"}; !slices.Equal(cfg.Cloud.IncludeTypes, want) {
		t.Errorf("include types %q, want %q", cfg.Cloud.IncludeTypes, want)
	}
}

func TestLoad_EmptyVariableIsNotSet(t *testing.T) {
	cfg := mustLoad(t, config.Sources{
		File:      writeFile(t, "cloud:\n  region: eu-west-1\n"),
		LookupEnv: environment(map[string]string{"ELAVA_CLOUD_REGION": "", "ELAVA_METRICS_PORT": ""}),
	})
	if cfg.Cloud.Regions[0] != "eu-west-1" || cfg.Daemon.MetricsPort != 2112 {
		t.Errorf("regions %q, port %d; want the file's and the default", cfg.Cloud.Regions, cfg.Daemon.MetricsPort)
	}
}

func TestLoad_EmptyFlagIsAValue(t *testing.T) {
	empty := ""
	cfg := mustLoad(t, config.Sources{
		File:      writeFile(t, "daemon:\n  listen_address: 127.0.0.1\n"),
		LookupEnv: environment(nil),
		Flags:     config.Flags{ListenAddress: &empty},
	})
	if cfg.Daemon.ListenAddress != "" {
		t.Errorf("listen address %q, want the flag's", cfg.Daemon.ListenAddress)
	}
}

func TestLoad_IgnoresVariablesThatItDoesNotKnow(t *testing.T) {
	asked := map[string]bool{}
	mustLoad(t, config.Sources{LookupEnv: func(name string) (string, bool) {
		asked[name] = true
		return "/home/ada", name == "HOME"
	}})
	for _, name := range []string{"ELAVA_SERVER", "ELAVA_CONFIG", "ELAVA_CLOUD_ACCOUNTS", ""} {
		if asked[name] {
			t.Errorf("the environment was asked for %q", name)
		}
	}
}

func TestLoad_ChoosesTheDefaultStoragePath(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
	}{
		"home":                            {nil, "/home/ada/.local/state/elava/data (default ($HOME))"},
		"state home before home":          {map[string]string{"XDG_STATE_HOME": "/state"}, "/state/elava/data (default ($XDG_STATE_HOME))"},
		"systemd before all":              {map[string]string{"XDG_STATE_HOME": "/state", "STATE_DIRECTORY": "/var/lib/elava"}, "/var/lib/elava/data (default ($STATE_DIRECTORY))"},
		"first of several of systemd's":   {map[string]string{"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, "/var/lib/a/data (default ($STATE_DIRECTORY))"},
		"empty variables are not set":     {map[string]string{"XDG_STATE_HOME": "", "STATE_DIRECTORY": ""}, "/home/ada/.local/state/elava/data (default ($HOME))"},
		"relative variables are not used": {map[string]string{"XDG_STATE_HOME": "state", "STATE_DIRECTORY": "lib"}, "/home/ada/.local/state/elava/data (default ($HOME))"},
		"variable of ours":                {map[string]string{"STATE_DIRECTORY": "/var/lib/elava", "ELAVA_STORAGE_PATH": "/mine"}, "/mine (environment ELAVA_STORAGE_PATH)"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := mustLoad(t, config.Sources{LookupEnv: environment(tc.env)})
			if got := setting(t, cfg, "storage.path"); got != tc.want {
				t.Errorf("storage.path = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestLoad_TakesTheRegionOfTheAWSToolsWhereNoneIsGiven(t *testing.T) {
	for name, tc := range map[string]struct {
		env  map[string]string
		want string
	}{
		"none":                {nil, "us-east-1 (default)"},
		"of the SDK":          {map[string]string{"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-1 (default ($AWS_REGION))"},
		"of the command line": {map[string]string{"AWS_DEFAULT_REGION": "eu-west-2"}, "eu-west-2 (default ($AWS_DEFAULT_REGION))"},
		"ours":                {map[string]string{"AWS_REGION": "eu-west-1", "ELAVA_CLOUD_REGION": "ap-south-1"}, "ap-south-1 (environment ELAVA_CLOUD_REGION)"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := mustLoad(t, config.Sources{LookupEnv: environment(tc.env)})
			if got := setting(t, cfg, "cloud.region"); got != tc.want {
				t.Errorf("cloud.region = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestLoad_NeedsNoHomeWhereThePathIsSet(t *testing.T) {
	path := "/flag"
	for name, src := range map[string]config.Sources{
		"file": {File: writeFile(t, "storage:\n  path: /file\n")},
		"flag": {Flags: config.Flags{StoragePath: &path}},
	} {
		if _, err := config.Load(src); err != nil {
			t.Errorf("path in the %s: %v", name, err)
		}
	}
}

func TestReload_TakesWhatARunningDaemonCanAndNamesTheRest(t *testing.T) {
	load := func(text string) *config.Config {
		return mustLoad(t, config.Sources{File: writeFile(t, text), LookupEnv: environment(nil)})
	}
	before := load("notify: [{url: 'https://a.example/x', secret: one}]\n")
	if _, d := config.Reload(before, load("# the same\nnotify:\n  - {secret: one, url: 'https://a.example/x'}\n")); len(d.Changed)+len(d.Restart) != 0 {
		t.Errorf("two that say the same differ in %+v", d)
	}
	next, d := config.Reload(before, load("daemon: {reconciliation_interval: 1m, metrics_port: 1, listen_address: a}\n"+
		"cloud: {region: [a, b]}\nstorage: {path: /x, retention: 1d}\nlogging: {level: debug, format: json}\n"+
		"notify: [{url: 'https://a.example/x', secret: two}]\n"))
	want := config.Difference{
		Changed: []string{"daemon.reconciliation_interval", "daemon.metrics_port", "daemon.listen_address", "cloud.region",
			"storage.path", "storage.retention", "notify", "logging.level", "logging.format"},
		Restart: []string{"daemon.metrics_port", "daemon.listen_address", "storage.path", "logging.format"},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("they differ in %+v, want %+v", d, want)
	}
	if next.Daemon.MetricsPort != 2112 || next.Daemon.ListenAddress != "" || next.Storage.Path != before.Storage.Path || next.Logging.Format != config.FormatText {
		t.Errorf("what needs a restart is taken: %+v", next)
	}
	if next.Daemon.ReconciliationInterval != time.Minute || len(next.Cloud.Regions) != 2 || next.Notify[0].Secret != "two" || next.Logging.Level != slog.LevelDebug {
		t.Errorf("what needs none is not: %+v", next)
	}
}

func TestLoad_ReportsAWrongPathOnceWhereThereIsNoHome(t *testing.T) {
	_, err := config.Load(config.Sources{File: writeFile(t, "storage:\n  path: ~/data\n")})
	if got := problems(t, err); len(got) != 1 || got[0].Key != "storage.path" {
		t.Errorf("problems %q, want one with storage.path", got)
	}
}

func TestLoad_ReportsEveryProblemAtOnce(t *testing.T) {
	path := writeFile(t, "logging:\n  level: loud\ndaemon:\n  metric_port: 1\n  metrics_port: 70000\n")
	interval, port := "often", "-1"
	cfg, err := config.Load(config.Sources{
		File: path,
		LookupEnv: func(name string) (string, bool) {
			v, ok := map[string]string{"ELAVA_CLOUD_REGION": "us-east-1,,all", "ELAVA_STORAGE_RETENTION": "-90d"}[name]
			return v, ok
		},
		Flags: config.Flags{Interval: &interval, MetricsPort: &port, Regions: []string{""}},
	})
	if cfg != nil {
		t.Error("Load returned a configuration beside the error")
	}
	want := []string{
		`default: storage.path: has no value: set it in the file, with ELAVA_STORAGE_PATH or --storage-path, or set STATE_DIRECTORY, XDG_STATE_HOME or HOME`,
		path + `:2: logging.level: must be debug, info, warn or error, not loud`,
		path + `:4: daemon.metric_port: is unknown; did you mean metrics_port? Allowed here: reconciliation_interval, reconciliation_jitter, reconciliation_timeout, metrics_port, listen_address, graceful_shutdown_timeout`,
		path + `:5: daemon.metrics_port: must be a port from 0 (any free port) to 65535, not 70000`,
		`environment: ELAVA_CLOUD_REGION: must be a region such as us-east-1, or all, not ""`,
		`environment: ELAVA_STORAGE_RETENTION: must be 0 (keep everything) or a duration such as 2160h or 90d, not -90d`,
		`flag: --interval: must be a duration above 0, such as 30s, 5m, 12h or 90d, not often`,
		`flag: --metrics-port: must be a port from 0 (any free port) to 65535, not -1`,
		`flag: --region: must be a region such as us-east-1, or all, not ""`,
	}
	problems(t, err)
	if got := err.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestLoad_ReportsAProblemOfASourceThatIsOverridden(t *testing.T) {
	port := "2112"
	_, err := config.Load(config.Sources{
		File:      writeFile(t, "daemon:\n  metrics_port: 99999\n"),
		LookupEnv: environment(map[string]string{"ELAVA_METRICS_PORT": "http"}),
		Flags:     config.Flags{MetricsPort: &port},
	})
	if got := problems(t, err); len(got) != 2 {
		t.Errorf("problems %q, want those of the file and of the environment", got)
	}
}

// Each value is tried as a variable: the same parsers read file and flags.
func TestLoad_KnowsWhatIsPossible(t *testing.T) {
	for variable, values := range map[string]struct{ good, bad []string }{
		"ELAVA_RECONCILIATION_INTERVAL": {
			[]string{"1ns", "5m", "1.5h", "1d", "1d12h", "106751d"},
			[]string{"0", "0s", "-5m", "5", "5 m", "m", "1h1d", "1d-1h", "1d+1h", "-1d", "1.5d", "d", "106752d", "106751d24h", "213504d", "1d-0s", "99999999999999999999d", "3w"},
		},
		"ELAVA_METRICS_PORT":           {[]string{"0", "1", "65535"}, []string{"-1", "65536", "http", "2112.0", "0x50", " 80", "99999999999999999999"}},
		"ELAVA_LISTEN_ADDRESS":         {[]string{"0.0.0.0", "::", "fe80::1%eth0", "localhost", "elava.example.com"}, []string{"localhost:2112", ":2112", "[::1]", "a b", "-a", "a..b"}},
		"ELAVA_CLOUD_PROVIDER":         {[]string{"aws", "demo"}, []string{"AWS", "gcp", "aws,demo"}},
		"ELAVA_CLOUD_REGION":           {[]string{"us-east-1", "us-gov-west-1,eu-west-1", "all"}, []string{"US-EAST-1", "us_east_1", "us-east-1,", "all,us-east-1", "us-east-1,us-east-1", "*", "-", ","}},
		"ELAVA_CLOUD_INCLUDE_TYPES":    {[]string{"*", "AWS::EC2::*", "AWS::EC2::[A-M]*,b", `\[`}, []string{"[", "a[", "a,,b", "[]a]", `\`, "a\tb,b\x00"}},
		"ELAVA_CLOUD_SCAN_CONCURRENCY": {[]string{"1", "1000"}, []string{"0", "-1", "many", "9223372036854775808"}},
		"ELAVA_CLOUD_DEMO_SEED":        {[]string{"0", "-9223372036854775808", "9223372036854775807"}, []string{"1.5", "9223372036854775808", "x"}},
		"ELAVA_CLOUD_DEMO_RESOURCES":   {[]string{"1000000"}, []string{"0", "-1", "1e3"}},
		"ELAVA_CLOUD_DEMO_CHANGE_RATE": {[]string{"0", "1", "0.01", "1%", "100%", "0%"}, []string{"-1%", "101%", "1.01", "NaN", "NaN%", "Inf", "%", "1%%", "2 %"}},
		"ELAVA_CLOUD_DEMO_FAULTS":      {[]string{"throttle", "throttle:0.1, deny"}, []string{",", "a,"}},
		"ELAVA_STORAGE_PATH":           {[]string{"/data", "data", "/with space", "a~"}, []string{"~", "~/data", "~ada/data", "/a\nb", "/\xff"}},
		"ELAVA_STORAGE_RETENTION":      {[]string{"0", "0s", "0d", "90d", "2160h"}, []string{"-1s", "90", "forever"}},
		"ELAVA_API_TOKEN_FILE":         {[]string{"/run/token"}, []string{"~/token"}},
		"ELAVA_LOG_LEVEL":              {[]string{"debug", "info", "warn", "error"}, []string{"INFO", "warning", "trace"}},
		"ELAVA_LOG_FORMAT":             {[]string{"text", "json"}, []string{"JSON", "logfmt"}},
	} {
		for _, value := range values.good {
			if _, err := config.Load(config.Sources{LookupEnv: environment(map[string]string{variable: value})}); err != nil {
				t.Errorf("%s=%q: %v", variable, value, err)
			}
		}
		for _, value := range values.bad {
			_, err := config.Load(config.Sources{LookupEnv: environment(map[string]string{variable: value})})
			if err == nil {
				t.Errorf("%s=%q is accepted", variable, value)
				continue
			}
			if got := problems(t, err)[0]; got.Source != "environment" || got.Key != variable {
				t.Errorf("%s=%q: problem %q does not name the variable", variable, value, got)
			}
		}
	}
}

func TestConfig_OriginNamesTheSource(t *testing.T) {
	path, provider := writeFile(t, "daemon:\n  metrics_port: 1\n"), "demo"
	cfg := mustLoad(t, config.Sources{
		File:      path,
		LookupEnv: environment(map[string]string{"ELAVA_LOG_LEVEL": "debug"}),
		Flags:     config.Flags{Provider: &provider},
	})
	for key, want := range map[string]config.Origin{
		"daemon.metrics_port": {Layer: config.LayerFile, Name: path, Line: 2},
		"logging.level":       {Layer: config.LayerEnvironment, Name: "ELAVA_LOG_LEVEL"},
		"cloud.provider":      {Layer: config.LayerFlag, Name: "--provider"},
		"storage.path":        {Layer: config.LayerDefault, Name: "HOME"},
		"logging.format":      {},
		"no.such.key":         {},
	} {
		if got := cfg.Origin(key); got != want {
			t.Errorf("origin of %s is %+v, want %+v", key, got, want)
		}
	}
}

func TestConfig_SettingsFollowTheOrderOfSpecs(t *testing.T) {
	var want []string
	for _, s := range config.Specs() {
		if !strings.Contains(s.Key, "[]") {
			want = append(want, s.Key)
		}
	}
	var got []string
	for _, s := range mustLoad(t, config.Sources{LookupEnv: environment(nil)}).Settings() {
		got = append(got, s.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("settings %q, want %q", got, want)
	}
}

func TestSpecs_NamesAreThoseOfTheContract(t *testing.T) {
	want := []string{
		"daemon.reconciliation_interval ELAVA_RECONCILIATION_INTERVAL --interval",
		"daemon.reconciliation_jitter ELAVA_RECONCILIATION_JITTER ",
		"daemon.reconciliation_timeout ELAVA_RECONCILIATION_TIMEOUT ",
		"daemon.metrics_port ELAVA_METRICS_PORT --metrics-port",
		"daemon.listen_address ELAVA_LISTEN_ADDRESS --listen-address",
		"daemon.graceful_shutdown_timeout ELAVA_GRACEFUL_SHUTDOWN_TIMEOUT ",
		"cloud.provider ELAVA_CLOUD_PROVIDER --provider",
		"cloud.region ELAVA_CLOUD_REGION --region",
		"cloud.include_types ELAVA_CLOUD_INCLUDE_TYPES ",
		"cloud.exclude_types ELAVA_CLOUD_EXCLUDE_TYPES ",
		"cloud.accounts  ",
		"cloud.accounts[].role_arn  ",
		"cloud.accounts[].external_id  ",
		"cloud.accounts[].regions  ",
		"cloud.organization.role_name ELAVA_CLOUD_ORGANIZATION_ROLE_NAME ",
		"cloud.organization.external_id ELAVA_CLOUD_ORGANIZATION_EXTERNAL_ID ",
		"cloud.api_budget ELAVA_CLOUD_API_BUDGET ",
		"cloud.scan_concurrency ELAVA_CLOUD_SCAN_CONCURRENCY ",
		"cloud.doubt_share ELAVA_CLOUD_DOUBT_SHARE ",
		"cloud.doubt_count ELAVA_CLOUD_DOUBT_COUNT ",
		"cloud.demo.seed ELAVA_CLOUD_DEMO_SEED ",
		"cloud.demo.resources ELAVA_CLOUD_DEMO_RESOURCES ",
		"cloud.demo.change_rate ELAVA_CLOUD_DEMO_CHANGE_RATE ",
		"cloud.demo.faults ELAVA_CLOUD_DEMO_FAULTS ",
		"storage.path ELAVA_STORAGE_PATH --storage-path",
		"storage.retention ELAVA_STORAGE_RETENTION ",
		"api.token_file ELAVA_API_TOKEN_FILE ",
		"notify  ",
		"notify[].url  ",
		"notify[].secret  ",
		"notify[].secret_file  ",
		"notify[].secret_env  ",
		"notify[].types  ",
		"notify[].change_types  ",
		"notify[].tags  ",
		"notify[].format  ",
		"logging.level ELAVA_LOG_LEVEL ",
		"logging.format ELAVA_LOG_FORMAT ",
	}
	var got []string
	for _, s := range config.Specs() {
		got = append(got, s.Key+" "+s.Env+" "+s.Flag)
		if !strings.HasSuffix(s.Doc, ".") || s.Allowed == "" {
			t.Errorf("%s is not documented: %+v", s.Key, s)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestSpecs_DefaultsAreWhatSettingsPrint(t *testing.T) {
	cfg := mustLoad(t, config.Sources{LookupEnv: environment(nil)})
	printed := map[string]string{}
	for _, s := range cfg.Settings() {
		printed[s.Key] = s.Value
	}
	for _, s := range config.Specs() {
		if strings.Contains(s.Default, "$") || strings.Contains(s.Key, "[]") {
			continue // depends on the environment, or has no value
		}
		if printed[s.Key] != s.Default {
			t.Errorf("%s: default %s is printed as %s", s.Key, s.Default, printed[s.Key])
		}
	}
}

func TestFlags_TagsAgreeWithSpecs(t *testing.T) {
	docs := map[string]string{}
	for _, s := range config.Specs() {
		if s.Flag != "" {
			docs[s.Flag] = s.Doc
		}
	}
	typ := reflect.TypeFor[config.Flags]()
	if typ.NumField() != len(docs) {
		t.Errorf("%d fields for %d flags", typ.NumField(), len(docs))
	}
	for i := range typ.NumField() {
		tag := typ.Field(i).Tag
		if doc, ok := docs["--"+tag.Get("name")]; !ok || tag.Get("help") != doc {
			t.Errorf("field %s: name %q, help %q; the table says %q", typ.Field(i).Name, tag.Get("name"), tag.Get("help"), doc)
		}
	}
}

func TestFormatDuration_WritesWhatPeopleWrite(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                               "0s",
		time.Nanosecond:                 "1ns",
		1500 * time.Millisecond:         "1.5s",
		10 * time.Second:                "10s",
		5 * time.Minute:                 "5m",
		10*time.Minute + 10*time.Second: "10m10s",
		time.Hour:                       "1h",
		10*time.Hour + 10*time.Minute:   "10h10m",
		time.Hour + time.Second:         "1h0m1s",
		24 * time.Hour:                  "1d",
		36 * time.Hour:                  "36h",
		2160 * time.Hour:                "90d",
		-5 * time.Minute:                "-5m",
	} {
		if got := config.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d ns) = %q, want %q", d, got, want)
		}
	}
}
