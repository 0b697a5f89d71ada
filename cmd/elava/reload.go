package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/elava-dev/elava/internal/config"
	"github.com/elava-dev/elava/internal/daemon"
	"github.com/elava-dev/elava/provider"
)

// reloader reads the configuration of a daemon again when it is told to: the file, the
// files that it names (secrets, the token), and the flags and variables that the process
// was started with. All of it is checked before any of it is in force.
type reloader struct {
	app     *app
	daemon  *daemon.Daemon
	load    func() (*config.Config, error)
	env     *Env
	running *config.Config // what is in force
}

// reloadState is how the last reload ended, for health.
type reloadState struct{ refused atomic.Pointer[string] }

func (s *reloadState) concerns() []string {
	if why := s.refused.Load(); why != nil {
		return []string{"the configuration was read again and refused, the one before stays in force: " + *why}
	}
	return nil
}

// start reloads at every signal, until ctx ends or the function it returns is called, which
// waits for the end.
func (r *reloader) start(ctx context.Context, signals <-chan os.Signal, s *supervisor) (stop func()) {
	return inBackground(ctx, func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
				s.reloading()
				s.reloaded(r.reload(ctx))
			}
		}
	})
}

// reload takes what can be taken of the configuration as it is now. An error means that
// nothing is.
func (r *reloader) reload(ctx context.Context) error {
	difference, err := r.apply(ctx)
	if ctx.Err() != nil {
		return nil // the daemon stops
	}
	r.app.metrics.ConfigReloaded(err == nil, r.env.Now())
	if err != nil {
		why := strings.ReplaceAll(err.Error(), "\n", "; ")
		r.app.reloaded.refused.Store(&why)
		r.refuse(err)
		return err
	}
	r.app.reloaded.refused.Store(nil)
	r.tell(difference)
	return nil
}

// apply checks all, and then puts it into force.
func (r *reloader) apply(ctx context.Context) (config.Difference, error) {
	read, err := r.load()
	if err != nil {
		return config.Difference{}, err
	}
	next, difference := config.Reload(r.running, read)
	if err := checkProvider(next); err != nil {
		return difference, err
	}
	token := r.app.token.current // asked again, it looks into its file
	if next.API.TokenFile != r.running.API.TokenFile {
		if token, err = readToken(next.API.TokenFile, r.app.log); err != nil {
			return difference, err
		}
	}
	hooks, err := hooksOf(next, r.env)
	if err != nil {
		return difference, err
	}
	if err := r.app.notifier.Replace(ctx, hooks); err != nil {
		return difference, err
	}
	if next.API.TokenFile != r.running.API.TokenFile {
		r.app.token.set(token)
	}
	r.app.level.Set(next.Logging.Level)
	r.daemon.Reload(settingsOf(next), r.otherProvider(next))
	r.running = next
	return difference, nil
}

// otherProvider makes the provider of a configuration; nil where the one in use will do,
// which remembers how fast AWS lets it call.
func (r *reloader) otherProvider(next *config.Config) daemon.MakeProvider {
	sameInterval := next.Daemon.ReconciliationInterval == r.running.Daemon.ReconciliationInterval
	if sameInterval && reflect.DeepEqual(next.Cloud, r.running.Cloud) {
		return nil
	}
	return func(ctx context.Context) (provider.Provider, error) { return r.app.newProvider(ctx, next) }
}

// refuse logs all that is wrong, one line each.
func (r *reloader) refuse(err error) {
	log := r.app.log
	if problems, ok := errors.AsType[*config.Error](err); ok {
		for _, p := range problems.Problems {
			log.Error("The configuration has a problem: " + p.String())
		}
	} else {
		log.Error("The configuration has a problem: " + err.Error())
	}
	log.Error("Configuration refused, the one before stays in force")
}

func (r *reloader) tell(d config.Difference) {
	log := r.app.log
	if len(d.Restart) > 0 {
		log.Warn("Changed settings need a restart and keep their values until then", "settings", strings.Join(d.Restart, ","))
	}
	changed := "nothing"
	if len(d.Changed) > len(d.Restart) {
		changed = strings.Join(without(d.Changed, d.Restart), ",")
	}
	fields := []any{"changed", changed}
	if phase := r.daemon.Health().Phase; phase != daemon.PhaseSleeping {
		fields = append(fields, "scan_under_way", fmt.Sprintf("ends as it began (%s)", phase))
	}
	log.Info("Configuration reloaded", fields...)
}

// without returns the elements of all that are not among some.
func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}
