package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// scan is the old name of serve --once, says so, and does the same.
func TestScan_IsDeprecated(t *testing.T) {
	const warning = "⚠️  WARNING: 'scan' command is deprecated. Use 'elava serve' for continuous monitoring.\n"
	c := newCloud(t)
	c.createTable(t, "carts")
	e := c.install(t)
	r := e.run(t, "scan", "--storage-path", e.store)
	if r.code != 0 || !strings.HasPrefix(r.stderr, warning) || strings.Count(r.stderr, "[Scan #") != 1 || strings.Contains(r.stderr, "listening") || r.stdout != "" {
		t.Errorf("exit code %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	c.truth(t, "us-east-1").compare(t, e.closed().resources(t))
	if log := e.once(t); strings.Contains(log, "deprecated") || !strings.Contains(log, "[Scan #2]") {
		t.Errorf("serve --once:\n%s", log)
	}
}

// What a daemon says on its way, line by line.
func TestServe_Log(t *testing.T) {
	e := install(t, "ELAVA_CLOUD_PROVIDER=demo")
	p := e.serve(t, "--interval", "5m")
	p.AwaitScan(t, 1)
	p.stop(t)
	log := p.Log.Text()
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	next := 0
	for _, want := range []string{
		`Starting Elava daemon\.\.\. provider=demo regions=us-east-1 storage=` + regexp.QuoteMeta(e.store),
		`Metrics server listening on :\d+$`,
		`Reconciliation loop started \(interval: 5m\)$`,
		`\[Scan #1\] Found 200 resources, 0 changes duration=\S+ revision=1$`,
		`Graceful shutdown initiated\.\.\.$`,
		`Daemon stopped$`,
	} {
		re := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| ` + want)
		found := false
		for i, line := range lines {
			if re.MatchString(line) {
				// The server and the loop begin at the same time.
				found = i >= next || strings.HasPrefix(want, "Reconciliation loop")
				next = max(next, i)
				break
			}
		}
		if !found {
			t.Errorf("no line like %q in its place:\n%s", want, log)
		}
	}
	if !strings.Contains(log, "synthetic") {
		t.Error("it does not say that this is a demo")
	}
}

// The reading commands against a daemon that runs.
func TestCommands_AskADaemon(t *testing.T) {
	c := newCloud(t)
	c.createTable(t, "carts")
	e := c.install(t)
	p := e.serve(t, "--interval", "200ms")
	p.AwaitScan(t, 1)
	asking := e.with("ELAVA_SERVER=" + p.URL)

	scopes := items[scopeItem](t, p.source(), "scopes")
	if len(scopes) < 15 {
		t.Errorf("%d scopes, want one for each of 15 types at least", len(scopes))
	}
	for _, s := range scopes {
		if s.Status != "complete" || s.Account != c.account || s.LastError != "" {
			t.Errorf("scope %+v", s)
		}
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"resources", "--type", "*table"}, `(?m)^TYPE +ID .*\n.*AWS::DynamoDB::Table +carts`},
		{[]string{"resources", "--type", "*table", "-o", "csv"}, `(?m)^key,provider,.*\n.*carts`},
		{[]string{"resources", "--type", "*table", "-o", "jsonl"}, `^\{"key":"aws/.*/carts".*\}\n$`},
		{[]string{"resources", "--type", "*table", "-o", "yaml"}, `^- key: aws/.*/carts\n`},
		{[]string{"show", "carts"}, `(?m)^Key: .*/AWS::DynamoDB::Table/carts$`},
		{[]string{"history", "carts"}, `revision 1 .* baseline`},
		{[]string{"scans", "--limit", "1"}, `(?m)^SCAN .*\n\d+ +\d+ .*success`},
		{[]string{"scopes", "--type", "*table"}, `AWS::DynamoDB::Table +complete +1`},
		{[]string{"changes", "-o", "json"}, `^\{"items":\[\]\}\n$`},
	} {
		if out := asking.must(t, tt.args...); !regexp.MustCompile(tt.want).MatchString(out) {
			t.Errorf("%q: nothing like %s in\n%s", tt.args, tt.want, out)
		}
	}

	// A change is seen live by whoever follows.
	follower := asking.start(t, "changes", "--follow", "-o", "jsonl")
	c.createTable(t, "late")
	key := c.key("AWS::DynamoDB::Table", "late")
	eventually(t, "the event is stored", func() bool { return len(p.source().changes(t)) > 0 }, func() string { return "no event" })
	since := asking.start(t, "changes", "--follow", "--since", "1", "--limit", "1", "-o", "jsonl")
	line := since.AwaitIn(t, since.Stdout, 0, `\{.*"change_type":"created".*\}`)[0]
	if !strings.Contains(line, key) {
		t.Errorf("followed: %s", line)
	}
	if code, _ := since.Exit(t); code != 0 {
		t.Errorf("--follow --limit 1: exit code %d", code)
	}
	// Nothing tells when the first follower has asked where to begin.
	n := 0
	eventually(t, "the follower shows an event live", func() bool {
		if n++; n%10 == 1 {
			c.createTable(t, fmt.Sprintf("live%d", n))
		}
		shown := follower.Stdout.Text()
		return strings.Contains(shown, c.key("AWS::DynamoDB::Table", "live"))
	}, func() string { return "it shows nothing" })
	if shown := follower.Stdout.Text(); strings.Count(shown, "\n") != strings.Count(shown, `"change_type":"created"`) {
		t.Errorf("the follower shows:\n%s", shown)
	}
	follower.Signal(t, syscall.SIGINT)
	if code, _ := follower.Exit(t); code != 0 {
		t.Errorf("--follow after SIGINT: exit code %d", code)
	}

	for path, want := range map[string]int{
		"/-/healthy": 200, "/-/ready": 200, "/health": 200, "/metrics": 200, "/debug/pprof/": 200, "/api/v1/scans": 200,
		"/api/v1/resource/" + key: 200, "/api/v1/resource/" + key + "x": 404, "/api/v1/resources?at=florp": 400, "/api/v1/florp": 404,
	} {
		status, body := p.get(t, path)
		if status != want {
			t.Errorf("GET %s: %d, want %d: %s", path, status, want, body)
		}
		if want >= 400 && strings.HasPrefix(path, "/api/") && (!strings.Contains(body, `"title"`) || !strings.Contains(body, `"detail"`)) {
			t.Errorf("GET %s: not a problem: %s", path, body)
		}
	}
	p.stop(t)
	if r := asking.run(t, "resources"); r.code != 1 || !strings.Contains(r.stderr, p.URL) {
		t.Errorf("without a daemon: exit code %d, %s", r.code, r.stderr)
	}
	if r := e.run(t, "resources", "--storage-path", filepath.Join(e.home, "nowhere")); r.code != 1 || !strings.Contains(r.stderr, "there is no store at") {
		t.Errorf("without a store: exit code %d, %s", r.code, r.stderr)
	}
}

// elsewhere returns the address of this machine by which a client does not come from
// loopback; empty where it has none.
func elsewhere(t testing.TB) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if n, is := a.(*net.IPNet); is && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			return n.IP.String()
		}
	}
	return ""
}

// The inventory is for clients on loopback, and for those with the token.
func TestAccess_IsForLoopbackAndToken(t *testing.T) {
	for _, withToken := range []bool{false, true} {
		e := install(t, "ELAVA_CLOUD_PROVIDER=demo")
		token := filepath.Join(e.home, "token")
		if err := os.WriteFile(token, []byte("s3cret-token\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		server := e
		refused := http.StatusForbidden
		if withToken {
			server, refused = e.with("ELAVA_API_TOKEN_FILE="+token), http.StatusUnauthorized
		}
		p := server.serve(t)
		p.AwaitScan(t, 1)
		check := func(what, base, path string, want int, change func(*http.Request)) {
			t.Helper()
			if status, body := fetch(t, base+path, change); status != want || status == 403 && !strings.Contains(body, "detail") {
				t.Errorf("with a token file %v: %s: GET %s: %d, want %d: %.300s", withToken, what, path, status, want, body)
			}
		}
		bearer := func(value string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+value) }
		}
		for _, path := range []string{"/api/v1/resources", "/api/v1/scans", "/debug/pprof/cmdline"} {
			check("loopback", p.URL, path, 200, nil)
			check("a name that leads to loopback", p.URL, path, 403, func(r *http.Request) { r.Host = "evil.example:2112" })
			check("a page of another site", p.URL, path, 403, func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") })
			check("a proxy", p.URL, path, 403, func(r *http.Request) { r.Header.Set("X-Forwarded-For", "203.0.113.9") })
		}
		if host := elsewhere(t); host != "" {
			outside := "http://" + net.JoinHostPort(host, p.URL[strings.LastIndex(p.URL, ":")+1:])
			for _, path := range []string{"/api/v1/resources", "/api/v1/changes", "/debug/pprof/"} {
				check("elsewhere", outside, path, refused, nil)
				check("elsewhere, wrong token", outside, path, refused, bearer("florp"))
				if withToken {
					check("elsewhere, right token", outside, path, 200, bearer("s3cret-token"))
				}
			}
			for _, path := range []string{"/metrics", "/health", "/-/healthy", "/-/ready"} {
				check("elsewhere", outside, path, 200, nil)
			}
			r := e.run(t, "resources", "--server", outside)
			if r.code != 1 || !strings.Contains(r.stderr, "token") {
				t.Errorf("the command from elsewhere: exit code %d, %s", r.code, r.stderr)
			}
			if withToken {
				e.must(t, "resources", "--server", outside, "--token-file", token)
			}
		}
		p.stop(t)
	}
}
