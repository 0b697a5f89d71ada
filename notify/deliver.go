package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/elava-dev/elava/storage"
)

// Headers of a delivery.
const (
	// HeaderSignature is "sha256=" and the HMAC-SHA-256 of the body in hexadecimal digits,
	// as in GitHub's X-Hub-Signature-256. Absent without a secret.
	HeaderSignature = "Elava-Signature-256"
	// HeaderDelivery is the same whenever a delivery is repeated: the ids of its first and
	// last event.
	HeaderDelivery = "Elava-Delivery"
)

// Message is the body of a delivery in JSON: events of one scan, in the order of the feed.
// A scan with many takes several messages.
type Message struct {
	Revision int64                  `json:"revision"`
	Time     time.Time              `json:"time"` // of the revision
	Events   []*storage.ChangeEvent `json:"events"`
}

// Sign returns the value of HeaderSignature.
func Sign(secret, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// attemptTimeout is how long a receiver may take to answer. GitHub gives 10 s.
const attemptTimeout = 10 * time.Second

// deliver posts events of one revision until the receiver takes them, and notes it. It
// ends without that only with the context.
func (h *hook) deliver(ctx context.Context, events []*storage.ChangeEvent) error {
	body, err := h.body(events)
	if err != nil {
		return err
	}
	first, last := events[0].ID, events[len(events)-1].ID
	for failures := 0; ; {
		err := h.attempt(ctx, body, first+".."+last)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			break
		}
		failures++
		h.failed(failures, err)
		wait(ctx, h.pause(failures, err))
		h.note()
	}
	if old := h.state.Swap(nil); old != nil {
		h.log.Info("Deliveries succeed again", "failures", old.failures)
	}
	h.delivered.Add(int64(len(events)))
	id, err := storage.ParseEventID(last)
	if err != nil {
		return err
	}
	h.advance(id)
	return nil
}

// failed notes a failure. The log has the first, and the one that makes the hook dead.
func (h *hook) failed(failures int, err error) {
	h.state.Store(&trouble{failures: failures, err: err})
	switch failures {
	case 1:
		h.log.Warn("A delivery failed and will be repeated", "error", err)
	case deadAfter:
		h.log.Error("Deliveries keep failing; they will be repeated", "failures", failures, "error", err)
	}
}

// pause returns how long to wait after so many failures: twice as long after each, up to
// a limit, and of that a random part from a half on, so that many daemons do not come at
// once. A receiver that names a time is given it, up to the limit.
func (h *hook) pause(failures int, err error) time.Duration {
	d := h.opts.LastTry
	if failures < 30 {
		d = min(d, h.opts.FirstTry<<(failures-1))
	}
	d = d/2 + rand.N(d/2+1)
	if refused, ok := errors.AsType[*refusedError](err); ok {
		d = min(max(d, refused.after), h.opts.LastTry)
	}
	return d
}

func (h *hook) attempt(ctx context.Context, body []byte, delivery string) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	h.attempts.Add(1)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the url cannot be used") // the error would repeat it
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "elava/"+h.opts.Version)
	r.Header.Set(HeaderDelivery, delivery)
	if len(h.Secret) > 0 {
		r.Header.Set(HeaderSignature, Sign(h.Secret, body))
	}
	resp, err := h.client.Do(r)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()                      // its status says all
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &refusedError{status: resp.StatusCode, after: retryAfter(resp)}
	}
	h.succeeded.Add(1)
	return nil
}

// withoutURL returns what went wrong without the URL, which may be a secret.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// refusedError is an answer that does not take a delivery.
type refusedError struct {
	status int
	after  time.Duration // that the receiver wants to be left alone; 0: it does not say
}

func (e *refusedError) Error() string {
	if e.status >= 300 && e.status < 400 {
		return fmt.Sprintf("the receiver answered %d; redirects are not followed", e.status)
	}
	return fmt.Sprintf("the receiver answered %d %s", e.status, http.StatusText(e.status))
}

// retryAfter reads the header of that name in its form in seconds.
func retryAfter(resp *http.Response) time.Duration {
	d, err := time.ParseDuration(resp.Header.Get("Retry-After") + "s")
	if err != nil {
		return 0
	}
	return max(d, 0)
}

// body renders a delivery. The same events give the same bytes.
func (h *hook) body(events []*storage.ChangeEvent) ([]byte, error) {
	var content any = Message{Revision: events[0].Revision, Time: events[0].Time.UTC(), Events: events}
	if h.Format == Slack {
		content = slackMessage(events)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(content); err != nil {
		return nil, fmt.Errorf("rendering changes: %w", err)
	}
	return b.Bytes(), nil
}
