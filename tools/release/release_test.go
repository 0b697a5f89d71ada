package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/elava-dev/elava/tools/licences"
)

const repository = "../.."

func testSource() source {
	return source{Version: "v1.2.3", Commit: strings.Repeat("0123abcd", 5), Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
}

func host() licences.Platform { return licences.Platform{OS: "linux", Arch: runtime.GOARCH} }

// The same source in two directories gives the same bytes, of every file.
func TestRelease_IsTheSameFromAnyDirectory(t *testing.T) {
	first, second := published(t, "a"), published(t, "b/somewhere/else")
	if len(first) != 3 {
		t.Fatalf("files: %v", keys(first))
	}
	for name, data := range first {
		if !bytes.Equal(data, second[name]) {
			t.Errorf("%s: %d bytes and %d bytes are not the same", name, len(data), len(second[name]))
		}
	}
	checksumsFit(t, first)

	files := unpack(t, first["elava_1.2.3_linux_"+runtime.GOARCH+".tar.gz"], "elava_1.2.3_linux_"+runtime.GOARCH+"/")
	programTellsWhatItIs(t, files["elava"])
	billIsComplete(t, files["elava"], files["elava.cdx.json"])
	if bill := first["elava_1.2.3_linux_"+runtime.GOARCH+".cdx.json"]; !bytes.Equal(bill, files["elava.cdx.json"]) {
		t.Error("the bill in the archive is not the one beside it")
	}
	for _, want := range []string{"github.com/dgraph-io/badger", "SQLite Is Public Domain", "Go Authors"} {
		if !strings.Contains(string(files["THIRD_PARTY.txt"]), want) {
			t.Errorf("THIRD_PARTY.txt has no %q", want)
		}
	}
}

// published releases a copy of the repository in a directory of its own.
func published(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	top := t.TempDir()
	root, out := filepath.Join(top, dir), filepath.Join(top, "out")
	copyTree(t, root)
	if err := publish(t.Context(), root, out, testSource(), []licences.Platform{host()}); err != nil {
		t.Fatal(err)
	}
	return filesIn(t, out)
}

// copyTree copies what git knows or would add.
func copyTree(t testing.TB, to string) {
	t.Helper()
	list, err := git(t.Context(), repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.Trim(list, "\x00"), "\x00") {
		data, err := os.ReadFile(filepath.Join(repository, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and git has not been told
		} else if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func filesIn(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func keys(m map[string][]byte) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func checksumsFit(t testing.TB, files map[string][]byte) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sha256sum", "--check", "--strict", "checksums.txt")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), ": OK") != len(files)-1 {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
}

func unpack(t testing.TB, archive []byte, dir string) map[string][]byte {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for r := tar.NewReader(plain); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		} else if err != nil {
			t.Fatal(err)
		}
		name, ok := strings.CutPrefix(h.Name, dir)
		if !ok || h.Uid != 0 || h.Uname != "" || !h.ModTime.Equal(testSource().Time) {
			t.Errorf("member %+v", h)
		}
		if files[name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
}

func programTellsWhatItIs(t testing.TB, binary []byte) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "elava")
	if err := os.WriteFile(name, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(name, "version").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"v1.2.3", testSource().Commit, runtime.Version(), "linux/" + runtime.GOARCH} {
		if !strings.Contains(string(out), want) {
			t.Errorf("elava version says %q, and no %s", out, want)
		}
	}
}

// The bill follows CycloneDX's own schema, and lists what `go version -m` does.
func billIsComplete(t testing.TB, binary, bill []byte) {
	t.Helper()
	followsSchema(t, bill)
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(bill), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if len(*bom.Components) < 20 {
		t.Errorf("%d components: that cannot be all", len(*bom.Components))
	}
	var have []string
	for _, c := range *bom.Components {
		if c.Name != "std" {
			have = append(have, c.Name+" "+c.Version)
		}
		if c.Licenses == nil || len(*c.Licenses) == 0 {
			t.Errorf("%s has no licence", c.Name)
		}
	}
	if want := goVersionModules(t, binary); !slices.Equal(have, want) {
		t.Errorf("the bill has %v, the binary %v", have, want)
	}
	refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
	for _, c := range *bom.Components {
		refs[c.BOMRef] = true
	}
	edges := 0
	for _, d := range *bom.Dependencies {
		used := []string{d.Ref}
		if d.Dependencies != nil {
			used = append(used, *d.Dependencies...)
		}
		for _, ref := range used {
			edges++
			if !refs[ref] {
				t.Errorf("%s depends on %q, which is no component", d.Ref, ref)
			}
		}
	}
	if edges < 3*len(refs) {
		t.Errorf("%d components with %d dependencies: that cannot be all", len(refs), edges)
	}
}

var dependencyLine = regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`)

func goVersionModules(t testing.TB, binary []byte) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "elava")
	if err := os.WriteFile(name, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "version", "-m", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, m := range dependencyLine.FindAllStringSubmatch(string(out), -1) {
		modules = append(modules, m[1]+" "+m[2])
	}
	return modules
}

// followsSchema uses the schemas that the module cyclonedx-go carries.
func followsSchema(t testing.TB, bill []byte) {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "schema")
	compiler := jsonschema.NewCompiler()
	for id, file := range map[string]string{
		"http://cyclonedx.org/schema/bom-1.6.schema.json":  "bom-1.6.schema.json",
		"http://cyclonedx.org/schema/spdx.schema.json":     "spdx.schema.json",
		"http://cyclonedx.org/schema/jsf-0.82.schema.json": "jsf-0.82.schemax.json",
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(id, document); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(bill, &document); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(document); err != nil {
		t.Error(err)
	}
	document["components"].([]any)[0].(map[string]any)["type"] = "thing"
	if schema.Validate(document) == nil {
		t.Error("the schema accepts anything")
	}
}

func TestRelease_LinksAsTheDockerfileDoes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, "deploy/Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	same := source{Version: "$VERSION", Commit: "$REVISION"}
	for _, want := range []string{`-ldflags "` + linkerFlags(same) + `"`, "go build -trimpath -buildvcs=false", "CGO_ENABLED=0", "GOAMD64=v1 GOARM64=v8.0", program} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the Dockerfile has no %q", want)
		}
	}
}

// TestRelease_GoIsTheOneOfTheDocs keeps what is said of the Go of a release to what the
// Makefile takes.
func TestRelease_GoIsTheOneOfTheDocs(t *testing.T) {
	module, err := os.ReadFile(filepath.Join(repository, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	toolchain := regexp.MustCompile(`(?m)^toolchain go(\S+)$`).FindSubmatch(module)
	if toolchain == nil {
		t.Fatal("go.mod names no toolchain")
	}
	for file, want := range map[string]string{
		"deploy/Dockerfile": "--build-arg GO=" + string(toolchain[1]) + " ",
		"docs/releasing.md": "--build-arg GO=" + string(toolchain[1]) + " ",
	} {
		text, err := os.ReadFile(filepath.Join(repository, file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), want) {
			t.Errorf("%s has no %q", file, want)
		}
	}
}

func TestDescribe_TakesTheVersionFromTags(t *testing.T) {
	root := t.TempDir()
	do := func(args ...string) {
		t.Helper()
		config := []string{"-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}
		if _, err := git(t.Context(), root, append(config, args...)...); err != nil {
			t.Fatal(err)
		}
	}
	version := func() string {
		t.Helper()
		s, err := describe(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Commit) != 40 || time.Since(s.Time) > time.Hour {
			t.Errorf("%+v", s)
		}
		return s.Version
	}
	matches := func(pattern string) {
		t.Helper()
		if v := version(); !regexp.MustCompile(pattern).MatchString(v) || !semver.MatchString(v) {
			t.Errorf("version %s, want %s", v, pattern)
		}
	}
	do("init", "--quiet")
	do("commit", "--quiet", "--allow-empty", "-m", "one")
	matches(`^v0\.0\.0-g[0-9a-f]+$`)
	do("tag", "v1.2.3-rc.1")
	matches(`^v1\.2\.3-rc\.1$`)
	do("commit", "--quiet", "--allow-empty", "-m", "two")
	matches(`^v1\.2\.3-rc\.1-1-g[0-9a-f]+$`)
	do("tag", "--annotate", "-m", "v1.2.3", "v1.2.3")
	matches(`^v1\.2\.3$`)
	if err := os.WriteFile(filepath.Join(root, "file"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	do("add", "file")
	matches(`^v1\.2\.3-dirty$`)
	do("commit", "--quiet", "-m", "three")
	do("tag", "v1.3")
	if s, err := describe(t.Context(), root); err == nil {
		t.Errorf("v1.3 is taken for a version: %+v", s)
	}
}

func TestCheckTagged_WantsOneVersionEverywhere(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	changelog := "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-02\n"
	write("CHANGELOG.md", changelog)
	write("deploy/helm/elava/Chart.yaml", "name: elava\nversion: 1.2.3\nappVersion: \"1.2.3\"\n")
	tagged := source{Version: "v1.2.3"}
	if err := tagged.checkTagged(root); err != nil {
		t.Error(err)
	}
	if err := (source{Version: "v1.2.4-3-g0123abc"}).checkTagged(root); err != nil {
		t.Errorf("between tags: %v", err)
	}
	if err := (source{Version: "v1.2.4"}).checkTagged(root); err == nil {
		t.Error("a version that nothing names is accepted")
	}
	write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")
	if err := tagged.checkTagged(root); err == nil {
		t.Error("a version without its changes is accepted")
	}
	write("CHANGELOG.md", changelog)
	write("deploy/helm/elava/Chart.yaml", "name: elava\nversion: 1.2.3\nappVersion: \"1.2.2\"\n")
	if err := tagged.checkTagged(root); err == nil {
		t.Error("a chart of another version is accepted")
	}
}

func TestParsePlatforms_RefusesWhatIsNone(t *testing.T) {
	for _, bad := range []string{"", "linux", "linux/", "/amd64", "linux/amd64,"} {
		if p, err := parsePlatforms(bad); err == nil {
			t.Errorf("%q is %v", bad, p)
		}
	}
	if p, err := parsePlatforms(defaultPlatforms); err != nil || len(p) != 4 {
		t.Errorf("%v, %v", p, err)
	}
}
