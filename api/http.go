package api

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
)

const (
	answerTimeout = 30 * time.Second // for how long an answer may be worked on, waiting included
	bodyTimeout   = 10 * time.Second // for a client to send the body of its request
	sendTimeout   = time.Minute      // for how long a client may take to read it

	// maxAnswers is how many requests are worked on at a time, so that what pages take
	// (some 12 MB where they are full) is bounded; others wait.
	maxAnswers = 32

	// maxExports is how many exports and backups there are at a time beside them. An
	// export of Parquet holds up to groupBytes of documents.
	maxExports = 4

	// minCompressed is the length in bytes from which an answer is worth compressing.
	minCompressed = 1 << 10
)

// slots let a number of requests work at a time.
type slots chan struct{}

// take waits for a slot. errBusy: none became free in time.
func (s slots) take(ctx context.Context) (free func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		if ctx.Err() == context.DeadlineExceeded {
			return nil, errBusy
		}
		return nil, ctx.Err()
	}
}

// entityTag names the state that an answer describes: the revision and its time, which
// tells it from that of another history, and what was asked. So none is known but of an
// answer that was given. It is empty where the answer depends on more.
//
// The tag is a weak one, because the same answer may be compressed or not. Retention
// alone does not change it: what it drops was a true answer.
func (s *Server) entityTag(ctx context.Context, e endpoint, asked *url.URL, p *params) (string, error) {
	if e.unversioned || p.movesWithTime() {
		return "", nil
	}
	head, err := s.store.Head(ctx)
	if err != nil || head.Revision == 0 {
		return "", err
	}
	question := fnv.New64a()
	_, _ = io.WriteString(question, asked.EscapedPath()+"?"+asked.RawQuery) // never fails
	return fmt.Sprintf(`W/"%d-%s-%x"`, head.Revision, strconv.FormatInt(head.Time.UnixMilli(), 36), question.Sum64()), nil
}

// movesWithTime reports whether a parameter names a point by how long ago it was.
func (p *params) movesWithTime() bool {
	return slices.ContainsFunc([]string{"at", "since", "until", "from", "to"}, func(name string) bool {
		v := p.values.Get(name)
		_, ago := parseAgo(v)
		return ago && v != ""
	})
}

// hasTag reports whether a list of entity tags, as in If-None-Match, has one of them. Tags
// are compared weakly (RFC 9110, section 8.8.3.2). The list * names none.
func hasTag(list []string, tag string) bool {
	if tag == "" {
		return false
	}
	for candidate := range strings.SplitSeq(strings.Join(list, ","), ",") {
		candidate = strings.TrimSpace(candidate)
		if strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// acceptsGzip reports whether a client takes gzip (RFC 9110, section 12.5.3).
func acceptsGzip(h http.Header) bool {
	for coding := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			value, _ := strings.CutPrefix(strings.TrimSpace(weight), "q=")
			q, err := strconv.ParseFloat(value, 64)
			return weight == "" || err == nil && q > 0
		}
	}
	return false
}

// compressor compresses answers with what is left of earlier ones.
type compressor struct{ pool sync.Pool }

func (c *compressor) compress(body []byte) []byte {
	var b bytes.Buffer
	z, ok := c.pool.Get().(*gzip.Writer)
	if !ok {
		z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // fails only for a level that there is not
	}
	z.Reset(&b)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	c.pool.Put(z)
	return b.Bytes()
}

// allowSending gives a client a time in which to read. http.Server lifts it after the
// answer; where deadlines are not supported there is no client.
func allowSending(w http.ResponseWriter, d time.Duration) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}

// patient is a writer of a long answer that gives a client the time anew with every
// write: how long all of it takes is nobody's fault.
type patient struct{ http.ResponseWriter }

func (w patient) Write(b []byte) (int, error) {
	allowSending(w.ResponseWriter, sendTimeout)
	return w.ResponseWriter.Write(b)
}
