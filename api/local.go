package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// NewLocalClient returns a client of a handler in the same process, without a network:
// the answers are those that a daemon would give, byte for byte.
func NewLocalClient(h http.Handler) *Client {
	return &Client{
		base: &url.URL{Scheme: "http", Host: "localhost"},
		http: &http.Client{Transport: handlerTransport{h}},
	}
}

// handlerTransport answers requests by calling a handler, which goes on while its answer
// is read and no faster. It ends before the body of the answer is closed.
type handlerTransport struct{ h http.Handler }

// RoundTrip implements http.RoundTripper.
func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	in := r.Clone(ctx)
	in.RequestURI = in.URL.RequestURI()
	in.Host = in.URL.Host
	in.RemoteAddr = "127.0.0.1:0" // whoever runs the process may read the store
	if in.Body == nil {
		in.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	w := &localWriter{header: http.Header{}, begun: make(chan struct{}), body: writer}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = writer.CloseWithError(w.serve(t.h, in)) // it has no errors of its own
	}()
	<-w.begun
	return w.response(r, &localBody{PipeReader: reader, cancel: cancel, done: done}), nil
}

// localWriter hands an answer on to whoever reads it.
type localWriter struct {
	header http.Header // until it was sent
	sent   http.Header // valid once begun is closed
	status int         // valid once begun is closed
	once   sync.Once
	begun  chan struct{}
	body   *io.PipeWriter
}

// serve calls the handler and returns how its answer ended: nil is an end, and an answer
// that was broken off is an unexpected one, as on a connection.
func (w *localWriter) serve(h http.Handler, r *http.Request) (err error) {
	defer w.WriteHeader(http.StatusOK)
	defer func() {
		if p := recover(); p != nil {
			if abort, ok := p.(error); !ok || !errors.Is(abort, http.ErrAbortHandler) {
				panic(p)
			}
			err = io.ErrUnexpectedEOF
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

func (w *localWriter) Header() http.Header { return w.header }

func (w *localWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.begun)
	})
}

func (w *localWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *localWriter) response(r *http.Request, body io.ReadCloser) *http.Response {
	length, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64)
	if err != nil {
		length = -1
	}
	return &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: body, ContentLength: length, Request: r,
	}
}

// localBody is the body of an answer. Closing it ends the handler and waits for it.
type localBody struct {
	*io.PipeReader
	cancel context.CancelFunc
	done   <-chan struct{}
}

// Close implements io.Closer.
func (b *localBody) Close() error {
	b.cancel()
	err := b.PipeReader.Close()
	<-b.done
	return err
}
