package e2e

import (
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SIGTERM ends a scan in flight at once and nothing of it is stored.
func TestStop_DuringAScan(t *testing.T) {
	c := newCloud(t)
	smallPopulation(t, c)
	g := newGate(t, c.url)
	e := install(t, append(c.env(t), "AWS_ENDPOINT_URL="+g.url)...)
	e.once(t)
	before := e.closed().resources(t)
	c.tagRole(t, "worker", "team", "b")

	for _, s := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		g.hold()
		p := e.serve(t, "--interval", "1h")
		g.awaitHeld(t)
		if h := p.health(t); h.Phase != "scanning" {
			t.Errorf("phase is %s", h.Phase)
		}
		p.Signal(t, s)
		code, took := p.Exit(t)
		log := p.Log.Text()
		if code != 0 || took > 5*time.Second {
			t.Errorf("%s: exit code %d after %s", s, code, took)
		}
		if i, j := strings.Index(log, "Graceful shutdown initiated..."), strings.Index(log, "Daemon stopped"); i < 0 || j < i {
			t.Errorf("%s: the log does not tell of it:\n%s", s, log)
		}
		if scans := e.closed().scans(t); len(scans) != 1 {
			t.Errorf("%s: %d scans are stored, want 1", s, len(scans))
		}
		g.release()
	}
	if got := keysOf(e.closed().resources(t)); len(got) != len(before) {
		t.Errorf("%d resources, want %d", len(got), len(before))
	}
	e.once(t)
	checkEvents(t, e.closed().changes(t), []wantEvent{
		modified(c.globalKey("AWS::IAM::Role", "worker"), change("tags.team", "a", "b")),
	})
}

// A listing that heeds nothing cannot hold up the end; nor can anything at a second
// signal.
func TestStop_WhenAListingHangs(t *testing.T) {
	demo := []string{"ELAVA_CLOUD_PROVIDER=demo", "ELAVA_CLOUD_DEMO_FAULTS=hang-hard"}
	t.Run("one signal", func(t *testing.T) {
		t.Parallel()
		p := install(t, demo...).serve(t)
		p.awaitHealth(t, "a scan is under way", func(h healthStatus) bool { return h.Phase == "scanning" })
		p.Signal(t, syscall.SIGTERM)
		code, took := p.Exit(t)
		if log := p.Log.Text(); code != 0 || took > 5*time.Second || !strings.Contains(log, "Daemon stopped") {
			t.Errorf("exit code %d after %s", code, took)
		}
	})
	t.Run("two signals", func(t *testing.T) {
		t.Parallel()
		p := install(t, demo...).serve(t)
		p.awaitHealth(t, "a scan is under way", func(h healthStatus) bool { return h.Phase == "scanning" })
		p.Signal(t, syscall.SIGTERM)
		p.Await(t, `Graceful shutdown initiated\.\.\.`)
		p.Signal(t, syscall.SIGTERM)
		if code, took := p.Exit(t); code != 1 || took > time.Second {
			t.Errorf("exit code %d after %s, want 1 at once", code, took)
		}
		if log := p.Log.Text(); strings.Contains(log, "Daemon stopped") {
			t.Errorf("it says that it stopped cleanly:\n%s", log)
		}
	})
	t.Run("past the time limit", func(t *testing.T) {
		t.Parallel()
		p := install(t, append(demo, "ELAVA_GRACEFUL_SHUTDOWN_TIMEOUT=200ms")...).serve(t)
		p.awaitHealth(t, "a scan is under way", func(h healthStatus) bool { return h.Phase == "scanning" })
		p.Signal(t, syscall.SIGTERM)
		code, took := p.Exit(t)
		if log := p.Log.Text(); code != 1 || took > 3*time.Second || !strings.Contains(log, "did not stop in time") {
			t.Errorf("exit code %d after %s, want 1 after 200ms", code, took)
		}
	})
}

// A port that is taken is told at once, with what to do.
func TestStop_PortTaken(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	e := install(t)
	r := e.run(t, "serve", "--provider", "demo", "--storage-path", e.store, "--metrics-port", port)
	if r.code != 1 || r.took > 2*time.Second {
		t.Errorf("exit code %d after %s", r.code, r.took)
	}
	for _, want := range []string{"port " + port + " is taken", "--metrics-port"} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("standard error has no %q:\n%s", want, r.stderr)
		}
	}
	if strings.Contains(r.stderr, "[Scan") {
		t.Errorf("it scanned all the same:\n%s", r.stderr)
	}
	e.once(t, "--provider", "demo") // the store was closed again
}

// Two daemons on one store: the second one says who has it and what to do.
func TestStop_StoreInUse(t *testing.T) {
	e := install(t, "ELAVA_CLOUD_PROVIDER=demo")
	p := e.serve(t)
	p.AwaitScan(t, 1)
	for _, args := range [][]string{
		{"serve", "--storage-path", e.store, "--metrics-port", "0"},
		{"serve", "--once", "--storage-path", e.store},
		{"resources", "--storage-path", e.store},
	} {
		r := e.run(t, args...)
		if r.code != 1 || !strings.Contains(r.stderr, "process "+strconv.Itoa(p.PID())) || !strings.Contains(r.stderr, "--server") {
			t.Errorf("%q: exit code %d\n%s", args, r.code, r.stderr)
		}
	}
	if h := p.health(t); h.Status != "healthy" {
		t.Errorf("the first one: %+v", h)
	}
	p.stop(t)
	e.closed().resources(t)
}
