package aws

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	connectTimeout = 5 * time.Second

	// maxIdlePerHost keeps the connections of all scopes of a service in a region for
	// the next scan's first calls. net/http keeps 2, the SDK 10.
	maxIdlePerHost = 32
	maxIdle        = 512

	// maxBufferedBody bounds the request bodies that are copied. Requests that read
	// are far smaller.
	maxBufferedBody = 1 << 20
)

// httpClient is the one HTTP client of all SDK clients of a session. The SDK gives
// each of its clients a pool of connections of its own; here they share one.
type httpClient struct {
	inner     aws.HTTPClient
	closeIdle func()
}

func newBuildableClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = connectTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.MaxIdleConns = maxIdle
			t.MaxIdleConnsPerHost = maxIdlePerHost
		})
}

// newHTTPClient wraps the client of an SDK configuration; nil stands for the default.
func newHTTPClient(from aws.HTTPClient) *httpClient {
	if from == nil {
		from = newBuildableClient()
	}
	if b, ok := from.(*awshttp.BuildableClient); ok {
		t := b.GetTransport()
		return &httpClient{
			inner:     &http.Client{Transport: t, CheckRedirect: limitRedirects},
			closeIdle: t.CloseIdleConnections,
		}
	}
	c := &httpClient{inner: from, closeIdle: func() {}}
	if closer, ok := from.(interface{ CloseIdleConnections() }); ok {
		c.closeIdle = closer.CloseIdleConnections
	}
	return c
}

// limitRedirects follows what keeps method and body, as the SDK's own client does.
func limitRedirects(r *http.Request, via []*http.Request) error {
	if s := r.Response.StatusCode; s != http.StatusTemporaryRedirect && s != http.StatusPermanentRedirect || len(via) >= 10 {
		return http.ErrUseLastResponse
	}
	return nil
}

// Do sends a request with a copy of its body. The SDK closes the body as soon as the
// response's headers are there; where net/http has not yet noticed that it sent all of
// it, it then drops the connection in the middle of the response.
func (c *httpClient) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength > 0 && r.ContentLength <= maxBufferedBody {
		b, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
		r.Body, _ = r.GetBody()
	}
	return c.inner.Do(r)
}

const (
	defaultMaxAttempts = 5

	// Delays before attempts grow from twice these to the maximum, with full jitter.
	// Five attempts at a dead endpoint take 3 s at most; the SDK's own delays, up to
	// 2, 4, 8 and 16 s, fit throttling only.
	failureDelay  = 100 * time.Millisecond
	throttleDelay = 500 * time.Millisecond
	maxDelay      = 20 * time.Second
)

// newRetryer returns a maker of the SDK's standard retryer with our delays.
func newRetryer(maxAttempts int) func() aws.Retryer {
	throttles := retry.IsErrorThrottles(retry.DefaultThrottles)
	delay := retry.BackoffDelayerFunc(func(attempt int, err error) (time.Duration, error) {
		base := failureDelay
		if throttles.IsErrorThrottle(err) == aws.TrueTernary {
			base = throttleDelay
		}
		return time.Duration(rand.Float64() * float64(min(base<<min(attempt, 16), maxDelay))), nil
	})
	return func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = maxAttempts
			o.Backoff = delay
			o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(cutOff))
		})
	}
}

// cutOff has answers read again that ended too early. The SDK retries only what failed
// before the answer began.
func cutOff(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}
