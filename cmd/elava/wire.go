package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/internal/config"
	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/internal/redaction"
	"github.com/elava-dev/elava/notify"
	"github.com/elava-dev/elava/observer"
	"github.com/elava-dev/elava/observer/otlp"
	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/provider/demo"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/badger"
)

// This file alone names concrete engines and providers.

// app is what a daemon or a single scan is made of.
type app struct {
	log      *slog.Logger
	level    *slog.LevelVar // of the log
	store    storage.Store
	provider provider.Provider
	ending   providerEnd
	exporter *observer.Prometheus
	otlp     *otlp.Telemetry
	metrics  *observer.Metrics
	notifier *notify.Notifier // of a daemon
	token    apiToken
	reloaded reloadState
	closers  []func() error
}

// providerEnd ends the provider that is in use.
type providerEnd struct {
	mu  sync.Mutex
	end func() error // nil: nothing is to be ended
}

// replace ends the provider before and keeps how to end the next one.
func (e *providerEnd) replace(end func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.end
	e.end = end
	if before == nil {
		return nil
	}
	return before()
}

// newApp opens the store and makes the provider and the metrics. Where it fails, all is
// closed again. The caller closes the store, or has the daemon close it, before close.
func newApp(ctx context.Context, cfg *config.Config, env *Env) (_ *app, err error) {
	level := new(slog.LevelVar)
	level.Set(cfg.Logging.Level)
	log, err := observer.NewLogger(env.Stderr, level, cfg.Logging.Format)
	if err != nil {
		return nil, err
	}
	a := &app{log: log, level: level}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if err := checkProvider(cfg); err != nil {
		return nil, err
	}
	announce(log, cfg)
	a.onClose(limitMemory(log, env))
	if a.store, err = badger.Open(badger.Options{Path: cfg.Storage.Path, Logger: log}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.store.Close())
		}
	}()
	if err = a.newTelemetry(ctx, env); err != nil {
		return nil, err
	}
	if a.metrics, err = a.newMetrics(ctx, env); err != nil {
		return nil, err
	}
	a.onClose(a.metrics.Close)
	a.onClose(func() error { return a.ending.replace(nil) })
	a.provider, err = a.newProvider(ctx, cfg)
	return a, err
}

func (a *app) onClose(f func() error) { a.closers = append(a.closers, f) }

// close ends what newApp began, last first, except for the store.
func (a *app) close() {
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i](); err != nil {
			a.log.Warn("Closing", "error", err)
		}
	}
	a.closers = nil
}

// telemetryTimeout is how long the last metrics and spans may take to be sent at the end,
// side by side: the stop of the daemon has its own limit, and this comes on top.
const telemetryTimeout = 2 * time.Second

// newTelemetry makes what metrics and spans are sent through. A collector that does not
// answer must not hold up the end.
func (a *app) newTelemetry(ctx context.Context, env *Env) (err error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { a.log.Warn("Telemetry could not be sent", "error", err) }))
	if a.otlp, err = otlp.New(ctx, env.Getenv, buildInfo().Version); err != nil {
		return &usageError{err}
	}
	a.exporter, err = observer.NewPrometheus(a.otlp.MetricOptions()...)
	a.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), telemetryTimeout)
		defer cancel()
		return a.sendLast(ctx)
	})
	return err
}

// sendLast sends the metrics and spans that are left and ends what sends them.
func (a *app) sendLast(ctx context.Context) error {
	spans := make(chan error, 1)
	go func() { spans <- a.otlp.Shutdown(ctx) }()
	var metrics error
	if a.exporter != nil {
		metrics = a.exporter.Shutdown(ctx)
	}
	return errors.Join(metrics, <-spans)
}

func (a *app) newMetrics(ctx context.Context, env *Env) (*observer.Metrics, error) {
	return observer.NewMetrics(observer.MetricsOptions{
		MeterProvider: a.exporter.MeterProvider(),
		Build:         buildInfo(),
		Start:         env.Now(),
		StorageStats: func() (observer.StorageSample, bool) {
			s, err := a.store.Stats(context.WithoutCancel(ctx))
			return observer.StorageSample{SizeBytes: s.SizeBytes, FreeBytes: s.FreeBytes, Revision: s.Revision}, err == nil
		},
	})
}

func (a *app) newProvider(ctx context.Context, cfg *config.Config) (provider.Provider, error) {
	switch cfg.Cloud.Provider {
	case config.ProviderDemo:
		return a.newDemo(ctx, cfg)
	case config.ProviderAWS:
		p, err := a.newAWS(cfg)
		if err != nil {
			return nil, err
		}
		return p, a.ending.replace(nil)
	default:
		return nil, fmt.Errorf("unknown provider %q", cfg.Cloud.Provider)
	}
}

// checkProvider refuses what only the provider knows to be wrong (a fault that there is
// not, types that leave nothing to list), before a store is made.
func checkProvider(cfg *config.Config) error {
	var err error
	switch cfg.Cloud.Provider {
	case config.ProviderDemo:
		_, err = demo.New(demoOptions(cfg))
	case config.ProviderAWS:
		_, err = awsWithoutKey(cfg)
	}
	if err != nil {
		return &usageError{err}
	}
	return nil
}

// awsWithoutKey returns a provider that can say what it would list, and cannot be let near a
// store: it would digest all secrets to nothing.
func awsWithoutKey(cfg *config.Config) (*aws.Provider, error) {
	options := awsOptions(cfg)
	options.Digest = func(string) string { return "" }
	return aws.New(options)
}

// providerToCheck returns the provider that the configuration names.
func providerToCheck(cfg *config.Config) (provider.Provider, error) {
	if cfg.Cloud.Provider == config.ProviderDemo {
		return demo.New(demoOptions(cfg))
	}
	return awsWithoutKey(cfg)
}

type iamPolicy = aws.Policy

const maxPolicySize = aws.MaxPolicySize

// awsPolicy returns the policy that the configuration needs.
func awsPolicy(cfg *config.Config, member, wildcards bool) (*iamPolicy, error) {
	p, err := awsWithoutKey(cfg)
	if err != nil {
		return nil, err
	}
	return p.Policy(member, wildcards), nil
}

func demoOptions(cfg *config.Config) demo.Options {
	return demo.Options{
		Seed: uint64(cfg.Cloud.Demo.Seed), Resources: cfg.Cloud.Demo.Resources, ChangeRate: cfg.Cloud.Demo.ChangeRate,
		Faults: cfg.Cloud.Demo.Faults, Regions: cfg.Cloud.Regions,
		IncludeTypes: cfg.Cloud.IncludeTypes, ExcludeTypes: cfg.Cloud.ExcludeTypes,
	}
}

func awsOptions(cfg *config.Config) aws.Options {
	o := aws.Options{
		Regions: cfg.Cloud.Regions, IncludeTypes: cfg.Cloud.IncludeTypes, ExcludeTypes: cfg.Cloud.ExcludeTypes,
		APIBudget: cfg.Cloud.APIBudget, Interval: cfg.Daemon.ReconciliationInterval,
	}
	for _, a := range cfg.Cloud.Accounts {
		o.Accounts = append(o.Accounts, aws.Account{RoleARN: a.RoleARN, ExternalID: a.ExternalID, Regions: a.Regions})
	}
	if org := cfg.Cloud.Organization; org.RoleName != "" {
		o.Organization = &aws.Organization{RoleName: org.RoleName, ExternalID: org.ExternalID}
	}
	return o
}

// newDemo goes on with the synthetic cloud where the store's last scan left it.
func (a *app) newDemo(ctx context.Context, cfg *config.Config) (provider.Provider, error) {
	head, err := a.store.Head(ctx)
	if err != nil {
		return nil, err
	}
	options := demoOptions(cfg)
	options.Tick, options.Logger = uint64(head.ScanID), a.log
	p, err := demo.New(options)
	if err != nil {
		return nil, &usageError{err}
	}
	return p, a.ending.replace(p.Close)
}

// keyFile lies in the directory of the store, beside its data and not among them.
const keyFile = "redaction.key"

func (a *app) newAWS(cfg *config.Config) (provider.Provider, error) {
	key, err := redaction.LoadOrCreate(filepath.Join(cfg.Storage.Path, keyFile))
	if err != nil {
		return nil, err
	}
	options := awsOptions(cfg)
	options.Digest, options.Logger = key.Digest(), a.log
	options.MeterProvider, options.Tracers = a.exporter.MeterProvider(), a.otlp.TracerProvider()
	p, err := aws.New(options)
	if err != nil {
		return nil, &usageError{err}
	}
	return p, nil
}

func (a *app) newReconciler(cfg *config.Config) *daemon.Reconciler {
	return daemon.NewReconciler(daemon.ReconcilerOptions{
		Provider: a.provider, Store: a.store, Metrics: a.metrics, Tracers: a.otlp.TracerProvider(), Logger: a.log,
		Timeout: cfg.Daemon.ReconciliationTimeout, Concurrency: cfg.Cloud.ScanConcurrency, SpoolDir: cfg.Storage.Path,
		Guard: guardOf(cfg),
	})
}

// guardOf is never the zero Guard, whose meaning is the default.
func guardOf(cfg *config.Config) daemon.Guard {
	return daemon.Guard{Share: max(cfg.Cloud.DoubtShare, math.SmallestNonzeroFloat64), Count: cfg.Cloud.DoubtCount}
}

// newDaemon makes the daemon with its port bound. The daemon closes the store.
func (a *app) newDaemon(ctx context.Context, cfg *config.Config, env *Env) (*daemon.Daemon, error) {
	token, err := readToken(cfg.API.TokenFile, a.log)
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	a.token.set(token)
	if a.notifier, err = a.newNotifier(ctx, cfg, env); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	var d *daemon.Daemon
	server := api.NewServer(api.Options{
		Store: a.store, Logger: a.log, Token: a.token.current, Schema: schemas(),
		Notices: func() []string { return d.Notices() },
	})
	d, err = daemon.New(daemon.Options{
		Provider: a.provider, Store: a.store, Metrics: a.metrics, Tracers: a.otlp.TracerProvider(), Logger: a.log,
		SpoolDir: cfg.Storage.Path, Settings: settingsOf(cfg),
		Committed: server.Committed, Beside: a.notifier.Run, Concerns: a.concerns, Trusts: api.Admits(a.token.current),
		Listen: func(routes map[string]http.Handler) (*observer.MetricsServer, error) {
			routes["/api/v1/"] = server.Handler()
			return observer.NewMetricsServer(observer.MetricsServerOptions{
				Address: cfg.Daemon.ListenAddress, Port: cfg.Daemon.MetricsPort, Gatherer: a.exporter.Gatherer(),
				Logger: a.log, Routes: routes, Guard: api.Guard(a.token.current), OnShutdown: server.EndStreams,
			})
		},
	})
	return d, err
}

func settingsOf(cfg *config.Config) daemon.Settings {
	return daemon.Settings{
		Interval: cfg.Daemon.ReconciliationInterval, Jitter: cfg.Daemon.ReconciliationJitter, Timeout: cfg.Daemon.ReconciliationTimeout,
		ShutdownTimeout: cfg.Daemon.GracefulShutdownTimeout, Concurrency: cfg.Cloud.ScanConcurrency,
		Guard: guardOf(cfg), Retention: cfg.Storage.Retention,
	}
}

// concerns are reasons for not being healthy that lie beside the loop.
func (a *app) concerns() []string {
	return append(a.notifier.Concerns(), a.reloaded.concerns()...)
}

// notifyDir lies in the directory of the store.
const notifyDir = "notify"

// newNotifier makes what tells webhooks; without any it does nothing.
func (a *app) newNotifier(ctx context.Context, cfg *config.Config, env *Env) (*notify.Notifier, error) {
	hooks, err := hooksOf(cfg, env)
	if err != nil {
		return nil, &usageError{err}
	}
	n, err := notify.New(ctx, notify.Options{
		Hooks: hooks, Store: a.store, Dir: filepath.Join(cfg.Storage.Path, notifyDir),
		Logger: a.log, MeterProvider: a.exporter.MeterProvider(), Version: buildInfo().Version,
	})
	if err != nil {
		return nil, &usageError{err}
	}
	return n, nil
}

// forbiddenHooks finds the webhooks at addresses at which none may be.
func forbiddenHooks(cfg *config.Config) []config.Problem {
	var bad []config.Problem
	for i, h := range cfg.Notify {
		if err := notify.CheckURL(h.URL); err != nil {
			key := fmt.Sprintf("notify[%d].url", i)
			bad = append(bad, config.Problem{Source: cfg.Origin(key).String(), Key: key, Message: err.Error()})
		}
	}
	return bad
}

func hooksOf(cfg *config.Config, env *Env) ([]notify.Hook, error) {
	var hooks []notify.Hook
	for i, h := range cfg.Notify {
		hook, err := hookOf(h, env)
		if err != nil {
			return nil, fmt.Errorf("notify[%d]: %w", i, err)
		}
		hooks = append(hooks, hook)
	}
	return hooks, nil
}

func hookOf(h config.Hook, env *Env) (notify.Hook, error) {
	hook := notify.Hook{
		URL: h.URL, Filter: storage.Filter{Types: h.Types}, ChangeTypes: h.ChangeTypes, Format: notify.Format(h.Format),
	}
	for _, t := range h.Tags {
		tag, err := storage.ParseTagFilter(t)
		if err != nil {
			return hook, err
		}
		hook.Filter.Tags = append(hook.Filter.Tags, tag)
	}
	secret, err := secretOf(h, env)
	hook.Secret = []byte(secret)
	return hook, err
}

// secretOf returns the secret of a hook, from wherever it is; "" where it has none. Errors
// name the key: some write the secret where the name of its file or variable should be.
func secretOf(h config.Hook, env *Env) (string, error) {
	switch {
	case h.SecretFile != "":
		b, err := os.ReadFile(h.SecretFile)
		if err != nil {
			if e, ok := errors.AsType[*fs.PathError](err); ok {
				err = e.Err
			}
			return "", fmt.Errorf("the file that secret_file names cannot be read: %w", err)
		}
		secret := strings.TrimSpace(string(b))
		if secret == "" {
			return "", errors.New("the file that secret_file names is empty")
		}
		return secret, nil
	case h.SecretEnv != "":
		secret, ok := env.LookupEnv(h.SecretEnv)
		if !ok {
			return "", errors.New("the variable that secret_env names is not set")
		}
		return secret, nil
	}
	return h.Secret, nil
}

// readToken returns the function that gives the API's bearer token, "" without a file.
func readToken(path string, log *slog.Logger) (func() string, error) {
	if path == "" {
		return func() string { return "" }, nil
	}
	f, err := newTokenFile(path, log)
	if err != nil {
		return nil, err
	}
	return f.current, nil
}

// openStoreForReading opens a store that no daemon has open. It makes none: a reader of
// a path without a store has mistyped it.
func openStoreForReading(path string) (storage.Store, error) {
	if _, err := os.Stat(filepath.Join(path, "FORMAT")); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no store at %s; name the storage path of the daemon, or ask it with --server", path)
	}
	return badger.Open(badger.Options{Path: path})
}

// schemas returns what finds the schema of a resource's documents, whatever this process
// lists: a store may have been written by another one. Making it waits for the first
// question.
func schemas() func(resource.Key) *resource.Schema {
	all := sync.OnceValue(func() map[string]provider.Provider {
		known := map[string]provider.Provider{}
		noDigest := func(string) string { return "" } // of secrets, which a schema does not hold
		if p, err := aws.New(aws.Options{Regions: []string{aws.AllRegions}, Digest: noDigest}); err == nil {
			known[aws.Name] = p
		}
		if p, err := demo.New(demo.Options{Resources: 1}); err == nil {
			known[demo.Name] = p
		}
		return known
	})
	return func(k resource.Key) *resource.Schema {
		p, ok := all()[k.Provider]
		if !ok {
			return nil
		}
		return p.Schema(k.Type)
	}
}

// restoreStore makes a new store from a dump.
func restoreStore(ctx context.Context, path string, dump iter.Seq2[storage.DumpRecord, error]) (*storage.DumpHeader, error) {
	return badger.Restore(ctx, path, nil, dump)
}
