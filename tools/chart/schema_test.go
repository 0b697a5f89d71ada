package chart

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// schemas are the OpenAPI schemas of one version of Kubernetes, which the source of
// kubectl-validate carries. Only its files are used: its code does not compile with the
// client-go that Helm needs, so it cannot be a dependency in go.mod. An object with a member that its schema does not know is wrong,
// as for `kubectl apply --validate=strict`.
type schemas struct {
	files    fs.FS // kubectl-validate's builtins/VERSION
	compiled map[string]*jsonschema.Schema
}

const (
	schemaModule = "sigs.k8s.io/kubectl-validate@v0.0.4"
	schemaSum    = "h1:tGKuv0awYHn11Cb6KPsZKxUmHgavF46K3NvVH0Nse9U="
)

// oldest is the oldest Kubernetes that the chart says it wants, newest the newest whose
// schemas the module has. What came after them is checked by decode.
const (
	oldest = "1.25"
	newest = "1.30"
)

// moduleDir is where the source of kubectl-validate is. The go command downloads it once.
var moduleDir = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "mod", "download", "-json", schemaModule)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("downloading %s: %w", schemaModule, err)
	}
	var module struct{ Dir, Sum string }
	if err := json.Unmarshal(b, &module); err != nil {
		return "", err
	}
	if module.Sum != schemaSum {
		return "", fmt.Errorf("%s is not what it was: %s, want %s", schemaModule, module.Sum, schemaSum)
	}
	return module.Dir, nil
})

func schemasOf(t testing.TB, version string) *schemas {
	t.Helper()
	dir, err := moduleDir()
	if err != nil {
		t.Fatal(err)
	}
	builtins := filepath.Join(dir, "pkg/openapiclient/builtins", version)
	if _, err := os.Stat(builtins); err != nil {
		t.Fatal(err)
	}
	return &schemas{files: os.DirFS(builtins), compiled: map[string]*jsonschema.Schema{}}
}

// validate tells what is wrong with a manifest.
func (s *schemas) validate(manifest string) error {
	var object map[string]any
	if err := yaml.UnmarshalStrict([]byte(manifest), &object); err != nil {
		return err
	}
	group, version, found := strings.Cut(fmt.Sprint(object["apiVersion"]), "/")
	file := "apis/" + group + "/" + version + ".json"
	if !found {
		group, version, file = "", group, "api/"+group+".json"
	}
	schema, err := s.schema(file, group, version, fmt.Sprint(object["kind"]))
	if err != nil {
		return err
	}
	return schema.Validate(object)
}

func (s *schemas) schema(file, group, version, kind string) (*jsonschema.Schema, error) {
	key := file + "#" + kind
	if schema := s.compiled[key]; schema != nil {
		return schema, nil
	}
	b, err := fs.ReadFile(s.files, file)
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		return nil, err
	}
	named := document.(map[string]any)["components"].(map[string]any)["schemas"].(map[string]any)
	name, err := nameOf(named, group, version, kind)
	if err != nil {
		return nil, err
	}
	for _, schema := range named {
		closeObjects(schema)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("file:///"+file, document); err != nil {
		return nil, err
	}
	schema, err := compiler.Compile("file:///" + file + "#/components/schemas/" + name)
	if err == nil {
		s.compiled[key] = schema
	}
	return schema, err
}

// nameOf finds the schema of a kind.
func nameOf(named map[string]any, group, version, kind string) (string, error) {
	for name, schema := range named {
		kinds, _ := schema.(map[string]any)["x-kubernetes-group-version-kind"].([]any)
		for _, k := range kinds {
			k := k.(map[string]any)
			if k["group"] == group && k["version"] == version && k["kind"] == kind {
				return name, nil
			}
		}
	}
	return "", fmt.Errorf("this Kubernetes has no %s of %s/%s", kind, group, version)
}

// closeObjects allows no members but those that an object's schema names.
func closeObjects(schema any) {
	s, ok := schema.(map[string]any)
	if !ok {
		return
	}
	properties, ok := s["properties"].(map[string]any)
	if !ok {
		return
	}
	if _, open := s["additionalProperties"]; !open {
		s["additionalProperties"] = false
	}
	for _, p := range properties {
		closeObjects(p)
	}
}

// decode reads a manifest into the types of the newest Kubernetes and of the Prometheus
// operator; what these do not know is an error.
func decode(manifest string) (runtime.Object, error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientscheme.AddToScheme(scheme), monitoring.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	object, _, err := codecs.UniversalDeserializer().Decode([]byte(manifest), nil, nil)
	return object, err
}

func TestChart_RendersWhatKubernetesAccepts(t *testing.T) {
	versions := map[string]*schemas{oldest: schemasOf(t, oldest), newest: schemasOf(t, newest)}
	eachCase(t, func(t *testing.T, values map[string]any) {
		for name, manifest := range mustRender(t, values) {
			if _, err := decode(manifest); err != nil {
				t.Errorf("%s: %v\n%s", name, err, manifest)
			}
			if name == "podmonitor.yaml" {
				continue // no part of Kubernetes; decode knows it
			}
			for version, s := range versions {
				if err := s.validate(manifest); err != nil {
					t.Errorf("%s in Kubernetes %s: %v\n%s", name, version, err, manifest)
				}
			}
		}
	})
}

func TestSchemas_SeeWhatIsWrong(t *testing.T) {
	s := schemasOf(t, newest)
	good := mustRender(t, nil)["deployment.yaml"]
	if err := s.validate(good); err != nil {
		t.Fatal(err)
	}
	for what, edit := range map[string][2]string{
		"a member that is unknown":    {"replicas: 1", "replicaCount: 1"},
		"a member of an unknown kind": {"containerPort: 2112", "containerPort: \"2112\""},
		"a member that is required":   {"- name: elava\n", "- workingDir: elava\n"},
		"a member deep inside":        {"periodSeconds: 10", "periodSecond: 10"},
		"a version that is gone":      {"apiVersion: apps/v1", "apiVersion: apps/v1beta1"},
	} {
		bad := strings.Replace(good, edit[0], edit[1], 1)
		if bad == good {
			t.Errorf("%s: nothing to edit", what)
		} else if err := s.validate(bad); err == nil {
			t.Errorf("%s is accepted", what)
		}
	}
}

func TestDecode_SeesAPodMonitorThatIsWrong(t *testing.T) {
	good := mustRender(t, valuesOf(t, "testdata/values/pod-monitor.yaml"))["podmonitor.yaml"]
	for _, edit := range [][2]string{{"podMetricsEndpoints:", "podMetricEndpoints:"}, {"replacement: elava", "replacement: {}"}} {
		bad := strings.Replace(good, edit[0], edit[1], 1)
		if _, err := decode(bad); bad == good || err == nil {
			t.Errorf("%q is accepted:\n%s", edit[1], bad)
		}
	}
}
