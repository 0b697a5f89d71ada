package observer

import (
	"context"
	"fmt"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/otlptranslator"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/exemplar"
)

// Prometheus is a meter provider whose instruments can be scraped. Its registry is its
// own and holds nothing else: nothing of the global one, no metrics of the Go runtime.
type Prometheus struct {
	provider *sdkmetric.MeterProvider
	registry *prometheus.Registry
	stopping sync.Once
	stopErr  error // written under stopping
}

// NewPrometheus makes a meter provider with a Prometheus reader. Names and labels are
// shown as the instruments have them: no suffix for unit or type, no otel_scope_*
// labels, no target_info.
//
// Options are added to the provider's own and win over them; sdkmetric.WithReader adds
// a further exporter, such as OTLP, that sees the same instruments.
//
// The SDK's limit of 2,000 series per instrument, above which all further ones are
// folded into one, is off: an organization has tens of thousands of scopes, and
// cardinality is bounded by the choice of labels.
func NewPrometheus(options ...sdkmetric.Option) (*Prometheus, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(
		otelprometheus.WithRegisterer(registry),
		otelprometheus.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithoutSuffixes),
		otelprometheus.WithoutScopeInfo(),
		otelprometheus.WithoutTargetInfo(),
	)
	if err != nil {
		return nil, fmt.Errorf("creating the Prometheus exporter: %w", err)
	}
	own := []sdkmetric.Option{
		sdkmetric.WithReader(reader),
		sdkmetric.WithCardinalityLimit(0), // 0: none
		// Exemplars point to traces, and there are none.
		sdkmetric.WithExemplarFilter(exemplar.AlwaysOffFilter),
	}
	return &Prometheus{
		provider: sdkmetric.NewMeterProvider(append(own, options...)...),
		registry: registry,
	}, nil
}

// MeterProvider is where instruments are made.
func (p *Prometheus) MeterProvider() metric.MeterProvider { return p.provider }

// Gatherer is what a scrape reads.
func (p *Prometheus) Gatherer() prometheus.Gatherer { return p.registry }

// Shutdown flushes and stops all readers. A scrape finds nothing afterwards, so the
// server that is scraped is to be stopped before. A second call does nothing and returns
// what the first one did.
func (p *Prometheus) Shutdown(ctx context.Context) error {
	p.stopping.Do(func() {
		if err := p.provider.Shutdown(ctx); err != nil {
			p.stopErr = fmt.Errorf("stopping metrics: %w", err)
		}
	})
	return p.stopErr
}
