// Package chart tests deploy/helm/elava with Helm itself, as a library: it lints the chart,
// renders it with the values in testdata and holds what comes out against the schemas of
// Kubernetes, against itself, and against the daemon. It holds tests only.
//
// Limits: nothing is installed into a cluster. What only an API server knows (quotas,
// admission, whether a storage class exists) is not seen here.
package chart

import (
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

const (
	chartDir  = "../../deploy/helm/elava"
	release   = "elava"
	namespace = "monitoring"
)

// valuesOf reads the values of one case.
func valuesOf(t testing.TB, file string) map[string]any {
	t.Helper()
	v, err := chartutil.ReadValuesFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// render does what `helm template` does. The manifests are by the name of their template;
// those that came out empty are left out.
func render(values map[string]any) (map[string]string, error) {
	chart, err := loader.LoadDir(chartDir)
	if err != nil {
		return nil, err
	}
	caps := chartutil.DefaultCapabilities.Copy()
	caps.KubeVersion = chartutil.KubeVersion{Version: "v" + oldest + ".0", Major: "1", Minor: strings.TrimPrefix(oldest, "1.")}
	if !chartutil.IsCompatibleRange(chart.Metadata.KubeVersion, caps.KubeVersion.Version) {
		return nil, errors.New("the chart does not want this Kubernetes: " + chart.Metadata.KubeVersion)
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, options, caps)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return nil, err
	}
	manifests := map[string]string{}
	for name, text := range files {
		if path.Ext(name) == ".yaml" && strings.TrimSpace(text) != "" {
			manifests[path.Base(name)] = strings.TrimLeft(text, "\n")
		}
	}
	return manifests, nil
}

func mustRender(t testing.TB, values map[string]any) map[string]string {
	t.Helper()
	manifests, err := render(values)
	if err != nil {
		t.Fatal(err)
	}
	return manifests
}

// eachCase runs a test with the chart's own values and with each file in testdata/values.
func eachCase(t *testing.T, run func(t *testing.T, values map[string]any)) {
	t.Helper()
	t.Run("default", func(t *testing.T) { run(t, map[string]any{}) })
	for _, file := range filesOf(t, "testdata/values") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) { run(t, valuesOf(t, file)) })
	}
}

func filesOf(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	return files
}

// chartWith is a copy of the chart in which one text of one file is another one.
func chartWith(t testing.TB, file, text, replacement string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "elava")
	if err := os.CopyFS(dir, os.DirFS(chartDir)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, file)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), text) {
		t.Fatalf("%s has no %q", file, text)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(b), text, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// complaints are what `helm lint` says, less what it only recommends.
func complaints(dir string, values map[string]any) []string {
	var out []string
	for _, m := range lint.All(dir, values, namespace, true).Messages {
		if m.Severity >= support.WarningSev {
			out = append(out, m.Error())
		}
	}
	return out
}

func TestChart_LintsClean(t *testing.T) {
	eachCase(t, func(t *testing.T, values map[string]any) {
		for _, c := range complaints(chartDir, values) {
			t.Error(c)
		}
	})
}

func TestLint_SeesABrokenTemplate(t *testing.T) {
	broken := chartWith(t, "templates/service.yaml", "kind: Service", "kind: Service: twice")
	if len(complaints(broken, nil)) == 0 {
		t.Error("lint says nothing of a template that is no YAML")
	}
}

func TestChart_RefusesValuesThatCannotWork(t *testing.T) {
	for _, file := range filesOf(t, "testdata/refused") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			if _, err := render(valuesOf(t, file)); err == nil || !strings.Contains(err.Error(), "specifications of the schema") {
				t.Errorf("the schema does not refuse it: %v", err)
			}
		})
	}
}

// The daemon ends by itself before the pod is killed, whatever the values say.
func TestChart_RefusesToKillTheDaemon(t *testing.T) {
	for _, c := range []struct {
		own   string
		grace int
		fits  bool
	}{
		{"30s", 45, true}, {"44s", 45, true}, {"45s", 45, false}, {"2m", 45, false}, {"1m30s", 90, false}, {"1m29s", 90, true}, {"1h", 3600, false}, {"59m", 3600, true},
	} {
		_, err := render(map[string]any{
			"terminationGracePeriodSeconds": c.grace,
			"config":                        map[string]any{"daemon": map[string]any{"graceful_shutdown_timeout": c.own}},
		})
		if c.fits && err != nil || !c.fits && (err == nil || !strings.Contains(err.Error(), "would be killed")) {
			t.Errorf("%s of %d s: %v", c.own, c.grace, err)
		}
	}
}

// A Service named elava-metrics would else set ELAVA_METRICS_PORT to an address.
func TestChart_TakesNoVariablesOfServices(t *testing.T) {
	eachCase(t, func(t *testing.T, values map[string]any) {
		if links := install(t, values).pod().EnableServiceLinks; links == nil || *links {
			t.Error("variables of Services come into the pod")
		}
	})
}

// A key that stands in values.yaml and not in its schema would be refused, one that stands
// only in the schema would be a promise that nobody finds.
func TestSchema_HasTheKeysOfTheValues(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(chartDir, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct {
			AdditionalProperties any            `json:"additionalProperties"`
			Properties           map[string]any `json:"properties"`
		} `json:"properties"`
	}
	if err := yaml.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	delete(schema.Properties, "global") // Helm's own
	values := valuesOf(t, filepath.Join(chartDir, "values.yaml"))
	equalKeys(t, "values", schema.Properties, values)
	for key, s := range schema.Properties {
		if closed, ok := s.AdditionalProperties.(bool); ok && !closed {
			equalKeys(t, key, s.Properties, values[key].(map[string]any))
		}
	}
}

func equalKeys[V any](t testing.TB, what string, schema map[string]V, values map[string]any) {
	t.Helper()
	inSchema, inValues := slices.Sorted(maps.Keys(schema)), slices.Sorted(maps.Keys(values))
	if !slices.Equal(inSchema, inValues) {
		t.Errorf("%s: the schema has %v, values.yaml has %v", what, inSchema, inValues)
	}
}
