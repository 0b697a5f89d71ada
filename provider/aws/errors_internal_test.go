package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/elava-dev/elava/provider"
)

// failed wraps an error as the SDK does on its way through the stack.
func failed(status int, err error) error {
	if status != 0 {
		err = &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: err}
	}
	return &smithy.OperationError{ServiceID: "EC2", OperationName: "DescribeInstances", Err: &retry.MaxAttemptsError{Attempt: 5, Err: err}}
}

func api(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }

func sent(err error) error {
	return &smithyhttp.RequestSendError{Err: &url.Error{Op: "Post", URL: "https://ec2.us-east-1.amazonaws.com/", Err: err}}
}

func TestClassify(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 443}, Err: err}
	}
	for _, tt := range []struct {
		err    error
		reason provider.Reason
		text   string
	}{
		{
			failed(403, api("UnauthorizedOperation", "You are not authorized to perform this operation. Encoded authorization failure message: 3kf9-A_x")),
			provider.ReasonAccessDenied,
			"ec2 DescribeInstances: UnauthorizedOperation: You are not authorized to perform this operation: grant the action ec2:DescribeInstances",
		},
		{failed(403, api("Client.UnauthorizedOperation", "")), provider.ReasonAccessDenied, "ec2 DescribeInstances: Client.UnauthorizedOperation: grant the action ec2:DescribeInstances"},
		{failed(503, api("RequestLimitExceeded", "Request limit exceeded.")), provider.ReasonThrottled, "ec2 DescribeInstances: RequestLimitExceeded: Request limit exceeded."},
		{failed(502, api("BadGateway", "Bad Gateway")), provider.ReasonBadAnswer, "ec2 DescribeInstances: HTTP status 502 without an error code"},
		{failed(504, api("GatewayTimeout", "Gateway Timeout")), provider.ReasonTimeout, "ec2 DescribeInstances: HTTP status 504 without an error code"},
		{failed(503, api("SlowDown", "")), provider.ReasonThrottled, "ec2 DescribeInstances: SlowDown"},
		{failed(400, api("ThrottlingException", "Rate exceeded")), provider.ReasonThrottled, "ec2 DescribeInstances: ThrottlingException: Rate exceeded"},
		{failed(500, api("InternalError", "An internal error has occurred. (RequestID: 4f6d-1)")), provider.ReasonOther, "ec2 DescribeInstances: InternalError: An internal error has occurred."},
		{failed(401, api("AuthFailure", "AWS was not able to validate the provided access credentials")), provider.ReasonAccessDenied, "ec2 DescribeInstances: AuthFailure: AWS was not able to validate the provided access credentials: check the credentials, and whether the region is enabled for the account"},
		{failed(403, api("ExpiredToken", "The security token included in the request is expired")), provider.ReasonNoCredentials, "ec2 DescribeInstances: ExpiredToken: The security token included in the request is expired: set AWS_PROFILE"},
		{failed(403, api("SignatureDoesNotMatch", "Signature expired: 20150906T195852Z is now earlier than 20150906T195914Z (20150906T200414Z - 5 min.)")), provider.ReasonNoCredentials, "ec2 DescribeInstances: SignatureDoesNotMatch: Signature expired: ... is now earlier than ... (... - 5 min.): set"},
		{failed(403, api("OptInRequired", "You are not subscribed to this service")), provider.ReasonUnavailable, "ec2 DescribeInstances: OptInRequired: You are not subscribed to this service: enable"},
		{failed(400, api("RequestTimeout", "too slow")), provider.ReasonTimeout, "ec2 DescribeInstances: RequestTimeout: too slow"},
		{failed(500, &smithy.DeserializationError{Err: errors.New("invalid character '<'")}), provider.ReasonBadAnswer, "ec2 DescribeInstances: HTTP status 500 without an error code"},
		{failed(404, api("UnknownError", "UnknownError")), provider.ReasonBadAnswer, "ec2 DescribeInstances: HTTP status 404 without an error code"},
		{failed(403, api("UnknownError", "UnknownError")), provider.ReasonAccessDenied, "ec2 DescribeInstances: HTTP status 403 without an error code: grant"},
		{failed(429, api("UnknownError", "UnknownError")), provider.ReasonThrottled, "ec2 DescribeInstances: HTTP status 429 without an error code"},
		{failed(200, &smithy.DeserializationError{Err: &notAnAnswer{"the answer is empty"}}), provider.ReasonBadAnswer, "ec2 DescribeInstances: the answer is empty"},
		{failed(200, &smithy.DeserializationError{Err: errors.New("XML syntax error on line 3")}), provider.ReasonBadAnswer, "ec2 DescribeInstances: the answer cannot be read: XML syntax error on line 3"},
		{failed(200, &smithy.DeserializationError{Err: fmt.Errorf("failed to decode: %w", io.ErrUnexpectedEOF)}), provider.ReasonNetwork, "ec2 DescribeInstances: the connection was closed in the middle of the answer"},
		{failed(0, sent(dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)))), provider.ReasonNetwork, "ec2 DescribeInstances: ec2.us-east-1.amazonaws.com: connection refused"},
		{failed(0, sent(dial(&net.DNSError{Err: "no such host", Name: "ec2.mars-1.amazonaws.com", Server: "10.0.0.2:53", IsNotFound: true}))), provider.ReasonNetwork, "ec2 DescribeInstances: ec2.mars-1.amazonaws.com: no such host"},
		{failed(0, sent(dial(os.ErrDeadlineExceeded))), provider.ReasonTimeout, "ec2 DescribeInstances: ec2.us-east-1.amazonaws.com: timed out"},
		{failed(0, sent(io.EOF)), provider.ReasonNetwork, "ec2 DescribeInstances: ec2.us-east-1.amazonaws.com: the connection was closed"},
		{failed(0, &smithy.CanceledError{Err: context.Canceled}), provider.ReasonCancelled, "ec2 DescribeInstances: canceled"},
		{failed(0, &smithy.CanceledError{Err: context.DeadlineExceeded}), provider.ReasonTimeout, "ec2 DescribeInstances: canceled"},
		{
			failed(0, fmt.Errorf("get identity: %w", &credentialsError{&smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: api("AccessDenied", "no")}})),
			provider.ReasonNoCredentials, "ec2 DescribeInstances: reading credentials: sts AssumeRole: AccessDenied: no: set AWS_PROFILE",
		},
		{
			failed(0, fmt.Errorf("get identity: %w", &credentialsError{fmt.Errorf("no EC2 IMDS role found, %w", &smithy.OperationError{ServiceID: "ec2imds", OperationName: "GetMetadata", Err: context.DeadlineExceeded})})),
			provider.ReasonNoCredentials, "ec2 DescribeInstances: reading credentials: none in the environment",
		},
		{errors.New("odd"), provider.ReasonOther, "odd"},
	} {
		err := classify(tt.err, "ec2:DescribeInstances")
		if got := provider.ReasonOf(err); got != tt.reason {
			t.Errorf("%v: reason %q, want %q", tt.err, got, tt.reason)
		}
		if got := err.Error(); !strings.HasPrefix(got, tt.text) {
			t.Errorf("text is\n  %q, want\n  %q", got, tt.text)
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%v: the cause is lost", tt.err)
		}
		if again := classify(err, "other:Action"); again != err {
			t.Errorf("%v: classified a second time", err)
		}
	}
	if classify(nil, "x") != nil {
		t.Error("nil became an error")
	}
}

func TestStable_LeavesOutWhatChanges(t *testing.T) {
	for in, want := range map[string]string{
		"operation failed, https response error StatusCode: 400, RequestID: ABC-1, HostID: xy=, boom": "operation failed, boom",
		"exceeded maximum number of attempts, 5, boom":                                                "boom",
		"bad 123e4567-e89b-12d3-a456-426614174000 at 2025-10-22T10:00:00Z":                            "bad ... at ...",
		"two\n  lines": "two lines",
	} {
		if got := stable(in); got != want {
			t.Errorf("stable(%q) = %q, want %q", in, got, want)
		}
	}
	if got := stable(strings.Repeat("é", 1000)); len(got) > maxText+3 {
		t.Errorf("%d bytes long", len(got))
	}
}
