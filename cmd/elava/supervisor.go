package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// supervisor tells systemd how the daemon is (sd_notify(3)). Where nothing supervises the
// process, which is where NOTIFY_SOCKET is not set, it does nothing.
type supervisor struct {
	log *slog.Logger
	// watchdog is the time after which systemd restarts a process that says nothing; 0:
	// never.
	watchdog time.Duration
}

func newSupervisor(log *slog.Logger) *supervisor {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("The watchdog of systemd cannot be served; without it the service would be restarted", "error", err)
	}
	return &supervisor{log: log, watchdog: watchdog}
}

func (s *supervisor) say(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("systemd could not be told", "state", state, "error", err)
	}
}

// start supervises in the background, until ctx ends or the function it returns is called,
// which waits for the end.
func (s *supervisor) start(ctx context.Context, working func() bool) (stop func()) {
	return inBackground(ctx, func(ctx context.Context) { s.supervise(ctx, working) })
}

// inBackground runs f until ctx ends or the function it returns is called, which waits for
// the end.
func inBackground(ctx context.Context, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// reloading says that the configuration is being read again; reloaded has to follow. The
// time is for units of Type=notify-reload.
func (s *supervisor) reloading() {
	s.say(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
}

// reloaded says that this is over, and in the status of the unit whether it was refused.
func (s *supervisor) reloaded(err error) {
	status := ""
	if err != nil {
		status = "The configuration was read again and refused; the log says why"
	}
	s.say(daemon.SdNotifyReady + "\nSTATUS=" + status)
}

// supervise says that the daemon is up, then that it is alive for as long as it is, and,
// when ctx ends, that it stops. A daemon that does not do its work says nothing: systemd
// then restarts it.
func (s *supervisor) supervise(ctx context.Context, working func() bool) {
	s.say(daemon.SdNotifyReady)
	defer s.say(daemon.SdNotifyStopping)
	if s.watchdog <= 0 {
		<-ctx.Done()
		return
	}
	ticker := time.NewTicker(s.watchdog / 2) // as sd_watchdog_enabled(3) recommends
	defer ticker.Stop()
	for {
		if working() {
			s.say(daemon.SdNotifyWatchdog)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
