package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/elava-dev/elava/storage"
)

// Client asks a Server. It may be used by several goroutines at a time. Its iterators
// read page after page and stop at their first error, which is their last element.
//
// Errors are a *ProblemError where the server refused, an *UnreachableError where it was
// not heard to the end, an *AnswerError where it is no Elava server, or the context's.
type Client struct {
	base  *url.URL
	http  *http.Client
	token string

	// Notice, if set before the first request, is called with the notices of every
	// answer, by the goroutine that asked.
	Notice func(string)
}

// NewClient returns a client of the server at an address such as
// "http://127.0.0.1:2112". httpClient nil means http.DefaultClient. A token is sent with
// every request unless it is empty.
func NewClient(baseURL string, httpClient *http.Client, token string) (*Client, error) {
	u, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("server address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("server address %q: want one such as http://127.0.0.1:2112", baseURL)
	}
	if httpClient == nil {
		httpClient = http.DefaultClient
	}
	return &Client{base: u, http: httpClient, token: token}, nil
}

// ResourceQuery selects resources. The zero value selects all that are live now.
type ResourceQuery struct {
	Types    []string // globs
	Regions  []string
	Accounts []string
	Tags     []string // "key" or "key=value"
	Name     string
	ID       string
	ARN      string
	At       string // as for ParsePoint; empty: now
	Limit    int    // how many to yield at most; 0: all
}

// ChangeQuery selects change events. The zero value selects all, newest first.
type ChangeQuery struct {
	Types       []string // globs
	Regions     []string
	Accounts    []string
	ChangeTypes []string // "created", "modified", "disappeared"
	Key         string
	ID          string
	Name        string
	Since       string // as for ParsePoint: a revision is exclusive, a time inclusive
	Until       string // inclusive
	OldestFirst bool
	Limit       int // how many to yield at most; 0: all
}

// ScopeQuery selects scopes. The zero value selects all as they are now.
type ScopeQuery struct {
	Types    []string // globs
	Regions  []string // account-wide scopes belong to every region
	Accounts []string
	At       string // as for ParsePoint; empty: now
}

// Resources yields resources by key, all of them as of one revision.
func (c *Client) Resources(ctx context.Context, q ResourceQuery) iter.Seq2[*Resource, error] {
	v := q.filters()
	v.add("arn", q.ARN)
	v.add("at", q.At)
	return pages[Resource](ctx, c, "resources", v, q.Limit)
}

// filters are the parameters that select resources wherever they are.
func (q *ResourceQuery) filters() values {
	v := make(values)
	v.add("type", q.Types...)
	v.add("region", q.Regions...)
	v.add("account", q.Accounts...)
	v.add("tag", q.Tags...)
	v.add("name", q.Name)
	v.add("id", q.ID)
	return v
}

// Resource returns one resource; at is as for ParsePoint, and empty means now.
func (c *Client) Resource(ctx context.Context, key, at string) (*Resource, error) {
	v := make(values)
	v.add("at", at)
	var r Resource
	return &r, c.get(ctx, "resource/"+url.PathEscape(key), v, &r)
}

// History yields the versions of one resource up to a point, newest first; at most limit,
// or all where it is 0. at is as for ParsePoint, and empty means now.
func (c *Client) History(ctx context.Context, key, at string, limit int) iter.Seq2[*Version, error] {
	v := make(values)
	v.add("at", at)
	return pages[Version](ctx, c, "history/"+url.PathEscape(key), v, limit)
}

// Changes yields change events. What is committed while they are read is left out.
func (c *Client) Changes(ctx context.Context, q ChangeQuery) iter.Seq2[*storage.ChangeEvent, error] {
	v := q.filters()
	v.add("since", q.Since)
	v.add("until", q.Until)
	if q.OldestFirst {
		v.add("order", "asc")
	}
	return pages[storage.ChangeEvent](ctx, c, "changes", v, q.Limit)
}

// filters are the parameters that select events wherever they are.
func (q *ChangeQuery) filters() values {
	v := make(values)
	v.add("type", q.Types...)
	v.add("region", q.Regions...)
	v.add("account", q.Accounts...)
	v.add("change_type", q.ChangeTypes...)
	v.add("key", q.Key)
	v.add("id", q.ID)
	v.add("name", q.Name)
	return v
}

// Scans yields the metadata of scans, newest first; at most limit, or all where it is 0.
func (c *Client) Scans(ctx context.Context, limit int) iter.Seq2[*storage.ScanMetadata, error] {
	return pages[storage.ScanMetadata](ctx, c, "scans", values{}, limit)
}

// Scopes yields the states of scopes, by provider, account, type and region.
func (c *Client) Scopes(ctx context.Context, q ScopeQuery) iter.Seq2[*Scope, error] {
	v := make(values)
	v.add("type", q.Types...)
	v.add("region", q.Regions...)
	v.add("account", q.Accounts...)
	v.add("at", q.At)
	return pages[Scope](ctx, c, "scopes", v, 0)
}

// values are parameters.
type values url.Values

// add adds values to a parameter, leaving empty ones aside.
func (v values) add(name string, all ...string) {
	for _, s := range all {
		if s != "" {
			v[name] = append(v[name], s)
		}
	}
}

// pages yields the items of all pages, up to limit.
func pages[T any](ctx context.Context, c *Client, path string, question values, limit int) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		v := maps.Clone(question) // the iterator may be used again
		for left, cursor := limit, ""; ; {
			size := maxLimit
			if limit > 0 {
				size = min(left, maxLimit)
			}
			v["limit"] = []string{strconv.Itoa(size)}
			if cursor != "" {
				v["cursor"] = []string{cursor}
			}
			var answer list[*T]
			if err := c.get(ctx, path, v, &answer); err != nil {
				yield(nil, err)
				return
			}
			for _, item := range answer.Items {
				if !yield(item, nil) {
					return
				}
			}
			left -= len(answer.Items)
			cursor = answer.NextCursor
			if cursor == "" || limit > 0 && left <= 0 {
				return
			}
		}
	}
}

// send asks one path. The caller closes the body of what comes back, which is an answer
// and no refusal.
func (c *Client) send(ctx context.Context, path string, v values, header http.Header) (*http.Response, error) {
	return c.do(ctx, http.MethodGet, path, v, header, nil)
}

// do is send with any method and, unless it is nil, a body of JSON.
func (c *Client) do(ctx context.Context, method, path string, v values, header http.Header, body io.Reader) (*http.Response, error) {
	// Not url.URL.JoinPath, which would clean the dots of a key.
	address := strings.TrimSuffix(c.base.String(), "/") + Prefix + path
	if len(v) > 0 {
		address += "?" + url.Values(v).Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("asking the server: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json, application/problem+json, */*;q=0.5")
	maps.Copy(r.Header, header)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, c.unheard(ctx, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }() // what matters of it was read
		return nil, c.refusal(ctx, resp)
	}
	return resp, nil
}

// get asks one path and decodes the answer.
func (c *Client) get(ctx context.Context, path string, v values, into any) error {
	resp, err := c.send(ctx, path, v, nil)
	if err != nil {
		return err
	}
	return c.read(ctx, resp, into)
}

// read decodes an answer and closes it.
func (c *Client) read(ctx context.Context, resp *http.Response, into any) error {
	defer func() { _ = resp.Body.Close() }() // it was read to its end, or that is an error already
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t != "application/json" {
		return &AnswerError{Server: c.base.String(), Status: resp.Status}
	}
	if err := decode(resp.Body, into); err != nil {
		return c.unheard(ctx, err)
	}
	c.notice(resp)
	return nil
}

// notice hands on the notices of an answer.
func (c *Client) notice(resp *http.Response) {
	if c.Notice == nil {
		return
	}
	for _, n := range resp.Header.Values(noticeHeader) {
		c.Notice(n)
	}
}

// decode reads one JSON value and the end of the body, so that the connection can be
// used again.
func decode(body io.Reader, into any) error {
	d := json.NewDecoder(body)
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// maxProblem is the length in bytes above which a problem is none of ours: the last
// version of a resource is the largest part of one.
const maxProblem = 16 << 20

func (c *Client) refusal(ctx context.Context, resp *http.Response) error {
	foreign := &AnswerError{Server: c.base.String(), Status: resp.Status}
	if t, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); t != "application/problem+json" {
		return foreign
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil {
		return c.unheard(ctx, err)
	}
	e := new(ProblemError)
	if err := json.Unmarshal(body, &e.Problem); err != nil {
		return foreign
	}
	e.Status = resp.StatusCode
	return e
}

func (c *Client) unheard(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*url.Error](err); ok { // it repeats the whole address
		err = e.Err
	}
	return &UnreachableError{Server: c.base.String(), Err: err}
}

// ProblemError is a refusal by the server.
type ProblemError struct{ Problem }

func (e *ProblemError) Error() string {
	if e.Status >= http.StatusInternalServerError {
		return e.Title + ": " + e.Detail
	}
	return e.Detail
}

// UnreachableError is a server that was not reached or not heard to the end.
type UnreachableError struct {
	Server string
	Err    error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf(`no answer from %s: %v; is the daemon running? start it with "elava serve", `+
		"name another one with --server, or read its store with --storage-path", e.Server, e.Err)
}

// Unwrap returns what went wrong on the way.
func (e *UnreachableError) Unwrap() error { return e.Err }

// AnswerError is an answer that no Elava server gives.
type AnswerError struct {
	Server string
	Status string // of the answer: "404 Not Found"
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("%s answered %s, and not as an Elava daemon does; is --server right?", e.Server, e.Status)
}
