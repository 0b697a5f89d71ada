package aws

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/elava-dev/elava/provider"
)

// callCounters count the attempts of API calls.
type callCounters struct {
	calls, throttles metric.Int64Counter
}

func newCallCounters(mp metric.MeterProvider) (*callCounters, error) {
	meter := mp.Meter("github.com/elava-dev/elava/provider/aws")
	calls, err1 := meter.Int64Counter("elava_aws_api_calls_total",
		metric.WithDescription("Attempts of AWS API calls, by the code of the answer."))
	throttles, err2 := meter.Int64Counter("elava_aws_api_throttles_total",
		metric.WithDescription("Attempts of AWS API calls that AWS refused because there were too many."))
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("aws: making instruments: %w", err)
	}
	return &callCounters{calls, throttles}, nil
}

// instrument counts every attempt of a call. It stands outermost in the last step of
// the SDK's stack, which is run once for each attempt, behind the decoding of errors.
func (c *callCounters) instrument(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("elavaCountCalls",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error,
		) {
			out, md, err := next.HandleDeserialize(ctx, in)
			c.count(ctx, err)
			return out, md, err
		}), middleware.Before)
}

func (c *callCounters) count(ctx context.Context, err error) {
	code, throttled := codeLabel(err)
	op := []attribute.KeyValue{
		attribute.String("service", serviceLabel(awsmiddleware.GetServiceID(ctx))),
		attribute.String("operation", awsmiddleware.GetOperationName(ctx)),
	}
	ctx = context.WithoutCancel(ctx) // a call that was cancelled was made
	c.calls.Add(ctx, 1, metric.WithAttributes(append(op, attribute.String("code", code))...))
	c.throttles.Add(ctx, throttled, metric.WithAttributes(op...)) // 0 makes it exist
}

// plainCode is what error codes look like. Anything else must not become a label.
var plainCode = regexp.MustCompile(`^[A-Za-z0-9._-]{1,80}$`)

// codeLabel returns "OK", the API's error code, or the reason why there is none.
func codeLabel(err error) (code string, throttled int64) {
	if err == nil {
		return "OK", 0
	}
	reason := reasonOf(err)
	if reason == provider.ReasonThrottled {
		throttled = 1
	}
	if code := errorCode(err); plainCode.MatchString(code) {
		return code, throttled
	}
	return string(reason), throttled
}

// serviceLabel is "ec2" for the SDK's service id "EC2", "elasticloadbalancingv2" for
// "Elastic Load Balancing v2".
func serviceLabel(serviceID string) string {
	return strings.ToLower(strings.ReplaceAll(serviceID, " ", ""))
}

// notAnAnswer is an answer with a status of success that holds no answer. The SDK's
// decoders take an empty body, a web page, plain text, an XML declaration without
// anything behind it and an answer to another question for a list without elements.
type notAnAnswer struct{ what string }

func (e *notAnAnswer) Error() string { return e.what }

// RetryableError has the SDK try again: such answers come from something in between.
func (*notAnAnswer) RetryableError() bool { return true }

// checkAnswers refuses answers that do not begin as those of their operation do.
func checkAnswers(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("elavaCheckAnswers",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error,
		) {
			out, md, err := next.HandleDeserialize(ctx, in)
			if err != nil {
				return out, md, err
			}
			if r, ok := out.RawResponse.(*smithyhttp.Response); ok {
				roots := rootsOf(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx))
				err = checkAnswer(in.Request, r, roots)
			}
			return out, md, err
		}), middleware.After)
}

// s3Roots are the root elements of the answers that S3 gives to the operations used here
// (S3 API Reference, "Response Syntax").
var s3Roots = map[string]string{
	"ListBuckets":          "ListAllMyBucketsResult",
	"GetBucketTagging":     "Tagging",
	"GetBucketEncryption":  "ServerSideEncryptionConfiguration",
	"GetBucketVersioning":  "VersioningConfiguration",
	"GetPublicAccessBlock": "PublicAccessBlockConfiguration",
}

// rootsOf returns the names that the root element of an operation's answer can have, and
// none where the answer is a JSON object.
func rootsOf(serviceID, operation string) []string {
	switch serviceID {
	case ec2.ServiceID, rds.ServiceID, iam.ServiceID, sns.ServiceID, sts.ServiceID, elbv2.ServiceID:
		return []string{operation + "Response"}
	case s3.ServiceID:
		root, ok := s3Roots[operation]
		if !ok {
			return nil // GetBucketPolicy answers with the policy
		}
		return []string{root, operation + "Response"} // some servers name it so for all services
	default:
		return nil
	}
}

// headSize is how much of an answer is looked at. Its root element begins within.
const headSize = 1024

func checkAnswer(request any, r *smithyhttp.Response, roots []string) error {
	q, ok := request.(*smithyhttp.Request)
	if !ok || q.Method == http.MethodHead || r.StatusCode < 200 || r.StatusCode > 299 {
		return nil
	}
	br := bufio.NewReaderSize(r.Body, headSize)
	head, err := br.Peek(headSize)
	r.Body = struct {
		io.Reader
		io.Closer
	}{br, r.Body}
	if err != nil && err != io.EOF {
		return nil // the decoder meets it again
	}
	what := notAs(roots, bytes.TrimSpace(head))
	if what == "" {
		return nil
	}
	_ = r.Body.Close()
	return &smithy.DeserializationError{Err: &notAnAnswer{what}}
}

// notAs says what the beginning of an answer is where it is not that of an answer with
// one of the root elements, or of a JSON object where there are none.
func notAs(roots []string, head []byte) string {
	lower := bytes.ToLower(head)
	switch {
	case len(head) == 0:
		return "the answer is empty"
	case head[0] == '<' && (bytes.Contains(lower, []byte("<html")) || bytes.Contains(lower, []byte("<!doctype html"))):
		return "the answer is a web page"
	case len(roots) == 0 && head[0] != '{':
		return "the answer is no JSON object"
	case len(roots) > 0 && !slices.Contains(roots, firstElement(head)):
		return "the answer is no " + roots[0]
	default:
		return ""
	}
}

// firstElement returns the name of the first element; "" where there is none.
func firstElement(head []byte) string {
	d := xml.NewDecoder(bytes.NewReader(head))
	for {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		if e, ok := t.(xml.StartElement); ok {
			return e.Name.Local
		}
	}
}
