package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without credentials the daemon stays up and says what to do, and goes on by itself
// once they are there.
func TestCredentials_AppearLater(t *testing.T) {
	t.Parallel() // it mostly waits
	c := newCloud(t)
	c.createTable(t, "carts")
	e := install(t, "AWS_ENDPOINT_URL="+c.url, populated())
	const advice = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"

	r := e.run(t, "serve", "--once", "--storage-path", e.store)
	if r.code != 1 || !strings.Contains(r.stderr, advice) {
		t.Errorf("serve --once: exit code %d\n%s", r.code, r.stderr)
	}

	p := e.serve(t, "--interval", "100ms")
	p.Await(t, `Reconciliation failed.*`+advice)
	h := p.awaitHealth(t, "health is degraded", func(h healthStatus) bool { return h.Status == "degraded" })
	if !strings.Contains(strings.Join(h.Reasons, "\n"), advice) || h.ReconciliationErrors == 0 || !h.StorageHealthy {
		t.Errorf("health: %+v", h)
	}
	if code, body := p.get(t, "/-/healthy"); code != 200 {
		t.Errorf("/-/healthy: %d %s", code, body)
	}
	p.nextScans(t, 1)
	if h := p.health(t); h.Status != "degraded" {
		t.Errorf("health after more scans: %+v", h)
	}
	before := p.source().scans(t)
	for _, s := range before {
		if s.Status != "failed" || s.ResourceCount != 0 {
			t.Errorf("a scan without credentials: %+v", s)
		}
	}

	v := ok(c.cfg.Credentials.Retrieve(t.Context()))(t)
	dir := filepath.Join(e.home, ".aws")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_session_token = %s\n", v.AccessKeyID, v.SecretAccessKey, v.SessionToken)
	if err := os.WriteFile(filepath.Join(dir, "credentials"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	p.awaitHealth(t, "health is normal", func(h healthStatus) bool { return h.Status == "healthy" && len(h.Reasons) == 0 })
	c.truth(t, "us-east-1").compare(t, p.source().resources(t))
	if got := p.source().changes(t); len(got) != 0 {
		t.Errorf("the first complete scan made events: %s", got)
	}
	p.stop(t)
}
