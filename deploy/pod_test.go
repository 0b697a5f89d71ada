package deploy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// deployment is what the test needs of kubernetes/deployment.yaml.
type deployment struct {
	Spec struct {
		Template struct {
			Spec struct {
				Containers []container `yaml:"containers"`
			} `yaml:"spec"`
		} `yaml:"template"`
	} `yaml:"spec"`
}

type container struct {
	Args           []string `yaml:"args"`
	StartupProbe   probe    `yaml:"startupProbe"`
	LivenessProbe  probe    `yaml:"livenessProbe"`
	ReadinessProbe probe    `yaml:"readinessProbe"`
	VolumeMounts   []struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet struct {
		Path string `yaml:"path"`
	} `yaml:"httpGet"`
}

func parse[T any](t testing.TB, path string) T {
	t.Helper()
	var v T
	if err := yaml.Unmarshal([]byte(read(t, path)), &v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return v
}

// mountPath is where a volume is in the container.
func (c container) mountPath(t testing.TB, volume string) string {
	t.Helper()
	for _, m := range c.VolumeMounts {
		if m.Name == volume {
			return m.MountPath
		}
	}
	t.Fatalf("volume %s is not mounted", volume)
	return ""
}

// The pod without a cluster: the image's contents, with a root that cannot be written, the
// configuration where the manifest mounts it, the manifest's arguments, as the image's user
// who can gain nothing. That the daemon listens on the container's port is tested with the
// chart, in tools; here it takes any free port, and a cloud that is none.
func TestPod_StartsAnswersItsProbesAndEnds(t *testing.T) {
	manifest := parse[deployment](t, "kubernetes/deployment.yaml")
	c := manifest.Spec.Template.Spec.Containers[0]
	root, data := image(t)
	layConfig(t, filepath.Join(root, c.mountPath(t, "config")))
	if store := c.mountPath(t, "data"); store != "/data" {
		t.Fatalf("the store is mounted at %s, the image has /data", store)
	}

	pod := readOnly(t, root, data, []string{"ELAVA_METRICS_PORT=0", "ELAVA_CLOUD_PROVIDER=demo"}, c.Args...)
	log := started(t, pod)
	port := log.until(t, regexp.MustCompile(`Metrics server listening on [^"]*:([0-9]+)`))
	answers(t, port, c.StartupProbe.HTTPGet.Path)
	log.until(t, regexp.MustCompile(`(Scan #1)`))
	for _, p := range []probe{c.LivenessProbe, c.ReadinessProbe} {
		answers(t, port, p.HTTPGet.Path)
	}
	answers(t, port, "/metrics")
	output(t, readOnly(t, root, data, []string{"ELAVA_METRICS_PORT=" + port}, "check", "--health"))

	if err := pod.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	log.until(t, regexp.MustCompile(`(Daemon stopped)`))
	if err := pod.Wait(); err != nil {
		t.Errorf("it did not end well: %v", err)
	}
}

// layConfig puts the files of the configuration there, as the ConfigMap would be mounted.
func layConfig(t testing.TB, dir string) {
	t.Helper()
	config := parse[struct {
		Data map[string]string `yaml:"data"`
	}](t, "kubernetes/configmap.yaml")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range config.Data {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// confine makes $1 a root that cannot be written but for its data, in a mount name space that
// ends with the process, sees that it is so, and becomes $2... in it.
const confine = `set -e
root=$1; shift
mount --bind "$root" "$root"
mount --bind "$root/data" "$root/data"
mount -o remount,bind,ro "$root"
if touch "$root/written" 2>/dev/null; then echo "the root can be written" >&2; exit 99; fi
cd "$root"
exec setpriv --no-new-privs chroot $USERSPEC "$root" /usr/local/bin/elava "$@"`

// readOnly is the program in the image, whose root cannot be written. The process that is
// started becomes the program.
func readOnly(t testing.TB, root, data string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	command, user := []string{"--mount"}, "--userspec=65532:65532"
	if os.Geteuid() != 0 { // root in a name space of its own
		command, user = append(command, "--map-root-user"), ""
	} else if err := os.Chown(data, imageUser, imageUser); err != nil {
		t.Fatal(err)
	}
	command = append(command, "sh", "-c", confine, "sh", root)
	cmd := exec.Command("unshare", append(command, args...)...)
	cmd.Env = append(env, "ELAVA_STORAGE_PATH=/data", "USERSPEC="+user, "PATH="+os.Getenv("PATH"))
	return cmd
}

// lines are what a process writes.
type lines struct {
	*bufio.Scanner
	seen []string
}

func started(t testing.TB, cmd *exec.Cmd) *lines {
	t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // no error that matters: it has ended
		_ = out.Close()
	})
	return &lines{Scanner: bufio.NewScanner(out)}
}

// until reads up to the first line that matches and returns what its group did.
func (l *lines) until(t testing.TB, pattern *regexp.Regexp) string {
	t.Helper()
	for l.Scan() {
		l.seen = append(l.seen, l.Text())
		if m := pattern.FindStringSubmatch(l.Text()); m != nil {
			return m[1]
		}
	}
	t.Fatalf("it ended before it said %s:\n%s", pattern, strings.Join(l.seen, "\n"))
	return ""
}

// answers asks until the path answers with 200, as a kubelet probes: what the log tells may be
// a moment ahead of what a probe sees.
func answers(t testing.TB, port, path string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	said := ask(t, port, path)
	for said != "" && time.Now().Before(deadline) {
		time.Sleep(100 * time.Millisecond)
		said = ask(t, port, path)
	}
	if said != "" {
		t.Errorf("%s: %.300s", path, said)
	}
}

// ask returns what was answered instead of 200, and nothing where it was that.
func ask(t testing.TB, port, path string) string {
	t.Helper()
	response, err := http.Get("http://127.0.0.1:" + port + path)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err == nil && response.StatusCode == http.StatusOK {
		return ""
	}
	return fmt.Sprintf("%s %v\n%s", response.Status, err, body)
}
