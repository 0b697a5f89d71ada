package faults

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/provider/aws/faultproxy"
	"github.com/elava-dev/elava/provider/aws/mototest"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

const region = "us-east-1"

// options of a cloud.
type options struct {
	seed     uint64
	types    []string // to list, by name
	pageSize int
	attempts int           // of one call; 0: 1
	timeout  time.Duration // of a scan; 0: none
	stubborn bool          // the client waits for an answer as long as the scan does
	fresh    bool          // ask moto each time: the account changes while it is listed
}

// cloud is one account of moto with the proxy before it, the daemon's parts behind it,
// and a second way that meets no faults.
type cloud struct {
	t       *testing.T
	proxy   *faultproxy.Proxy
	account string
	direct  aws.Config // without faults

	tapped     *tapped
	reference  *elavaaws.Provider
	store      *badger.Store
	reconciler *daemon.Reconciler
	log        *logBuffer
}

var lastAccount atomic.Int64

func newCloud(t *testing.T, o options) *cloud {
	t.Helper()
	c := &cloud{t: t, account: fmt.Sprint(222_222_222_222 + lastAccount.Add(1)), log: &logBuffer{}}
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	client := &client{next: transport}
	options := faultproxy.Options{Seed: o.seed, Remember: !o.fresh, PageSize: o.pageSize, Delay: 10 * time.Millisecond}
	if !o.stubborn {
		options.Hangs = client.giveUp
	}
	var err error
	c.proxy, err = faultproxy.New(motoServer.Server(t).URL, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.proxy.Close)
	c.direct = c.config(c.serve(c.proxy.Plain()), client, 1)
	c.reference = c.provider(c.direct, o.types)
	c.tapped = &tapped{provider: c.provider(c.config(c.serve(c.proxy), client, max(o.attempts, 1)), o.types)}
	if c.store, err = badger.Open(badger.Options{Path: t.TempDir()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.store.Close(); err != nil {
			t.Error(err)
		}
	})
	c.reconciler = daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: c.tapped, Store: c.store, Concurrency: 6, Timeout: o.timeout, SpoolDir: t.TempDir(),
		Logger: slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	return c
}

func (c *cloud) serve(h http.Handler) string {
	s := httptest.NewServer(h)
	c.t.Cleanup(s.Close)
	return s.URL
}

// config is an SDK configuration for one way to the account. Its calls are tried again
// at once: the delays between attempts are the provider's own business.
func (c *cloud) config(url string, transport http.RoundTripper, attempts int) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: transport},
		APIOptions:  []func(*middleware.Stack) error{smithyhttp.AddHeaderValue(mototest.AccountHeader, c.account)},
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = attempts
				o.RateLimiter = ratelimit.None
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
				o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
					if errors.Is(err, io.ErrUnexpectedEOF) {
						return aws.TrueTernary
					}
					return aws.UnknownTernary
				}))
			})
		},
	}
}

// client runs out of patience with a call as soon as the proxy says that it hangs: no
// verdict depends on how fast the machine is.
type client struct {
	next    http.RoundTripper
	last    atomic.Int64
	waiting sync.Map // number of a request -> context.CancelCauseFunc
}

// numberHeader carries the number of a request to the proxy.
const numberHeader = "X-Number"

// RoundTrip implements http.RoundTripper.
func (c *client) RoundTrip(r *http.Request) (*http.Response, error) {
	number := fmt.Sprint(c.last.Add(1))
	ctx, cancel := context.WithCancelCause(r.Context())
	r = r.Clone(ctx)
	r.Header.Set(numberHeader, number)
	c.waiting.Store(number, cancel)
	defer c.waiting.Delete(number)
	answer, err := c.next.RoundTrip(r)
	if err != nil {
		defer cancel(nil)
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	answer.Body = &body{answer.Body, cancel}
	return answer, nil
}

// giveUp ends the wait for an answer as a time limit does.
func (c *client) giveUp(r *http.Request) {
	if cancel, ok := c.waiting.Load(r.Header.Get(numberHeader)); ok {
		cancel.(context.CancelCauseFunc)(os.ErrDeadlineExceeded)
	}
}

// body releases the context of its request when it is closed.
type body struct {
	io.ReadCloser
	release context.CancelCauseFunc
}

func (b *body) Close() error {
	defer b.release(nil)
	return b.ReadCloser.Close()
}

func (c *cloud) provider(cfg aws.Config, types []string) *elavaaws.Provider {
	c.t.Helper()
	p, err := elavaaws.New(elavaaws.Options{
		Regions: []string{region}, IncludeTypes: types, Digest: digest, APIBudget: 1000, // the proxy is what throttles
		LoadConfig: func(context.Context) (aws.Config, error) { return cfg, nil },
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(p.Close)
	return p
}

// digest stands in for the daemon's keyed digest.
func digest(secret string) string {
	h := hmac.New(sha256.New, []byte("key"))
	h.Write([]byte(secret))
	return "hmac:" + hex.EncodeToString(h.Sum(nil)[:8])
}

// scan reconciles once while the proxy injects rules.
func (c *cloud) scan(rules ...faultproxy.Rule) daemon.ReconcileResult {
	c.t.Helper()
	c.proxy.Inject(rules...)
	c.tapped.forget()
	result, err := c.reconciler.Reconcile(c.t.Context())
	if err != nil && !errors.Is(err, daemon.ErrNothingListed) {
		c.t.Fatalf("reconciling: %v", err)
	}
	return result
}

// clear scans without faults and fails where anything is not complete.
func (c *cloud) clear() daemon.ReconcileResult {
	c.t.Helper()
	result := c.scan()
	for scope, state := range result.States {
		if state.Status != storage.ScopeComplete {
			c.t.Fatalf("without faults %s is %s: %s", scope, state.Status, state.Error)
		}
	}
	return result
}

// truth lists the account on the way that meets no faults.
func (c *cloud) truth() map[resource.Key]*object {
	c.t.Helper()
	return c.truthOf(func(resource.Scope) bool { return true })
}

// truthOf lists some scopes of the account.
func (c *cloud) truthOf(wanted func(resource.Scope) bool) map[resource.Key]*object {
	c.t.Helper()
	plan, err := c.reference.Plan(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	all := map[resource.Key]*object{}
	for _, scope := range plan.Scopes {
		if !wanted(scope) {
			continue
		}
		err := c.reference.List(c.t.Context(), scope, func(page []resource.Resource) error {
			for i := range page {
				if len(page[i].Unknown) > 0 {
					return fmt.Errorf("%s: %s is unknown: %w", page[i].Key, page[i].Unknown[0].Part, page[i].Unknown[0].Err)
				}
				all[page[i].Key] = objectOf(c.t, &page[i])
			}
			return nil
		})
		if err != nil {
			c.t.Fatalf("listing the truth: %s: %v", scope, err)
		}
	}
	return all
}

// recorded returns what the store says at a revision.
func (c *cloud) recorded(revision int64) map[resource.Key]*object {
	c.t.Helper()
	all := map[resource.Key]*object{}
	for v, err := range c.store.List(c.t.Context(), storage.Query{Revision: revision}) {
		if err != nil {
			c.t.Fatal(err)
		}
		o := objectOf(c.t, &v.Resource)
		for _, part := range v.Incomplete {
			o.incomplete[part] = true
		}
		all[v.Resource.Key] = o
	}
	return all
}

// events returns the feed above a revision, oldest first.
func (c *cloud) events(above int64) []*storage.ChangeEvent {
	c.t.Helper()
	var all []*storage.ChangeEvent
	for e, err := range c.store.Changes(c.t.Context(), storage.ChangeQuery{Above: above, OldestFirst: true}) {
		if err != nil {
			c.t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// wantEvents compares the events of one revision, as "created AWS::IAM::Role".
func (c *cloud) wantEvents(result daemon.ReconcileResult, want ...string) {
	c.t.Helper()
	var got []string
	for _, e := range c.events(result.Scan.Revision - 1) {
		got = append(got, string(e.ChangeType)+" "+e.Type)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		c.t.Errorf("revision %d has the events %q, want %q", result.Scan.Revision, got, want)
	}
}

// state returns the state of the scope of a type. There is one in each test.
func state(t *testing.T, result daemon.ReconcileResult, resourceType string) *storage.ScopeState {
	t.Helper()
	for scope, s := range result.States {
		if scope.Type == resourceType {
			return s
		}
	}
	t.Fatalf("there is no scope of %s", resourceType)
	return nil
}

// tapped notes what a provider handed on and how its listings ended.
type tapped struct {
	provider *elavaaws.Provider

	mu     sync.Mutex
	listed map[resource.Scope]*outcome
}

// outcome is how the newest listing of a scope ended, what was absent from it and asked
// for included, which resources were handed on, and which parts were unknown.
type outcome struct {
	err     error
	unknown map[resource.Key][]string
	partial error
	handed  int
	bare    map[resource.Key]bool // without tags, and by what was read they have none
}

func (p *tapped) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listed = map[resource.Scope]*outcome{}
}

// Name implements provider.Provider.
func (p *tapped) Name() string { return p.provider.Name() }

// Plan implements provider.Provider.
func (p *tapped) Plan(ctx context.Context) (*provider.Plan, error) { return p.provider.Plan(ctx) }

// Schema implements provider.Provider.
func (p *tapped) Schema(resourceType string) *resource.Schema { return p.provider.Schema(resourceType) }

// List implements provider.Provider.
func (p *tapped) List(ctx context.Context, scope resource.Scope, page func([]resource.Resource) error) error {
	return p.tap(scope, func(o *outcome) error { return p.provider.List(ctx, scope, o.noting(page)) })
}

// ListKnown implements provider.Comparer.
func (p *tapped) ListKnown(
	ctx context.Context, scope resource.Scope, same func(*resource.Resource) bool, page func([]resource.Resource) error,
) error {
	return p.tap(scope, func(o *outcome) error { return p.provider.ListKnown(ctx, scope, same, o.noting(page)) })
}

func (p *tapped) tap(scope resource.Scope, list func(*outcome) error) error {
	o := &outcome{unknown: map[resource.Key][]string{}, bare: map[resource.Key]bool{}}
	o.err = list(o)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listed[scope] = o
	return o.err
}

// Confirm implements provider.Confirmer.
func (p *tapped) Confirm(ctx context.Context, scope resource.Scope, missing []resource.Key, page func([]resource.Resource) error) error {
	o := p.outcomes()[scope]
	o.err = p.provider.Confirm(ctx, scope, missing, o.noting(page))
	return o.err
}

// noting passes pages on and notes what is unknown in them.
func (o *outcome) noting(page func([]resource.Resource) error) func([]resource.Resource) error {
	return func(rs []resource.Resource) error {
		for _, r := range rs {
			o.handed++
			o.bare[r.Key] = len(r.Tags) == 0
			for _, u := range r.Unknown {
				o.unknown[r.Key] = append(o.unknown[r.Key], u.Part)
				if u.Part == resource.PartTags {
					o.bare[r.Key] = false
				}
				if o.partial == nil {
					o.partial = u.Err
				}
			}
		}
		return page(rs)
	}
}

func (p *tapped) outcomes() map[resource.Scope]*outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.listed)
}

// logBuffer keeps the log for tests that look into it.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// take returns what was logged since the last call.
func (l *logBuffer) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return l.buf.String()
}
