package chart

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write deploy/kubernetes anew")

const manifestDir = "../../deploy/kubernetes"

const header = "# Rendered from the chart by `make manifests`. Edit deploy/helm/elava instead.\n"

// deploy/kubernetes is for clusters without Helm: what the chart renders with its own values
// and a PodMonitor beside it, which `kubectl apply -k` leaves out.
func TestManifests_AreWhatTheChartRenders(t *testing.T) {
	want := mustRender(t, map[string]any{})
	want["podmonitor.yaml"] = mustRender(t, valuesOf(t, "testdata/values/pod-monitor.yaml"))["podmonitor.yaml"]
	if *update {
		for name, manifest := range want {
			if err := os.WriteFile(filepath.Join(manifestDir, name), []byte(header+manifest), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, manifest := range want {
		have, err := os.ReadFile(filepath.Join(manifestDir, name))
		if err != nil || string(have) != header+manifest {
			t.Errorf("deploy/kubernetes/%s is not what the chart renders (%v): run make manifests", name, err)
		}
	}
	expect := append(slices.Collect(maps.Keys(want)), "kustomization.yaml")
	slices.Sort(expect)
	var have []string
	for _, f := range filesOf(t, manifestDir) {
		have = append(have, filepath.Base(f))
	}
	if !slices.Equal(have, expect) {
		t.Errorf("deploy/kubernetes has %v, want %v", have, expect)
	}
}

func TestKustomization_HasEveryManifestButThoseOfTheOperator(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(manifestDir, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var k struct {
		Resources []string `json:"resources"`
	}
	if err := yaml.Unmarshal(b, &k); err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(maps.Keys(mustRender(t, map[string]any{})))
	if slices.Sort(k.Resources); !slices.Equal(k.Resources, want) {
		t.Errorf("it has %v, want %v", k.Resources, want)
	}
	if strings.Contains(strings.Join(k.Resources, " "), "podmonitor") {
		t.Error("a cluster without the operator would refuse it")
	}
}
