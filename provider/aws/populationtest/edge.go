package populationtest

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	fronttypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/elava-dev/elava/resource"
)

func (p *Place) acm() *acm.Client          { return acm.NewFromConfig(p.Config) }
func (p *Place) front() *cloudfront.Client { return cloudfront.NewFromConfig(p.Config) }
func (p *Place) names() *route53.Client    { return route53.NewFromConfig(p.Config) }

func acmTags(tags map[string]string) []acmtypes.Tag {
	return tagsOf(tags, func(k, v *string) acmtypes.Tag { return acmtypes.Tag{Key: k, Value: v} })
}

func edgeKinds() []Kind {
	return []Kind{
		{Type: "AWS::CertificateManager::Certificate", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				return behind(*ok(p.acm().RequestCertificate(p.Context(), &acm.RequestCertificateInput{
					DomainName: aws.String("example.com"), SubjectAlternativeNames: []string{"www.example.com", "a.example.com"},
					ValidationMethod: acmtypes.ValidationMethodDns, Tags: acmTags(Tags()),
				}))(p).CertificateArn, "/")
			},
			Change: func(p *Place, id string) {
				ok(p.acm().AddTagsToCertificate(p.Context(), &acm.AddTagsToCertificateInput{CertificateArn: aws.String(p.arn("acm", "certificate/"+id)), Tags: acmTags(more())}))(p)
			}},
		{Type: "AWS::CloudFront::Distribution", Global: true, Paths: []string{"attributes.DefaultRootObject"},
			Make: func(p *Place) string {
				return *ok(p.front().CreateDistributionWithTags(p.Context(), &cloudfront.CreateDistributionWithTagsInput{
					DistributionConfigWithTags: &fronttypes.DistributionConfigWithTags{
						DistributionConfig: distribution("index.html"),
						Tags:               &fronttypes.Tags{Items: tagsOf(Tags(), func(k, v *string) fronttypes.Tag { return fronttypes.Tag{Key: k, Value: v} })},
					},
				}))(p).Distribution.Id
			},
			Change: func(p *Place, id string) {
				tag := ok(p.front().GetDistributionConfig(p.Context(), &cloudfront.GetDistributionConfigInput{Id: &id}))(p).ETag
				ok(p.front().UpdateDistribution(p.Context(), &cloudfront.UpdateDistributionInput{Id: &id, IfMatch: tag, DistributionConfig: distribution("start.html")}))(p)
			}},
		{Type: "AWS::CloudFront::OriginAccessControl", Global: true, Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				return *ok(p.front().CreateOriginAccessControl(p.Context(), &cloudfront.CreateOriginAccessControlInput{OriginAccessControlConfig: accessControl("a")}))(p).OriginAccessControl.Id
			},
			Change: func(p *Place, id string) {
				ok(p.front().UpdateOriginAccessControl(p.Context(), &cloudfront.UpdateOriginAccessControlInput{Id: &id, OriginAccessControlConfig: accessControl("b")}))(p)
			}},
		{Type: "AWS::Route53::HostedZone", Global: true, Paths: []string{"attributes.Config.Comment"}, Make: makeZones,
			Change: func(p *Place, id string) {
				ok(p.names().UpdateHostedZoneComment(p.Context(), &route53.UpdateHostedZoneCommentInput{Id: &id, Comment: aws.String("b")}))(p)
			}},
		{Type: "AWS::Route53::RecordSet", Global: true, Paths: []string{"attributes.TTL"}, Make: makeRecords,
			Change: func(p *Place, _ string) {
				p.putRecord(r53types.ChangeActionUpsert, r53types.ResourceRecordSet{Name: aws.String("www.example.com."), Type: r53types.RRTypeA, TTL: aws.Int64(90), ResourceRecords: addresses})
			}},
	}
}

func distribution(root string) *fronttypes.DistributionConfig {
	return &fronttypes.DistributionConfig{
		CallerReference: aws.String("a"), Comment: aws.String("site"), Enabled: aws.Bool(true), DefaultRootObject: &root,
		DefaultCacheBehavior: &fronttypes.DefaultCacheBehavior{TargetOriginId: aws.String("origin"), ViewerProtocolPolicy: fronttypes.ViewerProtocolPolicyHttpsOnly},
		Origins: &fronttypes.Origins{Quantity: aws.Int32(1), Items: []fronttypes.Origin{{
			Id: aws.String("origin"), DomainName: aws.String("origin.example.com"),
			CustomHeaders: &fronttypes.CustomHeaders{Quantity: aws.Int32(1), Items: []fronttypes.OriginCustomHeader{
				{HeaderName: aws.String("X-From"), HeaderValue: aws.String("s3cret")},
			}},
			CustomOriginConfig: &fronttypes.CustomOriginConfig{
				HTTPPort: aws.Int32(80), HTTPSPort: aws.Int32(443), OriginProtocolPolicy: fronttypes.OriginProtocolPolicyHttpsOnly,
			},
		}}},
	}
}

func accessControl(description string) *fronttypes.OriginAccessControlConfig {
	return &fronttypes.OriginAccessControlConfig{
		Name: aws.String("bucket"), Description: &description, OriginAccessControlOriginType: fronttypes.OriginAccessControlOriginTypesS3,
		SigningBehavior: fronttypes.OriginAccessControlSigningBehaviorsAlways, SigningProtocol: fronttypes.OriginAccessControlSigningProtocolsSigv4,
	}
}

var addresses = []r53types.ResourceRecord{{Value: aws.String("192.0.2.2")}, {Value: aws.String("192.0.2.1")}}

// makeZones makes a public zone with tags and a private one without.
func makeZones(p *Place) string {
	private := p.makeZone("internal.", &r53types.VPC{VPCId: aws.String(p.Need("AWS::EC2::VPC")), VPCRegion: r53types.VPCRegion(p.Config.Region)})
	p.add("AWS::Route53::HostedZone", resource.Global, private)
	public := p.makeZone("example.com.", nil)
	ok(p.names().ChangeTagsForResource(p.Context(), &route53.ChangeTagsForResourceInput{
		ResourceType: r53types.TagResourceTypeHostedzone, ResourceId: &public,
		AddTags: tagsOf(Tags(), func(k, v *string) r53types.Tag { return r53types.Tag{Key: k, Value: v} }),
	}))(p)
	return public
}

// makeZone makes a zone, which has records of its own.
func (p *Place) makeZone(name string, vpc *r53types.VPC) string {
	in := &route53.CreateHostedZoneInput{Name: &name, CallerReference: &name, VPC: vpc, HostedZoneConfig: &r53types.HostedZoneConfig{PrivateZone: vpc != nil}}
	id := zoneID(ok(p.names().CreateHostedZone(p.Context(), in))(p).HostedZone)
	p.addRecordsOf(id)
	return id
}

func zoneID(z *r53types.HostedZone) string { return strings.TrimPrefix(*z.Id, "/hostedzone/") }

func (p *Place) addRecordsOf(zone string) {
	for _, r := range ok(p.names().ListResourceRecordSets(p.Context(), &route53.ListResourceRecordSetsInput{HostedZoneId: &zone}))(p).ResourceRecordSets {
		p.add("AWS::Route53::RecordSet", resource.Global, zone+"/"+*r.Name+"/"+string(r.Type))
	}
}

// bringingZones makes something and says which zones came along.
func (p *Place) bringingZones(make func()) {
	before := p.zones()
	make()
	for id := range p.zones() {
		if !before[id] {
			p.add("AWS::Route53::HostedZone", resource.Global, id)
			p.addRecordsOf(id)
		}
	}
}

func (p *Place) zones() map[string]bool {
	all := map[string]bool{}
	for _, z := range ok(p.names().ListHostedZones(p.Context(), &route53.ListHostedZonesInput{}))(p).HostedZones {
		all[zoneID(&z)] = true
	}
	return all
}

func makeRecords(p *Place) string {
	zone := p.Need("AWS::Route53::HostedZone")
	for _, set := range []string{"blue", "green"} {
		p.putRecord(r53types.ChangeActionCreate, r53types.ResourceRecordSet{
			Name: aws.String("app.example.com."), Type: r53types.RRTypeCname, TTL: aws.Int64(60), SetIdentifier: &set, Weight: aws.Int64(1),
			ResourceRecords: []r53types.ResourceRecord{{Value: aws.String(set + ".example.com.")}},
		})
		p.add("AWS::Route53::RecordSet", resource.Global, zone+"/app.example.com./CNAME/"+set)
	}
	p.putRecord(r53types.ChangeActionCreate, r53types.ResourceRecordSet{Name: aws.String("www.example.com."), Type: r53types.RRTypeA, TTL: aws.Int64(60), ResourceRecords: addresses})
	return zone + "/www.example.com./A"
}

func (p *Place) putRecord(action r53types.ChangeAction, set r53types.ResourceRecordSet) {
	ok(p.names().ChangeResourceRecordSets(p.Context(), &route53.ChangeResourceRecordSetsInput{
		HostedZoneId: aws.String(p.Need("AWS::Route53::HostedZone")),
		ChangeBatch:  &r53types.ChangeBatch{Changes: []r53types.Change{{Action: action, ResourceRecordSet: &set}}},
	}))(p)
}
