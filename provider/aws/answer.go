package aws

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"io"
	"net/http"
	"slices"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

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
				want := formOf(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx))
				err = checkAnswer(in.Request, r, want)
			}
			return out, md, err
		}), middleware.After)
}

// queryServices answer in XML whose root element is named after the operation: the query
// protocols, and Route 53. What is named neither here nor in the tables below answers with
// a JSON object ("protocol" in the models of the services).
var queryServices = []string{
	"Auto Scaling", "CloudFormation", "EC2", "ElastiCache", "Elastic Beanstalk", "Elastic Load Balancing",
	"Elastic Load Balancing v2", "IAM", "RDS", "Redshift", "Route 53", "SNS", "STS",
}

// rootElements are the root elements of services whose XML names what it holds, by
// operation ("Response Syntax" in their API references). An operation that is missing
// answers with something else than XML: GetBucketPolicy of S3 with the policy.
var rootElements = map[string]map[string]string{
	"CloudFront": {
		"GetDistributionConfig":    "DistributionConfig",
		"ListCachePolicies":        "CachePolicyList",
		"ListDistributions":        "DistributionList",
		"ListFunctions":            "FunctionList",
		"ListOriginAccessControls": "OriginAccessControlList",
		"ListTagsForResource":      "Tags",
	},
	"S3": {
		"ListBuckets":          "ListAllMyBucketsResult",
		"GetBucketTagging":     "Tagging",
		"GetBucketEncryption":  "ServerSideEncryptionConfiguration",
		"GetBucketVersioning":  "VersioningConfiguration",
		"GetPublicAccessBlock": "PublicAccessBlockConfiguration",
	},
}

// cborServices answer with a CBOR map (Smithy RPC v2 CBOR).
var cborServices = []string{"CloudWatch"}

// form is how an answer begins.
type form struct {
	roots []string // the names that the root element of XML can have; none: no XML
	cbor  bool     // a CBOR map; else, without roots, a JSON object
}

func formOf(serviceID, operation string) form {
	if slices.Contains(queryServices, serviceID) {
		return form{roots: []string{operation + "Response"}}
	}
	if root, ok := rootElements[serviceID][operation]; ok {
		return form{roots: []string{root, operation + "Response"}} // some servers name it so for all services
	}
	return form{cbor: slices.Contains(cborServices, serviceID)}
}

// headSize is how much of an answer is looked at. Its root element begins within.
const headSize = 1024

func checkAnswer(request any, r *smithyhttp.Response, want form) error {
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
	what := want.notBy(head)
	if what == "" {
		return nil
	}
	_ = r.Body.Close()
	return &smithy.DeserializationError{Err: &notAnAnswer{what}}
}

// notBy says what the beginning of an answer is where it does not have the form.
func (f form) notBy(head []byte) string {
	text := bytes.TrimSpace(head)
	lower := bytes.ToLower(text)
	switch {
	case len(text) == 0:
		return "the answer is empty"
	case text[0] == '<' && (bytes.Contains(lower, []byte("<html")) || bytes.Contains(lower, []byte("<!doctype html"))):
		return "the answer is a web page"
	case len(f.roots) > 0 && !slices.Contains(f.roots, firstElement(text)):
		return "the answer is no " + f.roots[0]
	case f.cbor && head[0]>>5 != cborMap:
		return "the answer is no CBOR map"
	case len(f.roots) == 0 && !f.cbor && text[0] != '{':
		return "the answer is no JSON object"
	default:
		return ""
	}
}

// cborMap is the major type of maps (RFC 8949, section 3.1): the upper three bits of the
// first byte.
const cborMap = 5

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
