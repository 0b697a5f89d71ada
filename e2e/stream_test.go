package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// following is who follows the stream of a daemon, and what happens to it meanwhile.
type following struct {
	clients   int
	resources int // of the demo cloud, of which so many percent change from scan to scan
	percent   int
	scans     int // that a daemon makes before it ends, and the next one after that
	events    int // that there must be at least, so that the test tests something
}

// Clients of the stream see every change once and in order, whatever ends the daemon that
// they follow: a new process on the same store and port goes on where each of them was.
func TestStream_GoesOnInTheNextProcess(t *testing.T) {
	small := following{clients: 100, resources: 120, percent: 90, scans: 4, events: 600}
	t.Run("after SIGTERM", func(t *testing.T) {
		t.Parallel()
		small.run(t, syscall.SIGTERM)
	})
	t.Run("after SIGKILL", func(t *testing.T) {
		t.Parallel()
		small.run(t, syscall.SIGKILL)
	})
}

// BenchmarkStream_GoesOnInTheNextProcess is the same with a thousand clients and 10,000
// changes. It measures nothing that is compared; it fails unless it is right.
func BenchmarkStream_GoesOnInTheNextProcess(b *testing.B) {
	large := following{clients: 1000, resources: 1000, percent: 60, scans: 9, events: 10_000}
	for _, end := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		b.Run(strings.ReplaceAll(end.String(), " ", "-"), func(b *testing.B) {
			for b.Loop() {
				large.run(b, end)
			}
		})
	}
}

func (f following) run(t testing.TB, end os.Signal) {
	t.Helper()
	e := install(t, "ELAVA_CLOUD_PROVIDER=demo", fmt.Sprintf("ELAVA_CLOUD_DEMO_RESOURCES=%d", f.resources), fmt.Sprintf("ELAVA_CLOUD_DEMO_CHANGE_RATE=%d%%", f.percent))
	port := freePort(t)
	serve := func() *process {
		p := e.start(t, "serve", "--storage-path", e.store, "--interval", "1s", "--listen-address", "127.0.0.1", "--metrics-port", port)
		p.Listening(t)
		return p
	}
	p := serve()
	p.AwaitScan(t, 1)
	ctx, stop := context.WithTimeout(t.Context(), 10*waitLimit)
	defer stop()
	followers := f.follow(ctx, p.URL)
	for _, c := range followers {
		select {
		case <-c.connected:
		case <-c.done:
			t.Fatalf("a client ended: %v", c.err)
		}
	}

	for n := range f.scans {
		p.AwaitScan(t, int64(n+1)) // each has its time, which a thousand clients take
	}
	p.Signal(t, end)
	if code, _ := p.Exit(t); code > 0 {
		t.Errorf("the daemon ended with code %d", code)
	}
	p = serve()
	first, err := strconv.ParseInt(p.Await(t, `\[Scan #(\d+)\]`)[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	last := first + int64(f.scans)
	for n := first; n <= last; n++ {
		p.AwaitScan(t, n)
	}
	breaks := 0
	for _, c := range followers {
		c.until.Store(last)
	}
	for _, c := range followers {
		<-c.done
		if c.err != nil {
			t.Fatalf("a client, after %d events: %v", len(c.seen), c.err)
		}
		breaks += c.connections - 1
	}
	if breaks < len(followers) {
		t.Errorf("%d clients were disconnected %d times: the daemon never went away", len(followers), breaks)
	}
	feed := p.source().changes(t, "--until", strconv.FormatInt(last, 10))
	f.check(t, followers, last, feed)
	p.stop(t)
	t.Logf("%d clients, %d events each, %d reconnections", len(followers), len(feed), breaks)
}

// check holds what every client saw, up to a revision, against the feed.
func (f following) check(t testing.TB, followers []*follower, last int64, feed []event) {
	t.Helper()
	var want []eventID
	for _, e := range feed {
		id, err := parseEventID(e.ID)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	if len(want) < f.events {
		t.Errorf("there are %d events, want %d or more", len(want), f.events)
	}
	for i, c := range followers {
		seen := c.seen
		if n := slices.IndexFunc(seen, func(id eventID) bool { return int64(id.revision) > last }); n >= 0 {
			seen = seen[:n]
		}
		if !slices.Equal(seen, want) {
			t.Fatalf("client %d saw %d events, and there are %d; the first that is another: %s", i, len(seen), len(want), firstOther(seen, want))
		}
	}
}

func firstOther(got, want []eventID) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%v in place of %v", got[i], want[i])
		}
	}
	return "where one of them ends"
}

// freePort returns a port that nobody listens on.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// eventID is an id such as 12-3.
type eventID struct{ revision, number uint32 }

func parseEventID(s string) (eventID, error) {
	var id eventID
	if _, err := fmt.Sscanf(s, "%d-%d", &id.revision, &id.number); err != nil || s != fmt.Sprintf("%d-%d", id.revision, id.number) {
		return id, fmt.Errorf("%q is no id of an event", s)
	}
	return id, nil
}

// follower is a client of the stream, as a browser is one: it comes back with the id of
// the last event that it got whole.
type follower struct {
	url   string
	until atomic.Int64 // revision with which it has all it wants; 0: not known yet

	last        string
	seen        []eventID
	connections int
	connected   chan struct{} // closed at the first answer
	done        chan struct{} // closed at the end; the rest may be read then
	err         error
}

// follow starts the clients.
func (f following) follow(ctx context.Context, url string) []*follower {
	transport := &http.Transport{DisableKeepAlives: true}
	var all []*follower
	for range f.clients {
		c := &follower{url: url + "/api/v1/changes/stream?since=1", connected: make(chan struct{}), done: make(chan struct{})}
		all = append(all, c)
		go func() {
			defer close(c.done)
			c.err = c.follow(ctx, &http.Client{Transport: transport})
		}()
	}
	return all
}

// errWhole ends a client that has seen everything.
var errWhole = errors.New("everything was seen")

func (c *follower) follow(ctx context.Context, client *http.Client) error {
	for {
		err := c.connect(ctx, client)
		if errors.Is(err, errWhole) {
			return nil
		}
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		select { // as long as the daemon is away, there is nothing to wait for but time
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// connect reads one answer to its end. That there is none is no error.
func (c *follower) connect(ctx context.Context, client *http.Client) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return err
	}
	if c.last != "" {
		r.Header.Set("Last-Event-ID", c.last)
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusServiceUnavailable { // it is stopping
		return nil
	}
	if answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s", answer.Status, body)
	}
	if c.connections++; c.connections == 1 {
		close(c.connected)
	}
	return c.read(answer.Body)
}

// read takes events. An id counts once the empty line behind its event was read.
func (c *follower) read(body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	id, data := "", ""
	for lines.Scan() {
		switch name, value, _ := strings.Cut(lines.Text(), ": "); {
		case name == "id":
			id = value
		case name == "data":
			data = value
		case lines.Text() == "":
			if err := c.take(id, data); err != nil {
				return err
			}
			data = ""
		}
	}
	return nil
}

func (c *follower) take(id, data string) error {
	if data != "" {
		e, err := parseEventID(id)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(data, fmt.Sprintf(`{"id":%q,"revision":%d,`, id, e.revision)) {
			return fmt.Errorf("event %s is %.100s", id, data)
		}
		c.seen = append(c.seen, e)
	}
	c.last = id
	at, err := strconv.ParseInt(id, 10, 64) // else it is within a revision
	if until := c.until.Load(); err == nil && until > 0 && at >= until {
		return errWhole
	}
	return nil
}
