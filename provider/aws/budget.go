package aws

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"github.com/elava-dev/elava/provider"
)

// DefaultAPIBudget is the share of AWS's limits that is taken where Options name none. The
// other four fifths are for what runs in the account.
const DefaultAPIBudget = 0.2

const (
	// callsInFlight and callsPerAccount bound the attempts that wait for an answer at the
	// same time, in all and of one account.
	callsInFlight   = 128
	callsPerAccount = 32

	// recovery is how long it takes until a pace that was halved is what it was before. It grows
	// by the same factor in the same time, so that a server that allows a small part of the
	// budget refuses no larger share of the calls than one that allows nearly all of it.
	recovery = 5 * time.Minute

	// leastShare bounds the halving: at 4 calls a second in the budget, one in 16 s.
	leastShare = 1.0 / 64
)

// limiter keeps the calls below a share of AWS's limits: for each account, region, service
// and class of operations there is a bucket of tokens, and every attempt, a repeated one
// too, takes one. Its methods may be called by several goroutines at a time.
type limiter struct {
	share    float64
	counters *callCounters
	all      semaphore

	mu       sync.Mutex
	buckets  map[bucketKey]*tokenBucket
	accounts map[string]semaphore
}

type bucketKey struct{ account, region, service, class string }

func newLimiter(share float64, counters *callCounters) *limiter {
	return &limiter{
		share: share, counters: counters, all: make(semaphore, callsInFlight),
		buckets: map[bucketKey]*tokenBucket{}, accounts: map[string]semaphore{},
	}
}

// pace returns the step that holds back the attempts of calls into an account. It stands
// directly behind the SDK's retries, before the signature, which would grow old.
func (l *limiter) pace(account string) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("elavaPace",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
				out middleware.FinalizeOutput, md middleware.Metadata, err error,
			) {
				b, slots := l.of(ctx, account)
				admitted, err := l.admit(ctx, b, slots)
				if err != nil {
					return out, md, err
				}
				defer l.all.release()
				defer slots.release()
				out, md, err = next.HandleFinalize(ctx, in)
				if err != nil && reasonOf(err) == provider.ReasonThrottled {
					b.throttled(admitted)
				}
				return out, md, err
			}), "Retry", middleware.After)
	}
}

// of returns the bucket of the call that ctx belongs to, and the account's slots.
func (l *limiter) of(ctx context.Context, account string) (*tokenBucket, semaphore) {
	service, operation := serviceLabel(awsmiddleware.GetServiceID(ctx)), awsmiddleware.GetOperationName(ctx)
	q := callLimitOf(service, operation)
	key := bucketKey{account, awsmiddleware.GetRegion(ctx), service, q.class(operation)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buckets[key] == nil {
		l.buckets[key] = newTokenBucket(q.rate*l.share, q.burst*l.share)
	}
	if l.accounts[account] == nil {
		l.accounts[account] = make(semaphore, callsPerAccount)
	}
	return l.buckets[key], l.accounts[account]
}

// admit waits for a token, then for a slot, and returns when the token was taken.
func (l *limiter) admit(ctx context.Context, b *tokenBucket, slots semaphore) (time.Time, error) {
	begun := time.Now()
	admitted, err := b.take(ctx)
	if err == nil {
		err = slots.acquire(ctx)
	}
	if err == nil {
		if err = l.all.acquire(ctx); err != nil {
			slots.release()
		}
	}
	b.noteWait(time.Since(begun))
	l.counters.waited(ctx, time.Since(begun))
	if err != nil {
		return admitted, &budgetError{
			operation: serviceLabel(awsmiddleware.GetServiceID(ctx)) + " " + awsmiddleware.GetOperationName(ctx),
			rate:      b.pace(), err: err,
		}
	}
	return admitted, nil
}

// budgetError is a call that was not made in time because the budget did not allow it.
type budgetError struct {
	operation string
	rate      float64
	err       error // of the context
}

func (e *budgetError) Error() string {
	return fmt.Sprintf("%s: no time was left to wait for the API budget of %s calls a second", e.operation, callRate(e.rate))
}

func (e *budgetError) Unwrap() error { return e.err }

func callRate(rate float64) string { return strconv.FormatFloat(rate, 'g', 2, 64) }

// slowest says which buckets were waited for most since the last call of forget, and at
// which pace they went: at most three, "lambda ListTags in us-east-1 of account 1 (3 calls a
// second)".
func (l *limiter) slowest() []string {
	type wait struct {
		key  bucketKey
		b    *tokenBucket
		time time.Duration
	}
	var waits []wait
	l.mu.Lock()
	for k, b := range l.buckets {
		if d := b.waitedFor(); d >= time.Second {
			waits = append(waits, wait{k, b, d})
		}
	}
	l.mu.Unlock()
	slices.SortFunc(waits, func(x, y wait) int {
		if x.time != y.time {
			return int((y.time - x.time) / time.Millisecond)
		}
		return strings.Compare(x.key.class, y.key.class)
	})
	var said []string
	for _, w := range waits[:min(3, len(waits))] {
		said = append(said, fmt.Sprintf("%s %s in %s of account %s (%s calls a second)",
			w.key.service, w.key.class, w.key.region, w.key.account, callRate(w.b.full)))
	}
	return said
}

// forget begins a scan: what was waited is forgotten, and so are the buckets that are as
// new.
func (l *limiter) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, b := range l.buckets {
		if b.restart() {
			delete(l.buckets, k)
		}
	}
}

// tokenBucket holds the tokens of one class of calls. Who waits for a token stands in a line, so
// that nobody waits for ever, and only the first looks at the clock.
type tokenBucket struct {
	full, burst float64       // tokens a second, and at most at a time, in the budget
	line        semaphore     // held by the first in the line
	mu          sync.Mutex    // for all below
	share       float64       // of full that is in use: 1 unless AWS throttled
	tokens      float64       // as of at
	at          time.Time     //
	halved      time.Time     // last
	waited      time.Duration // by all callers together, since restart
	waiting     int
}

func newTokenBucket(rate, burst float64) *tokenBucket {
	burst = max(burst, 1)
	return &tokenBucket{full: rate, burst: burst, line: make(semaphore, 1), share: 1, tokens: burst, at: time.Now()}
}

// take waits for a token and returns when it was taken.
func (b *tokenBucket) take(ctx context.Context) (time.Time, error) {
	b.mu.Lock()
	b.waiting++
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		b.waiting--
		b.mu.Unlock()
	}()
	if err := b.line.acquire(ctx); err != nil {
		return time.Time{}, err
	}
	defer b.line.release()
	for {
		now, wait := b.tryTake()
		if wait == 0 {
			return now, nil
		}
		if err := sleep(ctx, wait); err != nil {
			return now, err
		}
	}
}

// tryTake takes a token, or returns how long it takes until there is one at the present
// pace.
func (b *tokenBucket) tryTake() (now time.Time, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now = time.Now()
	b.advance(now)
	if b.tokens >= 1 {
		b.tokens--
		return now, 0
	}
	return now, max(time.Duration((1-b.tokens)/(b.full*b.share)*float64(time.Second)), time.Millisecond)
}

// advance adds the tokens of the time that passed, and what the pace recovered. A bucket
// that has not recovered allows no bursts: they are what is throttled first.
func (b *tokenBucket) advance(now time.Time) {
	passed := now.Sub(b.at)
	b.at = now
	b.tokens += passed.Seconds() * b.full * b.share
	b.share = min(1, b.share*math.Exp2(float64(passed)/float64(recovery)))
	most := 1.0
	if b.share == 1 {
		most = b.burst
	}
	b.tokens = min(b.tokens, most)
}

// throttled halves the pace. A call that was admitted before the last halving says nothing
// of the pace since.
func (b *tokenBucket) throttled(admitted time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !admitted.After(b.halved) {
		return
	}
	now := time.Now()
	b.advance(now)
	b.halved, b.tokens, b.share = now, 0, max(b.share/2, leastShare)
}

func (b *tokenBucket) pace() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.full * b.share
}

func (b *tokenBucket) noteWait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waited += d
}

func (b *tokenBucket) waitedFor() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waited
}

// restart forgets what was waited, and reports whether the bucket is as new.
func (b *tokenBucket) restart() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waited = 0
	b.advance(time.Now())
	return b.waiting == 0 && b.share == 1 && b.tokens == b.burst
}

// semaphore has as many slots as its capacity.
type semaphore chan struct{}

func (s semaphore) acquire(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s semaphore) release() { <-s }

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
