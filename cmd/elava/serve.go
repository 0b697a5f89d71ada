package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/elava-dev/elava/internal/config"
	"github.com/elava-dev/elava/internal/daemon"
)

// daemonFlags are those of the commands that scan.
type daemonFlags struct {
	ConfigFile string `name:"config" env:"ELAVA_CONFIG" placeholder:"FILE" help:"Configuration file."`
	config.Flags
}

func (f *daemonFlags) load(env *Env) (*config.Config, error) {
	cfg, err := config.Load(config.Sources{File: f.ConfigFile, LookupEnv: env.LookupEnv, Flags: f.Flags})
	if err != nil {
		return nil, err
	}
	if bad := forbiddenHooks(cfg); len(bad) > 0 {
		return nil, &config.Error{Problems: bad}
	}
	return cfg, nil
}

// ServeCommand runs the daemon.
type ServeCommand struct {
	daemonFlags
	Once bool `name:"once" help:"Scan once and exit; no port is opened."`
}

// Run implements the command.
func (c *ServeCommand) Run(ctx context.Context, env *Env) error {
	cfg, err := c.load(env)
	if err != nil {
		return err
	}
	if c.Once {
		return scanOnce(ctx, cfg, env)
	}
	return serve(ctx, cfg, env, func() (*config.Config, error) { return c.load(env) })
}

// serve runs the daemon until a signal, or until a part of it fails. At SIGHUP it loads the
// configuration again.
func serve(ctx context.Context, cfg *config.Config, env *Env, load func() (*config.Config, error)) error {
	// From the very beginning: the signal would end a process that does not expect it.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	a, err := newApp(ctx, cfg, env)
	if err != nil {
		return err
	}
	defer a.close()
	d, err := a.newDaemon(ctx, cfg, env)
	if err != nil {
		return err
	}
	ctx, release := untilSignal(ctx, func() { a.log.Info("Graceful shutdown initiated...") })
	defer release()
	defer a.close() // while a second signal is still heeded
	// The daemon stops by Stop, which bounds it, and not by its context.
	if err := d.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	s := newSupervisor(a.log)
	defer s.start(ctx, func() bool { return d.Health().Status != daemon.Unhealthy })()
	r := &reloader{app: a, daemon: d, load: load, env: env, running: cfg}
	defer r.start(ctx, hangups, s)()
	select {
	case <-ctx.Done():
	case <-d.Done():
	}
	if err := d.Stop(); err != nil {
		return err
	}
	a.log.Info("Daemon stopped")
	return nil
}

// scanOnce runs one iteration of the same reconciler, without a server. It fails where
// nothing could be stored or nothing could be listed; scopes that could not be listed
// are in the log and make the scan partial.
func scanOnce(ctx context.Context, cfg *config.Config, env *Env) (err error) {
	a, err := newApp(ctx, cfg, env)
	if err != nil {
		return err
	}
	defer a.close()
	defer func() { err = errors.Join(err, a.store.Close()) }()
	ctx, release := untilSignal(ctx, func() { a.log.Info("Graceful shutdown initiated...") })
	defer release()
	_, err = a.newReconciler(cfg).Reconcile(ctx)
	return err
}

// announce is the first line of the log.
func announce(log *slog.Logger, cfg *config.Config) {
	log.Info("Starting Elava daemon...", "provider", cfg.Cloud.Provider,
		"regions", strings.Join(cfg.Cloud.Regions, ","), "storage", cfg.Storage.Path, "version", buildInfo().Version)
}
