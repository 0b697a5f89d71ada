package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	acm "github.com/aws/aws-sdk-go-v2/service/acm/types"
	cloudfront "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	directconnect "github.com/aws/aws-sdk-go-v2/service/directconnect/types"
	efs "github.com/aws/aws-sdk-go-v2/service/efs/types"
	fsx "github.com/aws/aws-sdk-go-v2/service/fsx/types"
	globalaccelerator "github.com/aws/aws-sdk-go-v2/service/globalaccelerator/types"
	lightsail "github.com/aws/aws-sdk-go-v2/service/lightsail/types"
	route53 "github.com/aws/aws-sdk-go-v2/service/route53/types"
)

func fileSystemNoises() []observed {
	s := aws.String
	return []observed{
		{name: "the size of a file system", typ: "AWS::EFS::FileSystem",
			before: fileSystem{FileSystemDescription: efs.FileSystemDescription{SizeInBytes: &efs.FileSystemSize{Value: 1, Timestamp: at(1)}, NumberOfMountTargets: 1}, Policy: s(bucketPolicy)},
			after:  fileSystem{FileSystemDescription: efs.FileSystemDescription{SizeInBytes: &efs.FileSystemSize{Value: 2, Timestamp: at(2)}, NumberOfMountTargets: 2}, Policy: s(bucketPolicySame)}},
		{name: "another throughput of a file system", typ: "AWS::EFS::FileSystem",
			before: fileSystem{FileSystemDescription: efs.FileSystemDescription{ThroughputMode: "bursting"}}, after: fileSystem{FileSystemDescription: efs.FileSystemDescription{ThroughputMode: "elastic"}},
			paths: []string{"attributes.ThroughputMode"}},
		{name: "the order of an access point's groups", typ: "AWS::EFS::AccessPoint",
			before: efs.AccessPointDescription{PosixUser: &efs.PosixUser{SecondaryGids: []int64{1, 2}}}, after: efs.AccessPointDescription{PosixUser: &efs.PosixUser{SecondaryGids: []int64{2, 1}}}},
		{name: "another user of an access point", typ: "AWS::EFS::AccessPoint",
			before: efs.AccessPointDescription{PosixUser: &efs.PosixUser{Uid: aws.Int64(1)}}, after: efs.AccessPointDescription{PosixUser: &efs.PosixUser{Uid: aws.Int64(2)}},
			paths: []string{"attributes.PosixUser.Uid"}},
		{name: "the order of a mount target's groups", typ: "AWS::EFS::MountTarget",
			before: mountTarget{SecurityGroups: []string{"a", "b"}}, after: mountTarget{SecurityGroups: []string{"b", "a"}}},
		{name: "one more group of a mount target", typ: "AWS::EFS::MountTarget",
			before: mountTarget{SecurityGroups: []string{"b"}}, after: mountTarget{SecurityGroups: []string{"a", "b"}}, paths: []string{"attributes.SecurityGroups[a]"}},
		{name: "the work done on a file system, and the order of its interfaces", typ: "AWS::FSx::FileSystem",
			before: fsx.FileSystem{AdministrativeActions: []fsx.AdministrativeAction{{ProgressPercent: aws.Int32(1)}}, NetworkInterfaceIds: []string{"a", "b"}},
			after:  fsx.FileSystem{AdministrativeActions: []fsx.AdministrativeAction{{ProgressPercent: aws.Int32(99)}}, NetworkInterfaceIds: []string{"b", "a"}}},
		{name: "a larger file system", typ: "AWS::FSx::FileSystem",
			before: fsx.FileSystem{StorageCapacity: aws.Int32(1)}, after: fsx.FileSystem{StorageCapacity: aws.Int32(2)}, paths: []string{"attributes.StorageCapacity"}},
	}
}

func edgeNoises() []observed {
	s := aws.String
	cert := func(d acm.CertificateDetail) certificate { return certificate{CertificateDetail: d} }
	dist := func(d cloudfront.DistributionSummary) distribution { return distribution{DistributionSummary: d} }
	aliases := func(names ...string) *cloudfront.Aliases {
		return &cloudfront.Aliases{Quantity: aws.Int32(int32(len(names))), Items: names}
	}
	origin := func(key string) distribution {
		headers := &cloudfront.CustomHeaders{Items: []cloudfront.OriginCustomHeader{{HeaderName: s("X-From"), HeaderValue: &key}}}
		return dist(cloudfront.DistributionSummary{Origins: &cloudfront.Origins{Items: []cloudfront.Origin{{Id: s("o"), CustomHeaders: headers}}}})
	}
	policy := func(hour int, headers ...string) cloudfront.CachePolicy {
		return cloudfront.CachePolicy{LastModifiedTime: at(hour), CachePolicyConfig: &cloudfront.CachePolicyConfig{
			ParametersInCacheKeyAndForwardedToOrigin: &cloudfront.ParametersInCacheKeyAndForwardedToOrigin{
				HeadersConfig: &cloudfront.CachePolicyHeadersConfig{Headers: &cloudfront.Headers{Quantity: aws.Int32(int32(len(headers))), Items: headers}},
			},
		}}
	}
	stores := func(arns ...string) cloudfront.FunctionSummary {
		all := &cloudfront.KeyValueStoreAssociations{Quantity: aws.Int32(int32(len(arns)))}
		for _, a := range arns {
			all.Items = append(all.Items, cloudfront.KeyValueStoreAssociation{KeyValueStoreARN: &a})
		}
		return cloudfront.FunctionSummary{FunctionConfig: &cloudfront.FunctionConfig{KeyValueStoreAssociations: all}}
	}
	records := func(values ...string) (r recordSet) {
		for _, v := range values {
			r.ResourceRecords = append(r.ResourceRecords, route53.ResourceRecord{Value: &v})
		}
		return r
	}
	addresses := func(hour int, ips ...string) accelerator {
		return accelerator{Accelerator: globalaccelerator.Accelerator{
			LastModifiedTime: at(hour), Events: []globalaccelerator.AcceleratorEvent{{Timestamp: at(hour)}},
			IpSets: []globalaccelerator.IpSet{{IpAddressFamily: "IPv4", IpAddresses: ips}},
		}}
	}
	return []observed{
		{name: "what uses a certificate, and the order of its names", typ: "AWS::CertificateManager::Certificate",
			before: cert(acm.CertificateDetail{InUseBy: []string{"a"}, SubjectAlternativeNames: []string{"a", "b"}, RenewalSummary: &acm.RenewalSummary{UpdatedAt: at(1)}}),
			after:  cert(acm.CertificateDetail{InUseBy: []string{"b"}, SubjectAlternativeNames: []string{"b", "a"}, RenewalSummary: &acm.RenewalSummary{UpdatedAt: at(2)}})},
		{name: "a certificate that was renewed", typ: "AWS::CertificateManager::Certificate",
			before: cert(acm.CertificateDetail{NotAfter: at(1)}), after: cert(acm.CertificateDetail{NotAfter: at(2)}), paths: []string{"attributes.NotAfter"}},
		{name: "the date and tag of a distribution, and the order of its names", typ: "AWS::CloudFront::Distribution",
			before: dist(cloudfront.DistributionSummary{ETag: s("a"), LastModifiedTime: at(1), Status: s("InProgress"), Aliases: aliases("a", "b")}),
			after:  dist(cloudfront.DistributionSummary{ETag: s("b"), LastModifiedTime: at(2), Status: s("Deployed"), Aliases: aliases("b", "a")})},
		{name: "one more name of a distribution", typ: "AWS::CloudFront::Distribution",
			before: dist(cloudfront.DistributionSummary{Aliases: aliases("b")}), after: dist(cloudfront.DistributionSummary{Aliases: aliases("a", "b")}),
			paths: []string{"attributes.Aliases.Items[a]"}},
		{name: "another key for the origin", typ: "AWS::CloudFront::Distribution",
			before: origin("abc"), after: origin("defg"), paths: []string{"attributes.Origins.Items[o].CustomHeaders.Items[X-From].HeaderValue"}},
		{name: "the order of a function's stores", typ: "AWS::CloudFront::Function", before: stores("a", "b"), after: stores("b", "a")},
		{name: "a function that was written anew", typ: "AWS::CloudFront::Function",
			before: cloudfront.FunctionSummary{FunctionMetadata: &cloudfront.FunctionMetadata{LastModifiedTime: at(1)}},
			after:  cloudfront.FunctionSummary{FunctionMetadata: &cloudfront.FunctionMetadata{LastModifiedTime: at(2)}},
			paths:  []string{"attributes.FunctionMetadata.LastModifiedTime"}},
		{name: "the date of a policy, and the order of its headers", typ: "AWS::CloudFront::CachePolicy", before: policy(1, "a", "b"), after: policy(2, "b", "a")},
		{name: "one more header of a policy", typ: "AWS::CloudFront::CachePolicy", before: policy(1, "b"), after: policy(2, "a", "b"),
			paths: []string{"attributes.CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers.Items[a]"}},
		{name: "no description and an empty one", typ: "AWS::CloudFront::OriginAccessControl",
			before: cloudfront.OriginAccessControlSummary{}, after: cloudfront.OriginAccessControlSummary{Description: s("")}},
		{name: "requests that are not signed any more", typ: "AWS::CloudFront::OriginAccessControl",
			before: cloudfront.OriginAccessControlSummary{SigningBehavior: "always"}, after: cloudfront.OriginAccessControlSummary{SigningBehavior: "never"},
			paths: []string{"attributes.SigningBehavior"}},
		{name: "the number of records in a zone, and the order of its VPCs", typ: "AWS::Route53::HostedZone",
			before: hostedZone{HostedZone: route53.HostedZone{ResourceRecordSetCount: aws.Int64(1)}, VPCs: []route53.VPC{{VPCId: s("a")}, {VPCId: s("b")}}},
			after:  hostedZone{HostedZone: route53.HostedZone{ResourceRecordSetCount: aws.Int64(2)}, VPCs: []route53.VPC{{VPCId: s("b")}, {VPCId: s("a")}}}},
		{name: "a zone in one more VPC", typ: "AWS::Route53::HostedZone",
			before: hostedZone{VPCs: []route53.VPC{{VPCId: s("b")}}}, after: hostedZone{VPCs: []route53.VPC{{VPCId: s("a")}, {VPCId: s("b")}}},
			paths: []string{"attributes.VPCs[a]"}},
		{name: "the order of values", typ: "AWS::Route53::RecordSet", before: records("a", "b"), after: records("b", "a")},
		{name: "one more value", typ: "AWS::Route53::RecordSet", before: records("b"), after: records("a", "b"), paths: []string{"attributes.ResourceRecords[a]"}},
		{name: "the log of an accelerator, and the order of its addresses", typ: "AWS::GlobalAccelerator::Accelerator", before: addresses(1, "a", "b"), after: addresses(2, "b", "a")},
		{name: "an accelerator that is off", typ: "AWS::GlobalAccelerator::Accelerator",
			before: accelerator{Accelerator: globalaccelerator.Accelerator{Enabled: aws.Bool(true)}}, after: accelerator{Accelerator: globalaccelerator.Accelerator{Enabled: aws.Bool(false)}},
			paths: []string{"attributes.Enabled"}},
	}
}

func lineNoises() []observed {
	s := aws.String
	disks := func(paths ...string) *lightsail.InstanceHardware {
		h := &lightsail.InstanceHardware{}
		for i, p := range paths {
			h.Disks = append(h.Disks, lightsail.Disk{Path: &p, GbInUse: aws.Int32(int32(i))})
		}
		return h
	}
	return []observed{
		{name: "what is used of a line", typ: "AWS::DirectConnect::Connection",
			before: directconnect.Connection{PrefixPoolUnallocatedCountIpv4: aws.Int32(1), PrefixPoolUnallocatedCountIpv6: aws.Int32(1), RateLimiterStatus: &directconnect.RateLimiterStatus{InUse: 1}},
			after:  directconnect.Connection{PrefixPoolUnallocatedCountIpv4: aws.Int32(2), PrefixPoolUnallocatedCountIpv6: aws.Int32(2), RateLimiterStatus: &directconnect.RateLimiterStatus{InUse: 2}}},
		{name: "a line in a group", typ: "AWS::DirectConnect::Connection",
			before: directconnect.Connection{}, after: directconnect.Connection{LagId: s("dxlag-1")}, paths: []string{"attributes.LagId"}},
		{name: "the order of an interface's peers and prefixes, and a peer that flaps", typ: "AWS::DirectConnect::VirtualInterface",
			before: directconnect.VirtualInterface{BgpPeers: []directconnect.BGPPeer{{BgpPeerId: s("a"), BgpStatus: "up"}, {BgpPeerId: s("b"), BgpStatus: "up"}}, RouteFilterPrefixes: []directconnect.RouteFilterPrefix{{Cidr: s("a")}, {Cidr: s("b")}}},
			after:  directconnect.VirtualInterface{BgpPeers: []directconnect.BGPPeer{{BgpPeerId: s("b"), BgpStatus: "up"}, {BgpPeerId: s("a"), BgpStatus: "down"}}, RouteFilterPrefixes: []directconnect.RouteFilterPrefix{{Cidr: s("b")}, {Cidr: s("a")}}}},
		{name: "another key of an interface", typ: "AWS::DirectConnect::VirtualInterface",
			before: directconnect.VirtualInterface{AuthKey: s("abc")}, after: directconnect.VirtualInterface{AuthKey: s("defg")}, paths: []string{"attributes.AuthKey"}},
		{name: "what is used of a gateway", typ: "AWS::DirectConnect::DirectConnectGateway",
			before: directconnect.DirectConnectGateway{TotalPrefixPoolAllocations: aws.Int32(1)}, after: directconnect.DirectConnectGateway{TotalPrefixPoolAllocations: aws.Int32(2)}},
		{name: "another number of a gateway", typ: "AWS::DirectConnect::DirectConnectGateway",
			before: directconnect.DirectConnectGateway{AmazonSideAsn: aws.Int64(1)}, after: directconnect.DirectConnectGateway{AmazonSideAsn: aws.Int64(2)},
			paths: []string{"attributes.AmazonSideAsn"}},
		{name: "the order and use of an instance's disks", typ: "AWS::Lightsail::Instance",
			before: lightsail.Instance{Hardware: disks("a", "b")}, after: lightsail.Instance{Hardware: disks("b", "a")}},
		{name: "another address of an instance", typ: "AWS::Lightsail::Instance",
			before: lightsail.Instance{PublicIpAddress: s("a")}, after: lightsail.Instance{PublicIpAddress: s("b")}, paths: []string{"attributes.PublicIpAddress"}},
		{name: "how far a Lightsail database can be restored", typ: "AWS::Lightsail::Database",
			before: lightsail.RelationalDatabase{LatestRestorableTime: at(1)}, after: lightsail.RelationalDatabase{LatestRestorableTime: at(2)}},
		{name: "a Lightsail database that became public", typ: "AWS::Lightsail::Database",
			before: lightsail.RelationalDatabase{PubliclyAccessible: aws.Bool(false)}, after: lightsail.RelationalDatabase{PubliclyAccessible: aws.Bool(true)},
			paths: []string{"attributes.PubliclyAccessible"}},
		{name: "no code and an empty one", typ: "AWS::Lightsail::StaticIp",
			before: lightsail.StaticIp{}, after: lightsail.StaticIp{SupportCode: s("")}},
		{name: "an address for another Lightsail instance", typ: "AWS::Lightsail::StaticIp",
			before: lightsail.StaticIp{AttachedTo: s("a")}, after: lightsail.StaticIp{AttachedTo: s("b")}, paths: []string{"attributes.AttachedTo"}},
	}
}
