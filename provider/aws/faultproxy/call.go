package faultproxy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Protocol is how a service writes requests, answers and errors.
type Protocol int

// The protocols of the services that Elava lists. Unknown is for requests that are not
// signed, and for those of services that write in another: they pass as they are.
const (
	Unknown  Protocol = iota
	EC2Query          // form in, XML out, errors within <Response>
	Query             // form in, XML out, errors within <ErrorResponse>
	JSON              // X-Amz-Target, JSON in and out
	RESTJSON          // method and path in, JSON out: Lambda, EKS
	RESTXML           // method and path in, XML out: S3, Route 53
)

// Call is what a request asks for.
type Call struct {
	Service   string // name in signatures: "ec2", "elasticloadbalancing"
	Operation string // "DescribeVolumes"; empty where it is not known
	Region    string // that it is signed for
	Page      int    // of a listing that the proxy cuts into pages, from 1; 1 for all else
	Protocol  Protocol

	token token
}

// Name is "ec2.DescribeVolumes".
func (c Call) Name() string { return c.Service + "." + c.Operation }

// Reads reports whether the call changes nothing.
func (c Call) Reads() bool { return readOperation.MatchString(c.Operation) }

var readOperation = regexp.MustCompile(`^(Batch)?(Describe|Get|Head|List)[A-Z]`)

// protocolOf tells how a service writes, of those that protocols lacks by the request.
func protocolOf(r *http.Request, service string, body []byte) Protocol {
	if p := protocols[service]; p != Unknown {
		return p
	}
	switch {
	case service == "":
		return Unknown
	case r.Header.Get("X-Amz-Target") != "":
		return JSON
	case bytes.HasPrefix(body, []byte("Action=")):
		return Query
	default:
		return restServices[service].protocol
	}
}

// protocols are those of the services that tests write much about, by their names in
// signatures.
var protocols = map[string]Protocol{
	"ec2": EC2Query,
	"rds": Query, "sns": Query, "iam": Query, "sts": Query, "elasticloadbalancing": Query,
	"sqs": JSON, "dynamodb": JSON,
	"lambda": RESTJSON,
	"s3":     RESTXML,
}

// credential is the scope of a signature: "Credential=AKID/20251022/us-east-1/ec2/aws4_request".
var credential = regexp.MustCompile(`Credential=[^/,]+/[0-9]{8}/([^/]+)/([^/]+)/aws4_request`)

// recognise tells what a request with that body asks for.
func recognise(r *http.Request, body []byte) Call {
	c := Call{Page: 1}
	if m := credential.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		c.Region, c.Service = m[1], m[2]
	}
	c.Protocol = protocolOf(r, c.Service, body)
	switch c.Protocol {
	case EC2Query, Query:
		if form, err := url.ParseQuery(string(body)); err == nil {
			c.Operation = form.Get("Action")
		}
	case JSON:
		_, c.Operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	case RESTJSON:
		if c.Operation = restServices[c.Service].operation(r); c.Operation == "" && c.Service == "lambda" {
			c.Operation = lambdaOperation(r)
		}
	case RESTXML:
		if c.Operation = restServices[c.Service].operation(r); c.Operation == "" && c.Service == "s3" {
			c.Operation = s3Operation(r)
		}
	case Unknown:
	}
	if t, ok := findToken(r.URL.RawQuery, string(body)); ok {
		c.token, c.Page = t, t.page
	}
	return c
}

// lambdaOperation knows the calls that list functions and their tags (Lambda API
// Reference).
func lambdaOperation(r *http.Request) string {
	path := strings.TrimSuffix(r.URL.Path, "/")
	switch {
	case r.Method != http.MethodGet:
		return ""
	case strings.HasSuffix(path, "/functions"):
		return "ListFunctions"
	case strings.Contains(path, "/tags/"):
		return "ListTags"
	default:
		return ""
	}
}

// s3Parts are the calls that read one part of a bucket's configuration, by the parameter
// that names it (S3 API Reference).
var s3Parts = map[string]string{
	"tagging":           "GetBucketTagging",
	"encryption":        "GetBucketEncryption",
	"versioning":        "GetBucketVersioning",
	"publicAccessBlock": "GetPublicAccessBlock",
	"policy":            "GetBucketPolicy",
	"location":          "GetBucketLocation",
}

func s3Operation(r *http.Request) string {
	bucket := strings.Trim(r.URL.Path, "/")
	switch {
	case strings.Contains(bucket, "/"):
		return ""
	case r.Method == http.MethodHead && bucket != "":
		return "HeadBucket"
	case r.Method != http.MethodGet:
		return ""
	case bucket == "":
		return "ListBuckets"
	}
	for part := range r.URL.Query() {
		if op, ok := s3Parts[part]; ok {
			return op
		}
	}
	return ""
}

// isJSON reports whether the answers of a call are JSON. A bucket policy is, although S3
// speaks XML.
func (c Call) isJSON() bool {
	return c.Protocol == JSON || c.Protocol == RESTJSON || c.Operation == "GetBucketPolicy"
}

// members reads a JSON object; nil where it is none.
func members(body []byte) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(body, &m) != nil {
		return nil
	}
	return m
}
