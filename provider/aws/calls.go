package aws

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/elava-dev/elava/provider"
)

// callCounters count the attempts of API calls and the time for which they were held back.
type callCounters struct {
	calls, throttles metric.Int64Counter
	waits            metric.Float64Counter
}

func newCallCounters(mp metric.MeterProvider) (*callCounters, error) {
	meter := mp.Meter("github.com/elava-dev/elava/provider/aws")
	calls, err1 := meter.Int64Counter("elava_aws_api_calls_total",
		metric.WithDescription("Attempts of AWS API calls, by the code of the answer."))
	throttles, err2 := meter.Int64Counter("elava_aws_api_throttles_total",
		metric.WithDescription("Attempts of AWS API calls that AWS refused because there were too many."))
	waits, err3 := meter.Float64Counter("elava_aws_api_wait_seconds_total",
		metric.WithDescription("Seconds for which calls of the AWS API waited for their turn in the API budget."))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("aws: making instruments: %w", err)
	}
	return &callCounters{calls, throttles, waits}, nil
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
	op := operationLabels(ctx)
	ctx = context.WithoutCancel(ctx) // a call that was cancelled was made
	c.calls.Add(ctx, 1, metric.WithAttributes(append(op, attribute.String("code", code))...))
	c.throttles.Add(ctx, throttled, metric.WithAttributes(op...)) // 0 makes it exist
}

// waited counts the time for which the call that ctx belongs to was held back.
func (c *callCounters) waited(ctx context.Context, d time.Duration) {
	c.waits.Add(context.WithoutCancel(ctx), d.Seconds(), metric.WithAttributes(operationLabels(ctx)...))
}

func operationLabels(ctx context.Context) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("service", serviceLabel(awsmiddleware.GetServiceID(ctx))),
		attribute.String("operation", awsmiddleware.GetOperationName(ctx)),
	}
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
