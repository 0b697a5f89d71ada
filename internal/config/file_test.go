package config_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/internal/config"
)

// With -update the .want files are written instead of compared. Read the
// difference before it is committed.
var update = flag.Bool("update", false, "write the .want files in testdata")

func fixtures(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/" + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no fixtures for %s (%v)", pattern, err)
	}
	return paths
}

func compareWithFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\n%s says\n%s", got, path, want)
	}
}

// A file that is right: NAME.ok.yaml, and in NAME.ok.want its settings.
func TestLoad_ReadsFiles(t *testing.T) {
	for _, path := range fixtures(t, "*.ok.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			cfg := mustLoad(t, config.Sources{File: path, LookupEnv: environment(nil)})
			var b strings.Builder
			for _, s := range cfg.Settings() {
				fmt.Fprintf(&b, "%s = %s  (%s)\n", s.Key, s.Value, s.Origin)
			}
			compareWithFile(t, strings.TrimSuffix(path, "yaml")+"want", b.String())
		})
	}
}

// A file that is wrong: NAME.bad.yaml, and in NAME.bad.want its problems.
func TestLoad_ReportsWhatIsWrongInFiles(t *testing.T) {
	for _, path := range fixtures(t, "*.bad.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := config.Load(config.Sources{File: path, LookupEnv: environment(nil)})
			problems(t, err)
			compareWithFile(t, strings.TrimSuffix(path, "yaml")+"want", err.Error()+"\n")
		})
	}
}

// asFile writes settings as a configuration file.
func asFile(settings []config.Setting) string {
	entry := regexp.MustCompile(`^cloud\.accounts\[(\d+)\]\.`)
	var b strings.Builder
	accounts := map[string][]string{}
	var order []string
	for _, s := range settings {
		if m := entry.FindStringSubmatch(s.Key); m != nil {
			if accounts[m[1]] == nil {
				order = append(order, m[1])
			}
			accounts[m[1]] = append(accounts[m[1]], strings.TrimPrefix(s.Key, m[0])+": "+s.Value)
		}
	}
	section := map[string]bool{}
	for _, s := range settings {
		if entry.MatchString(s.Key) {
			if !section["cloud.accounts"] {
				section["cloud.accounts"] = true
				b.WriteString("  accounts:\n")
				for _, i := range order {
					fmt.Fprintf(&b, "  - %s\n", strings.Join(accounts[i], "\n    "))
				}
			}
			continue
		}
		parts := strings.Split(s.Key, ".")
		for i, part := range parts[:len(parts)-1] {
			if prefix := strings.Join(parts[:i+1], "."); !section[prefix] {
				section[prefix] = true
				fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", i), part)
			}
		}
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat("  ", len(parts)-1), parts[len(parts)-1], s.Value)
	}
	return b.String()
}

// checkPrintedSettings writes the settings of cfg to a file, reads it, and fails
// the test if that does not give the same settings.
func checkPrintedSettings(t testing.TB, cfg *config.Config) {
	t.Helper()
	values := func(c *config.Config) []string {
		var all []string
		for _, s := range c.Settings() {
			all = append(all, s.Key+": "+s.Value)
		}
		return all
	}
	text := asFile(cfg.Settings())
	again, err := config.Load(config.Sources{File: writeFile(t, text)})
	if err != nil {
		t.Fatalf("the printed settings cannot be read: %v\n%s", err, text)
	}
	if got, want := values(again), values(cfg); !slices.Equal(got, want) {
		t.Errorf("settings change by printing and reading\ngot  %q\nwant %q", got, want)
	}
}

func TestConfig_SettingsCanBeReadAgain(t *testing.T) {
	for _, path := range fixtures(t, "*.ok.yaml") {
		checkPrintedSettings(t, mustLoad(t, config.Sources{File: path, LookupEnv: environment(nil)}))
	}
}

func TestLoad_ReadsAccountsIntoTheirFields(t *testing.T) {
	cfg := mustLoad(t, config.Sources{File: "testdata/accounts.ok.yaml", LookupEnv: environment(nil)})
	if len(cfg.Cloud.Accounts) != 4 {
		t.Fatalf("%d accounts, want 4", len(cfg.Cloud.Accounts))
	}
	first, second := cfg.Cloud.Accounts[0], cfg.Cloud.Accounts[1]
	if first.RoleARN != "arn:aws:iam::123456789012:role/elava" || first.ExternalID != "" || first.Regions != nil {
		t.Errorf("first account %+v", first)
	}
	if second.ExternalID != "0042" || !slices.Equal(second.Regions, []string{"us-gov-east-1", "us-gov-west-1"}) {
		t.Errorf("second account %+v", second)
	}
	if !slices.Equal(cfg.Cloud.Regions, []string{config.AllRegions}) {
		t.Errorf("regions %q, want all", cfg.Cloud.Regions)
	}
}

func TestLoad_LimitsTheLengthOfAnExternalID(t *testing.T) {
	for length, ok := range map[int]bool{0: true, 1: false, 2: true, 1224: true, 1225: false} {
		content := "cloud: {accounts: [{role_arn: 'arn:aws:iam::123456789012:role/elava', external_id: '" + strings.Repeat("x", length) + "'}]}"
		if _, err := config.Load(config.Sources{File: writeFile(t, content), LookupEnv: environment(nil)}); (err == nil) != ok {
			t.Errorf("%d characters: error %v, want one: %t", length, err, !ok)
		}
	}
}

func TestLoad_ReportsAFileThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	missing, large := filepath.Join(dir, "missing.yaml"), filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, []byte(strings.Repeat("#\n", 1<<19)+"#"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		missing: missing + ": cannot be read: no such file or directory",
		dir:     dir + ": cannot be read: is a directory",
		large:   large + ": cannot be read: larger than 1048576 bytes, which no configuration is",
	} {
		interval := "0s"
		_, err := config.Load(config.Sources{File: path, Flags: config.Flags{Interval: &interval}})
		got := problems(t, err)
		if got[0].String() != want {
			t.Errorf("got  %s\nwant %s", got[0], want)
		}
		if len(got) != 2 || got[1].Key != "--interval" {
			t.Errorf("problems %q: want that of the flag too, and none of storage.path, which the file may have", got)
		}
	}
}

func TestLoad_ReadsAFileOfTheLargestSize(t *testing.T) {
	path := writeFile(t, "daemon: {metrics_port: 1}\n"+strings.Repeat("#", 1<<20-26))
	if cfg := mustLoad(t, config.Sources{File: path, LookupEnv: environment(nil)}); cfg.Daemon.MetricsPort != 1 {
		t.Errorf("port %d, want 1", cfg.Daemon.MetricsPort)
	}
}

func TestLoad_ReadsUTF16(t *testing.T) {
	content := "\xff\xfe"
	for _, c := range []byte("daemon: {metrics_port: 1}\n") {
		content += string([]byte{c, 0})
	}
	if cfg := mustLoad(t, config.Sources{File: writeFile(t, content), LookupEnv: environment(nil)}); cfg.Daemon.MetricsPort != 1 {
		t.Errorf("port %d, want 1", cfg.Daemon.MetricsPort)
	}
}

func TestLoad_StopsWhereAliasesMultiply(t *testing.T) {
	const n = 2000 // n accounts with the same n regions are 4 million entries
	content := "cloud:\n  region: &all [" + strings.Repeat("us-east-1,", n) + "]\n" +
		"  accounts:\n  - &one {regions: *all}\n" + strings.Repeat("  - *one\n", n)
	_, err := config.Load(config.Sources{File: writeFile(t, content), LookupEnv: environment(nil)})
	all := problems(t, err)
	stopped := slices.ContainsFunc(all, func(p config.Problem) bool {
		return strings.Contains(p.Message, "has more than 100000 entries")
	})
	if !stopped || len(all) > 200_000 {
		t.Errorf("%d problems, that of too many entries among them: %t", len(all), stopped)
	}
}

// The quote is never closed, so that every part of the file has to be parsed to
// its end before it is known to be broken: trying each would take minutes.
func TestLoad_FindsTheLineOfALargeBrokenFileInTime(t *testing.T) {
	path := writeFile(t, "daemon:\n  listen_address: \"\n"+strings.Repeat("  metrics_port: 2112\n", 40_000))
	_, err := config.Load(config.Sources{File: path})
	want := config.Problem{Source: path + ":2", Message: "is not valid YAML: found unexpected end of stream"}
	if got := problems(t, err); len(got) != 1 || got[0] != want {
		t.Errorf("problems %q, want %q", got, want)
	}
}

func TestLoad_SuggestsTheKeyThatWasMeant(t *testing.T) {
	for content, want := range map[string]string{
		"daemon: {metrics-port: 1}":          "did you mean metrics_port?",
		"daemon: {metricsPort: 1}":           "did you mean metrics_port?",
		"daemon: {metrcis_port: 1}":          "did you mean metrics_port?",
		"daemon: {interval: 1}":              "did you mean reconciliation_interval?",
		"cloud: {regions: all}":              "did you mean region?",
		"cloud: {accounts: [{region: all}]}": "did you mean regions?",
		"cloud: {accounts: [{rolearn: x}]}":  "did you mean role_arn?",
		"log: {}":                            "did you mean logging?",
		"METRICS_PORT: 1":                    "did you mean daemon.metrics_port?",
		"laggimg: {}":                        "did you mean logging?",
		"a: 1":                               "is unknown; allowed here: daemon",
		"loging: {}":                         "did you mean logging?",
		"metrics_port: 1":                    "did you mean daemon.metrics_port?",
		"cloud: {retention: 1}":              "did you mean storage.retention?",
		"daemon: {timeout: 1}":               "is unknown; allowed here: reconciliation_interval",
		"something: 1":                       "is unknown; allowed here: daemon, cloud, storage, api, notify, logging",
		"x: 1":                               "is unknown; allowed here: daemon",
		"? " + strings.Repeat("daemon", 200) + "\n: 1": `daem...: is unknown; allowed here: daemon`,
	} {
		_, err := config.Load(config.Sources{File: writeFile(t, content), LookupEnv: environment(nil)})
		if got := problems(t, err)[0].String(); !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %q", content, got, want)
		}
	}
}

// A secret in a wrong place, or with a mistake in it, is in no error: those go to logs and
// to health.
func TestLoad_RepeatsNoSecretInErrors(t *testing.T) {
	for _, content := range []string{
		"notify: [{url: 'hooks.example/S3CRET'}]",
		"notify: [{url: 'https://user:S3CRET@hooks.example/'}]",
		`notify: [{url: "https://hooks.example/S3CRET\n"}]`,
		"notify: [{url: [S3CRET]}]",
		"notify: [{url: {S3CRET: 1}}]",
		"notify: [{url: !!int S3CRET}]",
		"notify: [https://hooks.example/S3CRET]",
		"notify: https://hooks.example/S3CRET",
		"notify: {url: https://hooks.example/S3CRET}",
		"notify: [{url:https://hooks.example/S3CRET, format: json}]",
		"notify: [{secret:S3CRET, secret:S3CRET}]",
		"notify: [{url: 'https://a.example', secret: !other S3CRET}]",
		"notify: [{url: 'https://a.example', secret: *S3CRET}]",
		"notify: [{url: 'https://a.example', secret_env: 'a-S3CRET'}]",
		"notify: [{url: 'https://a.example', secret_env: !!int 0S3CRET}]",
		"notify: [{url: 'https://a.example', secret_file: '~S3CRET'}]",
		"notify: [{url: 'https://a.example', sekret: S3CRET}]",
		"api: {token_file: '~S3CRET'}",
		"api: S3CRET",
		"S3CRET", // the file of a secret instead of that of the configuration
	} {
		_, err := config.Load(config.Sources{File: writeFile(t, content), LookupEnv: environment(nil)})
		for _, p := range problems(t, err) {
			if text := p.Key + " " + p.Message; strings.Contains(text, "S3CRET") {
				t.Errorf("%s: %s", content, text)
			}
		}
	}
	for variable, value := range map[string]string{"ELAVA_API_TOKEN_FILE": "~S3CRET"} {
		_, err := config.Load(config.Sources{LookupEnv: environment(map[string]string{variable: value})})
		if problems(t, err); strings.Contains(err.Error(), "S3CRET") {
			t.Errorf("%s: %v", variable, err)
		}
	}
}
