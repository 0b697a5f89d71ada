package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/elava-dev/elava/query"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// problemBase is the address of the page that explains the kinds of problems.
const problemBase = "https://github.com/elava-dev/elava/blob/main/docs/api.md#"

// Kinds of problems on which clients branch. See Problem.Kind.
const (
	KindInvalidParameter = "invalid-parameter"
	KindNotFound         = "not-found"
	KindGone             = "gone"
	KindFutureRevision   = "future-revision"
	KindCompacted        = "compacted"
	KindBadCursor        = "bad-cursor"
	KindInvalidQuery     = "invalid-query"
)

var (
	errNoSuchPath = errors.New("no such path")
	errNoRevision = errors.New("nothing was recorded at that time")
	errForbidden  = errors.New("forbidden")
	errNoToken    = errors.New("unauthorized")
	errBusy       = errors.New("too many requests or streams at a time")
	errStopping   = errors.New("the daemon is stopping")
	errBadBody    = errors.New("the body of the request cannot be used")
	errSlowBody   = errors.New("the body of the request came too slowly")
	errMediaType  = errors.New("the body of the request is of another type")
)

// problemKind is what is answered to one kind of error.
type problemKind struct {
	err    error // by errors.Is
	status int
	name   string
	title  string
}

// problemKinds is the one table of errors. The first that matches counts. Errors that it
// does not hold are defects or failures of the machine, and are 500.
var problemKinds = [...]problemKind{
	{errNoSuchPath, http.StatusNotFound, "no-such-path", "There is nothing at this path"},
	{errForbidden, http.StatusForbidden, "forbidden", "Access refused"},
	{errNoToken, http.StatusUnauthorized, "unauthorized", "A bearer token is required"},
	{storage.ErrBadCursor, http.StatusBadRequest, KindBadCursor, "The cursor cannot be used"},
	{resource.ErrBadKey, http.StatusBadRequest, "bad-key", "The resource key is malformed"},
	{storage.ErrFutureRevision, http.StatusBadRequest, KindFutureRevision, "The revision does not exist yet"},
	{errNoRevision, http.StatusNotFound, "no-revision", "Nothing was recorded at that time"},
	{storage.ErrNotFound, http.StatusNotFound, KindNotFound, "The resource was never seen"},
	{storage.ErrGone, http.StatusGone, KindGone, "The resource has disappeared"},
	{storage.ErrCompacted, http.StatusGone, KindCompacted, "The revision was dropped by retention"},
	{storage.ErrClosed, http.StatusServiceUnavailable, "unavailable", "The store is closed"},
	{storage.ErrLocked, http.StatusServiceUnavailable, "unavailable", "The store is in use"},
	{storage.ErrBusy, http.StatusServiceUnavailable, "unavailable", "The store is busy"},
	{errSlowBody, http.StatusRequestTimeout, "slow-body", "The body of the request came too slowly"},
	{errBadBody, http.StatusBadRequest, "bad-body", "The body of the request cannot be used"},
	{errMediaType, http.StatusUnsupportedMediaType, "media-type", "The body of the request is of another type"},
	{query.ErrTime, http.StatusUnprocessableEntity, "query-limit", "The query exceeds a limit"},
	{query.ErrMemory, http.StatusUnprocessableEntity, "query-limit", "The query exceeds a limit"},
	{query.ErrBusy, http.StatusTooManyRequests, "too-many-queries", "Too many queries are running"},
	{errStopping, http.StatusServiceUnavailable, "unavailable", "The daemon is stopping"},
	{errBusy, http.StatusServiceUnavailable, "too-many-requests", "There are too many requests at a time"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "timeout", "The answer took too long"},
	{context.Canceled, http.StatusServiceUnavailable, "canceled", "The request was given up"},
	{storage.ErrCorrupt, http.StatusInternalServerError, "store-damaged", "The store is damaged"},
}

func kindOf(err error) problemKind {
	if _, ok := errors.AsType[*paramError](err); ok {
		return problemKind{status: http.StatusBadRequest, name: KindInvalidParameter, title: "A parameter cannot be used"}
	}
	if _, ok := errors.AsType[*query.Error](err); ok {
		return problemKind{status: http.StatusBadRequest, name: KindInvalidQuery, title: "The query cannot be run"}
	}
	if _, ok := errors.AsType[*methodError](err); ok {
		return problemKind{status: http.StatusMethodNotAllowed, name: "method-not-allowed", title: "The path has no such method"}
	}
	for _, k := range problemKinds {
		if errors.Is(err, k.err) {
			return k
		}
	}
	return problemKind{status: http.StatusInternalServerError, name: "internal", title: "Internal error"}
}

// newProblem renders an error for clients. What failed inside stays inside.
func newProblem(err error) *Problem {
	k := kindOf(err)
	detail := err.Error()
	if k.status >= http.StatusInternalServerError && !errors.Is(err, errBusy) && !errors.Is(err, errStopping) {
		detail = "the request could not be answered; the log of the daemon says why"
	}
	return &Problem{Type: problemBase + k.name, Title: k.title, Status: k.status, Detail: detail}
}

// Kind is the last part of the problem's type, such as KindGone. It is empty where the
// answer came from elsewhere, a proxy for example.
func (p Problem) Kind() string {
	_, kind, _ := strings.Cut(p.Type, "#")
	return kind
}

// methodError is a request with a method that the path does not have.
type methodError struct {
	method  string
	allowed string // as in the Allow header
}

func (e *methodError) Error() string {
	return fmt.Sprintf("%s is not possible here; there is %s", e.method, e.allowed)
}

// goneError is a resource that had disappeared, with its last version rendered.
type goneError struct {
	*storage.GoneError
	last Version
}
