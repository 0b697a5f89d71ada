package aws_test

import (
	"encoding/base64"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// motoImage is one that moto takes for an instance without having it.
const motoImage = "ami-12c6146b"

func newVPC(t *testing.T, e *ec2.Client, cidr string) string {
	t.Helper()
	return *must[*ec2.CreateVpcOutput](t)(e.CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: &cidr})).Vpc.VpcId
}

func newSubnet(t *testing.T, e *ec2.Client, vpc, cidr, zone string) string {
	t.Helper()
	out := must[*ec2.CreateSubnetOutput](t)(e.CreateSubnet(t.Context(), &ec2.CreateSubnetInput{
		VpcId: &vpc, CidrBlock: &cidr, AvailabilityZone: &zone,
	}))
	return *out.Subnet.SubnetId
}

// tagIt tags what moto leaves untagged when it is made.
func tagIt(t *testing.T, e *ec2.Client, id *string) {
	t.Helper()
	must[*ec2.CreateTagsOutput](t)(e.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: []string{*id}, Tags: tagsOf(func(k, v *string) ec2types.Tag { return ec2types.Tag{Key: k, Value: v} }),
	}))
}

func TestMoto_EC2Network(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), ec2.NewFromConfig(c.config(t))
	vpc := newVPC(t, e, "10.1.0.0/16")
	peer := newVPC(t, e, "10.2.0.0/16")
	subnet := newSubnet(t, e, vpc, "10.1.1.0/24", "us-east-1a")
	made := map[string][]string{}
	inv := c.checkFound(t, []string{
		"AWS::EC2::DHCPOptions", "AWS::EC2::EIP", "AWS::EC2::FlowLog", "AWS::EC2::InternetGateway", "AWS::EC2::NatGateway",
		"AWS::EC2::NetworkAcl", "AWS::EC2::PrefixList", "AWS::EC2::RouteTable", "AWS::EC2::VPCEndpoint", "AWS::EC2::VPCPeeringConnection",
	}, func() map[string][]string {
		table := must[*ec2.CreateRouteTableOutput](t)(e.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{
			VpcId: &vpc, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeRouteTable),
		}))
		made["AWS::EC2::RouteTable"] = []string{*table.RouteTable.RouteTableId}
		must[*ec2.AssociateRouteTableOutput](t)(e.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{
			RouteTableId: table.RouteTable.RouteTableId, SubnetId: &subnet,
		}))
		gateway := must[*ec2.CreateInternetGatewayOutput](t)(e.CreateInternetGateway(ctx, &ec2.CreateInternetGatewayInput{
			TagSpecifications: ec2TagSpec(ec2types.ResourceTypeInternetGateway),
		}))
		made["AWS::EC2::InternetGateway"] = []string{*gateway.InternetGateway.InternetGatewayId}
		must[*ec2.AttachInternetGatewayOutput](t)(e.AttachInternetGateway(ctx, &ec2.AttachInternetGatewayInput{
			VpcId: &vpc, InternetGatewayId: gateway.InternetGateway.InternetGatewayId,
		}))
		must[*ec2.CreateRouteOutput](t)(e.CreateRoute(ctx, &ec2.CreateRouteInput{
			RouteTableId: table.RouteTable.RouteTableId, DestinationCidrBlock: aws.String("0.0.0.0/0"),
			GatewayId: gateway.InternetGateway.InternetGatewayId,
		}))
		acl := must[*ec2.CreateNetworkAclOutput](t)(e.CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{
			VpcId: &vpc, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeNetworkAcl),
		}))
		made["AWS::EC2::NetworkAcl"] = []string{*acl.NetworkAcl.NetworkAclId}
		must[*ec2.CreateNetworkAclEntryOutput](t)(e.CreateNetworkAclEntry(ctx, &ec2.CreateNetworkAclEntryInput{
			NetworkAclId: acl.NetworkAcl.NetworkAclId, RuleNumber: aws.Int32(100), Protocol: aws.String("-1"), Egress: aws.Bool(false),
			RuleAction: ec2types.RuleActionAllow, CidrBlock: aws.String("10.0.0.0/8"),
		}))
		address := must[*ec2.AllocateAddressOutput](t)(e.AllocateAddress(ctx, &ec2.AllocateAddressInput{
			Domain: ec2types.DomainTypeVpc, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeElasticIp),
		}))
		made["AWS::EC2::EIP"] = []string{*address.AllocationId}
		nat := must[*ec2.CreateNatGatewayOutput](t)(e.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{
			SubnetId: &subnet, AllocationId: address.AllocationId, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeNatgateway),
		}))
		made["AWS::EC2::NatGateway"] = []string{*nat.NatGateway.NatGatewayId}
		endpoint := must[*ec2.CreateVpcEndpointOutput](t)(e.CreateVpcEndpoint(ctx, &ec2.CreateVpcEndpointInput{
			VpcId: &vpc, ServiceName: aws.String("com.amazonaws.us-east-1.s3"), RouteTableIds: []string{*table.RouteTable.RouteTableId},
			PolicyDocument:    aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}`),
			TagSpecifications: ec2TagSpec(ec2types.ResourceTypeVpcEndpoint),
		}))
		made["AWS::EC2::VPCEndpoint"] = []string{*endpoint.VpcEndpoint.VpcEndpointId}
		peering := must[*ec2.CreateVpcPeeringConnectionOutput](t)(e.CreateVpcPeeringConnection(ctx, &ec2.CreateVpcPeeringConnectionInput{
			VpcId: &vpc, PeerVpcId: &peer, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeVpcPeeringConnection),
		}))
		made["AWS::EC2::VPCPeeringConnection"] = []string{*peering.VpcPeeringConnection.VpcPeeringConnectionId}
		rejected := must[*ec2.CreateVpcPeeringConnectionOutput](t)(e.CreateVpcPeeringConnection(ctx, &ec2.CreateVpcPeeringConnectionInput{
			VpcId: &peer, PeerVpcId: &vpc,
		}))
		must[*ec2.RejectVpcPeeringConnectionOutput](t)(e.RejectVpcPeeringConnection(ctx, &ec2.RejectVpcPeeringConnectionInput{
			VpcPeeringConnectionId: rejected.VpcPeeringConnection.VpcPeeringConnectionId,
		}))
		logs := must[*ec2.CreateFlowLogsOutput](t)(e.CreateFlowLogs(ctx, &ec2.CreateFlowLogsInput{
			ResourceIds: []string{vpc}, ResourceType: ec2types.FlowLogsResourceTypeVpc, TrafficType: ec2types.TrafficTypeAll,
			LogGroupName: aws.String("flows"), DeliverLogsPermissionArn: aws.String("arn:aws:iam::" + c.account + ":role/flows"),
			TagSpecifications: ec2TagSpec(ec2types.ResourceTypeVpcFlowLog),
		}))
		made["AWS::EC2::FlowLog"] = logs.FlowLogIds
		dhcp := must[*ec2.CreateDhcpOptionsOutput](t)(e.CreateDhcpOptions(ctx, &ec2.CreateDhcpOptionsInput{
			DhcpConfigurations: []ec2types.NewDhcpConfiguration{
				{Key: aws.String("domain-name-servers"), Values: []string{"10.1.0.9", "10.1.0.3"}},
				{Key: aws.String("domain-name"), Values: []string{"example.com"}},
			},
		}))
		tagIt(t, e, dhcp.DhcpOptions.DhcpOptionsId)
		made["AWS::EC2::DHCPOptions"] = []string{*dhcp.DhcpOptions.DhcpOptionsId}
		prefixes := must[*ec2.CreateManagedPrefixListOutput](t)(e.CreateManagedPrefixList(ctx, &ec2.CreateManagedPrefixListInput{
			PrefixListName: aws.String("offices"), AddressFamily: aws.String("IPv4"), MaxEntries: aws.Int32(5),
			Entries:           []ec2types.AddPrefixListEntry{{Cidr: aws.String("192.0.2.0/24"), Description: aws.String("Oslo")}},
			TagSpecifications: ec2TagSpec(ec2types.ResourceTypePrefixList),
		}))
		made["AWS::EC2::PrefixList"] = []string{*prefixes.PrefixList.PrefixListId}
		return made
	})

	for typ, ids := range made {
		wantTags(t, inv.get(t, typ, ids[0]), wantedTags)
	}
	one := func(typ string) string { return made[typ][0] }
	table := inv.get(t, "AWS::EC2::RouteTable", one("AWS::EC2::RouteTable"))
	wantAt(t, table, subnet, "Associations", 0, "SubnetId")
	wantAt(t, table, "0.0.0.0/0", "Routes", 0, "DestinationCidrBlock")
	acl := inv.get(t, "AWS::EC2::NetworkAcl", one("AWS::EC2::NetworkAcl"))
	wantAt(t, acl, "10.0.0.0/8", "Entries", 0, "CidrBlock")
	wantAt(t, inv.get(t, "AWS::EC2::InternetGateway", one("AWS::EC2::InternetGateway")), vpc, "Attachments", 0, "VpcId")
	if nat := inv.get(t, "AWS::EC2::NatGateway", one("AWS::EC2::NatGateway")); nat.Status != "available" || nat.CreatedAt.IsZero() {
		t.Errorf("got %+v", nat)
	}
	endpoint := inv.get(t, "AWS::EC2::VPCEndpoint", one("AWS::EC2::VPCEndpoint"))
	wantAt(t, endpoint, "s3:GetObject", "PolicyDocument", "Statement", 0, "Action", 0)
	dhcp := inv.get(t, "AWS::EC2::DHCPOptions", one("AWS::EC2::DHCPOptions"))
	wantAt(t, dhcp, "10.1.0.9", "DhcpConfigurations", 1, "Values", 0, "Value")
	prefixes := inv.get(t, "AWS::EC2::PrefixList", one("AWS::EC2::PrefixList"))
	wantAt(t, prefixes, "192.0.2.0/24", "Entries", 0, "Cidr")
	if prefixes.Name != "offices" || prefixes.ARN == "" {
		t.Errorf("got %+v", prefixes)
	}
}

func TestMoto_EC2Gateways(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), ec2.NewFromConfig(c.config(t))
	vpc := newVPC(t, e, "10.1.0.0/16")
	subnet := newSubnet(t, e, vpc, "10.1.1.0/24", "us-east-1a")
	made := map[string][]string{}
	inv := c.checkFound(t, []string{
		"AWS::EC2::CarrierGateway", "AWS::EC2::CustomerGateway", "AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::TransitGateway",
		"AWS::EC2::TransitGatewayAttachment", "AWS::EC2::TransitGatewayRouteTable", "AWS::EC2::VPNConnection", "AWS::EC2::VPNGateway",
	}, func() map[string][]string {
		carrier := must[*ec2.CreateCarrierGatewayOutput](t)(e.CreateCarrierGateway(ctx, &ec2.CreateCarrierGatewayInput{
			VpcId: &vpc, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeCarrierGateway),
		}))
		made["AWS::EC2::CarrierGateway"] = []string{*carrier.CarrierGateway.CarrierGatewayId}
		egress := must[*ec2.CreateEgressOnlyInternetGatewayOutput](t)(e.CreateEgressOnlyInternetGateway(ctx, &ec2.CreateEgressOnlyInternetGatewayInput{
			VpcId: &vpc, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeEgressOnlyInternetGateway),
		}))
		made["AWS::EC2::EgressOnlyInternetGateway"] = []string{*egress.EgressOnlyInternetGateway.EgressOnlyInternetGatewayId}
		customer := must[*ec2.CreateCustomerGatewayOutput](t)(e.CreateCustomerGateway(ctx, &ec2.CreateCustomerGatewayInput{
			Type: ec2types.GatewayTypeIpsec1, IpAddress: aws.String("203.0.113.7"), BgpAsn: aws.Int32(65000),
			TagSpecifications: ec2TagSpec(ec2types.ResourceTypeCustomerGateway),
		}))
		made["AWS::EC2::CustomerGateway"] = []string{*customer.CustomerGateway.CustomerGatewayId}
		vpn := must[*ec2.CreateVpnGatewayOutput](t)(e.CreateVpnGateway(ctx, &ec2.CreateVpnGatewayInput{
			Type: ec2types.GatewayTypeIpsec1, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeVpnGateway),
		}))
		made["AWS::EC2::VPNGateway"] = []string{*vpn.VpnGateway.VpnGatewayId}
		must[*ec2.AttachVpnGatewayOutput](t)(e.AttachVpnGateway(ctx, &ec2.AttachVpnGatewayInput{VpcId: &vpc, VpnGatewayId: vpn.VpnGateway.VpnGatewayId}))
		connection := must[*ec2.CreateVpnConnectionOutput](t)(e.CreateVpnConnection(ctx, &ec2.CreateVpnConnectionInput{
			Type: aws.String("ipsec.1"), CustomerGatewayId: customer.CustomerGateway.CustomerGatewayId, VpnGatewayId: vpn.VpnGateway.VpnGatewayId,
			TagSpecifications: ec2TagSpec(ec2types.ResourceTypeVpnConnection),
		}))
		made["AWS::EC2::VPNConnection"] = []string{*connection.VpnConnection.VpnConnectionId}
		transit := must[*ec2.CreateTransitGatewayOutput](t)(e.CreateTransitGateway(ctx, &ec2.CreateTransitGatewayInput{
			Description: aws.String("hub"), TagSpecifications: ec2TagSpec(ec2types.ResourceTypeTransitGateway),
		}))
		made["AWS::EC2::TransitGateway"] = []string{*transit.TransitGateway.TransitGatewayId}
		attachment := must[*ec2.CreateTransitGatewayVpcAttachmentOutput](t)(e.CreateTransitGatewayVpcAttachment(ctx, &ec2.CreateTransitGatewayVpcAttachmentInput{
			TransitGatewayId: transit.TransitGateway.TransitGatewayId, VpcId: &vpc, SubnetIds: []string{subnet},
		}))
		tagIt(t, e, attachment.TransitGatewayVpcAttachment.TransitGatewayAttachmentId)
		made["AWS::EC2::TransitGatewayAttachment"] = []string{*attachment.TransitGatewayVpcAttachment.TransitGatewayAttachmentId}
		routes := must[*ec2.CreateTransitGatewayRouteTableOutput](t)(e.CreateTransitGatewayRouteTable(ctx, &ec2.CreateTransitGatewayRouteTableInput{
			TransitGatewayId: transit.TransitGateway.TransitGatewayId, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeTransitGatewayRouteTable),
		}))
		made["AWS::EC2::TransitGatewayRouteTable"] = []string{*routes.TransitGatewayRouteTable.TransitGatewayRouteTableId}
		// The transit gateway comes with a route table of its own.
		made["AWS::EC2::TransitGatewayRouteTable"] = append(made["AWS::EC2::TransitGatewayRouteTable"],
			*transit.TransitGateway.Options.AssociationDefaultRouteTableId)
		return made
	})

	for typ, ids := range made {
		if typ != "AWS::EC2::TransitGatewayRouteTable" {
			wantTags(t, inv.get(t, typ, ids[0]), wantedTags)
		}
	}
	one := func(typ string) string { return made[typ][0] }
	if r := inv.get(t, "AWS::EC2::CustomerGateway", one("AWS::EC2::CustomerGateway")); r.Status != "available" {
		t.Errorf("got %+v", r)
	}
	wantAt(t, inv.get(t, "AWS::EC2::VPNGateway", one("AWS::EC2::VPNGateway")), vpc, "VpcAttachments", 0, "VpcId")
	vpn := inv.get(t, "AWS::EC2::VPNConnection", one("AWS::EC2::VPNConnection"))
	wantAt(t, vpn, one("AWS::EC2::CustomerGateway"), "CustomerGatewayId")
	wantAt(t, vpn, nil, "CustomerGatewayConfiguration")
	transit := inv.get(t, "AWS::EC2::TransitGateway", one("AWS::EC2::TransitGateway"))
	if transit.Status != "available" || transit.ARN == "" {
		t.Errorf("got %+v", transit)
	}
	wantAt(t, inv.get(t, "AWS::EC2::TransitGatewayAttachment", one("AWS::EC2::TransitGatewayAttachment")), vpc, "ResourceId")
}

func TestMoto_EC2Images(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), ec2.NewFromConfig(c.config(t))
	userData := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\nexport TOKEN=s3cret\n"))
	made := map[string][]string{}
	inv := c.checkFound(t, []string{
		"AWS::EC2::Image", "AWS::EC2::KeyPair", "AWS::EC2::LaunchTemplate", "AWS::EC2::Snapshot",
	}, func() map[string][]string {
		volume := must[*ec2.CreateVolumeOutput](t)(e.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(8)}))
		snapshot := must[*ec2.CreateSnapshotOutput](t)(e.CreateSnapshot(ctx, &ec2.CreateSnapshotInput{
			VolumeId: volume.VolumeId, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeSnapshot),
		}))
		image := must[*ec2.RegisterImageOutput](t)(e.RegisterImage(ctx, &ec2.RegisterImageInput{
			Name: aws.String("base"), TagSpecifications: ec2TagSpec(ec2types.ResourceTypeImage),
		}))
		made["AWS::EC2::Image"] = []string{*image.ImageId}
		made["AWS::EC2::Snapshot"] = []string{*snapshot.SnapshotId}
		snapshots := must[*ec2.DescribeSnapshotsOutput](t)(e.DescribeSnapshots(ctx, &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}))
		for _, s := range snapshots.Snapshots { // moto makes one for the image
			if *s.SnapshotId != *snapshot.SnapshotId {
				made["AWS::EC2::Snapshot"] = append(made["AWS::EC2::Snapshot"], *s.SnapshotId)
			}
		}
		pair := must[*ec2.CreateKeyPairOutput](t)(e.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{
			KeyName: aws.String("ops"), TagSpecifications: ec2TagSpec(ec2types.ResourceTypeKeyPair),
		}))
		made["AWS::EC2::KeyPair"] = []string{*pair.KeyPairId}
		for _, name := range []string{"web", "worker"} {
			template := must[*ec2.CreateLaunchTemplateOutput](t)(e.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
				LaunchTemplateName: &name, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeLaunchTemplate),
				LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String(motoImage), UserData: &userData},
			}))
			made["AWS::EC2::LaunchTemplate"] = append(made["AWS::EC2::LaunchTemplate"], *template.LaunchTemplate.LaunchTemplateId)
			must[*ec2.CreateLaunchTemplateVersionOutput](t)(e.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{
				LaunchTemplateName: &name, VersionDescription: aws.String("second"),
				LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String(motoImage), InstanceType: ec2types.InstanceTypeT3Small},
			}))
		}
		return made
	})

	if r := inv.get(t, "AWS::EC2::Image", made["AWS::EC2::Image"][0]); r.Name != "base" || r.Status != "available" || r.CreatedAt.IsZero() {
		t.Errorf("got %+v", r)
	}
	pair := inv.get(t, "AWS::EC2::KeyPair", made["AWS::EC2::KeyPair"][0])
	if pair.Name != "ops" {
		t.Errorf("got %+v", pair)
	}
	wantTags(t, pair, wantedTags)
	for _, id := range made["AWS::EC2::LaunchTemplate"] {
		template := inv.get(t, "AWS::EC2::LaunchTemplate", id)
		wantTags(t, template, wantedTags)
		wantAt(t, template, digest(userData), "DefaultVersion", "LaunchTemplateData", "UserData")
		wantAt(t, template, "second", "LatestVersion", "VersionDescription")
		wantAt(t, template, "t3.small", "LatestVersion", "LaunchTemplateData", "InstanceType")
	}
}

func TestMoto_EC2Capacity(t *testing.T) {
	c := moto(t)
	ctx, e := t.Context(), ec2.NewFromConfig(c.config(t))
	vpc := newVPC(t, e, "10.1.0.0/16")
	subnet := newSubnet(t, e, vpc, "10.1.1.0/24", "us-east-1a")
	userData := base64.StdEncoding.EncodeToString([]byte("s3cret"))
	template := must[*ec2.CreateLaunchTemplateOutput](t)(e.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: aws.String("spot"),
		LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: aws.String(motoImage), InstanceType: ec2types.InstanceTypeT3Micro},
	}))
	made := map[string][]string{}
	inv := c.checkFound(t, []string{
		"AWS::EC2::EC2Fleet", "AWS::EC2::Host", "AWS::EC2::SpotFleet", "AWS::EC2::SpotInstanceRequest",
	}, func() map[string][]string {
		hosts := must[*ec2.AllocateHostsOutput](t)(e.AllocateHosts(ctx, &ec2.AllocateHostsInput{
			AvailabilityZone: aws.String("us-east-1a"), InstanceType: aws.String("m5.large"), Quantity: aws.Int32(2),
			TagSpecifications: ec2TagSpec(ec2types.ResourceTypeDedicatedHost),
		}))
		made["AWS::EC2::Host"] = hosts.HostIds
		must[*ec2.RequestSpotInstancesOutput](t)(e.RequestSpotInstances(ctx, &ec2.RequestSpotInstancesInput{
			SpotPrice: aws.String("0.5"), InstanceCount: aws.Int32(1),
			LaunchSpecification: &ec2types.RequestSpotLaunchSpecification{
				ImageId: aws.String(motoImage), InstanceType: ec2types.InstanceTypeT3Micro, SubnetId: &subnet, UserData: &userData,
			},
		}))
		fleet := must[*ec2.CreateFleetOutput](t)(e.CreateFleet(ctx, &ec2.CreateFleetInput{
			LaunchTemplateConfigs: []ec2types.FleetLaunchTemplateConfigRequest{{
				LaunchTemplateSpecification: &ec2types.FleetLaunchTemplateSpecificationRequest{
					LaunchTemplateId: template.LaunchTemplate.LaunchTemplateId, Version: aws.String("1"),
				},
			}},
			TargetCapacitySpecification: &ec2types.TargetCapacitySpecificationRequest{
				TotalTargetCapacity: aws.Int32(1), OnDemandTargetCapacity: aws.Int32(1), SpotTargetCapacity: aws.Int32(0),
				DefaultTargetCapacityType: ec2types.DefaultTargetCapacityTypeOnDemand,
			},
			Type: ec2types.FleetTypeMaintain,
		}))
		made["AWS::EC2::EC2Fleet"] = []string{*fleet.FleetId}
		spotFleet := must[*ec2.RequestSpotFleetOutput](t)(e.RequestSpotFleet(ctx, &ec2.RequestSpotFleetInput{
			SpotFleetRequestConfig: &ec2types.SpotFleetRequestConfigData{
				IamFleetRole: aws.String("arn:aws:iam::" + c.account + ":role/fleet"), TargetCapacity: aws.Int32(1), SpotPrice: aws.String("0.5"),
				AllocationStrategy: ec2types.AllocationStrategyLowestPrice,
				LaunchSpecifications: []ec2types.SpotFleetLaunchSpecification{{
					ImageId: aws.String(motoImage), InstanceType: ec2types.InstanceTypeT3Micro, SubnetId: &subnet,
					WeightedCapacity: aws.Float64(1), UserData: &userData,
				}},
			},
		}))
		made["AWS::EC2::SpotFleet"] = []string{*spotFleet.SpotFleetRequestId}
		requests := must[*ec2.DescribeSpotInstanceRequestsOutput](t)(e.DescribeSpotInstanceRequests(ctx, &ec2.DescribeSpotInstanceRequestsInput{}))
		for _, r := range requests.SpotInstanceRequests { // ours and that of the fleet
			made["AWS::EC2::SpotInstanceRequest"] = append(made["AWS::EC2::SpotInstanceRequest"], *r.SpotInstanceRequestId)
		}
		return made
	})

	spotFleet := inv.get(t, "AWS::EC2::SpotFleet", made["AWS::EC2::SpotFleet"][0])
	if spotFleet.Status != "active" {
		t.Errorf("got %+v", spotFleet)
	}
	wantAt(t, spotFleet, digest(userData), "SpotFleetRequestConfig", "LaunchSpecifications", 0, "UserData")
	if n := len(made["AWS::EC2::SpotInstanceRequest"]); n != 2 {
		t.Errorf("%d spot requests, want 2", n)
	}
	for _, id := range made["AWS::EC2::Host"] {
		r := inv.get(t, "AWS::EC2::Host", id)
		wantTags(t, r, wantedTags)
		wantAt(t, r, "m5.large", "HostProperties", "InstanceType")
	}
	if r := inv.get(t, "AWS::EC2::EC2Fleet", made["AWS::EC2::EC2Fleet"][0]); r.Status != "active" {
		t.Errorf("got %+v", r)
	}
}
