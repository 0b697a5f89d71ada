package aws_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	acmtypes "github.com/aws/aws-sdk-go-v2/service/acm/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/efs"
	efstypes "github.com/aws/aws-sdk-go-v2/service/efs/types"
	"github.com/aws/aws-sdk-go-v2/service/fsx"
	fsxtypes "github.com/aws/aws-sdk-go-v2/service/fsx/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	r53types "github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/elava-dev/elava/resource"
)

func TestMoto_FileSystems(t *testing.T) {
	c := moto(t)
	ctx, cfg := t.Context(), c.config(t)
	e, f, x := ec2.NewFromConfig(cfg), efs.NewFromConfig(cfg), fsx.NewFromConfig(cfg)
	vpc := newVPC(t, e, "10.1.0.0/16")
	subnet := newSubnet(t, e, vpc, "10.1.1.0/24", "us-east-1a")
	group := *must[*ec2.CreateSecurityGroupOutput](t)(e.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("nfs"), Description: aws.String("nfs"), VpcId: &vpc,
	})).GroupId
	tags := tagsOf(func(k, v *string) efstypes.Tag { return efstypes.Tag{Key: k, Value: v} })
	made := map[string][]string{}
	var tagged string
	inv := c.checkFound(t, []string{
		"AWS::EFS::AccessPoint", "AWS::EFS::FileSystem", "AWS::EFS::MountTarget", "AWS::FSx::FileSystem",
	}, func() map[string][]string {
		fs := must[*efs.CreateFileSystemOutput](t)(f.CreateFileSystem(ctx, &efs.CreateFileSystemInput{CreationToken: aws.String("a"), Tags: tags}))
		other := must[*efs.CreateFileSystemOutput](t)(f.CreateFileSystem(ctx, &efs.CreateFileSystemInput{CreationToken: aws.String("b")}))
		made["AWS::EFS::FileSystem"] = []string{*fs.FileSystemId, *other.FileSystemId}
		must[*efs.PutFileSystemPolicyOutput](t)(f.PutFileSystemPolicy(ctx, &efs.PutFileSystemPolicyInput{
			FileSystemId: fs.FileSystemId,
			Policy:       aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"elasticfilesystem:ClientMount"}}`),
		}))
		tagged = *fs.FileSystemId
		point := must[*efs.CreateAccessPointOutput](t)(f.CreateAccessPoint(ctx, &efs.CreateAccessPointInput{
			ClientToken: aws.String("a"), FileSystemId: fs.FileSystemId, Tags: tags,
		}))
		made["AWS::EFS::AccessPoint"] = []string{*point.AccessPointId}
		target := must[*efs.CreateMountTargetOutput](t)(f.CreateMountTarget(ctx, &efs.CreateMountTargetInput{
			FileSystemId: fs.FileSystemId, SubnetId: &subnet, SecurityGroups: []string{group},
		}))
		made["AWS::EFS::MountTarget"] = []string{*target.MountTargetId}
		lustre := must[*fsx.CreateFileSystemOutput](t)(x.CreateFileSystem(ctx, &fsx.CreateFileSystemInput{
			FileSystemType: fsxtypes.FileSystemTypeLustre, SubnetIds: []string{subnet}, StorageCapacity: aws.Int32(1200),
			Tags: tagsOf(func(k, v *string) fsxtypes.Tag { return fsxtypes.Tag{Key: k, Value: v} }),
		}))
		made["AWS::FSx::FileSystem"] = []string{*lustre.FileSystem.FileSystemId}
		return made
	})

	wantTags(t, inv.get(t, "AWS::EFS::AccessPoint", made["AWS::EFS::AccessPoint"][0]), wantedTags)
	fs := inv.get(t, "AWS::EFS::FileSystem", tagged)
	wantTags(t, fs, wantedTags)
	wantAt(t, fs, "elasticfilesystem:ClientMount", "Policy", "Statement", 0, "Action", 0)
	if fs.Name != "first" || fs.Status != "available" {
		t.Errorf("got %+v", fs)
	}
	target := inv.get(t, "AWS::EFS::MountTarget", made["AWS::EFS::MountTarget"][0])
	wantAt(t, target, group, "SecurityGroups", 0)
	if target.Status != "available" || target.ARN == "" {
		t.Errorf("got %+v", target)
	}
	lustre := inv.get(t, "AWS::FSx::FileSystem", made["AWS::FSx::FileSystem"][0])
	wantTags(t, lustre, wantedTags)
	wantAt(t, lustre, 1200, "StorageCapacity")
}

func TestMoto_Names(t *testing.T) {
	c := moto(t)
	ctx, cfg := t.Context(), c.config(t)
	e, r := ec2.NewFromConfig(cfg), route53.NewFromConfig(cfg)
	vpc := newVPC(t, e, "10.1.0.0/16")
	made := map[string][]string{}
	var private string
	inv := c.checkFound(t, []string{"AWS::Route53::HostedZone", "AWS::Route53::RecordSet"}, func() map[string][]string {
		zone := func(name string, in route53.CreateHostedZoneInput) string {
			in.Name, in.CallerReference = &name, &name
			out := must[*route53.CreateHostedZoneOutput](t)(r.CreateHostedZone(ctx, &in))
			id := strings.TrimPrefix(*out.HostedZone.Id, "/hostedzone/")
			made["AWS::Route53::HostedZone"] = append(made["AWS::Route53::HostedZone"], id)
			made["AWS::Route53::RecordSet"] = append(made["AWS::Route53::RecordSet"], id+"/"+name+"/NS", id+"/"+name+"/SOA")
			return id
		}
		public := zone("example.com.", route53.CreateHostedZoneInput{})
		private = zone("internal.", route53.CreateHostedZoneInput{HostedZoneConfig: &r53types.HostedZoneConfig{PrivateZone: true}, VPC: &r53types.VPC{VPCId: &vpc, VPCRegion: r53types.VPCRegionUsEast1}})
		must[*route53.ChangeTagsForResourceOutput](t)(r.ChangeTagsForResource(ctx, &route53.ChangeTagsForResourceInput{
			ResourceType: r53types.TagResourceTypeHostedzone, ResourceId: &public,
			AddTags: tagsOf(func(k, v *string) r53types.Tag { return r53types.Tag{Key: k, Value: v} }),
		}))
		record := func(set r53types.ResourceRecordSet) {
			must[*route53.ChangeResourceRecordSetsOutput](t)(r.ChangeResourceRecordSets(ctx, &route53.ChangeResourceRecordSetsInput{
				HostedZoneId: &public,
				ChangeBatch:  &r53types.ChangeBatch{Changes: []r53types.Change{{Action: r53types.ChangeActionCreate, ResourceRecordSet: &set}}},
			}))
		}
		record(r53types.ResourceRecordSet{
			Name: aws.String("www.example.com."), Type: r53types.RRTypeA, TTL: aws.Int64(60),
			ResourceRecords: []r53types.ResourceRecord{{Value: aws.String("192.0.2.2")}, {Value: aws.String("192.0.2.1")}},
		})
		for _, set := range []string{"blue", "green"} {
			record(r53types.ResourceRecordSet{
				Name: aws.String("app.example.com."), Type: r53types.RRTypeCname, TTL: aws.Int64(60), SetIdentifier: &set, Weight: aws.Int64(1),
				ResourceRecords: []r53types.ResourceRecord{{Value: aws.String(set + ".example.com.")}},
			})
		}
		made["AWS::Route53::RecordSet"] = append(made["AWS::Route53::RecordSet"],
			public+"/www.example.com./A", public+"/app.example.com./CNAME/blue", public+"/app.example.com./CNAME/green")
		return made
	})

	for _, id := range made["AWS::Route53::HostedZone"] {
		z := inv.get(t, "AWS::Route53::HostedZone", id)
		if z.Key.Region != resource.Global || z.ARN != "arn:aws:route53:::hostedzone/"+id {
			t.Errorf("got %+v", z)
		}
		if id == private {
			wantAt(t, z, vpc, "VPCs", 0, "VPCId")
			wantTags(t, z, nil)
			continue
		}
		wantTags(t, z, wantedTags)
		www := inv.get(t, "AWS::Route53::RecordSet", id+"/www.example.com./A")
		wantAt(t, www, "192.0.2.1", "ResourceRecords", 0, "Value")
		wantAt(t, www, id, "HostedZoneId")
	}
}

func TestMoto_Edge(t *testing.T) {
	c := moto(t)
	ctx, cfg := t.Context(), c.config(t)
	f, a := cloudfront.NewFromConfig(cfg), acm.NewFromConfig(cfg)
	made := map[string][]string{}
	inv := c.checkFound(t, []string{
		"AWS::CertificateManager::Certificate", "AWS::CloudFront::Distribution", "AWS::CloudFront::OriginAccessControl",
	}, func() map[string][]string {
		out := must[*cloudfront.CreateDistributionWithTagsOutput](t)(f.CreateDistributionWithTags(ctx, &cloudfront.CreateDistributionWithTagsInput{
			DistributionConfigWithTags: &cftypes.DistributionConfigWithTags{
				DistributionConfig: &cftypes.DistributionConfig{
					CallerReference: aws.String("a"), Comment: aws.String("site"), Enabled: aws.Bool(true), DefaultRootObject: aws.String("index.html"),
					DefaultCacheBehavior: &cftypes.DefaultCacheBehavior{
						TargetOriginId: aws.String("origin"), ViewerProtocolPolicy: cftypes.ViewerProtocolPolicyHttpsOnly,
					},
					Origins: &cftypes.Origins{Quantity: aws.Int32(1), Items: []cftypes.Origin{{
						Id: aws.String("origin"), DomainName: aws.String("origin.example.com"),
						CustomHeaders: &cftypes.CustomHeaders{Quantity: aws.Int32(1), Items: []cftypes.OriginCustomHeader{
							{HeaderName: aws.String("X-From"), HeaderValue: aws.String("s3cret")},
						}},
						CustomOriginConfig: &cftypes.CustomOriginConfig{
							HTTPPort: aws.Int32(80), HTTPSPort: aws.Int32(443), OriginProtocolPolicy: cftypes.OriginProtocolPolicyHttpsOnly,
						},
					}}},
				},
				Tags: &cftypes.Tags{Items: tagsOf(func(k, v *string) cftypes.Tag { return cftypes.Tag{Key: k, Value: v} })},
			},
		}))
		made["AWS::CloudFront::Distribution"] = []string{*out.Distribution.Id}
		control := must[*cloudfront.CreateOriginAccessControlOutput](t)(f.CreateOriginAccessControl(ctx, &cloudfront.CreateOriginAccessControlInput{
			OriginAccessControlConfig: &cftypes.OriginAccessControlConfig{
				Name: aws.String("bucket"), OriginAccessControlOriginType: cftypes.OriginAccessControlOriginTypesS3,
				SigningBehavior: cftypes.OriginAccessControlSigningBehaviorsAlways, SigningProtocol: cftypes.OriginAccessControlSigningProtocolsSigv4,
			},
		}))
		made["AWS::CloudFront::OriginAccessControl"] = []string{*control.OriginAccessControl.Id}
		cert := must[*acm.RequestCertificateOutput](t)(a.RequestCertificate(ctx, &acm.RequestCertificateInput{
			DomainName: aws.String("example.com"), SubjectAlternativeNames: []string{"www.example.com", "a.example.com"},
			ValidationMethod: acmtypes.ValidationMethodDns,
			Tags:             tagsOf(func(k, v *string) acmtypes.Tag { return acmtypes.Tag{Key: k, Value: v} }),
		}))
		_, id, _ := strings.Cut(*cert.CertificateArn, "/")
		made["AWS::CertificateManager::Certificate"] = []string{id}
		return made
	})

	for _, typ := range []string{"AWS::CloudFront::Distribution", "AWS::CertificateManager::Certificate"} {
		wantTags(t, inv.get(t, typ, made[typ][0]), wantedTags)
	}
	dist := inv.get(t, "AWS::CloudFront::Distribution", made["AWS::CloudFront::Distribution"][0])
	wantAt(t, dist, "index.html", "DefaultRootObject")
	if control := inv.get(t, "AWS::CloudFront::OriginAccessControl", made["AWS::CloudFront::OriginAccessControl"][0]); control.Name != "bucket" {
		t.Errorf("got %+v", control)
	}
	cert := inv.get(t, "AWS::CertificateManager::Certificate", made["AWS::CertificateManager::Certificate"][0])
	wantAt(t, cert, "a.example.com", "SubjectAlternativeNames", 0)
	if cert.Name != "example.com" || cert.Status == "" {
		t.Errorf("got %+v", cert)
	}
}
