package daemon

import (
	"context"
	"fmt"
	"time"
)

// loop reconciles at once and then at every interval, counted from start to start, until
// ctx ends. Iterations never overlap. Times are those of the monotonic clock: setting the
// system's clock brings no iteration forward and holds none up.
func (d *Daemon) loop(ctx context.Context) error {
	d.log.Info("Reconciliation loop started (interval: " + shortDuration(d.settings.current().Interval) + ")")
	var p pace
	for ctx.Err() == nil {
		d.adopt(ctx)
		p.start, p.shift = time.Now(), d.opts.Random()-0.5
		d.iterate(ctx)
		p.took = time.Since(p.start)
		d.await(ctx, &p)
	}
	return nil
}

// await returns when the next iteration is to begin, or when ctx ends. Settings that change
// meanwhile count at once.
func (d *Daemon) await(ctx context.Context, p *pace) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		now, changed := d.settings.watch()
		d.tellInterval(now.Interval, p)
		timer.Reset(p.wait(now))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-changed:
		}
	}
}

// pace is how the last iteration went, as far as it says when the next one begins.
type pace struct {
	start time.Time     // with its monotonic reading
	took  time.Duration // of the whole iteration
	shift float64       // of the next start, from -0.5 to 0.5 times the jitter
	told  time.Duration // the longest stretched interval that the log told of; 0: it is not stretched
}

// every is the interval, or while iterations take longer than it the least multiple of it
// that they fit into: the turns that went by are left out, so that a provider that cannot
// keep up, or is being throttled, is not asked without a pause.
func (p *pace) every(interval time.Duration) time.Duration {
	if p.took <= interval {
		return interval
	}
	return (p.took + interval - 1) / interval * interval
}

// wait is how long it is until the next iteration begins. The jitter keeps daemons that
// were started together from staying together: each start moves by another random part.
func (p *pace) wait(s Settings) time.Duration {
	shift := time.Duration(p.shift * s.Jitter * float64(s.Interval))
	return max(0, time.Until(p.start.Add(p.every(s.Interval)+shift)))
}

// tellInterval says in metrics and in health how far apart iterations begin. The log has
// that the interval is stretched, once, and again when it has doubled; and that this is over.
func (d *Daemon) tellInterval(interval time.Duration, p *pace) {
	every := p.every(interval)
	if d.opts.Metrics != nil {
		d.opts.Metrics.SetInterval(every)
	}
	d.health.paced(interval, every)
	switch {
	case every > interval && (p.told == 0 || every >= 2*p.told):
		p.told = every
		d.log.Warn(fmt.Sprintf("Scans take longer than the interval of %s, one begins every %s",
			shortDuration(interval), shortDuration(every)), "took", p.took.Round(time.Millisecond))
	case every == interval && p.told > 0:
		p.told = 0
		d.log.Info("Scans fit into the interval again (interval: " + shortDuration(interval) + ")")
	}
}

// iterate runs one reconciliation and notes how it ended for health.
func (d *Daemon) iterate(ctx context.Context) {
	result, err := d.reconciler.Reconcile(ctx)
	if ctx.Err() != nil && result.Scan == nil {
		return
	}
	d.health.ended(&result, err, d.opts.Now())
	if result.Scan != nil && d.opts.Committed != nil {
		d.opts.Committed()
	}
}

// shortDuration is a duration without the zeros that Go's own text has: 5m, not 5m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range [...]string{"m0s", "h0m"} {
		if n := len(text) - len(zero); n > 0 && text[n:] == zero {
			text = text[:n+1]
		}
	}
	return text
}
