package aws_test

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/provider/aws/mototest"
	"github.com/elava-dev/elava/resource"
)

// between puts a proxy before a cloud that answers itself where fault says so.
func between(t *testing.T, c *cloud, fault func(w http.ResponseWriter, r *http.Request) bool) *cloud {
	t.Helper()
	target, err := url.Parse(c.url)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = transport
	proxy.ErrorLog = log.New(io.Discard, "", 0) // calls that the provider cancels
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fault(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return &cloud{url: s.URL, account: c.account}
}

func s3Error(w http.ResponseWriter, status int, code string) bool {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message><RequestId>1</RequestId></Error>`, code, code)
	return true
}

func jsonError(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("X-Amzn-Errortype", code)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":"%s","message":"no"}`, code)
	return true
}

func TestFaults_DetailsOfBuckets(t *testing.T) {
	c := moto(t)
	client := s3.NewFromConfig(c.config(t), func(o *s3.Options) { o.UsePathStyle = true })
	for _, name := range []string{"denied", "deleted", "fine"} {
		b := c.bucket(name)
		must[*s3.CreateBucketOutput](t)(client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b}))
		must[*s3.PutBucketTaggingOutput](t)(client.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{
			Bucket: &b, Tagging: &s3types.Tagging{TagSet: []s3types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}},
		}))
	}
	faulty := between(t, c, func(w http.ResponseWriter, r *http.Request) bool {
		q := r.URL.Query()
		switch {
		case strings.Contains(r.URL.Path, "denied-") && (q.Has("tagging") || q.Has("policy")):
			return s3Error(w, 403, "AccessDenied")
		case strings.Contains(r.URL.Path, "deleted-") && q.Has("versioning"):
			return s3Error(w, 404, "NoSuchBucket")
		}
		return false
	})
	inv := list(t, faulty.provider(t, only("AWS::S3::Bucket")))
	if got := inv.ids("AWS::S3::Bucket"); fmt.Sprint(got) != fmt.Sprint([]string{c.bucket("denied"), c.bucket("fine")}) {
		t.Errorf("listed %q", got)
	}
	if r := inv.get(t, "AWS::S3::Bucket", c.bucket("fine")); len(r.Unknown) != 0 || r.Tags["k"] != "v" {
		t.Errorf("got %+v", r)
	}
	r := inv.get(t, "AWS::S3::Bucket", c.bucket("denied"))
	if len(r.Unknown) != 2 || r.Unknown[0].Part != "tags" || r.Unknown[1].Part != "attributes.Policy" {
		t.Fatalf("unknown are %v", r.Unknown)
	}
	if got := r.Unknown[1].Err.Error(); got != "s3 GetBucketPolicy: AccessDenied: AccessDenied: grant the action s3:GetBucketPolicy" {
		t.Errorf("got %q", got)
	}
	if provider.ReasonOf(r.Unknown[0].Err) != provider.ReasonAccessDenied || r.Tags != nil {
		t.Errorf("got %+v", r)
	}
}

// Who may not even look at a bucket is still told its region.
func TestFaults_RegionOfAForbiddenBucket(t *testing.T) {
	c := moto(t)
	cfg := c.config(t)
	b := c.bucket("far")
	must[*s3.CreateBucketOutput](t)(s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &b}))
	for _, tt := range []struct {
		region string
		status int
	}{{"ap-south-1", 403}, {"", 403}, {"", 404}} {
		inv, err := listScope(t, between(t, c, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodHead {
				return false
			}
			if tt.region != "" {
				w.Header().Set("x-amz-bucket-region", tt.region)
			}
			w.WriteHeader(tt.status)
			return true
		}).provider(t, only("AWS::S3::Bucket")), resource.Scope{Provider: "aws", Account: c.account, Region: resource.Global, Type: "AWS::S3::Bucket"})
		switch {
		case tt.region != "":
			if err != nil || len(inv) != 1 || inv[0].Key.Region != tt.region {
				t.Errorf("%+v: got %v, %v", tt, inv, err)
			}
		case tt.status == 403: // without its region the bucket has no key, and left out it would be gone
			if provider.ReasonOf(err) != provider.ReasonAccessDenied {
				t.Errorf("%+v: got %v, %v", tt, inv, err)
			}
		default:
			if err != nil || len(inv) != 0 {
				t.Errorf("%+v: got %v, %v", tt, inv, err)
			}
		}
	}
}

func TestFaults_Tables(t *testing.T) {
	c := moto(t)
	d := dynamodb.NewFromConfig(c.config(t))
	for _, name := range []string{"a", "b", "c"} {
		must[*dynamodb.CreateTableOutput](t)(d.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: ddbtypes.BillingModePayPerRequest,
			AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
			KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: ddbtypes.KeyTypeHash}},
		}))
	}
	for _, tt := range []struct {
		operation, code string
		listed          int
		reason          provider.Reason
	}{
		{"DescribeTable", "ResourceNotFoundException", 2, ""},
		{"DescribeTable", "AccessDeniedException", 0, provider.ReasonAccessDenied},
		{"ListTagsOfResource", "AccessDeniedException", 3, ""},
		{"ListTables", "AccessDeniedException", 0, provider.ReasonAccessDenied},
	} {
		var hit atomic.Bool
		faulty := between(t, c, func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+tt.operation) && !hit.Swap(true) {
				return jsonError(w, 400, tt.code)
			}
			return false
		})
		rs, err := listScope(t, faulty.provider(t, only("AWS::DynamoDB::Table")),
			resource.Scope{Provider: "aws", Account: c.account, Region: "us-east-1", Type: "AWS::DynamoDB::Table"})
		if tt.reason != "" {
			var e *provider.Error
			if !errors.As(err, &e) || e.Reason != tt.reason || e.Hint != "grant the action dynamodb:"+tt.operation {
				t.Errorf("%s %s: got %v", tt.operation, tt.code, err)
			}
			continue
		}
		if err != nil || len(rs) != tt.listed {
			t.Errorf("%s %s: %d tables, %v", tt.operation, tt.code, len(rs), err)
		}
	}
}

// moto answers with a web page for what it does not know.
func TestFaults_WebPagesOfMotoAreFailures(t *testing.T) {
	c := moto(t)
	faulty := between(t, c, func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/2015-03-31/functions") {
			r.URL.Path = "/2099-01-01/no-such-thing"
			r.URL.RawPath = ""
		}
		return false
	})
	rs, err := listScope(t, faulty.provider(t, only("AWS::Lambda::Function")),
		resource.Scope{Provider: "aws", Account: c.account, Region: "us-east-1", Type: "AWS::Lambda::Function"})
	if provider.ReasonOf(err) != provider.ReasonBadAnswer {
		t.Errorf("%d functions, %v; want a bad answer", len(rs), err)
	}
}

// The server goes away in the middle of a scan and comes back.
func TestFaults_ServerRestarts(t *testing.T) {
	s := mototest.Start(t)
	c := &cloud{url: s.URL}
	p := c.provider(t, only("AWS::EC2::VPC", "AWS::SQS::Queue"))
	plan, err := p.Plan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	for _, scope := range plan.Scopes {
		if _, err := listScope(t, p, scope); provider.ReasonOf(err) != provider.ReasonNetwork {
			t.Errorf("%s: got %v", scope, err)
		}
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := len(list(t, p).ids("AWS::EC2::VPC")); got != 1 {
		t.Errorf("%d VPCs, want the default one", got)
	}
}
