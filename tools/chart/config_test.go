package chart

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// binary builds the program as releases are built.
func binary(t testing.TB) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "elava")
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", name, "./cmd/elava")
	build.Dir, build.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	return name
}

// settings are what `elava config` says of the file that a release mounts.
func settings(t testing.TB, program string, in installed) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "elava.yaml")
	if err := os.WriteFile(file, []byte(in.config.Data["elava.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "config", "-o", "json", "--config", file)
	cmd.Env, cmd.Stderr = []string{}, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("elava config: %v, of\n%s", err, in.config.Data["elava.yaml"])
	}
	var list struct {
		Items []struct{ Key, Value string }
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := map[string]string{}
	for _, setting := range list.Items {
		found[setting.Key] = setting.Value
	}
	return found
}

// The program itself reads the file, and what it understands is what the pod is made for.
func TestChart_ProgramTakesTheConfiguration(t *testing.T) {
	program := binary(t)
	eachCase(t, func(t *testing.T, values map[string]any) {
		in := install(t, values)
		have := settings(t, program, in)
		if have["storage.path"] != "/data" {
			t.Errorf("the store is in %s", have["storage.path"])
		}
		if port := in.container().Ports[0].ContainerPort; have["daemon.metrics_port"] != strconv.Itoa(int(port)) {
			t.Errorf("it listens on %s, the container's port is %d", have["daemon.metrics_port"], port)
		}
		grace := time.Duration(*in.pod().TerminationGracePeriodSeconds) * time.Second
		own, err := time.ParseDuration(have["daemon.graceful_shutdown_timeout"])
		if err != nil || own+5*time.Second > grace {
			t.Errorf("it ends by itself after %v (%v), and is killed after %s", own, err, grace)
		}
	})
}
