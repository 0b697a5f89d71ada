package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An export to a file that is interrupted ends at once and leaves no file, whether it
// waits for a daemon or reads a store.
func TestExport_InterruptedLeavesNoFile(t *testing.T) {
	t.Parallel()
	t.Run("from a daemon", func(t *testing.T) {
		t.Parallel()
		sent := make(chan struct{})
		daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/jsonl")
			fmt.Fprintln(w, `{"key":"a"}`)
			_ = http.NewResponseController(w).Flush()
			close(sent)
			<-r.Context().Done() // it does not go on
		}))
		defer daemon.Close()
		e := install(t)
		p := e.start(t, "export", "resources", "--server", daemon.URL, "--file", filepath.Join(e.home, "inventory"))
		<-sent
		p.interrupt(t, syscall.SIGINT)
	})
	t.Run("from a store", func(t *testing.T) {
		t.Parallel()
		e := install(t, "ELAVA_CLOUD_PROVIDER=demo", "ELAVA_CLOUD_DEMO_RESOURCES=4000")
		e.once(t)
		p := e.start(t, "export", "resources", "--storage-path", e.store, "--format", "parquet", "--file", filepath.Join(e.home, "inventory"))
		eventually(t, "the export has begun", func() bool { return len(e.exports(t)) > 0 }, func() string { return "there is no file" })
		p.interrupt(t, syscall.SIGTERM)
		// And the store is not left behind as in use.
		e.must(t, "export", "resources", "--storage-path", e.store, "--file", filepath.Join(e.home, "inventory"))
		if files := e.exports(t); len(files) != 1 || filepath.Base(files[0]) != "inventory" {
			t.Errorf("there are %q, want inventory", files)
		}
	})
}

// exports are the files in the installation's home that an export to "inventory" makes.
func (e *elava) exports(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(e.home, "inventory*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// interrupt ends an export and checks what it leaves behind.
func (p *process) interrupt(t testing.TB, s os.Signal) {
	t.Helper()
	p.Signal(t, s)
	code, took := p.Exit(t)
	log := p.Log.Text()
	if code != 1 || !strings.Contains(log, "elava: interrupted") || took > 10*time.Second {
		t.Errorf("%s: exit code %d after %s, want 1 at once; it said:\n%s", s, code, took, log)
	}
	if files := p.e.exports(t); len(files) > 0 {
		t.Errorf("%s: it left %q", s, files)
	}
}
