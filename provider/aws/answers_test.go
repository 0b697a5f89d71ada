package aws_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

// answering serves hand-made answers in the wire format of a service. An answer stands
// under the operation as the request names it: the action of a query, what follows the dot
// in the target of a JSON protocol, else method and path. Where a request carries a token
// for the next page, that follows after a space. STS says that the caller is in account.
func answering(t *testing.T, byOperation map[string]string) *cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("reading a request: %v", err)
		}
		operation := operationOf(r, string(body))
		if operation == "GetCallerIdentity" {
			writeIdentity(w)
			return
		}
		for token := range strings.FieldsSeq("page-2 page-3") {
			if strings.Contains(string(body)+r.URL.RawQuery, token) {
				operation += " " + token
			}
		}
		answer, ok := byOperation[operation]
		if !ok {
			t.Errorf("no answer for %q", operation)
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return &cloud{url: s.URL, account: account}
}

func operationOf(r *http.Request, body string) string {
	if _, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		return operation
	}
	for parameter := range strings.SplitSeq(body, "&") {
		if action, ok := strings.CutPrefix(parameter, "Action="); ok {
			return action
		}
	}
	return r.Method + " " + r.URL.Path
}

// checkAnswered lists a type from hand-made answers, compares the ids, and checks that the
// second listing is the same.
func (c *cloud) checkAnswered(t *testing.T, typ string, ids ...string) inventory {
	t.Helper()
	seen := &cloud{url: c.url}
	p := seen.provider(t, only(typ))
	inv := list(t, p)
	if got := inv.ids(typ); !slices.Equal(got, ids) {
		t.Errorf("%s: listed %q, want %q", typ, got, ids)
	}
	for _, r := range inv {
		for _, u := range r.Unknown {
			t.Errorf("%s: %v is unknown: %v", r.Key, u.Part, u.Err)
		}
	}
	checkUnchanged(t, inv, list(t, p))
	checkReadOnly(t, seen, p.Actions())
	return inv
}

func wantFacts(t *testing.T, r resource.Resource, arn, name, status, uid string) {
	t.Helper()
	if r.ARN != arn || r.Name != name || r.Status != status || r.UID != uid {
		t.Errorf("%s: ARN %q, name %q, status %q, unique id %q; want %q, %q, %q, %q",
			r.Key, r.ARN, r.Name, r.Status, r.UID, arn, name, status, uid)
	}
}

func TestAnswers_EC2PlacementGroups(t *testing.T) {
	const typ = "AWS::EC2::PlacementGroup"
	inv := answering(t, map[string]string{"DescribePlacementGroups": `<DescribePlacementGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
		<placementGroupSet>
			<item><groupName>spread</groupName><groupId>pg-1</groupId><strategy>partition</strategy><partitionCount>3</partitionCount><state>available</state>
				<groupArn>arn:aws:ec2:us-east-1:123456789012:placement-group/spread</groupArn>
				<tagSet><item><key>env</key><value>prod</value></item></tagSet></item>
			<item><groupName>old</groupName><groupId>pg-2</groupId><strategy>cluster</strategy><state>deleted</state></item>
		</placementGroupSet></DescribePlacementGroupsResponse>`}).checkAnswered(t, typ, "spread")
	r := inv.get(t, typ, "spread")
	wantFacts(t, r, "arn:aws:ec2:us-east-1:123456789012:placement-group/spread", "spread", "available", "pg-1")
	wantTags(t, r, map[string]string{"env": "prod"})
	wantAt(t, r, 3, "PartitionCount")
}

func TestAnswers_EC2CapacityReservations(t *testing.T) {
	const typ = "AWS::EC2::CapacityReservation"
	page := func(id, state, next string) string {
		return `<DescribeCapacityReservationsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><capacityReservationSet><item>
			<capacityReservationId>` + id + `</capacityReservationId><ownerId>123456789012</ownerId><instanceType>m5.large</instanceType>
			<totalInstanceCount>4</totalInstanceCount><availableInstanceCount>1</availableInstanceCount><state>` + state + `</state>
			<createDate>2025-10-22T10:00:00.000Z</createDate><tagSet><item><key>Name</key><value>batch</value></item></tagSet>
		</item></capacityReservationSet>` + next + `</DescribeCapacityReservationsResponse>`
	}
	inv := answering(t, map[string]string{
		"DescribeCapacityReservations":        page("cr-1", "active", "<nextToken>page-2</nextToken>"),
		"DescribeCapacityReservations page-2": page("cr-2", "cancelled", "<nextToken>page-3</nextToken>"),
		"DescribeCapacityReservations page-3": page("cr-3", "pending", ""),
	}).checkAnswered(t, typ, "cr-1", "cr-3")
	r := inv.get(t, typ, "cr-1")
	wantFacts(t, r, "arn:aws:ec2:us-east-1:123456789012:capacity-reservation/cr-1", "batch", "active", "")
	wantAt(t, r, 4, "TotalInstanceCount")
	wantAt(t, r, nil, "AvailableInstanceCount")
	if r.CreatedAt.IsZero() {
		t.Error("no creation time")
	}
}

func TestAnswers_DirectConnect(t *testing.T) {
	c := answering(t, map[string]string{
		"DescribeConnections": `{"connections":[
			{"connectionId":"dxcon-1","connectionName":"line","connectionState":"available","ownerAccount":"123456789012","region":"us-east-1",
				"bandwidth":"1Gbps","tags":[{"key":"env","value":"prod"}]},
			{"connectionId":"dxcon-2","connectionState":"deleted"}],"nextToken":"page-2"}`,
		"DescribeConnections page-2": `{"connections":[{"connectionId":"dxcon-3","connectionState":"down"}]}`,
		"DescribeVirtualInterfaces": `{"virtualInterfaces":[{"virtualInterfaceId":"dxvif-1","virtualInterfaceName":"private","virtualInterfaceState":"available",
			"ownerAccount":"123456789012","vlan":101,"authKey":"s3cret","customerRouterConfig":"<xml>s3cret</xml>",
			"bgpPeers":[{"bgpPeerId":"dxpeer-2","authKey":"s3cret"},{"bgpPeerId":"dxpeer-1"}],"tags":[{"key":"env","value":"prod"}]}]}`,
		"DescribeDirectConnectGateways": `{"directConnectGateways":[
			{"directConnectGatewayId":"gw-1","directConnectGatewayName":"hub","directConnectGatewayState":"available","amazonSideAsn":64512,"ownerAccount":"123456789012"},
			{"directConnectGatewayId":"gw-2","directConnectGatewayState":"deleted"}]}`,
	})
	inv := c.checkAnswered(t, "AWS::DirectConnect::Connection", "dxcon-1", "dxcon-3")
	line := inv.get(t, "AWS::DirectConnect::Connection", "dxcon-1")
	wantFacts(t, line, "arn:aws:directconnect:us-east-1:123456789012:dxcon/dxcon-1", "line", "available", "")
	wantTags(t, line, map[string]string{"env": "prod"})
	wantAt(t, line, "1Gbps", "Bandwidth")

	vif := c.checkAnswered(t, "AWS::DirectConnect::VirtualInterface", "dxvif-1").get(t, "AWS::DirectConnect::VirtualInterface", "dxvif-1")
	wantFacts(t, vif, "arn:aws:directconnect:us-east-1:123456789012:dxvif/dxvif-1", "private", "available", "")
	wantTags(t, vif, map[string]string{"env": "prod"})
	wantAt(t, vif, digest("s3cret"), "AuthKey")
	wantAt(t, vif, digest("s3cret"), "BgpPeers", 1, "AuthKey")
	wantAt(t, vif, nil, "CustomerRouterConfig")

	gateway := c.checkAnswered(t, "AWS::DirectConnect::DirectConnectGateway", "gw-1").get(t, "AWS::DirectConnect::DirectConnectGateway", "gw-1")
	wantFacts(t, gateway, "arn:aws:directconnect::123456789012:dx-gateway/gw-1", "hub", "available", "")
	if gateway.Key.Region != resource.Global {
		t.Errorf("got %s", gateway.Key)
	}
}

func TestAnswers_GlobalAccelerator(t *testing.T) {
	const typ = "AWS::GlobalAccelerator::Accelerator"
	item := func(id, name string) string {
		return `{"AcceleratorArn":"arn:aws:globalaccelerator::123456789012:accelerator/` + id + `","Name":"` + name + `","Status":"DEPLOYED","Enabled":true,
			"CreatedTime":1.7611272E9,"LastModifiedTime":1.7611273E9,"IpSets":[{"IpAddressFamily":"IPv4","IpAddresses":["192.0.2.2","192.0.2.1"]}]}`
	}
	inv := answering(t, map[string]string{
		"ListAccelerators":        `{"Accelerators":[` + item("a", "front") + `],"NextToken":"page-2"}`,
		"ListAccelerators page-2": `{"Accelerators":[` + item("b", "back") + `]}`,
		"ListTagsForResource":     `{"Tags":[{"Key":"env","Value":"prod"}]}`,
	}).checkAnswered(t, typ, "a", "b")
	r := inv.get(t, typ, "a")
	wantFacts(t, r, "arn:aws:globalaccelerator::123456789012:accelerator/a", "front", "DEPLOYED", "")
	wantTags(t, r, map[string]string{"env": "prod"})
	wantAt(t, r, "192.0.2.1", "IpSets", 0, "IpAddresses", 0)
	wantAt(t, r, nil, "LastModifiedTime")
	if r.Key.Region != resource.Global {
		t.Errorf("got %s", r.Key)
	}
}

// Global Accelerator answers in one region of one partition.
func TestAnswers_AskTheRegionAtHome(t *testing.T) {
	for partition, want := range map[string]string{"aws": "us-west-2", "aws-cn": ""} {
		var signed string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Amz-Target") == "" {
				fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:%s:iam::%s:user/a</Arn><Account>%[2]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, partition, account)
				return
			}
			signed = r.Header.Get("Authorization")
			fmt.Fprint(w, `{"Accelerators":[]}`)
		}))
		t.Cleanup(s.Close)
		p := (&cloud{url: s.URL}).provider(t, only("AWS::GlobalAccelerator::Accelerator"))
		_, err := listScope(t, p, resource.Scope{Provider: "aws", Account: account, Region: resource.Global, Type: "AWS::GlobalAccelerator::Accelerator"})
		if want == "" {
			if provider.ReasonOf(err) != provider.ReasonUnavailable || signed != "" {
				t.Errorf("%s: got %v, want it to be unavailable", partition, err)
			}
			continue
		}
		if err != nil || !strings.Contains(signed, "/"+want+"/globalaccelerator/") {
			t.Errorf("%s: got %v, signed for %q", partition, err, signed)
		}
	}
}

func TestAnswers_Lightsail(t *testing.T) {
	resourceOf := func(kind, name, more string) string {
		return `{"name":"` + name + `","arn":"arn:aws:lightsail:us-east-1:123456789012:` + kind + `/uid-` + name + `","createdAt":1.7611272E9,"supportCode":"1/i"` + more + `}`
	}
	const tags = `,"tags":[{"key":"env","value":"prod"}]`
	c := answering(t, map[string]string{
		"GetInstances":           `{"instances":[` + resourceOf("Instance", "blog", `,"state":{"code":16,"name":"running"},"networking":{"ports":[{"fromPort":80,"toPort":80,"protocol":"tcp","cidrs":["b","a"]}]}`+tags) + `],"nextPageToken":"page-2"}`,
		"GetInstances page-2":    `{"instances":[` + resourceOf("Instance", "shop", "") + `]}`,
		"GetRelationalDatabases": `{"relationalDatabases":[` + resourceOf("RelationalDatabase", "db", `,"state":"available","latestRestorableTime":1.7611272E9,"engine":"mysql"`+tags) + `]}`,
		"GetStaticIps":           `{"staticIps":[` + resourceOf("StaticIp", "ip", `,"attachedTo":"blog","isAttached":true`) + `]}`,
	})
	blog := c.checkAnswered(t, "AWS::Lightsail::Instance", "blog", "shop").get(t, "AWS::Lightsail::Instance", "blog")
	wantFacts(t, blog, "arn:aws:lightsail:us-east-1:123456789012:Instance/uid-blog", "blog", "running", "uid-blog")
	wantTags(t, blog, map[string]string{"env": "prod"})
	wantAt(t, blog, "a", "Networking", "Ports", 0, "Cidrs", 0)
	db := c.checkAnswered(t, "AWS::Lightsail::Database", "db").get(t, "AWS::Lightsail::Database", "db")
	wantFacts(t, db, "arn:aws:lightsail:us-east-1:123456789012:RelationalDatabase/uid-db", "db", "available", "uid-db")
	wantTags(t, db, map[string]string{"env": "prod"})
	wantAt(t, db, nil, "LatestRestorableTime")
	ip := c.checkAnswered(t, "AWS::Lightsail::StaticIp", "ip").get(t, "AWS::Lightsail::StaticIp", "ip")
	wantFacts(t, ip, "arn:aws:lightsail:us-east-1:123456789012:StaticIp/uid-ip", "ip", "", "uid-ip")
	wantAt(t, ip, "blog", "AttachedTo")
}

func TestAnswers_CloudFront(t *testing.T) {
	function := func(name string) string {
		return `<FunctionSummary><Name>` + name + `</Name><Status>UNASSOCIATED</Status><FunctionConfig><Comment>c</Comment><Runtime>cloudfront-js-2.0</Runtime></FunctionConfig>
			<FunctionMetadata><FunctionARN>arn:aws:cloudfront::123456789012:function/` + name + `</FunctionARN><Stage>DEVELOPMENT</Stage>
			<CreatedTime>2025-10-22T10:00:00Z</CreatedTime><LastModifiedTime>2025-10-23T10:00:00Z</LastModifiedTime></FunctionMetadata></FunctionSummary>`
	}
	list := func(root, next, items string) string {
		return `<?xml version="1.0"?><` + root + ` xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><NextMarker>` + next + `</NextMarker><MaxItems>100</MaxItems>
			<Quantity>1</Quantity><Items>` + items + `</Items></` + root + `>`
	}
	c := answering(t, map[string]string{
		"GET /2020-05-31/function":        list("FunctionList", "page-2", function("a")),
		"GET /2020-05-31/function page-2": list("FunctionList", "", function("b")),
		"GET /2020-05-31/distribution": list("DistributionList", "", `<DistributionSummary><Id>d-1</Id><ARN>arn:aws:cloudfront::123456789012:distribution/d-1</ARN>
			<Status>Deployed</Status><DomainName>d1.cloudfront.net</DomainName><LastModifiedTime>2025-10-22T10:00:00Z</LastModifiedTime>
			<Origins><Quantity>1</Quantity><Items><Origin><Id>o</Id><CustomHeaders><Quantity>1</Quantity><Items><OriginCustomHeader><HeaderName>X-From</HeaderName>
			<HeaderValue>s3cret</HeaderValue></OriginCustomHeader></Items></CustomHeaders></Origin></Items></Origins></DistributionSummary>`),
		"GET /2020-05-31/distribution/d-1/config": `<DistributionConfig><DefaultRootObject>index.html</DefaultRootObject>
			<Logging><Enabled>true</Enabled><Bucket>logs.s3.amazonaws.com</Bucket></Logging></DistributionConfig>`,
		"GET /2020-05-31/tagging": `<Tags><Items><Tag><Key>env</Key><Value>prod</Value></Tag></Items></Tags>`,
		"GET /2020-05-31/cache-policy": list("CachePolicyList", "", `<CachePolicySummary><Type>custom</Type><CachePolicy><Id>p-1</Id><LastModifiedTime>2025-10-22T10:00:00Z</LastModifiedTime>
			<CachePolicyConfig><Name>long</Name><MinTTL>60</MinTTL><ParametersInCacheKeyAndForwardedToOrigin><HeadersConfig><HeaderBehavior>whitelist</HeaderBehavior>
			<Headers><Quantity>2</Quantity><Items><Name>B</Name><Name>A</Name></Items></Headers></HeadersConfig></ParametersInCacheKeyAndForwardedToOrigin></CachePolicyConfig></CachePolicy></CachePolicySummary>`),
	})
	d := c.checkAnswered(t, "AWS::CloudFront::Distribution", "d-1").get(t, "AWS::CloudFront::Distribution", "d-1")
	wantFacts(t, d, "arn:aws:cloudfront::123456789012:distribution/d-1", "d1.cloudfront.net", "Deployed", "")
	wantTags(t, d, map[string]string{"env": "prod"})
	wantAt(t, d, digest("s3cret"), "Origins", "Items", 0, "CustomHeaders", "Items", 0, "HeaderValue")
	wantAt(t, d, "logs.s3.amazonaws.com", "Logging", "Bucket")
	f := c.checkAnswered(t, "AWS::CloudFront::Function", "a", "b").get(t, "AWS::CloudFront::Function", "a")
	wantFacts(t, f, "arn:aws:cloudfront::123456789012:function/a", "a", "UNASSOCIATED", "2025-10-22T10:00:00Z")
	wantAt(t, f, "2025-10-23T10:00:00Z", "FunctionMetadata", "LastModifiedTime")
	p := c.checkAnswered(t, "AWS::CloudFront::CachePolicy", "p-1").get(t, "AWS::CloudFront::CachePolicy", "p-1")
	wantFacts(t, p, "arn:aws:cloudfront::123456789012:cache-policy/p-1", "long", "", "")
	wantAt(t, p, "A", "CachePolicyConfig", "ParametersInCacheKeyAndForwardedToOrigin", "HeadersConfig", "Headers", "Items", 0)
}
