package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Health states. Degraded: what is recorded is right but not all of it is fresh.
// Unhealthy: the daemon does not do its work.
const (
	Healthy   = "healthy"
	Degraded  = "degraded"
	Unhealthy = "unhealthy"
)

// HealthStatus is the answer of /health.
type HealthStatus struct {
	Status               string     `json:"status"`
	Uptime               int64      `json:"uptime_seconds"`
	LastReconciliation   *time.Time `json:"last_reconciliation"`   // end of the last iteration; null before the first
	ReconciliationErrors int        `json:"reconciliation_errors"` // iterations that failed since the start
	StorageHealthy       bool       `json:"storage_healthy"`
	Phase                Phase      `json:"phase"`
	Reasons              []string   `json:"reasons"` // why it is not healthy
	Notices              []string   `json:"notices,omitempty"`
}

// Scopes named one by one in the reasons; the rest is counted.
const maxReasons = 10

// health collects what iterations report.
type health struct {
	mu         sync.Mutex
	began      time.Time // of the daemon, with its monotonic reading
	sign       time.Time // the end of the last iteration, likewise; before the first, began
	pace       paced
	ends       int       // iterations
	last       time.Time // what the clock said at the end of the last one
	failures   int
	err        error  // of the last iteration
	storageErr error  // of the last iteration
	madeErr    error  // of making the provider that the settings ask for
	scan       string // status of the last stored scan, if not success
	scopes     []string
}

// paced is how far apart iterations are to begin, and how far apart they do.
type paced struct{ interval, every time.Duration }

func (h *health) begin(interval time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.began, h.pace = time.Now(), paced{interval, interval}
	h.sign = h.began
}

func (h *health) paced(interval, every time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pace = paced{interval, every}
}

func (h *health) providerMade(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.madeErr = err
}

func (h *health) ended(result *ReconcileResult, err error, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ends++
	h.last, h.sign = now.UTC(), time.Now()
	h.err, h.storageErr = err, nil
	if err != nil {
		h.failures++
	}
	if failure := (*storageError)(nil); errors.As(err, &failure) {
		h.storageErr = failure
	}
	if result.Scan == nil {
		return
	}
	h.scan = ""
	if result.Scan.Status != storage.ScanSuccess {
		h.scan = string(result.Scan.Status)
	}
	h.scopes = troubled(result.States)
}

// troubled describes the scopes that are not complete.
func troubled(states map[resource.Scope]*storage.ScopeState) []string {
	var out []string
	for scope, s := range states {
		if s.Status == storage.ScopeFailed || s.Status == storage.ScopePartial {
			out = append(out, fmt.Sprintf("%s: %s: %s", scope, s.Status, s.Error))
		}
	}
	slices.Sort(out)
	if n := len(out) - maxReasons; n > 0 {
		out = append(out[:maxReasons:maxReasons], fmt.Sprintf("and %s more, see /api/v1/scopes", plural(n, "scope")))
	}
	return out
}

// Health tells how the daemon is. It may be called at any time.
func (d *Daemon) Health() HealthStatus { return d.computeHealth(context.Background()) }

func (d *Daemon) computeHealth(ctx context.Context) HealthStatus {
	_, storeErr := d.opts.Store.Head(ctx)
	h := &d.health
	h.mu.Lock()
	defer h.mu.Unlock()
	status := HealthStatus{
		Status: Healthy, Phase: d.reconciler.Phase(), Uptime: int64(time.Since(h.began).Seconds()),
		ReconciliationErrors: h.failures, StorageHealthy: storeErr == nil && h.storageErr == nil,
		Reasons: []string{}, Notices: append(h.pace.notices(), d.Notices()...),
	}
	if !h.last.IsZero() {
		last := h.last
		status.LastReconciliation = &last
	}
	if d.opts.Concerns != nil {
		status.Reasons = append(status.Reasons, d.opts.Concerns()...)
	}
	status.degrade(h)
	status.fail(storeErr, time.Since(h.sign), 3*h.pace.every+d.settings.current().Timeout)
	return status
}

// notices says that the interval is stretched, if it is. That is no reason for not being
// healthy: what is recorded is right and as fresh as it can be.
func (p paced) notices() []string {
	if p.every <= p.interval {
		return nil
	}
	return []string{fmt.Sprintf("scans take longer than the interval of %s: one begins every %s", shortDuration(p.interval), shortDuration(p.every))}
}

func (s *HealthStatus) degrade(h *health) {
	if h.storageErr != nil {
		s.Reasons = append(s.Reasons, "the last scan could not be stored: "+h.storageErr.Error())
	} else if h.err != nil {
		s.Reasons = append(s.Reasons, "the last scan failed: "+h.err.Error())
	}
	if h.scan != "" && h.err == nil {
		s.Reasons = append(s.Reasons, "the last scan was "+h.scan)
	}
	if h.madeErr != nil {
		s.Reasons = append(s.Reasons, "the reloaded configuration is not in force: "+h.madeErr.Error())
	}
	s.Reasons = append(s.Reasons, h.scopes...)
	if len(s.Reasons) > 0 {
		s.Status = Degraded
	}
}

func (s *HealthStatus) fail(storeErr error, silence, limit time.Duration) {
	if storeErr != nil {
		s.Status = Unhealthy
		s.Reasons = append(s.Reasons, "the store cannot be used: "+storeErr.Error())
	}
	if silence > limit {
		s.Status = Unhealthy
		s.Reasons = append(s.Reasons, fmt.Sprintf("no scan has ended for %s", silence.Round(time.Second)))
	}
}

// ready reports whether the first scan has ended.
func (d *Daemon) ready() bool {
	d.health.mu.Lock()
	defer d.health.mu.Unlock()
	return d.health.ends > 0
}

func (d *Daemon) healthCheck(w http.ResponseWriter, r *http.Request) {
	status := d.computeHealth(r.Context())
	if d.opts.Trusts != nil && !d.opts.Trusts(r) {
		status.withhold()
	}
	code := http.StatusOK
	if status.Status == Unhealthy {
		code = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(status) // the client is gone if this fails
}

// withheld stands for reasons: their texts are the cloud's, and name accounts, roles and
// hosts.
const withheld = "the reasons are told to clients on the loopback interface and to those with the API's token"

// withhold leaves out what only those are told who may use the API.
func (s *HealthStatus) withhold() {
	if len(s.Reasons) > 0 {
		s.Reasons = []string{withheld}
	}
	s.Notices = nil
}

func (d *Daemon) aliveCheck(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, "alive")
}

func (d *Daemon) readyCheck(w http.ResponseWriter, _ *http.Request) {
	if !d.ready() {
		answer(w, http.StatusServiceUnavailable, "the first scan has not ended")
		return
	}
	answer(w, http.StatusOK, "ready")
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = fmt.Fprintln(w, text) // the client is gone if this fails
}
