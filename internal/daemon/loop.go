package daemon

import (
	"context"
	"time"
)

// loop reconciles at once and then at every interval, counted from start to start, until
// ctx ends. An iteration that takes longer than the interval is followed by the next one
// at once; iterations never overlap.
func (d *Daemon) loop(ctx context.Context) error {
	d.log.Info("Reconciliation loop started (interval: " + shortDuration(d.opts.Interval) + ")")
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		start := time.Now()
		d.iterate(ctx)
		took := time.Since(start)
		if took > d.opts.Interval {
			d.log.Warn("Scan took longer than the interval; the next one begins now",
				"took", took.Round(time.Millisecond), "interval", d.opts.Interval)
		}
		timer.Reset(max(0, d.opts.Interval-took))
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
