package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestCheck_Health(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		code   int
		says   string
	}{
		"healthy":   {http.StatusOK, `{"status":"healthy","reasons":[]}`, exitOK, ""},
		"degraded":  {http.StatusOK, `{"status":"degraded","reasons":["a scope is stale"]}`, exitOK, ""},
		"unhealthy": {http.StatusServiceUnavailable, `{"status":"unhealthy","reasons":["no scan has ended for 1h0m0s"]}`, exitFailed, "unhealthy: no scan has ended for 1h0m0s"},
		"no Elava":  {http.StatusNotFound, "<html>", exitFailed, "answers 404"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/health" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, c.body)
			}))
			defer s.Close()
			code, stderr := checkHealth(t, s.Listener.Addr().(*net.TCPAddr).Port)
			if code != c.code || !strings.Contains(stderr, c.says) {
				t.Errorf("exit code %d, want %d: %s", code, c.code, stderr)
			}
		})
	}
}

func TestCheck_HealthOfNoDaemon(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	if code, stderr := checkHealth(t, port); code != exitFailed || !strings.Contains(stderr, "does not answer") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, stderr := checkHealth(t, 0); code != exitUsage || !strings.Contains(stderr, "metrics_port") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func checkHealth(t *testing.T, port int) (code int, stderr string) {
	t.Helper()
	var out, errs strings.Builder
	code = run(t.Context(), []string{"check", "--health", "--provider", "demo", "--metrics-port", fmt.Sprint(port), "--storage-path", t.TempDir()}, &Env{
		Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" },
	})
	return code, errs.String()
}
