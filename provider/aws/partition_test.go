package aws_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/elava-dev/elava/provider"
	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/resource"
)

// network stands in for all of AWS's hosts: nothing leaves the process. It notes who was asked
// in which region's name.
type network struct {
	caller string                                             // ARN
	answer func(r *http.Request, body string) (string, error) // nil: refuses all
	mu     sync.Mutex
	asked  map[string]string // host -> region of the signature
}

// Do implements aws.HTTPClient.
func (n *network) Do(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
	}
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=test/")
	n.mu.Lock()
	if n.asked == nil {
		n.asked = map[string]string{}
	}
	if parts := strings.Split(scope, "/"); len(parts) > 2 {
		n.asked[r.URL.Hostname()] = parts[1]
	}
	n.mu.Unlock()
	status, text := http.StatusForbidden, `{"__type":"AccessDeniedException","message":"no"}`
	if strings.HasPrefix(r.URL.Hostname(), "ec2.") {
		text = `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>1</RequestID></Response>`
	}
	if strings.Contains(string(body), "Action=GetCallerIdentity") {
		status, text = http.StatusOK, fmt.Sprintf(`<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>%s</Arn><Account>%s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, n.caller, account)
	} else if n.answer != nil {
		answered, err := n.answer(r, string(body))
		if err != nil {
			return nil, err
		}
		if answered != "" {
			status, text = http.StatusOK, answered
		}
	}
	return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r, ContentLength: int64(len(text))}, nil
}

func (n *network) provider(t *testing.T, region string, types ...string) *elavaaws.Provider {
	t.Helper()
	return newProvider(t, func(o *elavaaws.Options) {
		o.Regions, o.IncludeTypes, o.HTTPClient, o.MaxAttempts, o.APIBudget = []string{region}, types, n, 1, 1000
		o.LoadConfig = func(context.Context) (aws.Config, error) {
			return aws.Config{Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}, nil
		}
	})
}

// In each partition the hosts that are asked are of that partition, the global services are
// asked where they are, and what a partition does not have is not asked for ("Service endpoints
// and quotas" of the AWS General Reference, "Endpoints and ARNs for AWS in China", "Service
// endpoints" of AWS GovCloud (US)).
func TestPartitions_HostsOfServices(t *testing.T) {
	both := []string{"CloudWatch", "DirectConnect", "RDS"} // have types of regions and of the account
	for partition, want := range map[string]struct {
		region, suffix string
		global         map[string]string // host and region of the signature, by service; empty: none
	}{
		"aws": {"eu-west-1", ".amazonaws.com", map[string]string{
			"CloudFront":        "cloudfront.amazonaws.com us-east-1",
			"CloudWatch":        "monitoring.eu-west-1.amazonaws.com eu-west-1",
			"DirectConnect":     "directconnect.eu-west-1.amazonaws.com eu-west-1",
			"GlobalAccelerator": "globalaccelerator.us-west-2.amazonaws.com us-west-2",
			"IAM":               "iam.amazonaws.com us-east-1",
			"Organizations":     "organizations.us-east-1.amazonaws.com us-east-1",
			"RDS":               "rds.eu-west-1.amazonaws.com eu-west-1",
			"Route53":           "route53.amazonaws.com us-east-1",
			"S3":                "s3.eu-west-1.amazonaws.com eu-west-1",
		}},
		"aws-cn": {"cn-north-1", ".amazonaws.com.cn", map[string]string{
			"CloudFront":        "cloudfront.cn-northwest-1.amazonaws.com.cn cn-northwest-1",
			"CloudWatch":        "monitoring.cn-north-1.amazonaws.com.cn cn-north-1",
			"DirectConnect":     "directconnect.cn-north-1.amazonaws.com.cn cn-north-1",
			"GlobalAccelerator": "",
			"IAM":               "iam.cn-north-1.amazonaws.com.cn cn-north-1",
			"Organizations":     "organizations.cn-northwest-1.amazonaws.com.cn cn-northwest-1",
			"RDS":               "rds.cn-north-1.amazonaws.com.cn cn-north-1",
			"Route53":           "route53.amazonaws.com.cn cn-northwest-1",
			"S3":                "s3.cn-north-1.amazonaws.com.cn cn-north-1",
		}},
		"aws-us-gov": {"us-gov-west-1", ".amazonaws.com", map[string]string{
			"CloudFront":        "",
			"CloudWatch":        "monitoring.us-gov-west-1.amazonaws.com us-gov-west-1",
			"DirectConnect":     "directconnect.us-gov-west-1.amazonaws.com us-gov-west-1",
			"GlobalAccelerator": "",
			"IAM":               "iam.us-gov.amazonaws.com us-gov-west-1",
			"Organizations":     "organizations.us-gov-west-1.amazonaws.com us-gov-west-1",
			"RDS":               "rds.us-gov-west-1.amazonaws.com us-gov-west-1",
			"Route53":           "route53.us-gov.amazonaws.com us-gov-west-1",
			"S3":                "s3.us-gov-west-1.amazonaws.com us-gov-west-1",
		}},
	} {
		n := &network{caller: "arn:" + partition + ":iam::" + account + ":user/u"}
		p := n.provider(t, want.region)
		plan, err := p.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range plan.Scopes {
			n.asked = map[string]string{}
			_, err := listScope(t, p, s)
			service := strings.Split(s.Type, "::")[1]
			expected, global := want.global[service]
			if global != (s.Region == resource.Global) && !slices.Contains(both, service) {
				t.Errorf("%s: the test does not know whether it is global", s)
			}
			if s.Region == resource.Global && expected == "" {
				if provider.ReasonOf(err) != provider.ReasonUnavailable || len(n.asked) > 0 {
					t.Errorf("%s: asked %v, %v; want unavailable without a call", s, n.asked, err)
				}
				continue
			}
			if len(n.asked) == 0 {
				t.Errorf("%s: nobody was asked: %v", s, err)
			}
			for host, region := range n.asked {
				switch {
				case s.Region == resource.Global && host+" "+region != expected:
					t.Errorf("%s: asked %s in the name of %s, want %s", s, host, region, expected)
				case !strings.HasSuffix(host, want.suffix), s.Region != resource.Global && (region != want.region || !strings.Contains(host, want.region)):
					t.Errorf("%s: asked %s in the name of %s", s, host, region)
				}
			}
		}
	}
}

func TestPartitions_ARNs(t *testing.T) {
	for partition, region := range map[string]string{"aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-east-1"} {
		n := &network{caller: "arn:" + partition + ":sts::" + account + ":assumed-role/elava/s"}
		n.answer = func(_ *http.Request, body string) (string, error) {
			if strings.Contains(body, "Action=DescribeVpcs") {
				return `<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId><ownerId>` + account + `</ownerId></item></vpcSet></DescribeVpcsResponse>`, nil
			}
			return "", nil
		}
		r := list(t, n.provider(t, region, "AWS::EC2::VPC")).get(t, "AWS::EC2::VPC", "vpc-1")
		if want := "arn:" + partition + ":ec2:" + region + ":" + account + ":vpc/vpc-1"; r.ARN != want {
			t.Errorf("the ARN is %s, want %s", r.ARN, want)
		}
	}
}

var noSuchHost = func(host string) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
}

// A service without an endpoint in a region is unavailable there. That its name is not known
// says so only where names of the region are known at all.
func TestProvider_ServiceWithoutEndpointIsUnavailable(t *testing.T) {
	for name, tc := range map[string]struct {
		unknown func(host string) bool
		want    provider.Reason
	}{
		"no Lightsail there": {func(host string) bool { return strings.HasPrefix(host, "lightsail.") }, provider.ReasonUnavailable},
		"no names at all":    {func(string) bool { return true }, provider.ReasonNetwork},
	} {
		down := false
		n := &network{caller: "arn:aws:iam::" + account + ":user/u"}
		n.answer = func(r *http.Request, _ string) (string, error) {
			if down && tc.unknown(r.URL.Hostname()) {
				return "", noSuchHost(r.URL.Hostname())
			}
			return "", nil
		}
		p := n.provider(t, "af-south-1", "AWS::Lightsail::Instance")
		if _, err := p.Plan(t.Context()); err != nil {
			t.Fatal(err)
		}
		down = true
		_, err := listScope(t, p, scopeOf("af-south-1", "AWS::Lightsail::Instance"))
		if got := provider.ReasonOf(err); got != tc.want {
			t.Errorf("%s: reason is %q, want %q: %v", name, got, tc.want, err)
		}
		if failure, ok := errors.AsType[*provider.Error](err); ok && tc.want == provider.ReasonUnavailable && provider.ReasonOf(failure.Otherwise) != provider.ReasonNetwork {
			t.Errorf("%s: where it was listed before it is %v", name, failure.Otherwise)
		}
	}
}
