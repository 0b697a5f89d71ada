package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/notify"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// record commits a scan in which instances are created.
func record(t testing.TB, s storage.Store, tags map[string]string, ids ...string) {
	t.Helper()
	head, err := s.Head(t.Context())
	check(t, err)
	x, err := s.Begin(t.Context(), time.Date(2025, 10, 22, 10, int(head.Revision), 0, 0, time.UTC))
	check(t, err)
	for _, id := range ids {
		r := &resource.Resource{
			Key:  resource.Key{Provider: "aws", Account: "1", Region: "eu-west-1", Type: "AWS::EC2::Instance", ID: id},
			Tags: tags, Attributes: []byte("{}"),
		}
		var h resource.Hasher
		check(t, x.Stage(t.Context(), storage.Mutation{Type: change.Created, Resource: r, Fingerprint: h.Sum(r), Schema: 1}))
	}
	check(t, x.Commit(t.Context(), &storage.ScanMetadata{Status: storage.ScanSuccess}))
}

// receiver collects what it takes, and refuses as often as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	refuse int
	took   chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{took: make(chan struct{}, 1000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		b, err := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.refuse > 0 || err != nil {
			r.refuse--
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		r.bodies, r.heads = append(r.bodies, string(b)), append(r.heads, req.Header)
		r.took <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) await(t *testing.T, n int) {
	t.Helper()
	for range n {
		select {
		case <-r.took:
		case <-time.After(20 * time.Second):
			t.Fatal("no delivery in 20 s")
		}
	}
}

// awaitTold waits until it is noted that every hook was told up to an event.
func awaitTold(t *testing.T, dir, told string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		files, err := filepath.Glob(filepath.Join(dir, "*.json"))
		check(t, err)
		noted := 0
		for _, file := range files {
			b, err := os.ReadFile(file)
			check(t, err)
			if strings.Contains(string(b), `"`+told+`"`) {
				noted++
			}
		}
		if noted > 0 && noted == len(files) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s was not noted in 20 s", told)
		}
	}
}

// events are the ids of all events that were taken.
func (r *receiver) events(t *testing.T) string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var ids []string
	for _, b := range r.bodies {
		var m notify.Message
		check(t, json.Unmarshal([]byte(b), &m))
		for _, e := range m.Events {
			ids = append(ids, e.ID)
		}
	}
	return strings.Join(ids, " ")
}

// begin makes a notifier with short waits and runs it until stop.
func begin(t *testing.T, s storage.Store, dir string, log io.Writer, hooks ...notify.Hook) (n *notify.Notifier, stop func()) {
	t.Helper()
	n, err := notify.New(t.Context(), notify.Options{
		Hooks: hooks, Store: s, Dir: dir, Logger: slog.New(slog.NewTextHandler(log, nil)),
		Poll: time.Millisecond, FirstTry: time.Millisecond, LastTry: 5 * time.Millisecond,
	})
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	return n, sync.OnceFunc(func() {
		cancel()
		check(t, <-done)
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
}

func TestNotifier_TellsWhatIsRecordedFromThenOnAndGoesOnAfterARestart(t *testing.T) {
	s, r, dir := storagetest.NewModel(), newReceiver(t), t.TempDir()
	hook := notify.Hook{URL: r.URL + "/secret-path", Secret: []byte("s3cret")}
	record(t, s, nil, "before")
	var log strings.Builder
	_, stop := begin(t, s, dir, &log, hook)
	record(t, s, nil, "a", "b")
	record(t, s, nil)
	r.await(t, 1)
	awaitTold(t, dir, "4-0")
	stop()
	record(t, s, nil, "c") // while nobody tells
	r.mu.Lock()
	r.refuse = 3
	r.mu.Unlock()
	_, stop = begin(t, s, dir, &log, hook)
	r.await(t, 1)
	stop()
	if got := r.events(t); got != "2-1 2-2 4-1" {
		t.Errorf("told %q", got)
	}
	for i, b := range r.bodies {
		if got, want := r.heads[i].Get(notify.HeaderSignature), notify.Sign([]byte("s3cret"), []byte(b)); got != want {
			t.Errorf("signature %q, want %q", got, want)
		}
	}
	if got := r.heads[0].Get(notify.HeaderDelivery); got != "2-1..2-2" {
		t.Errorf("delivery %q", got)
	}
	if text := log.String(); !strings.Contains(text, "502") || strings.Contains(text, "s3cret") || strings.Contains(text, "secret-path") {
		t.Errorf("the log says %q", text)
	}
}

// GitHub's own example: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
func TestSign_IsThatOfGitHub(t *testing.T) {
	got := notify.Sign([]byte("It's a Secret to Everybody"), []byte("Hello, World!"))
	if want := "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNotifier_ChoosesByTypeKindAndTag(t *testing.T) {
	for name, h := range map[string]notify.Hook{
		"type": {Filter: storage.Filter{Types: []string{"aws::s3::*"}}},
		"kind": {ChangeTypes: []string{"disappeared"}},
		"tag":  {Filter: storage.Filter{Tags: []storage.TagFilter{{Key: "env", Value: "dev"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, r, all := storagetest.NewModel(), newReceiver(t), newReceiver(t)
			h.URL = r.URL
			both := notify.Hook{URL: all.URL, Filter: storage.Filter{
				Types: []string{"aws::ec2::*"}, Tags: []storage.TagFilter{{Key: "env", Value: "prod"}},
			}, ChangeTypes: []string{"created"}}
			_, stop := begin(t, s, t.TempDir(), io.Discard, h, both)
			record(t, s, map[string]string{"env": "prod"}, "a")
			all.await(t, 1)
			stop()
			if got := r.events(t); got != "" {
				t.Errorf("told of %q", got)
			}
		})
	}
}

func TestNotifier_SplitsAScanAndKeepsItsOrder(t *testing.T) {
	s, r := storagetest.NewModel(), newReceiver(t)
	var ids, want []string
	for i := range 450 {
		ids, want = append(ids, fmt.Sprintf("i-%04d", i)), append(want, fmt.Sprintf("1-%d", i+1))
	}
	_, stop := begin(t, s, t.TempDir(), io.Discard, notify.Hook{URL: r.URL})
	record(t, s, nil, ids...)
	r.await(t, 3)
	stop()
	if got := r.events(t); got != strings.Join(want, " ") {
		t.Errorf("told %q", got)
	}
}

func TestNotifier_SaysWhichHookIsDeadAndWhatItLost(t *testing.T) {
	s, r, dir := storagetest.NewModel(), newReceiver(t), t.TempDir()
	r.refuse = 1 << 30
	n, stop := begin(t, s, dir, io.Discard, notify.Hook{URL: r.URL + "/secret-path"})
	record(t, s, nil, "a")
	for len(n.Concerns()) == 0 {
		time.Sleep(time.Millisecond) // until seven attempts were made
	}
	stop()
	if c := n.Concerns()[0]; !strings.Contains(c, "502") || strings.Contains(c, "secret-path") {
		t.Errorf("concern %q", c)
	}
	record(t, s, nil, "b")
	record(t, s, nil, "c")
	check(t, s.Trim(t.Context(), 2))
	r.mu.Lock()
	r.refuse = 0
	r.mu.Unlock()
	n, stop = begin(t, s, dir, io.Discard, notify.Hook{URL: r.URL + "/secret-path", Secret: []byte("another")})
	for !strings.Contains(r.events(t), "3-1") {
		r.await(t, 1)
	}
	stop()
	// A post that the first notifier gave up may be taken late; it has no signature.
	for i, h := range r.heads {
		if d := h.Get(notify.HeaderDelivery); h.Get(notify.HeaderSignature) != "" && d != "3-1..3-1" {
			t.Errorf("delivery %d is %s", i, d)
		}
	}
	if c := strings.Join(n.Concerns(), "\n"); !strings.Contains(c, "2 revisions") {
		t.Errorf("concerns %q", c)
	}
}

// concern runs a notifier with a hook that cannot succeed until it is said to be dead.
func concern(t *testing.T, o notify.Options) string {
	t.Helper()
	o.Store, o.Dir = storagetest.NewModel(), t.TempDir()
	o.Poll, o.FirstTry, o.LastTry = time.Millisecond, time.Millisecond, time.Millisecond
	n, err := notify.New(t.Context(), o)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	record(t, o.Store, nil, "a")
	for len(n.Concerns()) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	check(t, <-done)
	return n.Concerns()[0]
}

func TestNotifier_FollowsNoRedirect(t *testing.T) {
	target := newReceiver(t)
	redirect := httptest.NewServer(http.RedirectHandler(target.URL, http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	c := concern(t, notify.Options{Hooks: []notify.Hook{{URL: redirect.URL}}})
	if !strings.Contains(c, "redirects are not followed") || target.events(t) != "" {
		t.Errorf("concern %q", c)
	}
}

// A name is allowed; what it resolves to is not.
func TestNotifier_LooksAtTheAddressThatANameResolvesTo(t *testing.T) {
	target := newReceiver(t)
	c := concern(t, notify.Options{
		Hooks:   []notify.Hook{{URL: strings.Replace(target.URL, "127.0.0.1", "localhost", 1)}},
		Allowed: func(a netip.Addr) bool { return !a.IsLoopback() },
	})
	if !strings.Contains(c, "not connected to") || target.events(t) != "" {
		t.Errorf("concern %q", c)
	}
}

func TestNew_RefusesAddressesThatAreForbidden(t *testing.T) {
	for _, address := range []string{
		"http://169.254.169.254/latest", "http://[::ffff:169.254.169.254]/", "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://0.0.0.0/",
	} {
		_, err := notify.New(t.Context(), notify.Options{Hooks: []notify.Hook{{URL: address}}, Store: storagetest.NewModel(), Dir: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), "not connected to") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestForbidden(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1": false, "::1": false, "10.1.2.3": false, "192.168.0.1": false, "8.8.8.8": false, "2001:db8::1": false, "fd00::1": false,
		"169.254.169.254": true, "169.254.170.2": true, "::ffff:169.254.169.254": true, "::ffff:a9fe:a9fe": true, "64:ff9b::a9fe:a9fe": true,
		"2002:a9fe:a9fe::1": true, "::169.254.169.254": true, "fe80::1%eth0": true, "fd00:ec2::254": true, "168.63.129.16": true,
		"100.100.100.200": true, "192.0.0.192": true, "fd20:ce::254": true, "64:ff9b:1::a9fe:a9fe": true, "64:ff9b:1:2:3:4:a9fe:a9fe": true,
		"64:ff9b:1::a01:203": false, "::ffff:0:a9fe:a9fe": true, "::ffff:0:a01:203": false, "fd20:ce::1": false, "0.0.0.0": true, "::": true, "224.0.0.1": true, "ff02::1": true,
	} {
		if got := notify.Forbidden(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestNotifier_TellsSlackInWords(t *testing.T) {
	s, r := storagetest.NewModel(), newReceiver(t)
	_, stop := begin(t, s, t.TempDir(), io.Discard, notify.Hook{URL: r.URL, Format: notify.Slack})
	record(t, s, nil, "<!channel>`x")
	r.await(t, 1)
	stop()
	var m struct{ Text string }
	check(t, json.Unmarshal([]byte(r.bodies[0]), &m))
	want := "Elava: 1 change in revision 1\n• *created* AWS::EC2::Instance `&lt;!channel&gt;'x` in eu-west-1, account 1"
	if m.Text != want {
		t.Errorf("got %q\nwant %q", m.Text, want)
	}
}

// A running notifier takes other hooks: one that stays misses nothing and is told nothing
// twice, one that is new begins with what is recorded then, and a wrong one changes nothing.
func TestNotifier_ReplacesItsHooksWhileItRuns(t *testing.T) {
	s, stays, goes, comes, dir := storagetest.NewModel(), newReceiver(t), newReceiver(t), newReceiver(t), t.TempDir()
	record(t, s, nil, "before")
	n, stop := begin(t, s, dir, io.Discard, notify.Hook{URL: stays.URL + "/a"}, notify.Hook{URL: goes.URL + "/b"})
	defer stop()
	record(t, s, nil, "one")
	stays.await(t, 1)
	goes.await(t, 1)

	wrong := []notify.Hook{{URL: comes.URL + "/c"}, {URL: "https://169.254.169.254/"}}
	if err := n.Replace(t.Context(), wrong); err == nil || !strings.HasPrefix(err.Error(), "notify[1]: ") {
		t.Errorf("an address that is forbidden: %v", err)
	}
	record(t, s, nil, "two")
	stays.await(t, 1)
	goes.await(t, 1)
	awaitTold(t, dir, "4-0") // else the last delivery would be repeated

	check(t, n.Replace(t.Context(), []notify.Hook{{URL: comes.URL + "/c"}, {URL: stays.URL + "/a", Secret: []byte("now signed")}}))
	record(t, s, nil, "three")
	stays.await(t, 1)
	comes.await(t, 1)
	for r, want := range map[*receiver]string{stays: "2-1 3-1 4-1", goes: "2-1 3-1", comes: "4-1"} {
		if got := r.events(t); got != want {
			t.Errorf("a hook was told of %q, want %q", got, want)
		}
	}
	stays.mu.Lock()
	if signed := stays.heads[2].Get(notify.HeaderSignature) != "" && stays.heads[1].Get(notify.HeaderSignature) == ""; !signed {
		t.Error("the new secret is not that of the next delivery alone")
	}
	stays.mu.Unlock()
	stop()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := n.Replace(ended, nil); err == nil {
		t.Error("a notifier that has ended took other hooks")
	}
}

// positionFile returns the file of the only hook that was ever told.
func positionFile(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	check(t, err)
	if len(files) != 1 {
		t.Fatalf("files %q", files)
	}
	return files[0]
}

// An older backup was restored, and the positions are those of what was lost.
func TestNotifier_TellsWhatIsRecordedAfterABackupWasRestored(t *testing.T) {
	for name, tt := range map[string]struct {
		noted string // with head 2
		used  string // the newest revision that is used again; "": none is
	}{
		"long before":          {"5-0", "revision 4"},
		"within a revision":    {"4-1", "revision 4"},
		"within the next one":  {"3-2", "revision 3"},
		"the same revision":    {"3-0", ""},
		"a revision of backup": {"2-1", ""}, // which had one event
	} {
		t.Run(name, func(t *testing.T) {
			s, r, dir := storagetest.NewModel(), newReceiver(t), t.TempDir()
			hook := notify.Hook{URL: r.URL}
			record(t, s, nil, "a")
			record(t, s, nil, "b")
			var log strings.Builder
			_, stop := begin(t, s, dir, io.Discard, hook)
			stop()
			check(t, os.WriteFile(positionFile(t, dir), []byte(`{"told":"`+tt.noted+`"}`), 0o600))

			n, stop := begin(t, s, dir, &log, hook)
			defer stop()
			c := strings.Join(n.Concerns(), "\n")
			if said := strings.Contains(c, "as after restoring a backup") && strings.Contains(c, "up to "+tt.used+" "); said != (tt.used != "") || strings.Count(c, "\n") > 0 {
				t.Errorf("concerns %q", c)
			}
			record(t, s, nil, "c", "d", "e")
			r.await(t, 1)
			awaitTold(t, dir, "4-0") // it is noted, so that a restart goes on here
			record(t, s, nil, "f")
			r.await(t, 1)
			awaitTold(t, dir, "5-0")
			if c := n.Concerns(); len(c) > 0 {
				t.Errorf("with all told that was told before: concerns %q", c)
			}
			stop()
			if got := r.events(t); got != "3-1 3-2 3-3 4-1" {
				t.Errorf("told %q", got)
			}
			if warned := strings.Contains(log.String(), "level=WARN"); warned != (tt.used != "") {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
}

func TestNotifier_SaysOnceForAllHooksThatABackupWasRestored(t *testing.T) {
	one, other, dir := newReceiver(t), newReceiver(t), t.TempDir()
	hooks := []notify.Hook{{URL: one.URL}, {URL: other.URL}}
	s := storagetest.NewModel()
	record(t, s, nil, "a")
	_, stop := begin(t, s, dir, io.Discard, hooks...)
	record(t, s, nil, "b")
	awaitTold(t, dir, "3-0")
	stop()
	n, stop := begin(t, storagetest.NewModel(), dir, io.Discard, hooks...)
	stop()
	if c := n.Concerns(); len(c) != 1 || !strings.Contains(c[0], "notify[0], notify[1]") || !strings.Contains(c[0], "up to revision 2 ") {
		t.Errorf("concerns %q", c)
	}
}

// What was taken is not posted again because the disk is full, also not after a reload.
func TestNotifier_GoesOnWhileItsPositionCannotBeWritten(t *testing.T) {
	s, r, dir := storagetest.NewModel(), newReceiver(t), t.TempDir()
	var log strings.Builder
	n, stop := begin(t, s, dir, &log, notify.Hook{URL: r.URL + "/secret-path"})
	defer stop()
	inTheWay := positionFile(t, dir) + ".tmp" // where the new content goes first
	check(t, os.Mkdir(inTheWay, 0o700))
	record(t, s, nil, "a")
	r.await(t, 1)
	for len(n.Concerns()) == 0 {
		time.Sleep(time.Millisecond) // until it was tried to write
	}
	if c := strings.Join(n.Concerns(), "\n"); !strings.Contains(c, "notify[0]") || !strings.Contains(c, "cannot be written") || strings.Contains(c, "secret-path") {
		t.Errorf("concerns %q", c)
	}
	record(t, s, nil, "b")
	record(t, s, nil, "c")
	r.await(t, 2)
	check(t, n.Replace(t.Context(), []notify.Hook{{URL: r.URL + "/secret-path", Secret: []byte("now signed")}}))
	record(t, s, nil, "d")
	for !strings.HasSuffix(r.events(t), " 4-1") {
		r.await(t, 1)
	}
	// The reload may have come before the answer to the third was read.
	if got := strings.Replace(r.events(t), " 3-1 3-1", " 3-1", 1); got != "1-1 2-1 3-1 4-1" {
		t.Errorf("told %q", got)
	}
	check(t, os.Remove(inTheWay))
	awaitTold(t, dir, "5-0")
	for len(n.Concerns()) > 0 {
		time.Sleep(time.Millisecond) // it was written, and is said next
	}
	stop()
	if got := strings.Count(log.String(), "level=ERROR"); got != 1 {
		t.Errorf("%d errors for one row of failures: %s", got, log.String())
	}
}

// A disk that is full for a moment costs nothing: the end is the last chance to write.
func TestNotifier_WritesItsPositionAtTheEnd(t *testing.T) {
	s, r, dir := storagetest.NewModel(), newReceiver(t), t.TempDir()
	n, err := notify.New(t.Context(), notify.Options{
		Hooks: []notify.Hook{{URL: r.URL}}, Store: s, Dir: dir, Poll: time.Millisecond, FirstTry: time.Hour, LastTry: time.Hour,
	})
	check(t, err)
	inTheWay := positionFile(t, dir) + ".tmp"
	check(t, os.Mkdir(inTheWay, 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- n.Run(ctx) }()
	record(t, s, nil, "a")
	for len(n.Concerns()) == 0 {
		time.Sleep(time.Millisecond)
	}
	check(t, os.Remove(inTheWay))
	cancel()
	check(t, <-done)
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	awaitTold(t, dir, "2-0")
	if got := r.events(t); got != "1-1" {
		t.Errorf("told %q", got)
	}
}
