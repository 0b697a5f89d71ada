package mototest

import (
	"context"
	"sync"
	"testing"
)

// Shared is a server that the tests of a package share. It starts on first use; TestMain
// stops it. The zero Shared is ready for use, by several goroutines at a time.
type Shared struct {
	once   sync.Once
	server *Server
	err    error
}

// Server returns the server, and fails the test where it does not start.
func (s *Shared) Server(t testing.TB) *Server {
	t.Helper()
	s.once.Do(func() { s.server, s.err = Launch(context.Background()) })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server
}

// Stop ends the server, if it was ever started, once all tests are done.
func (s *Shared) Stop() {
	if s.server != nil {
		s.server.Stop()
	}
}
