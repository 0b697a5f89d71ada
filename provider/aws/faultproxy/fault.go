package faultproxy

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
)

// Fault is what becomes of a call.
type Fault string

// Faults. The first group answers in the form of the call's protocol.
const (
	Throttle     Fault = "throttle"      // EC2 RequestLimitExceeded, query Throttling, JSON ThrottlingException, S3 SlowDown
	Deny         Fault = "deny"          // AccessDenied as the service spells it
	NotAvailable Fault = "not_available" // OptInRequired: the account has no such service or region
	Internal     Fault = "internal"      // 500
	Overloaded   Fault = "overloaded"    // 503

	CutBefore Fault = "cut_before" // the connection closes instead of an answer
	CutWithin Fault = "cut_within" // the connection closes in the middle of the body
	Truncate  Fault = "truncate"   // half the body, framed as if it were all
	Prologue  Fault = "prologue"   // the body's first line or byte, framed as if it were all
	Garbage   Fault = "garbage"    // 200 and text that no protocol knows
	Stranger  Fault = "stranger"   // 200 and a well-formed answer to another question
	HTML      Fault = "html"       // 200 and a web page
	BadPage   Fault = "bad_page"   // 502 and a web page
	Empty     Fault = "empty"      // 200 and no body
	Hang      Fault = "hang"       // no answer until the client gives up
	Slow      Fault = "slow"       // the answer, later

	// Only for listings.
	EmptyPage     Fault = "empty_page"     // no element and a token that leads to the page
	RepeatedToken Fault = "repeated_token" // the page with the token by which it was asked for
	EmptyList     Fault = "empty_list"     // a complete answer without elements: a lie
	ShortList     Fault = "short_list"     // a complete answer with the first element only: a lie

	Rewrite Fault = "rewrite" // the answer as Rule.Rewrite makes it
)

// Faults returns those that are no lies: after any of them a client can know that it was
// not given the answer, or has been given it.
func Faults() []Fault {
	return []Fault{
		Throttle, Deny, NotAvailable, Internal, Overloaded,
		CutBefore, CutWithin, Truncate, Prologue, Garbage, Stranger, HTML, BadPage, Empty, Hang, Slow,
		EmptyPage, RepeatedToken,
	}
}

// forListings reports whether a fault makes sense for listings only.
func (f Fault) forListings() bool {
	return f == EmptyPage || f == RepeatedToken || f == EmptyList || f == ShortList
}

// answer is what goes back to the client.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// plain is an answer of our own.
func plain(status int, contentType, body string) *answer {
	return &answer{status: status, header: http.Header{"Content-Type": {contentType}}, body: []byte(body)}
}

// refusal is an error as a service spells it.
type refusal struct {
	status        int
	code, message string
}

// refusals of the protocols, and of services that have a spelling of their own: "Common
// Errors" and "Errors" of the API references.
var refusals = map[Fault]struct {
	byProtocol map[Protocol]refusal
	byService  map[string]refusal
}{
	Throttle: {
		byProtocol: map[Protocol]refusal{
			EC2Query: {503, "RequestLimitExceeded", "Request limit exceeded."},
			Query:    {400, "Throttling", "Rate exceeded"},
			JSON:     {400, "ThrottlingException", "Rate exceeded"},
			RESTJSON: {429, "TooManyRequestsException", "Rate Exceeded."},
			RESTXML:  {503, "SlowDown", "Please reduce your request rate."},
		},
	},
	Deny: {
		byProtocol: map[Protocol]refusal{
			EC2Query: {403, "UnauthorizedOperation", "You are not authorized to perform this operation."},
			Query:    {403, "AccessDenied", "User is not authorized to perform this operation"},
			JSON:     {400, "AccessDeniedException", "User is not authorized to perform this operation"},
			RESTJSON: {403, "AccessDeniedException", "User is not authorized to perform this operation"},
			RESTXML:  {403, "AccessDenied", "Access Denied"},
		},
		byService: map[string]refusal{"sns": {403, "AuthorizationError", "User is not authorized to perform this operation"}},
	},
	NotAvailable: {
		byProtocol: map[Protocol]refusal{
			EC2Query: {401, "OptInRequired", "You are not subscribed to this service."},
			Query:    {403, "OptInRequired", "The AWS Access Key Id needs a subscription for the service"},
			JSON:     {400, "SubscriptionRequiredException", "The AWS Access Key Id needs a subscription for the service"},
			RESTJSON: {403, "SubscriptionRequiredException", "The AWS Access Key Id needs a subscription for the service"},
			RESTXML:  {403, "OptInRequired", "The AWS Access Key Id needs a subscription for the service"},
		},
	},
	Internal: {
		byProtocol: map[Protocol]refusal{
			EC2Query: {500, "InternalError", "An internal error has occurred"},
			Query:    {500, "InternalFailure", "The request processing has failed"},
			JSON:     {500, "InternalServerError", "The request processing has failed"},
			RESTJSON: {500, "ServiceException", "The service encountered an internal error"},
			RESTXML:  {500, "InternalError", "We encountered an internal error. Please try again."},
		},
	},
	Overloaded: {
		byProtocol: map[Protocol]refusal{
			EC2Query: {503, "Unavailable", "The server is overloaded and can't handle the request."},
			Query:    {503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."},
			JSON:     {503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."},
			RESTJSON: {503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server."},
			RESTXML:  {503, "ServiceUnavailable", "Reduce your request rate."},
		},
	},
}

// refuse returns the error by which the call's service says f; nil where it has none.
func refuse(f Fault, c Call) *answer {
	forms, ok := refusals[f]
	if !ok {
		return nil
	}
	r, ok := forms.byService[c.Service]
	if !ok {
		r = forms.byProtocol[c.wraps()]
	}
	a := r.answer(c)
	if c.Operation == "HeadBucket" {
		a.body = nil
	}
	return a
}

func (r refusal) answer(c Call) *answer {
	const request = "00000000-0000-4000-8000-000000000000"
	switch c.wraps() {
	case EC2Query:
		return plain(r.status, "text/xml;charset=UTF-8", fmt.Sprintf(
			`<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>`,
			r.code, escape(r.message), request))
	case Query:
		return plain(r.status, "text/xml", fmt.Sprintf(
			`<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>`,
			r.code, escape(r.message), request))
	case RESTXML:
		return plain(r.status, "application/xml", fmt.Sprintf(
			`<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>`,
			r.code, escape(r.message), request))
	default:
		body, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.service#" + r.code, "message": r.message})
		a := plain(r.status, "application/x-amz-json-1.0", string(body))
		a.header.Set("X-Amzn-Errortype", r.code)
		return a
	}
}

// wraps is the protocol whose errors look like the call's: S3 alone does not wrap them.
func (c Call) wraps() Protocol {
	if c.Protocol == RESTXML && c.Service != "s3" {
		return Query
	}
	return c.Protocol
}

func escape(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

const webPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><h1>Welcome to the guest network</h1></body></html>\n"

// pretend returns an answer that is none of the service's; nil where f asks for none.
func pretend(f Fault, c Call) *answer {
	switch f {
	case Garbage:
		return plain(http.StatusOK, "text/plain", "upstream connect error or disconnect/reset before headers\n")
	case Stranger:
		if c.isJSON() {
			return plain(http.StatusOK, "application/json", `["of","another","kind"]`)
		}
		return plain(http.StatusOK, "text/xml", `<?xml version="1.0"?><SomethingElse><status>ok</status></SomethingElse>`)
	case HTML:
		return plain(http.StatusOK, "text/html", webPage)
	case BadPage:
		return plain(http.StatusBadGateway, "text/html", webPage)
	case Empty:
		return plain(http.StatusOK, "text/xml", "")
	default:
		return nil
	}
}

// spoil breaks the body of a good answer; other faults leave it as it is.
func spoil(f Fault, a *answer, rewrite func([]byte) []byte) *answer {
	b := *a
	switch f {
	case Truncate:
		b.body = a.body[:len(a.body)/2]
	case Prologue:
		b.body = prologue(a.body)
	case Rewrite:
		b.body = rewrite(bytes.Clone(a.body))
	default:
	}
	return &b
}

// prologue is what stands before the answer proper: the XML declaration, or the first
// byte where there is none.
func prologue(body []byte) []byte {
	if end := bytes.Index(body, []byte("?>")); end >= 0 {
		return body[:end+2]
	}
	return body[:min(1, len(body))]
}
