package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"go.uber.org/goleak"
	"go.yaml.in/yaml/v3"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

var updateGolden = flag.Bool("update-golden", false, "write the golden files of the reading commands")

// The reading commands are asked at askedAt about a history that began at firstScan and
// got a revision every 5 minutes.
var (
	firstScan = time.Date(2025, 10, 22, 10, 5, 0, 0, time.UTC)
	askedAt   = time.Date(2025, 10, 22, 12, 0, 0, 0, time.UTC)

	instanceScope = resource.Scope{Provider: "aws", Account: "111122223333", Region: "us-east-1", Type: "AWS::EC2::Instance"}
	roleScope     = resource.Scope{Provider: "aws", Account: "111122223333", Region: "global", Type: "AWS::IAM::Role"}
	logScope      = resource.Scope{Provider: "aws", Account: "111122223333", Region: "eu-west-1", Type: "AWS::Logs::LogGroup"}
)

func inScope(s resource.Scope, id string) resource.Key {
	return resource.Key{Provider: s.Provider, Account: s.Account, Region: s.Region, Type: s.Type, ID: id}
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// recordScan commits the next revision.
func recordScan(t testing.TB, s storage.Store, scopes []storage.ScopeState, mutations ...storage.Mutation) {
	t.Helper()
	head, err := s.Head(t.Context())
	noError(t, err)
	when := firstScan.Add(time.Duration(head.Revision) * 5 * time.Minute)
	x, err := s.Begin(t.Context(), when)
	noError(t, err)
	defer x.Rollback()
	for _, m := range mutations {
		noError(t, x.Stage(t.Context(), m))
	}
	meta := storage.ScanMetadata{StartTime: when.Add(-time.Second), DurationMS: 1000, ResourceCount: 4, Status: storage.ScanSuccess}
	for _, state := range scopes {
		noError(t, x.SetScope(t.Context(), state))
		if state.Status == storage.ScopeFailed {
			meta.Status, meta.ErrorCount = storage.ScanPartial, 1
		}
	}
	noError(t, x.Commit(t.Context(), &meta))
}

func found(typ change.Type, r resource.Resource, changes ...change.FieldChange) storage.Mutation {
	var h resource.Hasher
	return storage.Mutation{Type: typ, Resource: &r, Fingerprint: h.Sum(&r), Schema: 1, Changes: changes}
}

func listed(s resource.Scope, n int) storage.ScopeState {
	return storage.ScopeState{Scope: s, Status: storage.ScopeComplete, Resources: n}
}

// readingStore returns a history: 1 baseline of web and a role; 2 web modified, two
// resources of one name created; 3 one of them disappeared; 4 log groups fail.
func readingStore(t testing.TB) *storagetest.Model {
	t.Helper()
	s := storagetest.NewModel()
	web := func(size string) resource.Resource {
		return resource.Resource{
			Key: inScope(instanceScope, "i-0web"), ARN: "arn:aws:ec2:us-east-1:111122223333:instance/i-0web",
			Name: "web & <shop>", Status: "running", CreatedAt: time.Date(2024, 2, 29, 23, 59, 59, 500e6, time.UTC),
			Tags:       map[string]string{"env": "prod", "evil": "a\x1b[31mb\n\u202ec"},
			Attributes: fmt.Appendf(nil, `{"Big":12345678901234567890,"InstanceType":%q,"Monitoring":{"State":"on"}}`, size),
		}
	}
	role := resource.Resource{Key: inScope(roleScope, "admin"), ARN: "arn:aws:iam::111122223333:role/path/admin", Name: "admin"}
	twin := resource.Resource{Key: inScope(instanceScope, "i-0twin"), ARN: "arn:aws:ec2:us-east-1:111122223333:instance/i-0twin", Name: "twin"}
	group := resource.Resource{Key: inScope(logScope, "/aws/lambda/a/b/twin"), Name: "twin", Tags: map[string]string{"list": "a,b"}}
	recordScan(t, s, []storage.ScopeState{listed(instanceScope, 1), listed(roleScope, 1)},
		found(change.Baseline, web("t3.small")), found(change.Baseline, role))
	recordScan(t, s, []storage.ScopeState{listed(instanceScope, 2), listed(logScope, 1)},
		found(change.Modified, web("t3.large"),
			change.FieldChange{Path: "attributes.InstanceType", Old: json.RawMessage(`"t3.small"`), New: json.RawMessage(`"t3.large"`)},
			change.FieldChange{Path: "tags.env", New: json.RawMessage(`"prod"`)}),
		found(change.Created, twin), found(change.Created, group))
	recordScan(t, s, []storage.ScopeState{listed(instanceScope, 1)},
		storage.Mutation{Type: change.Disappeared, Resource: &resource.Resource{Key: twin.Key, ARN: twin.ARN, Name: twin.Name}})
	recordScan(t, s, []storage.ScopeState{{
		Scope: logScope, Status: storage.ScopeFailed, Resources: 1, Reason: "throttled", Error: "Rate exceeded",
		LastComplete: 3, LastCompleteTime: firstScan.Add(10 * time.Minute),
	}})
	return s
}

// readingEnv returns an environment in which --storage-path opens a copy of the store.
func readingEnv(s *storagetest.Model) *Env {
	return &Env{
		Now:       func() time.Time { return askedAt },
		OpenStore: func(string) (storage.Store, error) { return s.Reopen(), nil },
		Getenv:    func(string) string { return "" },
	}
}

// result is how a command ended.
type result struct {
	stdout, stderr string
	err            error
}

// runReading runs a reading command as its user types it.
func runReading(t testing.TB, env *Env, args ...string) result {
	t.Helper()
	var cli struct {
		Resources ResourcesCommand `cmd:""`
		Show      ShowCommand      `cmd:""`
		History   HistoryCommand   `cmd:""`
		Changes   ChangesCommand   `cmd:""`
		Diff      DiffCommand      `cmd:""`
		Storage   StorageCommand   `cmd:""`
		Scans     ScansCommand     `cmd:""`
		Scopes    ScopesCommand    `cmd:""`
		Query     QueryCommand     `cmd:""`
		Export    ExportCommand    `cmd:""`
	}
	parser, err := kong.New(&cli, kong.Exit(func(int) { t.Fatal("exit") }), kong.Writers(io.Discard, io.Discard))
	noError(t, err)
	refuseEmpty(parser.Model.Node)
	var stdout, stderr bytes.Buffer
	e := *env
	e.Stdout, e.Stderr = &stdout, &stderr
	parsed, err := parser.Parse(args)
	if err != nil {
		return result{err: &usageError{err}}
	}
	parsed.BindTo(t.Context(), (*context.Context)(nil))
	err = parsed.Run(&e)
	return result{stdout.String(), stderr.String(), err}
}

func serverOf(t testing.TB, s storage.Store) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(api.NewServer(api.Options{Store: s, Now: func() time.Time { return askedAt }}).Handler())
	t.Cleanup(func() {
		srv.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return srv
}

// Every question, through a socket and through a store in the same process: the same
// bytes, and those of the golden file.
func TestReadingCommands_AnswerTheSameFromDaemonAndStore(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	s := readingStore(t)
	srv := serverOf(t, s)
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var cases []string
	for _, list := range []string{"resources", "changes", "scans", "scopes", "diff 1"} {
		for _, format := range []string{"table", "json", "jsonl", "csv", "yaml"} {
			cases = append(cases, list+" -o "+format)
		}
	}
	cases = append(cases,
		"show i-0web", "show i-0web -o json", "show i-0web -o yaml", "show i-0web --at 1", "show i-0twin", "show i-0twin -o json",
		"show /aws/lambda/a/b/twin",
		"history i-0web", "history i-0web -o json", "history i-0web -o jsonl", "history i-0web -o yaml", "history i-0twin",
		"resources --type aws::ec2::* --at 2 --limit 1", "resources --type AWS::No::Such", "resources --type AWS::No::Such -o json",
		"resources --type AWS::No::Such -o yaml", "resources --type AWS::No::Such -o csv", "resources --tag env=prod -o jsonl",
		"resources --tag list=a,b", "resources --region global,eu-west-1", "resources --at 9", "resources --at 3d",
		"changes --since 2 --until 3", "changes --change-type disappeared,created --limit 1", "scans --limit 1", "scopes --type *role*",
		"changes --key aws/111122223333/us-east-1/AWS::EC2::Instance/i-0web",
		"diff 1 2", "diff 2 3", "diff 3 4", "diff 1 3 --unified", "diff 1 --full", "diff 2 3 --unified", "diff 2 3 --full", "diff 110m --limit 1",
		"diff 1 2 --resource twin", "diff 2 --resource i-0twin", "diff 1 --type *instance --change-type modified -o jsonl", "diff 3 1", "diff 3d", "diff 1 9",
		"history i-0web --unified", "history i-0web --unified --limit 1", "history i-0web --full", "history i-0twin --unified", "history i-0twin --full",
		"storage stats", "storage stats -o json",
		"history i-0web --at 1", "history i-0web --at 3d", "history i-0twin --at 1",
		"export resources --at 1", "export resources --at 9", "export changes --since 1 --until 2 --format csv", "export changes --since 3d",
	)
	for _, line := range cases {
		args := strings.Fields(line)
		near := runReading(t, readingEnv(s), append(args, "--storage-path", "somewhere")...)
		far := runReading(t, readingEnv(s), append(args, "--server", srv.URL)...)
		if near.stdout != far.stdout || near.stderr != far.stderr || fmt.Sprint(near.err) != fmt.Sprint(far.err) {
			t.Errorf("%s: from a store\n%+v\nfrom a daemon\n%+v", line, near, far)
		}
		text := near.stdout
		if near.err != nil {
			text += "elava: " + near.err.Error() + "\n"
		}
		compareGolden(t, line, text)
	}
}

func compareGolden(t *testing.T, line, got string) {
	t.Helper()
	name := strings.NewReplacer(" ", "_", "*", "+", "/", "-", ":", "", "=", "-").Replace(line)
	file := filepath.Join("testdata", "reading", name+".golden")
	if *updateGolden {
		noError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		noError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	noError(t, err)
	if got != string(want) {
		t.Errorf("elava %s is not as in %s (-update-golden writes it):\n%s", line, file, got)
	}
}

// The items of -o json and -o jsonl are those of the API, byte for byte.
func TestReadingCommands_JSONIsThatOfTheAPI(t *testing.T) {
	s := readingStore(t)
	srv := serverOf(t, s)
	for _, path := range []string{"resources", "changes", "scans", "scopes"} {
		resp, err := http.Get(srv.URL + api.Prefix + path)
		noError(t, err)
		var answer struct{ Items []json.RawMessage }
		noError(t, json.NewDecoder(resp.Body).Decode(&answer))
		resp.Body.Close()
		lines := ""
		for _, item := range answer.Items {
			lines += string(item) + "\n"
		}
		if got := runReading(t, readingEnv(s), path, "-o", "jsonl", "--server", srv.URL); got.stdout != lines || lines == "" {
			t.Errorf("%s -o jsonl:\n%s\nthe API:\n%s", path, got.stdout, lines)
		}
		whole := `{"items":[` + strings.Join(strings.Split(strings.TrimSpace(lines), "\n"), ",") + "]}\n"
		if got := runReading(t, readingEnv(s), path, "-o", "json", "--server", srv.URL); got.stdout != whole {
			t.Errorf("%s -o json:\n%s\nthe API:\n%s", path, got.stdout, whole)
		}
	}
	key := "aws/111122223333/us-east-1/AWS::EC2::Instance/i-0web"
	resp, err := http.Get(srv.URL + api.Prefix + "resource/" + key)
	noError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	noError(t, err)
	if got := runReading(t, readingEnv(s), "show", key, "-o", "json", "--server", srv.URL); got.stdout != string(body) {
		t.Errorf("show -o json:\n%s\nthe API:\n%s", got.stdout, body)
	}
}

func TestReadingCommands_YAMLSaysWhatJSONSays(t *testing.T) {
	s := readingStore(t)
	asJSON := runReading(t, readingEnv(s), "resources", "-o", "json", "--storage-path", "x")
	asYAML := runReading(t, readingEnv(s), "resources", "-o", "yaml", "--storage-path", "x")
	var want struct{ Items []map[string]any }
	var got []map[string]any
	noError(t, yaml.Unmarshal([]byte(asJSON.stdout), &want)) // JSON is YAML
	noError(t, yaml.Unmarshal([]byte(asYAML.stdout), &got))
	if fmt.Sprint(got) != fmt.Sprint(want.Items) || len(got) != 3 {
		t.Errorf("YAML:\n%v\nJSON:\n%v", got, want.Items)
	}
}

func FuzzYAML_KeepsTexts(f *testing.F) {
	for _, s := range []string{"", "yes", "null", "1e3", "0x1F", "- a", "a: b", "#", " lead", "trail ", "a\nb\n\n", "\r\n", "\x00\x7f\u0085\u2028\ufeff", "😀", "2025-01-01", "~", "<<", "=", "'\"", "\tx", "\n x", "\t\n", "#!/bin/sh\n\techo\n", "a\nb", "a\n  b\nc"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := []any{s, map[string]any{s: map[string]any{"text": s}, "list": []any{s}}}
		raw, err := marshal(v)
		noError(t, err)
		var want, got []any
		noError(t, json.Unmarshal(raw, &want)) // invalid UTF-8 is replaced here already
		var b bytes.Buffer
		noError(t, writeOne(&b, "yaml", v))
		if err := yaml.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("%q: %v\n%s", s, err, b.String())
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, want %q\n%s", s, got, want, b.String())
		}
	})
}

func TestYAML_QuotesWhatOldReadersMisread(t *testing.T) {
	for s, want := range map[string]string{
		"on": `"on"`, "No": `"No"`, "y": `"y"`, "12:30:45": `"12:30:45"`, "true": `"true"`, "007": `"007"`, "1_000": `"1_000"`,
		"once": "once", "a:b": "a:b", "::": `"::"`,
	} {
		var b bytes.Buffer
		noError(t, writeOne(&b, "yaml", []string{s}))
		if got := b.String(); got != "- "+want+"\n" {
			t.Errorf("%s: %s", s, got)
		}
	}
}

func TestReadingCommands_WrongCommandLines(t *testing.T) {
	s := readingStore(t)
	for line, part := range map[string]string{
		"resources --at yesterday":                     "--at",
		"resources --limit -1":                         "--limit",
		"resources -o xml":                             "xml",
		"resources --type [":                           "malformed pattern",
		"resources --tag =x":                           "tag",
		"resources --server http://x":                  "exclude each other",
		"changes --follow":                             "needs a daemon",
		"changes --follow --until 1h":                  "--until",
		"changes --since 1x":                           "--since",
		"changes --until never":                        "--until",
		"changes --key i-0web":                         "--key",
		"changes --change-type baseline":               "created",
		"changes --limit -5":                           "--limit",
		"changes --since 3 --until 2":                  "after until",
		"scans --limit -1":                             "--limit",
		"scopes --at 0":                                "--at",
		"show":                                         "key|id",
		"show i-0web --at x":                           "--at",
		"show i-0web -o csv":                           "csv",
		"history i-0web --limit -1":                    "--limit",
		"history i-0web -o csv":                        "csv",
		"resources --tag a --tag b --tag c --regoin x": "regoin",
	} {
		got := runReading(t, readingEnv(s), append(strings.Fields(line), "--storage-path=x")...)
		if _, ok := errors.AsType[*usageError](got.err); !ok || !strings.Contains(got.err.Error(), part) || got.stdout != "" {
			t.Errorf("%s: %v (%T), stdout %q; want a usage error with %q", line, got.err, got.err, got.stdout, part)
		}
	}
	for _, server := range []string{"localhost:2112", "ftp://x"} {
		got := runReading(t, readingEnv(s), "scans", "--server", server)
		if _, ok := errors.AsType[*usageError](got.err); !ok {
			t.Errorf("--server %s: %v", server, got.err)
		}
	}
}

// A variable that is not set must not turn a question into another one.
func TestReadingCommands_RefuseWhatIsGivenAndEmpty(t *testing.T) {
	filters := []string{"--type", "--region", "--account", "--server", "--storage-path", "--token-file"}
	for command, flags := range map[string][]string{
		"resources":        append([]string{"--tag", "--name", "--at"}, filters...),
		"export resources": append([]string{"--tag", "--name", "--at", "--file"}, filters...),
		"changes":          append([]string{"--change-type", "--key", "--since", "--until"}, filters...),
		"export changes":   append([]string{"--change-type", "--since", "--until"}, filters...),
		"diff 1":           append([]string{"--resource", "--tag", "--change-type"}, filters...),
		"scopes":           append([]string{"--at"}, filters...),
		"show i-0web":      {"--at", "--server"},
		"history i-0web":   {"--at", "--server"},
		"query select":     {"--at", "--server"},
		"scans":            {"--server", "--storage-path"},
		"storage stats":    {"--server", "--storage-path"},
		"diff":             {""}, // the argument
		"diff 1 ":          {""},
		"show":             {""},
		"history":          {""},
		"query":            {""},
		"storage backup":   {""},
	} {
		for _, flag := range flags {
			line := strings.Fields(command)
			forms := [][]string{append(slices.Clone(line), flag, ""), append(slices.Clone(line), flag+"=")}
			if flag == "" {
				forms = [][]string{append(slices.Clone(line), "")}
			}
			for _, args := range forms {
				got, code := runWhole(t, readingEnv(readingStore(t)), args...)
				if code != exitUsage || !strings.Contains(got, flag+": is empty; give it a value") && !strings.Contains(got, ">: is empty") && !strings.Contains(got, "]: is empty") {
					t.Errorf("elava %q: code %d, %q", args, code, got)
				}
			}
		}
	}
	for args, want := range map[string]bool{
		"--account a,,b": false, "--account ,b": false, "--account a,": false, "--account a --account ,": false, "--type aws::*,": false,
		"--account a,b": true, "--tag a,": true, "--tag a=": true, `--account a\,b`: true,
	} {
		got := runReading(t, readingEnv(readingStore(t)), append(strings.Fields("resources --storage-path x"), strings.Fields(args)...)...)
		_, usage := errors.AsType[*usageError](got.err)
		if (got.err == nil) != want || !want && (!usage || !strings.Contains(got.err.Error(), "has an empty element")) {
			t.Errorf("resources %s: %v", args, got.err)
		}
	}
	// What is no question may be empty.
	if _, code := runWhole(t, readingEnv(nil), "config", "--listen-address", "", "--storage-path", "/x"); code != exitOK {
		t.Errorf("config --listen-address '': code %d", code)
	}
}

func TestReadingCommands_FailuresAreNoUsageErrors(t *testing.T) {
	s := readingStore(t)
	for line, part := range map[string]string{
		"resources --at 9":  "the newest is 4",
		"resources --at 3d": "the first revision is 1",
		"show i-0never":     "no resource has",
		"show aws/111122223333/us-east-1/AWS::EC2::Instance/i-0never":    "not found",
		"history aws/111122223333/us-east-1/AWS::EC2::Instance/i-0never": "not found",
		"show i-0twin": "disappeared at 2025-10-22T10:15:00Z",
	} {
		got := runReading(t, readingEnv(s), append(strings.Fields(line), "--storage-path=x")...)
		_, usage := errors.AsType[*usageError](got.err)
		if got.err == nil || usage || !strings.Contains(got.err.Error(), part) {
			t.Errorf("%s: %v, want %q", line, got.err, part)
		}
	}
	locked := readingEnv(s)
	locked.OpenStore = func(p string) (storage.Store, error) { return nil, &storage.LockedError{Path: p, PID: 42} }
	if got := runReading(t, locked, "scans", "--storage-path", "dir"); !errors.Is(got.err, storage.ErrLocked) {
		t.Errorf("locked: %v", got.err)
	}
	srv := serverOf(t, s)
	srv.Close()
	if got := runReading(t, readingEnv(s), "scans", "--server", srv.URL); got.err == nil || !strings.Contains(got.err.Error(), "elava serve") {
		t.Errorf("nobody there: %v", got.err)
	}
}

// closeCounter counts how often it is closed.
type closeCounter struct {
	storage.Store
	closed *int
}

func (c closeCounter) Close() error {
	*c.closed++
	return c.Store.Close()
}

func TestReadingCommands_CloseTheStore(t *testing.T) {
	s := readingStore(t)
	for _, line := range []string{"resources", "show i-0web", "show i-0never", "history i-0web", "changes", "scans", "scopes", "resources --type ["} {
		opened, closed := 0, 0
		env := readingEnv(s)
		env.OpenStore = func(string) (storage.Store, error) {
			opened++
			return closeCounter{s.Reopen(), &closed}, nil
		}
		runReading(t, env, append(strings.Fields(line), "--storage-path=x")...)
		if opened != 1 || closed != 1 {
			t.Errorf("%s: opened %d times, closed %d times", line, opened, closed)
		}
	}
}

func TestReadingCommands_FindTheServerAndTheToken(t *testing.T) {
	s := readingStore(t)
	var token string
	h := api.NewServer(api.Options{Store: s}).Handler()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token = r.Header.Get("Authorization")
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	dir := t.TempDir()
	file, empty := filepath.Join(dir, "token"), filepath.Join(dir, "empty")
	noError(t, os.WriteFile(file, []byte("s3cret\n"), 0o600))
	noError(t, os.WriteFile(empty, nil, 0o600))

	variables := map[string]string{"ELAVA_SERVER": srv.URL, "ELAVA_API_TOKEN_FILE": filepath.Join(dir, "unreadable")}
	env := readingEnv(s)
	env.Getenv = func(name string) string { return variables[name] }
	if got := runReading(t, env, "scans"); got.err != nil || token != "" {
		t.Errorf("ELAVA_SERVER on loopback: %v, sent %q", got.err, token)
	}
	if got := runReading(t, env, "scans", "--token-file", file); got.err != nil || token != "Bearer s3cret" {
		t.Errorf("--token-file: %v, sent %q", got.err, token)
	}
	if got := runReading(t, env, "scans", "--token-file", empty); got.err == nil || !strings.Contains(got.err.Error(), "is empty") {
		t.Errorf("empty token: %v", got.err)
	}
	variables["ELAVA_SERVER"] = "http://elava.invalid:2112"
	if got := runReading(t, env, "scans"); !errors.Is(got.err, os.ErrNotExist) {
		t.Errorf("elsewhere, the token that the environment names is needed: %v", got.err)
	}
}

func TestReadingCommands_PassOnNoticesOnce(t *testing.T) {
	s := readingStore(t)
	srv := httptest.NewServer(api.NewServer(api.Options{Store: s, Notices: func() []string { return []string{"these are synthetic"} }}).Handler())
	defer srv.Close()
	defer http.DefaultClient.CloseIdleConnections()
	got := runReading(t, readingEnv(s), "show", "i-0web", "--server", srv.URL)
	if got.err != nil || got.stderr != "note: these are synthetic\n" {
		t.Errorf("%v, stderr %q", got.err, got.stderr)
	}
}

// runWhole is main: it returns what is on standard error, and the exit code.
func runWhole(t *testing.T, env *Env, args ...string) (stderr string, code int) {
	t.Helper()
	var errs bytes.Buffer
	e := *env
	e.Stdout, e.Stderr = io.Discard, &errs
	code = run(t.Context(), args, &e)
	return errs.String(), code
}

// What the cloud, a server or a caller wrote reaches the terminal in errors and notes too.
func TestErrors_DoNotSteerTheTerminal(t *testing.T) {
	const evil, harmless = "\u009b31m\x1b]0;", `\u009b31m\x1b]0;`
	s := storagetest.NewModel()
	for _, id := range []string{"a\u202e", "b\u202e"} { // ids have no control characters
		recordScan(t, s, nil, found(change.Created, resource.Resource{Key: inScope(instanceScope, id), Name: "twin"}))
	}
	r := resource.Resource{Key: inScope(instanceScope, "c\u202e")}
	recordScan(t, s, nil, found(change.Created, r))
	recordScan(t, s, nil, storage.Mutation{Type: change.Disappeared, Resource: &r})
	foreign := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(conn, "HTTP/1.1 404 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", evil)
		_ = conn.Close()
	}))
	defer foreign.Close()
	defer http.DefaultClient.CloseIdleConnections()
	for _, tt := range []struct {
		args  []string
		code  int
		lines int
		want  string
	}{
		{[]string{"show", "c\u202e", "--storage-path", "x"}, exitFailed, 1, `c\u202e disappeared`},
		{[]string{"show", "twin", "--storage-path", "x"}, exitFailed, 3, `a\u202e`},
		{[]string{"show", "a", "--at", evil, "--storage-path", "x"}, exitUsage, 1, "--at"},
		{[]string{"scans", "--server", foreign.URL}, exitFailed, 1, "404 " + harmless},
		{[]string{"scans", evil}, exitUsage, 2, harmless},
	} {
		got, code := runWhole(t, readingEnv(s), tt.args...)
		if strings.ContainsAny(got, "\u009b\x1b\u202e") || strings.Count(got, "\n") != tt.lines || code != tt.code || !strings.Contains(got, tt.want) {
			t.Errorf("elava %q: code %d, %q; want %q", tt.args, code, got, tt.want)
		}
	}
	var notes bytes.Buffer
	env := readingEnv(s)
	env.Stderr = &notes
	env.note("%s\nand %d", evil, 1)
	if got := notes.String(); got != "note: "+harmless+"\nand 1\n" {
		t.Errorf("note %q", got)
	}
}

func TestChangesCommand_SaysThatThereIsMore(t *testing.T) {
	s := storagetest.NewModel()
	var all []storage.Mutation
	for i := range defaultChanges + 1 {
		all = append(all, found(change.Created, resource.Resource{Key: inScope(instanceScope, fmt.Sprint("i-", i))}))
	}
	recordScan(t, s, nil, all[1:]...)
	for _, tt := range []struct {
		args  string
		lines int
		note  bool
	}{
		{"", 100, false}, // exactly as many as there are
		{"--limit 0", 100, false},
	} {
		got := runReading(t, readingEnv(s), append(strings.Fields("changes -o jsonl --storage-path x"), strings.Fields(tt.args)...)...)
		if n := strings.Count(got.stdout, "\n"); n != tt.lines || (got.stderr != "") != tt.note {
			t.Errorf("%q: %d lines, stderr %q", tt.args, n, got.stderr)
		}
	}
	recordScan(t, s, nil, all[0])
	for _, tt := range []struct {
		args  string
		lines int
		note  bool
	}{
		{"", 100, true},
		{"--limit 0", 101, false},
		{"--limit 100", 100, false},
		{"--since 1w", 101, false},
		{"--since 1w --limit 3", 3, false},
	} {
		got := runReading(t, readingEnv(s), append(strings.Fields("changes -o jsonl --storage-path x"), strings.Fields(tt.args)...)...)
		if n := strings.Count(got.stdout, "\n"); n != tt.lines || (got.stderr != "") != tt.note {
			t.Errorf("%q: %d lines, stderr %q", tt.args, n, got.stderr)
		}
	}
}

func TestReadingCommands_OnATerminal(t *testing.T) {
	s := storagetest.NewModel()
	long := strings.Repeat("long ", 50)
	recordScan(t, s, []storage.ScopeState{listed(instanceScope, 1)},
		found(change.Created, resource.Resource{Key: inScope(instanceScope, strings.Repeat("i", 100)), Name: long}))
	env := readingEnv(s)
	plain := runReading(t, env, "changes", "--storage-path", "x").stdout
	if !strings.Contains(plain, long) || strings.Contains(plain, "\x1b") {
		t.Errorf("in a file: %q", plain)
	}
	env.IsTerminal = true
	shown := runReading(t, env, "changes", "--storage-path", "x").stdout
	if strings.Contains(shown, long) || !strings.Contains(shown, "…") || !strings.Contains(shown, "\x1b[32mcreated\x1b[0m") ||
		!strings.Contains(shown, strings.Repeat("i", 100)) {
		t.Errorf("on a terminal: %q", shown)
	}
	env.Getenv = func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }
	if got := runReading(t, env, "changes", "--storage-path", "x").stdout; strings.Contains(got, "\x1b") {
		t.Errorf("with NO_COLOR: %q", got)
	}
	if got := runReading(t, env, "history", strings.Repeat("i", 100), "--storage-path", "x").stdout; strings.Contains(got, "\x1b") {
		t.Errorf("history with NO_COLOR: %q", got)
	}
}

func TestTable_LaterRowsAreStreamedWithTheSameColumns(t *testing.T) {
	var out bytes.Buffer
	env := readingEnv(nil)
	env.Stdout = &out
	w := newTableWriter(env, []column[string]{
		{name: "A", value: func(s *string) string { return *s }},
		{name: "B", value: func(*string) string { return "b" }},
	})
	for i := range measuredRows + 10 {
		s := fmt.Sprint(i)
		noError(t, w.write(&s))
	}
	if out.Len() == 0 {
		t.Error("all rows are held back")
	}
	noError(t, w.close())
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != measuredRows+11 || lines[0] != "A    B" || lines[1] != "0    b" || lines[1010] != "1009  b" {
		t.Errorf("%d lines: %q %q %q", len(lines), lines[0], lines[1], lines[len(lines)-1])
	}
}

func TestTable_HeaderWaitsForTheFirstRow(t *testing.T) {
	var out bytes.Buffer
	env := readingEnv(nil)
	env.Stdout = &out
	w := newTableWriter(env, []column[string]{
		{name: "A", value: func(s *string) string { return *s }},
		{name: "B", value: func(*string) string { return "b" }},
	})
	for _, s := range []string{"long", "longer", "x"} {
		noError(t, w.flush())
		noError(t, w.write(&s))
		noError(t, w.flush())
	}
	noError(t, w.close())
	if want := "A     B\nlong  b\nlonger  b\nx       b\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestPrintable(t *testing.T) {
	for s, want := range map[string]string{
		"":               "",
		"plain — ünï 日本": "plain — ünï 日本",
		"a\x1b[31mb":     `a\x1b[31mb`,
		"tab\tline\n":    `tab\tline\n`,
		"\u202egnp.exe":  `\u202egnp.exe`,
		"\u009b31m":      `\u009b31m`,
		"\xff":           "\ufffd",
	} {
		if got := printable(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
