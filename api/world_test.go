package api

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account      = "111122223333"
	instanceType = "AWS::EC2::Instance"
	bucketType   = "AWS::S3::Bucket"
	logType      = "AWS::Logs::LogGroup"
)

// start is the time of revision 1; each further one comes 5 minutes later. now is when
// the tests ask.
var (
	start = time.Date(2025, 10, 22, 10, 5, 0, 0, time.UTC)
	now   = time.Date(2025, 10, 22, 12, 0, 0, 0, time.UTC)

	instances = resource.Scope{Provider: "aws", Account: account, Region: "us-east-1", Type: instanceType}
	buckets   = resource.Scope{Provider: "aws", Account: account, Region: resource.Global, Type: bucketType}
	logs      = resource.Scope{Provider: "aws", Account: account, Region: "eu-west-1", Type: logType}

	web     = keyIn(instances, "i-0web")
	batch   = keyIn(instances, "i-0batch")
	assets  = resource.Key{Provider: "aws", Account: account, Region: "eu-west-1", Type: bucketType, ID: "assets"}
	logged  = keyIn(logs, "/aws/lambda//thumb:nail 100%/../x")
	nowhere = keyIn(instances, "i-0never")
)

func keyIn(s resource.Scope, id string) resource.Key {
	return resource.Key{Provider: s.Provider, Account: s.Account, Region: s.Region, Type: s.Type, ID: id}
}

// scan is what one commit of a test holds.
type scan struct {
	mutations []storage.Mutation
	scopes    []storage.ScopeState
	status    storage.ScanStatus
}

// commit records a scan as the next revision, 5 minutes after the one before.
func commit(t testing.TB, s storage.Store, c scan) {
	t.Helper()
	ctx := t.Context()
	head, err := s.Head(ctx)
	check(t, err)
	when := start.Add(time.Duration(head.Revision) * 5 * time.Minute)
	x, err := s.Begin(ctx, when)
	check(t, err)
	defer x.Rollback()
	for _, m := range c.mutations {
		check(t, x.Stage(ctx, m))
	}
	for _, state := range c.scopes {
		check(t, x.SetScope(ctx, state))
	}
	meta := storage.ScanMetadata{
		StartTime: when.Add(-1500 * time.Millisecond), DurationMS: 1500, ResourceCount: 3, Status: storage.ScanSuccess,
	}
	if c.status != "" {
		meta.Status, meta.ErrorCount = c.status, 1
	}
	check(t, x.Commit(ctx, &meta))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mutation(typ change.Type, r resource.Resource, changes ...change.FieldChange) storage.Mutation {
	var h resource.Hasher
	return storage.Mutation{Type: typ, Resource: &r, Fingerprint: h.Sum(&r), Schema: 1, Changes: changes}
}

func complete(s resource.Scope, n int) storage.ScopeState {
	return storage.ScopeState{Scope: s, Status: storage.ScopeComplete, Resources: n}
}

func webServer(size string) resource.Resource {
	return resource.Resource{
		Key: web, ARN: "arn:aws:ec2:us-east-1:111122223333:instance/i-0web", Name: "web & <shop>", Status: "running",
		CreatedAt:  time.Date(2024, 2, 29, 23, 59, 59, 500e6, time.UTC),
		Tags:       map[string]string{"env": "prod", "empty": ""},
		Attributes: fmt.Appendf(nil, `{"Big":12345678901234567890,"InstanceType":%q,"Note":"a<b>&c"}`, size),
	}
}

// newWorld returns a store with a short history:
//
//	1  10:05  baseline: web, assets
//	2  10:10  web modified, batch and a log group created
//	3  10:15  batch disappeared
//	4  10:20  the log groups could not be listed: stale since 10:15
func newWorld(t testing.TB) *storagetest.Model {
	t.Helper()
	s := storagetest.NewModel()
	bucket := resource.Resource{Key: assets, ARN: "arn:aws:s3:::assets", Name: "assets"}
	group := mutation(change.Created, resource.Resource{Key: logged, Name: "thumbnails", Attributes: []byte(`{"RetentionInDays":14}`)})
	group.Incomplete = []string{resource.PartTags}
	commit(t, s, scan{
		mutations: []storage.Mutation{
			mutation(change.Baseline, webServer("t3.small")), mutation(change.Baseline, bucket),
		},
		scopes: []storage.ScopeState{complete(instances, 1), complete(buckets, 1), complete(logs, 0)},
	})
	commit(t, s, scan{
		mutations: []storage.Mutation{
			mutation(change.Modified, webServer("t3.large"), change.FieldChange{
				Path: "attributes.InstanceType", Old: json.RawMessage(`"t3.small"`), New: json.RawMessage(`"t3.large"`),
			}),
			mutation(change.Created, resource.Resource{Key: batch, Name: "batch", Status: "running"}),
			group,
		},
		scopes: []storage.ScopeState{complete(instances, 2), complete(logs, 1)},
	})
	commit(t, s, scan{
		mutations: []storage.Mutation{mutation(change.Disappeared, resource.Resource{Key: batch, Name: "batch"})},
		scopes:    []storage.ScopeState{complete(instances, 1)},
	})
	commit(t, s, scan{
		scopes: []storage.ScopeState{{
			Scope: logs, Status: storage.ScopeFailed, Resources: 1, Reason: "throttled",
			Error: "logs:DescribeLogGroups: Rate exceeded", LastComplete: 3, LastCompleteTime: start.Add(10 * time.Minute),
		}},
		status: storage.ScanPartial,
	})
	return s
}

func newTestServer(s storage.Store) *Server {
	return NewServer(Options{Store: s, Now: func() time.Time { return now }})
}

// ask sends a GET request from loopback.
func ask(t testing.TB, h http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:2112"+Prefix+target, nil)
	r.RemoteAddr = "127.0.0.1:40000"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// answerTo decodes an answer that must be 200.
func answerTo[T any](t testing.TB, h http.Handler, target string) T {
	t.Helper()
	w := ask(t, h, target)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", target, w.Code, w.Body)
	}
	var v T
	check(t, json.Unmarshal(w.Body.Bytes(), &v))
	return v
}

// problemOf decodes an answer that must be a problem.
func problemOf(t testing.TB, w *httptest.ResponseRecorder) Problem {
	t.Helper()
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("content type %q, want a problem; %d %s", got, w.Code, w.Body)
	}
	var p Problem
	check(t, json.Unmarshal(w.Body.Bytes(), &p))
	if p.Status != w.Code || p.Title == "" || p.Kind() == "" || p.Detail == "" {
		t.Errorf("incomplete problem with status %d: %s", w.Code, w.Body)
	}
	return p
}

// golden compares JSON with a file of testdata, both indented for the reader's sake.
func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	check(t, json.Indent(&b, body, "", "  "))
	file := filepath.Join("testdata", name+".json")
	if *update {
		check(t, os.WriteFile(file, b.Bytes(), 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s is not as in %s (-update writes it):\n%s", name, file, b.Bytes())
	}
}

// failing is a store that fails at what a test says.
type failing struct {
	storage.Store
	head error
}

func (f failing) Head(context.Context) (storage.Head, error) { return storage.Head{}, f.head }

func logInto(b *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
