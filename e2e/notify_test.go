package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const hookSecret = "a secret of the test"

// hookServer is a receiver that takes every second delivery.
type hookServer struct {
	*httptest.Server
	mu     sync.Mutex
	calls  int
	events []event // of what was taken, in the order of arrival
	bad    []string
	took   chan struct{}
}

func newHookServer(t *testing.T) *hookServer {
	t.Helper()
	h := &hookServer{took: make(chan struct{}, 10_000)}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

// ServeHTTP implements http.Handler. Of what it refuses, it answers one half with an error
// and breaks the connection of the other.
func (h *hookServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	switch {
	case err != nil: // the daemon was killed while it sent
		return
	case h.calls%4 == 1:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case h.calls%4 == 3:
		panic(http.ErrAbortHandler)
	}
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(body)
	if got, want := r.Header.Get("Elava-Signature-256"), "sha256="+hex.EncodeToString(mac.Sum(nil)); got != want {
		h.bad = append(h.bad, fmt.Sprintf("signature %q, want %q", got, want))
	}
	var m struct{ Events []event }
	if err := json.Unmarshal(body, &m); err != nil || len(m.Events) == 0 {
		h.bad = append(h.bad, fmt.Sprintf("body %.200q: %v", body, err))
	}
	h.events = append(h.events, m.Events...)
	h.took <- struct{}{}
}

func (h *hookServer) await(t *testing.T, deliveries int) {
	t.Helper()
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	for range deliveries {
		select {
		case <-h.took:
		case <-limit.C:
			t.Fatal("no more deliveries")
		}
	}
}

// first returns the events in the order of their first arrival, and how many came again.
func (h *hookServer) first() (all []event, again int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := map[string]bool{}
	for _, e := range h.events {
		if seen[e.ID] {
			again++
			continue
		}
		seen[e.ID] = true
		all = append(all, e)
	}
	return all, again
}

// A receiver that fails half the time and a daemon that is killed twice: every change
// arrives at least once, those of one resource in their order, all of them signed.
func TestNotify_NothingIsLostThoughBothSidesFail(t *testing.T) {
	e, hook := install(t), newHookServer(t)
	config := filepath.Join(e.home, "elava.yaml")
	write := func(interval string) {
		text := fmt.Sprintf("daemon: {reconciliation_interval: %s}\ncloud: {provider: demo, demo: {resources: 300, change_rate: 5%%}}\n"+
			"notify: [{url: %q, secret_env: HOOK_SECRET}]\n", interval, hook.URL+"/hook-path")
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	e = e.with("HOOK_SECRET=" + hookSecret)
	write("200ms")
	var logs strings.Builder
	for range 2 {
		p := e.serve(t, "--config", config)
		hook.await(t, 4)
		p.Kill()
		log := p.Log.Text()
		logs.WriteString(log)
	}
	write("1h")
	p := e.serve(t, "--config", config)
	p.Await(t, `\[Scan #`)
	want := source{e, []string{"--server", p.URL}}.changes(t)
	last := want[len(want)-1].ID
	for deadline := time.Now().Add(waitLimit); ; {
		hook.await(t, 1)
		if all, _ := hook.first(); len(all) > 0 && all[len(all)-1].ID == last {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not arrive", last)
		}
	}
	log := p.Log.Text()
	logs.WriteString(log)

	got, again := hook.first()
	t.Logf("%d events in %d calls, %d of them more than once", len(got), hook.calls, again)
	if len(hook.bad) > 0 {
		t.Errorf("bad deliveries: %q", hook.bad)
	}
	if len(got) != len(want) {
		t.Fatalf("%d events arrived, %d were recorded", len(got), len(want))
	}
	for i := range want {
		if got[i].ID != want[i].ID || got[i].plain() != want[i].plain() {
			t.Fatalf("event %d is %s %s, want %s %s", i, got[i].ID, got[i], want[i].ID, want[i])
		}
	}
	if text := logs.String(); strings.Contains(text, hookSecret) || strings.Contains(text, "hook-path") {
		t.Error("the log holds the secret or the address of the webhook")
	}
}
