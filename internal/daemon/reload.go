package daemon

import (
	"context"
	"sync"

	"github.com/elava-dev/elava/provider"
)

// MakeProvider makes the provider of the scans to come. It is called between two scans.
type MakeProvider func(context.Context) (provider.Provider, error)

// Reload hands over other settings and, unless makeProvider is nil, another provider. A scan
// in flight ends under those that it began with: what it has listed is right, and cutting it
// off would throw that away. The next one begins under the new ones, and when it begins is
// worked out anew at once. Scopes that the new provider does not plan are not listed any
// more, and nothing of them disappears.
//
// Where the provider cannot be made, scans go on with the one before, health says so, and
// it is tried again before the next one. Reload does not wait, and may be called at any
// time by any goroutine.
func (d *Daemon) Reload(s Settings, makeProvider MakeProvider) {
	d.settings.set(s, makeProvider)
}

// settings are what is in force, and a provider that waits for the next scan.
type settings struct {
	mu       sync.Mutex
	now      Settings
	provider MakeProvider  // nil: none waits
	changed  chan struct{} // closed and replaced when they are others
}

func newSettings(s Settings) *settings { return &settings{now: s, changed: make(chan struct{})} }

func (s *settings) current() Settings {
	now, _ := s.watch()
	return now
}

// watch returns what is in force, and what is closed when that has changed.
func (s *settings) watch() (now Settings, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now, s.changed
}

func (s *settings) set(now Settings, makeProvider MakeProvider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
	if makeProvider != nil {
		s.provider = makeProvider
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// take returns what the next scan works with; the provider does not wait any more.
func (s *settings) take() (now Settings, waiting MakeProvider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting, s.provider = s.provider, nil
	return s.now, waiting
}

// putBack has a provider wait once more, unless a newer one does.
func (s *settings) putBack(p MakeProvider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider == nil {
		s.provider = p
	}
}

// adopt has the next scan work with the settings in force.
func (d *Daemon) adopt(ctx context.Context) {
	now, makeProvider := d.settings.take()
	r := d.reconciler
	r.opts.Timeout, r.opts.Concurrency, r.opts.Guard = now.Timeout, max(now.Concurrency, 1), now.Guard
	if makeProvider == nil {
		return
	}
	p, err := makeProvider(ctx)
	d.health.providerMade(err)
	if err != nil {
		d.settings.putBack(makeProvider)
		d.log.Error("The reloaded configuration's provider could not be made, the one before goes on", "error", err)
		return
	}
	r.opts.Provider = p
}
