package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/elava-dev/elava/provider"
)

// callError is a failure with a text that is the same in every scan, and the SDK's
// error, whose text holds ids of requests, behind it.
type callError struct {
	text string
	err  error
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.err }

// credentialsError marks a failure to get credentials.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "reading credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// lockedError says that a part is encrypted under a key that the caller cannot use, and that the rest
// is known.
type lockedError struct{ error }

// Unwrap returns what the service answered.
func (e *lockedError) Unwrap() error { return e.error }

// badAnswer is the failure of an answer that cannot be one.
func badAnswer(format string, args ...any) error {
	return &provider.Error{Reason: provider.ReasonBadAnswer, Err: fmt.Errorf(format, args...)}
}

// classify turns a failure of a call into a *provider.Error; what is one already comes
// back as it is. action is the IAM action that the call needs; empty: that of the operation.
func classify(err error, action string) error {
	var known *provider.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if action == "" {
		action = actionOfError(err)
	}
	reason := reasonOf(err)
	return &provider.Error{
		Reason: reason,
		Hint:   hintFor(reason, errorCode(err), action),
		Err:    &callError{text: textOf(err), err: err},
	}
}

// Error codes by what they mean: "Common Errors" of the services' API references,
// "Error codes for the Amazon EC2 API", "Error responses" of S3. Throttling codes are
// the SDK's own, retry.DefaultThrottleErrorCodes, and those below.
//
// AuthFailure and the three codes of unknown keys are also what services answer in a
// region that is not enabled for the account. They do not prove that: see looksDisabled.
var (
	deniedCodes = []string{
		"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "UnauthorizedAccess",
		"UnauthorizedException", "NotAuthorized", "NotAuthorizedException", "AuthorizationError",
		"AuthorizationErrorException", "AllAccessDisabled", "ExplicitDeny", "Forbidden", "AuthFailure",
		"KmsAccessDeniedException", "KMSAccessDeniedException", // of services that call KMS
	}
	credentialCodes = []string{
		"ExpiredToken", "ExpiredTokenException", "RequestExpired", "InvalidClientTokenId",
		"UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired",
		"SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature",
		"IncompleteSignatureException", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
		"RequestTimeTooSkewed", "RequestInTheFuture",
	}
	disabledCodes    = []string{"AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidToken"}
	unavailableCodes = []string{"OptInRequired", "SubscriptionRequiredException"}
	throttleCodes    = []string{"Throttled", "TooManyRequests", "KmsThrottlingException", "KMSThrottlingException"}
	timeoutCodes     = []string{"RequestTimeout", "RequestTimeoutException"}
)

// looksDisabled reports whether a failure is what services answer in a region that is not
// enabled, which EC2 in an enabled one can tell for certain.
func looksDisabled(err error) bool { return contains(disabledCodes, errorCode(err)) }

func reasonOf(err error) provider.Reason {
	var (
		noCredentials *credentialsError
		netErr        net.Error
	)
	switch code := errorCode(err); {
	case errors.As(err, &noCredentials):
		return provider.ReasonNoCredentials
	case errors.Is(err, context.Canceled):
		return provider.ReasonCancelled
	case code != "":
		return reasonOfCode(code)
	case statusOf(err) != 0 && !isNetwork(err):
		return reasonOfStatus(statusOf(err))
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr) && netErr.Timeout():
		return provider.ReasonTimeout
	case isNetwork(err):
		return provider.ReasonNetwork
	case isUnreadable(err):
		return provider.ReasonBadAnswer
	default:
		return provider.ReasonOther
	}
}

func reasonOfCode(code string) provider.Reason {
	_, throttled := retry.DefaultThrottleErrorCodes[code]
	switch {
	case throttled || contains(throttleCodes, code):
		return provider.ReasonThrottled
	case contains(deniedCodes, code):
		return provider.ReasonAccessDenied
	case contains(credentialCodes, code):
		return provider.ReasonNoCredentials
	case contains(unavailableCodes, code):
		return provider.ReasonUnavailable
	case contains(timeoutCodes, code):
		return provider.ReasonTimeout
	default:
		return provider.ReasonOther
	}
}

// contains also accepts the old spelling of EC2 and SQS: "Client.UnauthorizedOperation".
func contains(codes []string, code string) bool {
	code = code[strings.LastIndexByte(code, '.')+1:]
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}

// reasonOfStatus is for answers without an error code. A success is among them where
// the body could not be read.
func reasonOfStatus(status int) provider.Reason {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return provider.ReasonAccessDenied
	case http.StatusTooManyRequests:
		return provider.ReasonThrottled
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return provider.ReasonTimeout
	default:
		return provider.ReasonBadAnswer
	}
}

// noCodes are what the SDK calls an answer without an error code. The client of S3 makes a
// code of the HTTP status; those of proxies and load balancers are no codes of S3 ("Error
// responses" of the S3 API Reference).
var noCodes = []string{"UnknownError", "BadGateway", "GatewayTimeout"}

// errorCode returns the code of the API's error; empty where the answer has none.
func errorCode(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) || slices.Contains(noCodes, api.ErrorCode()) {
		return ""
	}
	return api.ErrorCode()
}

// statusOf returns the HTTP status of an answer that is an error, else 0.
func statusOf(err error) int {
	var r *smithyhttp.ResponseError
	if !errors.As(err, &r) || r.Response == nil {
		return 0
	}
	return r.HTTPStatusCode()
}

func isNetwork(err error) bool {
	var (
		send  *smithyhttp.RequestSendError
		netOp *net.OpError
		dns   *net.DNSError
	)
	return errors.As(err, &send) || errors.As(err, &netOp) || errors.As(err, &dns) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// unknownHost returns the name of the host that is not known, empty for all other failures.
func unknownHost(err error) string {
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsNotFound {
		return ""
	}
	return dns.Name
}

func isUnreadable(err error) bool {
	var (
		decoding *smithy.DeserializationError
		none     *notAnAnswer
	)
	return errors.As(err, &decoding) || errors.As(err, &none)
}

func hintFor(reason provider.Reason, code, action string) string {
	switch {
	case contains([]string{"RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"}, code):
		return "set the clock of this machine"
	case contains(disabledCodes, code):
		return "check the credentials, and whether the region is enabled for the account"
	case reason == provider.ReasonNoCredentials:
		return "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where a role is attached; " +
			"renew them if they expired"
	case reason == provider.ReasonAccessDenied && action != "":
		return "grant the action " + action
	case reason == provider.ReasonUnavailable:
		return "enable the region or the service for the account, or leave it out"
	default:
		return ""
	}
}

// textOf says what failed in words that do not change from scan to scan: operation,
// error code and message, without the ids, attempts and addresses that the SDK adds.
func textOf(err error) string {
	var op *smithy.OperationError
	if errors.As(err, &op) && op.ServiceID != imds.ServiceID {
		return serviceLabel(op.ServiceID) + " " + op.OperationName + ": " + causeOf(op.Err)
	}
	return causeOf(err)
}

func causeOf(err error) string {
	var (
		noCredentials *credentialsError
		api           smithy.APIError
		decoding      *smithy.DeserializationError
		none          *notAnAnswer
	)
	switch code := errorCode(err); {
	case errors.As(err, &noCredentials):
		return "reading credentials: " + credentialsCause(noCredentials.err)
	case code != "":
		errors.As(err, &api)
		if message := stable(api.ErrorMessage()); message != "" {
			return code + ": " + message
		}
		return code
	case isNetwork(err):
		return networkCause(err)
	case errors.As(err, &none):
		return none.Error()
	case statusOf(err) >= 300:
		return fmt.Sprintf("HTTP status %d without an error code", statusOf(err))
	case errors.As(err, &decoding) && decoding.Err != nil:
		return "the answer cannot be read: " + stable(decoding.Err.Error())
	default:
		return stable(err.Error())
	}
}

// credentialsCause leaves out how the instance metadata service could not be reached:
// that is what it looks like where there is none.
func credentialsCause(err error) string {
	for e := err; e != nil; {
		var op *smithy.OperationError
		if !errors.As(e, &op) {
			break
		}
		if op.ServiceID == imds.ServiceID {
			return "none in the environment, in the shared files, or from the instance's metadata"
		}
		e = op.Err
	}
	return textOf(err)
}

// networkCause returns "ec2.us-east-1.amazonaws.com: connection refused": the name
// asked for and the innermost reason. Resolved addresses and local ports differ from
// one attempt to the next.
func networkCause(err error) string {
	var (
		dns    *net.DNSError
		netErr net.Error
		errno  syscall.Errno
		sent   *url.Error
		host   string
	)
	if errors.As(err, &sent) {
		if u, e := url.Parse(sent.URL); e == nil {
			host = u.Host + ": "
		}
	}
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return dns.Name + ": no such host"
	case errors.As(err, &errno):
		return host + errno.Error()
	case errors.As(err, &netErr) && netErr.Timeout():
		return host + "timed out"
	case errors.As(err, &dns):
		return dns.Name + ": " + stable(dns.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return host + "the connection was closed in the middle of the answer"
	case sent != nil:
		return host + stable(sent.Err.Error())
	default:
		return stable(err.Error())
	}
}

// unstable matches what changes in the texts of one and the same failure.
var unstable = []struct {
	pattern *regexp.Regexp
	with    string
}{
	// EC2 encodes the request's context in what it denies: hundreds of characters that
	// differ each time ("Decode Authorization Message" of the STS API Reference).
	{regexp.MustCompile(`\.?\s*Encoded authorization failure message: \S+`), ""},
	{regexp.MustCompile(`exceeded maximum number of attempts, \d+, `), ""},
	{regexp.MustCompile(`failed to get rate limit token, retry quota exceeded, \d+ available, \d+ requested`), "too many retries"},
	{regexp.MustCompile(`https response error StatusCode: (\d+)(, RequestID: [^,]*)?(, HostID: [^,]*)?(, )?`), ""},
	{regexp.MustCompile(`(?i),?\s*\(?(request|host)[ _-]?id:? [A-Za-z0-9+/=-]+\)?`), ""},
	{regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`), "..."},
	{regexp.MustCompile(`\d{4}-?\d\d-?\d\dT\d\d:?\d\d:?\d\d(\.\d+)?Z?`), "..."},
	{regexp.MustCompile(`\s+`), " "},
}

// maxText bounds messages; a server may send anything.
const maxText = 500

func stable(text string) string {
	for _, u := range unstable {
		text = u.pattern.ReplaceAllString(text, u.with)
	}
	text = strings.TrimSpace(strings.ToValidUTF8(text, "?"))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "..."
	}
	return text
}
