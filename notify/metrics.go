package notify

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
)

// observe makes the metrics, all of which are read from the hooks when they are asked
// for. The label hook is the hook's number in the configuration: no address may be a
// label.
func (n *Notifier) observe() (stop func() error, err error) {
	provider := n.opts.MeterProvider
	if provider == nil {
		provider = noop.NewMeterProvider()
	}
	meter := provider.Meter("github.com/elava-dev/elava/notify")
	events, err1 := meter.Int64ObservableCounter("elava_notify_events_total", metric.WithDescription("Change events that the receiver has taken since the start."))
	attempts, err2 := meter.Int64ObservableCounter("elava_notify_attempts_total", metric.WithDescription("Deliveries that were tried since the start; outcome is ok or failed."))
	up, err3 := meter.Int64ObservableGauge("elava_notify_up", metric.WithDescription("0 if the last seven deliveries failed, else 1."))
	behind, err4 := meter.Int64ObservableGauge("elava_notify_revisions_behind", metric.WithDescription("Revisions of which the receiver has not been told everything."))
	lost, err5 := meter.Int64ObservableCounter("elava_notify_revisions_lost_total", metric.WithDescription("Revisions that retention dropped before the receiver was told of them, since the start."))
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return nil, fmt.Errorf("creating metrics: %w", err)
	}
	registered, err := meter.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		head, err := n.opts.Store.Head(ctx)
		for _, h := range *n.hooks.Load() {
			label := attribute.String("hook", h.number)
			with := metric.WithAttributes(label)
			ok := h.succeeded.Load()
			o.ObserveInt64(events, h.delivered.Load(), with)
			o.ObserveInt64(attempts, ok, metric.WithAttributes(label, attribute.String("outcome", "ok")))
			o.ObserveInt64(attempts, max(h.attempts.Load()-ok, 0), metric.WithAttributes(label, attribute.String("outcome", "failed")))
			o.ObserveInt64(up, h.up(), with)
			o.ObserveInt64(lost, h.lost.Load(), with)
			if err == nil {
				o.ObserveInt64(behind, max(head.Revision-h.position.next().Revision+1, 0), with)
			}
		}
		return nil
	}, events, attempts, up, behind, lost)
	if err != nil {
		return nil, fmt.Errorf("observing metrics: %w", err)
	}
	return registered.Unregister, nil
}

func (h *hook) up() int64 {
	if s := h.state.Load(); s != nil && s.failures >= deadAfter {
		return 0
	}
	return 1
}
