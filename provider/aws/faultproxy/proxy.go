package faultproxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Options say how a proxy behaves beside its rules.
type Options struct {
	// Seed decides which calls a rule with a probability meets.
	Seed uint64

	// Remember has answers to reads kept until the next write to the same service passes
	// through the proxy, so everything has to be written through it. What one service
	// does to another on its own is not seen; Forget drops everything.
	Remember bool

	// PageSize is into how many elements listings are cut; 0: they are not.
	PageSize int

	// Hangs, if any, is told of each request that begins to hang, so that a test can have
	// its client give up then and not after a time that a slow machine needs for an answer.
	Hangs func(*http.Request)

	MaxHang time.Duration // of the fault Hang; 0 means 30 s
	Delay   time.Duration // of the fault Slow; 0 means 50 ms
}

// Proxy is an http.Handler that passes requests to a server and breaks answers by rule.
// It may be used by several goroutines at a time.
type Proxy struct {
	opts      Options
	target    *url.URL
	transport *http.Transport
	memory    memory
	seed      uint64
	closed    chan struct{}
	closing   sync.Once

	mu       sync.Mutex
	rules    []*rule
	round    int
	counts   map[string]int // calls of the round, by name
	injected []Injection
	listings map[int]*listing
	last     int // listing
	turn     int
}

// New returns a proxy in front of the server at target, "http://127.0.0.1:5000".
func New(target string, opts Options) (*Proxy, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, fmt.Errorf("faultproxy: target: %w", err)
	}
	if opts.MaxHang == 0 {
		opts.MaxHang = 30 * time.Second
	}
	if opts.Delay == 0 {
		opts.Delay = 50 * time.Millisecond
	}
	p := &Proxy{
		opts: opts, target: u, seed: opts.Seed, closed: make(chan struct{}),
		// Without compression bodies can be cut and garbled as they are.
		transport: &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true},
		counts:    map[string]int{}, listings: map[int]*listing{},
	}
	p.memory.forget("")
	return p, nil
}

// Close ends hanging calls and drops idle connections.
func (p *Proxy) Close() {
	p.closing.Do(func() { close(p.closed) })
	p.transport.CloseIdleConnections()
}

// Inject begins a round with these rules. Tokens of earlier rounds lead nowhere.
func (p *Proxy) Inject(rules ...Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.round++
	p.rules = nil
	for _, r := range rules {
		if _, err := path.Match(r.Service+r.Operation, ""); err != nil {
			panic("faultproxy: malformed pattern in " + r.String())
		}
		p.rules = append(p.rules, &rule{Rule: r})
	}
	clear(p.counts)
	clear(p.listings)
	p.injected = nil
}

// Injected returns what was injected in this round.
func (p *Proxy) Injected() []Injection {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.injected)
}

// Calls returns how often each operation was called in this round, by Call.Name, calls
// that met a fault included.
func (p *Proxy) Calls() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Forget drops all remembered answers.
func (p *Proxy) Forget() { p.memory.forget("") }

// Plain returns a handler without faults and without pages, in front of the same server
// and with the same memory.
func (p *Proxy) Plain() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		p.send(w, r, p.ask(r, recognise(r, body), body))
	})
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	c := recognise(r, body)
	met := p.decide(c, r.URL.RequestURI()+"\n"+string(body))
	if met == nil {
		p.send(w, r, p.honest(r, c, body, ""))
		return
	}
	p.answerBroken(w, r, c, body, met)
}

// answerBroken answers a call that met a rule.
func (p *Proxy) answerBroken(w http.ResponseWriter, r *http.Request, c Call, body []byte, met *Rule) {
	switch met.Fault {
	case CutBefore:
		panic(http.ErrAbortHandler)
	case Hang:
		if p.opts.Hangs != nil {
			p.opts.Hangs(r)
		}
		p.wait(r, p.opts.MaxHang)
		panic(http.ErrAbortHandler)
	case Slow:
		p.wait(r, p.opts.Delay)
	default:
	}
	if a := refuse(met.Fault, c); a != nil {
		p.send(w, r, a)
		return
	}
	if a := pretend(met.Fault, c); a != nil {
		p.send(w, r, a)
		return
	}
	a := p.honest(r, c, body, met.Fault)
	if a == nil {
		panic(http.ErrAbortHandler)
	}
	a = spoil(met.Fault, a, met.Rewrite)
	if met.Fault == CutWithin {
		cut(w, a)
	}
	p.send(w, r, a)
}

// wait waits until the client gives up, the proxy is closed or the time is over.
func (p *Proxy) wait(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-p.closed:
	case <-timer.C:
	}
}

// cut sends half of an answer and closes the connection.
func cut(w http.ResponseWriter, a *answer) {
	maps.Copy(w.Header(), a.header)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func (p *Proxy) send(w http.ResponseWriter, r *http.Request, a *answer) {
	if a == nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	if r.Method != http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// honest returns the server's answer, cut into pages, bent by the faults of listings.
func (p *Proxy) honest(r *http.Request, c Call, body []byte, f Fault) *answer {
	l, isList := listOf(c)
	if !isList || p.opts.PageSize == 0 && !f.forListings() && c.token == (token{}) {
		return p.ask(r, c, body)
	}
	at := c.token
	p.mu.Lock()
	all := p.listings[at.listing]
	p.mu.Unlock()
	if all == nil {
		if at != (token{}) {
			return plain(http.StatusBadRequest, "text/plain", "faultproxy: a token of another round")
		}
		a := p.ask(r, c, body)
		if a == nil || a.status != http.StatusOK {
			return a
		}
		var ok bool
		if all, ok = l.takeApart(c, a.body); !ok {
			return a
		}
		at = token{listing: p.remember(all), page: 1}
	}
	items, next := p.page(all, at, f)
	return plain(http.StatusOK, contentType(c), string(p.render(all, items, next)))
}

func contentType(c Call) string {
	if c.isJSON() {
		return "application/x-amz-json-1.0"
	}
	return "text/xml"
}

// remember keeps a listing for the requests of its further pages.
func (p *Proxy) remember(l *listing) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	p.listings[p.last] = l
	return p.last
}

// page returns the elements of a page and the token of the next one.
func (p *Proxy) page(l *listing, at token, f Fault) (items [][]byte, next string) {
	items = l.page(at.page, p.opts.PageSize)
	switch f {
	case EmptyPage:
		return nil, p.nextTurn(at).String()
	case RepeatedToken:
		return items, at.String()
	case EmptyList:
		return nil, ""
	case ShortList:
		return items[:min(1, len(items))], ""
	}
	if at.page < l.pages(p.opts.PageSize) {
		next = token{listing: at.listing, page: at.page + 1}.String()
	}
	return items, next
}

// nextTurn returns another token of the same page.
func (p *Proxy) nextTurn(at token) token {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.turn++
	at.turn = p.turn
	return at
}

// render guards the listing's members, which rendering JSON changes for a moment.
func (p *Proxy) render(l *listing, items [][]byte, next string) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return l.render(items, next)
}

// ask returns the server's answer, or the remembered one. nil: the server or the client
// is gone.
func (p *Proxy) ask(r *http.Request, c Call, body []byte) *answer {
	if !c.Reads() {
		defer p.memory.forget(c.Service)
	}
	if !c.Reads() || !p.opts.Remember {
		return p.forward(r, body)
	}
	key := requestKey(r, c, body)
	a, writes := p.memory.recall(c, key)
	if a != nil {
		return a
	}
	if a = p.forward(r, body); a != nil {
		p.memory.keep(c, key, a, writes)
	}
	return a
}

// hopHeaders are of one connection (RFC 9110, section 7.6.1), or counted anew.
var hopHeaders = []string{"Connection", "Keep-Alive", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Content-Length"}

// forward asks the server. It asks under the server's own name: what the answers say of
// addresses is the same by whatever way it is asked.
func (p *Proxy) forward(r *http.Request, body []byte) *answer {
	to := *r.URL
	to.Scheme, to.Host = p.target.Scheme, p.target.Host
	out, err := http.NewRequestWithContext(r.Context(), r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil
	}
	out.Header = r.Header.Clone()
	for _, h := range hopHeaders {
		out.Header.Del(h)
	}
	res, err := p.transport.RoundTrip(out)
	if err != nil {
		return nil
	}
	content, err := io.ReadAll(res.Body)
	if errors.Join(err, res.Body.Close()) != nil {
		return nil
	}
	for _, h := range hopHeaders {
		res.Header.Del(h)
	}
	return &answer{status: res.StatusCode, header: res.Header, body: content}
}
