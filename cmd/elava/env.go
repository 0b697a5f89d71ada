package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// Env is what a command has of the world, so that tests can give it another one.
type Env struct {
	Stdout, Stderr io.Writer
	IsTerminal     bool // Stdout is one
	Now            func() time.Time
	OpenStore      func(path string) (storage.Store, error) // for reading
	Restore        func(ctx context.Context, path string, dump iter.Seq2[storage.DumpRecord, error]) (*storage.DumpHeader, error)
	Schema         func(resource.Key) *resource.Schema // nil: none is known
	Getenv         func(string) string
}

// LookupEnv returns a variable of the environment; one that is empty counts as not set.
func (e *Env) LookupEnv(name string) (string, bool) {
	v := e.Getenv(name)
	return v, v != ""
}

// note writes what is no part of the output.
func (e *Env) note(format string, args ...any) {
	fmt.Fprintf(e.Stderr, "note: %s\n", printableLines(fmt.Sprintf(format, args...)))
}

// usageError is a command line that cannot be run: exit code 2.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

const defaultServer = "http://127.0.0.1:2112"

// SourceFlags say who answers a reading command: a daemon, or a store.
type SourceFlags struct {
	Server      string `placeholder:"URL" help:"Daemon to ask (default: $$ELAVA_SERVER, else http://127.0.0.1:2112)."`
	StoragePath string `placeholder:"DIR" help:"Read this store instead. No daemon may have it open."`
	TokenFile   string `placeholder:"FILE" help:"File with the bearer token for a daemon that is not on loopback (default: $$ELAVA_API_TOKEN_FILE)."`
}

// ask calls a function with a client of whoever answers.
func (f *SourceFlags) ask(ctx context.Context, env *Env, question func(context.Context, *api.Client) error) (err error) {
	client, closeSource, err := f.connect(env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeSource()) }()
	seen := map[string]bool{}
	client.Notice = func(n string) {
		if !seen[n] {
			seen[n] = true
			env.note("%s", printable(n)) // one line, whoever wrote it
		}
	}
	err = question(ctx, client)
	if p, ok := errors.AsType[*api.ProblemError](err); ok && (p.Kind() == api.KindInvalidParameter || p.Kind() == api.KindInvalidQuery) {
		return &usageError{err}
	}
	return err
}

func (f *SourceFlags) connect(env *Env) (*api.Client, func() error, error) {
	if f.StoragePath != "" {
		return f.connectStore(env)
	}
	server := f.Server
	if server == "" {
		server = env.Getenv("ELAVA_SERVER")
	}
	if server == "" {
		server = defaultServer
	}
	token, err := f.token(env, server)
	if err != nil {
		return nil, nil, err
	}
	client, err := api.NewClient(server, nil, token)
	if err != nil {
		return nil, nil, &usageError{err}
	}
	return client, func() error { return nil }, nil
}

func (f *SourceFlags) connectStore(env *Env) (*api.Client, func() error, error) {
	if f.Server != "" {
		return nil, nil, usagef("--server and --storage-path exclude each other")
	}
	store, err := env.OpenStore(f.StoragePath)
	if err != nil {
		return nil, nil, err
	}
	server := api.NewServer(api.Options{
		Store: store, Now: env.Now, Schema: env.Schema,
		Logger: slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	return api.NewLocalClient(server.Handler()), store.Close, nil
}

// token reads the token, if one is needed. A daemon on loopback wants none, and the file
// that the environment names for the daemon may be unreadable to others.
func (f *SourceFlags) token(env *Env, server string) (string, error) {
	file := f.TokenFile
	if file == "" && !onLoopback(server) {
		file = env.Getenv("ELAVA_API_TOKEN_FILE")
	}
	if file == "" {
		return "", nil
	}
	return readTokenFile(file)
}

func onLoopback(server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	if strings.EqualFold(u.Hostname(), "localhost") {
		return true
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.Unmap().IsLoopback()
}

// checkPoint refuses a flag that names no point in time, before anybody is asked.
func checkPoint(env *Env, flag, value string) error {
	if value == "" {
		return nil
	}
	if _, err := api.ParsePoint(value, env.Now()); err != nil {
		return usagef("%s: %w", flag, err)
	}
	return nil
}

func checkLimit(limit int) error {
	if limit < 0 {
		return usagef("--limit: %d is less than nothing", limit)
	}
	return nil
}
