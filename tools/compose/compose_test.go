// Package compose tests deploy/compose.yaml with the library that Docker Compose reads it
// with, and the files that its services mount. It holds tests only; nothing is started.
package compose

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"sigs.k8s.io/yaml"
)

const deploy = "../../deploy"

// load reads a file as `docker compose config` does: the schema first, then what refers to
// something.
func load(t testing.TB, file string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{file}, cli.WithName("elava"))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(t.Context())
}

func project(t testing.TB) *types.Project {
	t.Helper()
	p, err := load(t, filepath.Join(deploy, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func service(t testing.TB, name string) types.ServiceConfig {
	t.Helper()
	s, err := project(t).GetService(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inside reads the file that is at a path of a service's container.
func inside(t testing.TB, name, path string) []byte {
	t.Helper()
	for _, v := range service(t, name).Volumes {
		if rest, ok := strings.CutPrefix(path, v.Target); ok && v.Type == types.VolumeTypeBind {
			b, err := os.ReadFile(v.Source + rest)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
	}
	t.Fatalf("nothing is mounted at %s of %s", path, name)
	return nil
}

func parse[T any](t testing.TB, b []byte) T {
	t.Helper()
	var v T
	if err := yaml.Unmarshal(b, &v); err != nil { // JSON is YAML
		t.Fatal(err)
	}
	return v
}

func TestCompose_IsValidAndMountsWhatIsThere(t *testing.T) {
	for name, s := range project(t).Services {
		for _, v := range s.Volumes {
			if v.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(v.Source); err != nil {
				t.Errorf("%s mounts what is not there: %v", name, err)
			}
			if !v.ReadOnly {
				t.Errorf("%s may write to %s", name, v.Source)
			}
		}
		if build := s.Build; build != nil {
			if _, err := os.Stat(filepath.Join(build.Context, build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		} else if !regexp.MustCompile(`:v?[0-9]+\.[0-9]+\.[0-9]+$`).MatchString(s.Image) {
			t.Errorf("%s: image %s is not pinned to a version", name, s.Image)
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is open to others", name, p.Published)
			}
		}
	}
}

func TestCompose_ServiceIsConfined(t *testing.T) {
	s := service(t, "elava")
	if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		t.Errorf("read-only %v, capabilities less %v, %v", s.ReadOnly, s.CapDrop, s.SecurityOpt)
	}
	if s.MemLimit == 0 || s.StopGracePeriod == nil || time.Duration(*s.StopGracePeriod) <= 30*time.Second {
		t.Errorf("memory %d, time to end %v", s.MemLimit, s.StopGracePeriod)
	}
}

func TestLoad_SeesWhatIsWrong(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(deploy, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for what, edit := range map[string][2]string{
		"a key that is unknown":   {"read_only: true", "readonly: true"},
		"a service that is none":  {"depends_on: [moto]", "depends_on: [aws]"},
		"a volume that is none":   {"volumes: [elava:/data]", "volumes: [store:/data]"},
		"a value of another kind": {"ports: [\"127.0.0.1:2112:2112\"]", "ports: {2112: 2112}"},
	} {
		bad := strings.Replace(string(text), edit[0], edit[1], 1)
		file := filepath.Join(t.TempDir(), "compose.yaml")
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := load(t, file); bad == string(text) || err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}

// Prometheus scrapes the service by its name and port, and finds its rules.
func TestPrometheus_ScrapesTheService(t *testing.T) {
	config := parse[struct {
		RuleFiles     []string `json:"rule_files"`
		ScrapeConfigs []struct {
			JobName       string                       `json:"job_name"`
			StaticConfigs []struct{ Targets []string } `json:"static_configs"`
		} `json:"scrape_configs"`
	}](t, inside(t, "prometheus", "/etc/prometheus/prometheus.yaml"))
	scrape := config.ScrapeConfigs[0]
	if scrape.JobName != "elava" || !slices.Equal(scrape.StaticConfigs[0].Targets, []string{"elava:2112"}) {
		t.Errorf("%+v", scrape)
	}
	for _, file := range config.RuleFiles {
		inside(t, "prometheus", "/etc/prometheus/"+file)
	}
	if target := service(t, "elava").Ports[0].Target; target != 2112 {
		t.Errorf("the service's port is %d", target)
	}
}

// Grafana finds Prometheus by the service's name, and the dashboard where its provider looks.
// The dashboard asks for whichever data source is chosen, so it also fits others' Grafana.
func TestGrafana_FindsPrometheusAndTheDashboard(t *testing.T) {
	sources := parse[struct {
		Datasources []struct {
			UID, Type, URL string
			IsDefault      bool
		}
	}](t, inside(t, "grafana", "/etc/grafana/provisioning/datasources/prometheus.yaml")).Datasources
	if len(sources) != 1 || sources[0].Type != "prometheus" || sources[0].URL != "http://prometheus:9090" || !sources[0].IsDefault || sources[0].UID == "" {
		t.Fatalf("%+v", sources)
	}
	service(t, "prometheus")

	providers := parse[struct {
		Providers []struct{ Options struct{ Path string } }
	}](t, inside(t, "grafana", "/etc/grafana/provisioning/dashboards/elava.yaml")).Providers
	text := inside(t, "grafana", providers[0].Options.Path+"/elava.json")
	if !json.Valid(text) {
		t.Fatal("the dashboard is no JSON")
	}
	variables := parse[struct {
		Templating struct {
			List []struct {
				Name, Type string
				Query      any
			}
		}
	}](t, text).Templating.List
	if v := variables[0]; v.Name != "datasource" || v.Type != "datasource" || v.Query != sources[0].Type {
		t.Errorf("the dashboard's first variable is %+v", v)
	}
	asked := regexp.MustCompile(`"uid": "([^"]*)"`).FindAllStringSubmatch(string(text), -1)
	for _, m := range asked {
		if m[1] != "${datasource}" && m[1] != "elava" { // the dashboard's own
			t.Errorf("the dashboard asks for the data source %s", m[1])
		}
	}
	if len(asked) < 10 {
		t.Errorf("%d data sources are named: that cannot be all", len(asked))
	}
}
