// Package notify tells webhooks of changes.
//
// The change feed of the store is the queue: nothing is written when a change is recorded,
// and of every hook only how far it has been told is kept, in a small file. So a hook is
// told of every change that it wants at least once, also of those recorded while nobody
// was told, and of the changes of one resource in their order: what comes later waits until
// the receiver has taken what comes before. After a crash the last delivery may be repeated,
// with the same Elava-Delivery.
//
// What is lost: a hook that is new is told of what is recorded from then on; and changes
// that retention drops before a hook took them, which the log, Concerns and a metric say.
//
// Where the store is older than what a hook was told, because a backup was restored, the
// hook goes on with what is recorded from then on. The log and Concerns say it.
//
// # Where it does not connect to
//
// Addresses that belong to one machine's network, and those under which clouds hand out
// credentials: see Forbidden. They are looked at when the connection is made, so that a
// name cannot lead there. Redirects are not followed and no proxy is used.
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/elava-dev/elava/storage"
)

// Format is the form of what is posted.
type Format string

// Formats of a body. See docs/notify.md.
const (
	JSON  Format = "json"  // a Message
	Slack Format = "slack" // a text, for Slack and what understands the same
)

// Hook is one receiver.
type Hook struct {
	URL         string         // http or https. It may be a secret and is never logged
	Secret      []byte         // key of the signature; empty: unsigned
	Filter      storage.Filter // Types and Tags
	ChangeTypes []string       // empty: all
	Format      Format
}

// Options are what a Notifier needs. Hooks, Store and Dir are required.
type Options struct {
	Hooks []Hook
	Store storage.Store
	Dir   string // of the positions; it is made

	Logger        *slog.Logger         // nil: none
	MeterProvider metric.MeterProvider // nil: none
	Version       string               // of the program, for User-Agent

	Poll     time.Duration // between two looks at the store; 0: 1 s
	FirstTry time.Duration // wait after a first failure, which doubles; 0: 1 s
	LastTry  time.Duration // that the wait does not exceed; 0: 5 min

	// Allowed reports whether an address may be connected to; nil: what Forbidden does
	// not forbid.
	Allowed func(netip.Addr) bool
}

// Failures in a row after which a hook counts as dead. With the default waits that is two
// minutes. It is tried on.
const deadAfter = 7

// Notifier tells hooks. Make one with New; Run may be called once.
type Notifier struct {
	opts    Options
	client  *http.Client
	hooks   atomic.Pointer[[]*hook]
	replace chan replacement
	done    func() error // ends the metrics
}

// replacement is what Replace asks Run for.
type replacement struct {
	hooks []Hook
	done  chan<- error
}

// New checks the hooks, reads how far they have been told and connects to none.
func New(ctx context.Context, o Options) (*Notifier, error) {
	n := &Notifier{opts: withDefaults(o), replace: make(chan replacement)}
	n.client = newClient(n.opts.Allowed)
	n.hooks.Store(new([]*hook))
	if err := n.check(n.opts.Hooks); err != nil {
		return nil, err
	}
	err := n.adopt(ctx, n.opts.Hooks, nil)
	if err != nil {
		return nil, err
	}
	n.done, err = n.observe()
	return n, err
}

// Replace has a Notifier that runs tell other hooks. Where one of them is wrong, nothing
// changes. A hook that is the same, in the same place, goes on as if nothing had happened;
// of one with the same URL what was told is remembered, as over a restart; one that is new
// is told of what is recorded from then on.
func (n *Notifier) Replace(ctx context.Context, hooks []Hook) error {
	if err := n.check(hooks); err != nil {
		return err
	}
	done := make(chan error, 1)
	select {
	case n.replace <- replacement{hooks, done}:
		return <-done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// adopt makes hooks those that are told. It calls stop for each of those before that are
// not among them.
func (n *Notifier) adopt(ctx context.Context, hooks []Hook, stop func(*hook)) error {
	before := *n.hooks.Load()
	made := make([]*hook, len(hooks))
	stopped := map[string]*position{} // by URL; their files may be behind
	for i, h := range before {
		if i < len(hooks) && reflect.DeepEqual(h.Hook, hooks[i]) {
			made[i] = h
			continue
		}
		stop(h)
		stopped[h.URL] = h.position
	}
	for i := range hooks {
		if made[i] != nil {
			continue
		}
		h, err := n.newHook(ctx, i, hooks[i], stopped[hooks[i].URL])
		if err != nil {
			return fmt.Errorf("notify[%d]: %w", i, err)
		}
		delete(stopped, h.URL)
		made[i] = h
	}
	n.hooks.Store(&made)
	return nil
}

func withDefaults(o Options) Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Allowed == nil {
		o.Allowed = allowed
	}
	for d, value := range map[*time.Duration]time.Duration{
		&o.Poll: time.Second, &o.FirstTry: time.Second, &o.LastTry: 5 * time.Minute,
	} {
		if *d == 0 {
			*d = value
		}
	}
	return o
}

// check finds what is wrong with hooks in themselves.
func (n *Notifier) check(hooks []Hook) error {
	for i, h := range hooks {
		if err := n.checkHook(h); err != nil {
			return fmt.Errorf("notify[%d]: %w", i, err)
		}
	}
	return nil
}

func (n *Notifier) checkHook(h Hook) error {
	if err := checkURL(h.URL, n.opts.Allowed); err != nil {
		return fmt.Errorf("the url %w", err)
	}
	return h.Filter.Validate()
}

// CheckURL finds what is wrong with the URL of a webhook: it names no host, or an address at
// which none may be. Where a name leads to is looked at when the connection is made. The
// error continues "the url".
func CheckURL(text string) error { return checkURL(text, allowed) }

func allowed(a netip.Addr) bool { return !Forbidden(a) }

func checkURL(text string, allowed func(netip.Addr) bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" {
		return errors.New("has no host")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !allowed(a) {
		return fmt.Errorf("leads to %s: %w", a, errForbidden)
	}
	return nil
}

// newHook makes a hook that goes on at a position; nil: at that which its file has.
func (n *Notifier) newHook(ctx context.Context, i int, h Hook, p *position) (*hook, error) {
	u, err := url.Parse(h.URL)
	if err != nil {
		return nil, err
	}
	log := n.opts.Logger.With("hook", fmt.Sprintf("notify[%d]", i), "host", u.Host)
	if p == nil {
		if p, err = openPosition(ctx, n.opts.Dir, h.URL, n.opts.Store); err != nil {
			return nil, err
		}
		if used := p.used(); used > 0 {
			log.Warn("The store is older than what was told, as after restoring a backup; revisions and event ids are used again",
				"told_revision", used, "next_revision", p.next().Revision)
		}
	}
	return &hook{
		Hook: h, number: strconv.Itoa(i), host: u.Host, position: p, client: n.client, opts: &n.opts, log: log,
	}, nil
}

// Run tells the hooks, each by itself, until the context ends. What is being delivered then
// is given up, and repeated by the next Run.
func (n *Notifier) Run(ctx context.Context) error {
	defer func() { _ = n.done() }() // what is not observed any more does no harm
	telling := tellers{}
	defer telling.stopAll()
	for {
		for _, h := range *n.hooks.Load() {
			telling.start(ctx, h)
		}
		select {
		case <-ctx.Done():
			return nil
		case r := <-n.replace:
			r.done <- n.adopt(ctx, r.hooks, telling.stop)
		}
	}
}

// tellers are the hooks that are being told, each with what ends that and waits for it.
type tellers map[*hook]func()

// start tells a hook, unless it is being told.
func (t tellers) start(ctx context.Context, h *hook) {
	if t[h] != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.run(ctx)
	}()
	t[h] = func() {
		cancel()
		<-ended
	}
}

func (t tellers) stop(h *hook) {
	if end := t[h]; end != nil {
		end()
		delete(t, h)
	}
}

func (t tellers) stopAll() {
	for h := range t {
		t.stop(h)
	}
}

// Concerns says which hooks are dead, have lost changes or may be told twice, and why. It
// may be called at any time.
func (n *Notifier) Concerns() []string {
	hooks := *n.hooks.Load()
	all := usedAgain(hooks)
	for _, h := range hooks {
		s := h.state.Load()
		if s != nil && s.failures >= deadAfter {
			all = append(all, fmt.Sprintf("notify[%s] (%s) has failed %d times in a row: %v", h.number, h.host, s.failures, s.err))
		}
		if lost := h.lost.Load(); lost > 0 {
			all = append(all, fmt.Sprintf("notify[%s] (%s) was not told of the changes of %d revisions, which retention has dropped", h.number, h.host, lost))
		}
		if u := h.position.unnoted.Load(); u != nil {
			all = append(all, fmt.Sprintf("how far notify[%s] (%s) was told cannot be written down, and a restart would repeat what was told since: %v", h.number, h.host, u.err))
		}
	}
	return all
}

// usedAgain says, once for all hooks, which revisions come a second time after a restore.
func usedAgain(hooks []*hook) []string {
	var who []string
	var last int64
	for _, h := range hooks {
		if used := h.position.used(); used > 0 {
			who, last = append(who, "notify["+h.number+"]"), max(last, used)
		}
	}
	if who == nil {
		return nil
	}
	return []string{fmt.Sprintf("the store is older than what %s had been told, as after restoring a backup: "+
		"what is recorded now is told, and up to revision %d under event ids that were used before", strings.Join(who, ", "), last)}
}

// hook is a receiver and how far it has been told. One goroutine runs it.
type hook struct {
	Hook
	number   string
	host     string
	position *position
	client   *http.Client
	opts     *Options
	log      *slog.Logger

	state               atomic.Pointer[trouble] // nil: the last delivery succeeded, or there was none
	lost                atomic.Int64            // revisions
	delivered           atomic.Int64            // events
	succeeded, attempts atomic.Int64
}

// trouble is a row of failures.
type trouble struct {
	failures int
	err      error // of the last
}

func (h *hook) run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := h.catchUp(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("The changes to notify of could not be read", "error", err)
		}
		h.note()
		wait(ctx, h.opts.Poll)
	}
	h.position.retry = time.Time{} // the last chance
	h.note()
}

// advance goes on behind an event that was told, or is not wanted.
func (h *hook) advance(id storage.EventID) {
	h.position.last.Store(&id)
	h.note()
}

// note writes down how far the hook was told, unless that is done or failed a moment ago.
func (h *hook) note() {
	p := h.position
	if p.next() == p.noted || time.Now().Before(p.retry) {
		return
	}
	failed := p.unnoted.Load()
	if err := p.write(); err != nil {
		failures := 1
		if failed == nil {
			h.log.Error("How far the webhook was told cannot be written down; a restart would repeat what was told since", "error", err)
		} else {
			failures += failed.failures
		}
		p.unnoted.Store(&trouble{failures: failures, err: err})
		p.retry = time.Now().Add(h.pause(failures, err))
		return
	}
	if failed != nil {
		h.log.Info("How far the webhook was told is written down again", "failures", failed.failures)
	}
	p.unnoted.Store(nil)
}

// wait returns after a time, or when the context ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// catchUp tells the hook of all that it was not told of, revision by revision.
func (h *hook) catchUp(ctx context.Context) error {
	head, err := h.opts.Store.Head(ctx)
	if err != nil {
		return err
	}
	for r := h.position.next().Revision; r <= head.Revision; r = h.position.next().Revision {
		err := h.tell(ctx, r)
		if errors.Is(err, storage.ErrCompacted) {
			err = h.skip(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// skip goes on behind what retention has dropped.
func (h *hook) skip(ctx context.Context) error {
	stats, err := h.opts.Store.Stats(ctx)
	if err != nil {
		return err
	}
	from := h.position.next().Revision
	if stats.OldestRevision < from {
		return errors.New("the store dropped a revision above its oldest")
	}
	h.lost.Add(stats.OldestRevision - from + 1)
	h.log.Warn("Retention dropped changes before they could be delivered", "from_revision", from, "to_revision", stats.OldestRevision)
	h.advance(storage.EventID{Revision: stats.OldestRevision + 1})
	return nil
}

// maxBatch is how many events one delivery has at most.
const maxBatch = 200

// tell delivers what is left of one revision.
func (h *hook) tell(ctx context.Context, revision int64) error {
	for {
		batch, err := h.batch(ctx, revision)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			h.advance(storage.EventID{Revision: revision + 1})
			return nil
		}
		if err := h.deliver(ctx, batch); err != nil {
			return err
		}
	}
}

// batch reads the next events of a revision that the hook wants. Nothing is being read
// while they are delivered, which can take days.
func (h *hook) batch(ctx context.Context, revision int64) ([]*storage.ChangeEvent, error) {
	var batch []*storage.ChangeEvent
	q := storage.ChangeQuery{
		Filter: storage.Filter{Types: h.Filter.Types}, ChangeTypes: h.changeTypes(),
		Above: revision - 1, UpTo: revision, OldestFirst: true, After: h.position.next(),
	}
	for e, err := range h.opts.Store.Changes(ctx, q) {
		if err != nil {
			return nil, err
		}
		wanted, err := h.wants(ctx, e)
		if err != nil {
			return nil, err
		}
		if wanted {
			batch = append(batch, e)
		}
		if len(batch) == maxBatch {
			break
		}
	}
	return batch, nil
}
