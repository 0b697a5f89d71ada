package aws

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2 "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func ec2NetworkNoises() []observed {
	s := aws.String
	route := func(cidr, gateway string) ec2.Route {
		return ec2.Route{DestinationCidrBlock: &cidr, GatewayId: &gateway}
	}
	entry := func(number int32, egress bool, cidr string) ec2.NetworkAclEntry {
		return ec2.NetworkAclEntry{RuleNumber: &number, Egress: &egress, CidrBlock: &cidr}
	}
	return []observed{
		{name: "the order of routes and associations", typ: "AWS::EC2::RouteTable",
			before: ec2.RouteTable{Routes: []ec2.Route{route("0.0.0.0/0", "igw-1"), route("10.0.0.0/8", "local"), {DestinationIpv6CidrBlock: s("::/0")}},
				Associations: []ec2.RouteTableAssociation{{RouteTableAssociationId: s("a")}, {RouteTableAssociationId: s("b")}}},
			after: ec2.RouteTable{Routes: []ec2.Route{{DestinationIpv6CidrBlock: s("::/0")}, route("10.0.0.0/8", "local"), route("0.0.0.0/0", "igw-1")},
				Associations: []ec2.RouteTableAssociation{{RouteTableAssociationId: s("b")}, {RouteTableAssociationId: s("a")}}}},
		{name: "a route through another gateway", typ: "AWS::EC2::RouteTable",
			before: ec2.RouteTable{Routes: []ec2.Route{route("0.0.0.0/0", "igw-1"), {DestinationIpv6CidrBlock: s("::/0")}}},
			after:  ec2.RouteTable{Routes: []ec2.Route{{DestinationIpv6CidrBlock: s("::/0")}, route("0.0.0.0/0", "igw-2")}},
			paths:  []string{"attributes.Routes[0.0.0.0/0].GatewayId"}},
		{name: "the order of an access list's entries", typ: "AWS::EC2::NetworkAcl",
			before: ec2.NetworkAcl{Entries: []ec2.NetworkAclEntry{entry(100, true, "10.0.0.0/8"), entry(100, false, "10.0.0.0/8")}},
			after:  ec2.NetworkAcl{Entries: []ec2.NetworkAclEntry{entry(100, false, "10.0.0.0/8"), entry(100, true, "10.0.0.0/8")}}},
		{name: "an access list that lets more in", typ: "AWS::EC2::NetworkAcl",
			before: ec2.NetworkAcl{Entries: []ec2.NetworkAclEntry{entry(100, true, "10.0.0.0/8"), entry(100, false, "10.0.0.0/8")}},
			after:  ec2.NetworkAcl{Entries: []ec2.NetworkAclEntry{entry(100, true, "10.0.0.0/8"), entry(100, false, "0.0.0.0/0")}},
			paths:  []string{"attributes.Entries[100:false].CidrBlock"}},
		{name: "the tags in the document of an address", typ: "AWS::EC2::EIP",
			before: ec2.Address{Tags: []ec2.Tag{{Key: s("a"), Value: s("b")}}}, after: ec2.Address{}},
		{name: "an address for another instance", typ: "AWS::EC2::EIP",
			before: ec2.Address{InstanceId: s("i-1")}, after: ec2.Address{InstanceId: s("i-2")},
			paths: []string{"attributes.InstanceId"}},
		{name: "the order of an endpoint's parts and of its policy", typ: "AWS::EC2::VPCEndpoint",
			before: ec2.VpcEndpoint{SubnetIds: []string{"a", "b"}, RouteTableIds: []string{"c", "d"}, NetworkInterfaceIds: []string{"e", "f"}, PolicyDocument: s(bucketPolicy),
				Groups: []ec2.SecurityGroupIdentifier{{GroupId: s("g")}, {GroupId: s("h")}}, DnsEntries: []ec2.DnsEntry{{DnsName: s("i")}, {DnsName: s("j")}}},
			after: ec2.VpcEndpoint{SubnetIds: []string{"b", "a"}, RouteTableIds: []string{"d", "c"}, NetworkInterfaceIds: []string{"f", "e"}, PolicyDocument: s(bucketPolicySame),
				Groups: []ec2.SecurityGroupIdentifier{{GroupId: s("h")}, {GroupId: s("g")}}, DnsEntries: []ec2.DnsEntry{{DnsName: s("j")}, {DnsName: s("i")}}}},
		{name: "an endpoint for one more route table", typ: "AWS::EC2::VPCEndpoint",
			before: ec2.VpcEndpoint{RouteTableIds: []string{"b"}}, after: ec2.VpcEndpoint{RouteTableIds: []string{"a", "b"}},
			paths: []string{"attributes.RouteTableIds[a]"}},
		{name: "the words for a peering's status, and the order of ranges", typ: "AWS::EC2::VPCPeeringConnection",
			before: ec2.VpcPeeringConnection{Status: &ec2.VpcPeeringConnectionStateReason{Message: s("Active")},
				AccepterVpcInfo: &ec2.VpcPeeringConnectionVpcInfo{CidrBlockSet: []ec2.CidrBlock{{CidrBlock: s("a")}, {CidrBlock: s("b")}}}},
			after: ec2.VpcPeeringConnection{Status: &ec2.VpcPeeringConnectionStateReason{Message: s("active now")},
				AccepterVpcInfo: &ec2.VpcPeeringConnectionVpcInfo{CidrBlockSet: []ec2.CidrBlock{{CidrBlock: s("b")}, {CidrBlock: s("a")}}}}},
		{name: "a peering that resolves names", typ: "AWS::EC2::VPCPeeringConnection",
			before: ec2.VpcPeeringConnection{AccepterVpcInfo: &ec2.VpcPeeringConnectionVpcInfo{PeeringOptions: &ec2.VpcPeeringConnectionOptionsDescription{AllowDnsResolutionFromRemoteVpc: aws.Bool(false)}}},
			after:  ec2.VpcPeeringConnection{AccepterVpcInfo: &ec2.VpcPeeringConnectionVpcInfo{PeeringOptions: &ec2.VpcPeeringConnectionOptionsDescription{AllowDnsResolutionFromRemoteVpc: aws.Bool(true)}}},
			paths:  []string{"attributes.AccepterVpcInfo.PeeringOptions.AllowDnsResolutionFromRemoteVpc"}},
		{name: "the order of tag fields in a flow log", typ: "AWS::EC2::FlowLog",
			before: ec2.FlowLog{TagFieldSpecifications: []ec2.TagFieldSpecificationResponse{{ResourceType: "instance", TagKeys: []string{"a", "b"}}}},
			after:  ec2.FlowLog{TagFieldSpecifications: []ec2.TagFieldSpecificationResponse{{ResourceType: "instance", TagKeys: []string{"b", "a"}}}}},
		{name: "a flow log that cannot deliver any more", typ: "AWS::EC2::FlowLog",
			before: ec2.FlowLog{DeliverLogsStatus: s("SUCCESS")}, after: ec2.FlowLog{DeliverLogsStatus: s("FAILED")},
			paths: []string{"attributes.DeliverLogsStatus"}},
		{name: "the order of DHCP options", typ: "AWS::EC2::DHCPOptions",
			before: ec2.DhcpOptions{DhcpConfigurations: []ec2.DhcpConfiguration{{Key: s("a")}, {Key: s("b")}}},
			after:  ec2.DhcpOptions{DhcpConfigurations: []ec2.DhcpConfiguration{{Key: s("b")}, {Key: s("a")}}}},
		{name: "the order of name servers", typ: "AWS::EC2::DHCPOptions",
			before: ec2.DhcpOptions{DhcpConfigurations: []ec2.DhcpConfiguration{{Key: s("a"), Values: []ec2.AttributeValue{{Value: s("1")}, {Value: s("2")}}}}},
			after:  ec2.DhcpOptions{DhcpConfigurations: []ec2.DhcpConfiguration{{Key: s("a"), Values: []ec2.AttributeValue{{Value: s("2")}, {Value: s("1")}}}}},
			paths:  []string{"attributes.DhcpConfigurations[a].Values[0].Value", "attributes.DhcpConfigurations[a].Values[1].Value"}},
		{name: "the order of a prefix list's entries", typ: "AWS::EC2::PrefixList",
			before: prefixList{Entries: []ec2.PrefixListEntry{{Cidr: s("a")}, {Cidr: s("b")}}},
			after:  prefixList{Entries: []ec2.PrefixListEntry{{Cidr: s("b")}, {Cidr: s("a")}}}},
		{name: "one more entry of a prefix list", typ: "AWS::EC2::PrefixList",
			before: prefixList{ManagedPrefixList: ec2.ManagedPrefixList{Version: aws.Int64(1)}, Entries: []ec2.PrefixListEntry{{Cidr: s("b")}}},
			after:  prefixList{ManagedPrefixList: ec2.ManagedPrefixList{Version: aws.Int64(2)}, Entries: []ec2.PrefixListEntry{{Cidr: s("a")}, {Cidr: s("b")}}},
			paths:  []string{"attributes.Entries[a]", "attributes.Version"}},
	}
}

func ec2GatewayNoises() []observed {
	s := aws.String
	attached := func(vpcs ...string) (all []ec2.InternetGatewayAttachment) {
		for _, v := range vpcs {
			all = append(all, ec2.InternetGatewayAttachment{VpcId: &v})
		}
		return all
	}
	telemetry := func(status ec2.TelemetryStatus, hour int, routes int32) ec2.VpnConnection {
		return ec2.VpnConnection{VgwTelemetry: []ec2.VgwTelemetry{{
			OutsideIpAddress: s("203.0.113.7"), Status: status, LastStatusChange: at(hour), AcceptedRouteCount: &routes, StatusMessage: s(string(status)),
		}}}
	}
	key := func(secret string) ec2.VpnConnection {
		return ec2.VpnConnection{Options: &ec2.VpnConnectionOptions{TunnelOptions: []ec2.TunnelOption{{OutsideIpAddress: s("203.0.113.7"), PreSharedKey: &secret}}}}
	}
	return []observed{
		{name: "the order of a gateway's attachments", typ: "AWS::EC2::InternetGateway",
			before: ec2.InternetGateway{Attachments: attached("a", "b")}, after: ec2.InternetGateway{Attachments: attached("b", "a")}},
		{name: "a gateway attached to a VPC", typ: "AWS::EC2::InternetGateway",
			before: ec2.InternetGateway{}, after: ec2.InternetGateway{Attachments: attached("a")},
			paths: []string{"attributes.Attachments[a]"}},
		{name: "the order of an egress-only gateway's attachments", typ: "AWS::EC2::EgressOnlyInternetGateway",
			before: ec2.EgressOnlyInternetGateway{Attachments: attached("a", "b")}, after: ec2.EgressOnlyInternetGateway{Attachments: attached("b", "a")}},
		{name: "an egress-only gateway in another VPC", typ: "AWS::EC2::EgressOnlyInternetGateway",
			before: ec2.EgressOnlyInternetGateway{Attachments: attached("a")}, after: ec2.EgressOnlyInternetGateway{Attachments: attached("b")},
			paths: []string{"attributes.Attachments[a]", "attributes.Attachments[b]"}},
		{name: "the order of a NAT gateway's addresses", typ: "AWS::EC2::NatGateway",
			before: ec2.NatGateway{NatGatewayAddresses: []ec2.NatGatewayAddress{{PrivateIp: s("a")}, {PrivateIp: s("b")}}},
			after:  ec2.NatGateway{NatGatewayAddresses: []ec2.NatGatewayAddress{{PrivateIp: s("b")}, {PrivateIp: s("a")}}}},
		{name: "one more address of a NAT gateway", typ: "AWS::EC2::NatGateway",
			before: ec2.NatGateway{NatGatewayAddresses: []ec2.NatGatewayAddress{{PrivateIp: s("b")}}},
			after:  ec2.NatGateway{NatGatewayAddresses: []ec2.NatGatewayAddress{{PrivateIp: s("a")}, {PrivateIp: s("b")}}},
			paths:  []string{"attributes.NatGatewayAddresses[a]"}},
		{name: "a carrier gateway's tags in its document", typ: "AWS::EC2::CarrierGateway",
			before: ec2.CarrierGateway{Tags: []ec2.Tag{{Key: s("a")}}}, after: ec2.CarrierGateway{}},
		{name: "a carrier gateway in another VPC", typ: "AWS::EC2::CarrierGateway",
			before: ec2.CarrierGateway{VpcId: s("a")}, after: ec2.CarrierGateway{VpcId: s("b")}, paths: []string{"attributes.VpcId"}},
		{name: "a customer gateway's tags in its document", typ: "AWS::EC2::CustomerGateway",
			before: ec2.CustomerGateway{Tags: []ec2.Tag{{Key: s("a")}}}, after: ec2.CustomerGateway{}},
		{name: "another address of a customer gateway", typ: "AWS::EC2::CustomerGateway",
			before: ec2.CustomerGateway{IpAddress: s("203.0.113.7")}, after: ec2.CustomerGateway{IpAddress: s("203.0.113.8")}, paths: []string{"attributes.IpAddress"}},
		{name: "the order of a VPN gateway's attachments", typ: "AWS::EC2::VPNGateway",
			before: ec2.VpnGateway{VpcAttachments: []ec2.VpcAttachment{{VpcId: s("a")}, {VpcId: s("b")}}},
			after:  ec2.VpnGateway{VpcAttachments: []ec2.VpcAttachment{{VpcId: s("b")}, {VpcId: s("a")}}}},
		{name: "a VPN gateway that is detached", typ: "AWS::EC2::VPNGateway",
			before: ec2.VpnGateway{VpcAttachments: []ec2.VpcAttachment{{VpcId: s("a"), State: "attached"}}},
			after:  ec2.VpnGateway{VpcAttachments: []ec2.VpcAttachment{{VpcId: s("a"), State: "detached"}}},
			paths:  []string{"attributes.VpcAttachments[a].State"}},
		{name: "a tunnel that goes down and up", typ: "AWS::EC2::VPNConnection", before: telemetry("UP", 1, 3), after: telemetry("DOWN", 2, 0)},
		{name: "another key of a tunnel", typ: "AWS::EC2::VPNConnection", before: key("abc"), after: key("defg"),
			paths: []string{"attributes.Options.TunnelOptions[203.0.113.7].PreSharedKey"}},
		{name: "the order of a transit gateway's ranges", typ: "AWS::EC2::TransitGateway",
			before: ec2.TransitGateway{Options: &ec2.TransitGatewayOptions{TransitGatewayCidrBlocks: []string{"a", "b"}}},
			after:  ec2.TransitGateway{Options: &ec2.TransitGatewayOptions{TransitGatewayCidrBlocks: []string{"b", "a"}}}},
		{name: "a transit gateway that accepts what is shared", typ: "AWS::EC2::TransitGateway",
			before: ec2.TransitGateway{Options: &ec2.TransitGatewayOptions{AutoAcceptSharedAttachments: "disable"}},
			after:  ec2.TransitGateway{Options: &ec2.TransitGatewayOptions{AutoAcceptSharedAttachments: "enable"}},
			paths:  []string{"attributes.Options.AutoAcceptSharedAttachments"}},
		{name: "an attachment's tags in its document", typ: "AWS::EC2::TransitGatewayAttachment",
			before: ec2.TransitGatewayAttachment{Tags: []ec2.Tag{{Key: s("a")}}}, after: ec2.TransitGatewayAttachment{}},
		{name: "an attachment with another route table", typ: "AWS::EC2::TransitGatewayAttachment",
			before: ec2.TransitGatewayAttachment{Association: &ec2.TransitGatewayAttachmentAssociation{TransitGatewayRouteTableId: s("a")}},
			after:  ec2.TransitGatewayAttachment{Association: &ec2.TransitGatewayAttachmentAssociation{TransitGatewayRouteTableId: s("b")}},
			paths:  []string{"attributes.Association.TransitGatewayRouteTableId"}},
		{name: "a route table's tags in its document", typ: "AWS::EC2::TransitGatewayRouteTable",
			before: ec2.TransitGatewayRouteTable{Tags: []ec2.Tag{{Key: s("a")}}}, after: ec2.TransitGatewayRouteTable{}},
		{name: "a route table that became the default", typ: "AWS::EC2::TransitGatewayRouteTable",
			before: ec2.TransitGatewayRouteTable{DefaultAssociationRouteTable: aws.Bool(false)},
			after:  ec2.TransitGatewayRouteTable{DefaultAssociationRouteTable: aws.Bool(true)},
			paths:  []string{"attributes.DefaultAssociationRouteTable"}},
	}
}

func ec2ImageNoises() []observed {
	s := aws.String
	template := func(data ec2.ResponseLaunchTemplateData) launchTemplate {
		return launchTemplate{DefaultVersion: &launchTemplateVersion{LaunchTemplateData: &data}}
	}
	return []observed{
		{name: "the progress of a snapshot", typ: "AWS::EC2::Snapshot",
			before: ec2.Snapshot{Progress: s("3%")}, after: ec2.Snapshot{Progress: s("99%")}},
		{name: "a snapshot that is archived", typ: "AWS::EC2::Snapshot",
			before: ec2.Snapshot{StorageTier: "standard"}, after: ec2.Snapshot{StorageTier: "archive"}, paths: []string{"attributes.StorageTier"}},
		{name: "the last use and scan of an image, and the order of its devices", typ: "AWS::EC2::Image",
			before: ec2.Image{LastLaunchedTime: s("1"), ScanResults: &ec2.ScanResults{FindingScanDate: at(1)}, BlockDeviceMappings: []ec2.BlockDeviceMapping{{DeviceName: s("a")}, {DeviceName: s("b")}}},
			after:  ec2.Image{LastLaunchedTime: s("2"), ScanResults: &ec2.ScanResults{FindingScanDate: at(2)}, BlockDeviceMappings: []ec2.BlockDeviceMapping{{DeviceName: s("b")}, {DeviceName: s("a")}}}},
		{name: "an image that became public", typ: "AWS::EC2::Image",
			before: ec2.Image{Public: aws.Bool(false)}, after: ec2.Image{Public: aws.Bool(true)}, paths: []string{"attributes.Public"}},
		{name: "a key pair's tags in its document", typ: "AWS::EC2::KeyPair",
			before: ec2.KeyPairInfo{Tags: []ec2.Tag{{Key: s("a")}}}, after: ec2.KeyPairInfo{}},
		{name: "another fingerprint", typ: "AWS::EC2::KeyPair",
			before: ec2.KeyPairInfo{KeyFingerprint: s("a")}, after: ec2.KeyPairInfo{KeyFingerprint: s("b")}, paths: []string{"attributes.KeyFingerprint"}},
		{name: "the order of sets in a template's version", typ: "AWS::EC2::LaunchTemplate",
			before: template(ec2.ResponseLaunchTemplateData{SecurityGroupIds: []string{"a", "b"}, InstanceRequirements: &ec2.InstanceRequirements{AllowedInstanceTypes: []string{"c", "d"}},
				NetworkInterfaces: []ec2.LaunchTemplateInstanceNetworkInterfaceSpecification{{Groups: []string{"e", "f"}}}}),
			after: template(ec2.ResponseLaunchTemplateData{SecurityGroupIds: []string{"b", "a"}, InstanceRequirements: &ec2.InstanceRequirements{AllowedInstanceTypes: []string{"d", "c"}},
				NetworkInterfaces: []ec2.LaunchTemplateInstanceNetworkInterfaceSpecification{{Groups: []string{"f", "e"}}}})},
		{name: "other user data of a template", typ: "AWS::EC2::LaunchTemplate",
			before: template(ec2.ResponseLaunchTemplateData{UserData: s("abc")}), after: template(ec2.ResponseLaunchTemplateData{UserData: s("defg")}),
			paths: []string{"attributes.DefaultVersion.LaunchTemplateData.UserData"}},
	}
}

func ec2CapacityNoises() []observed {
	s := aws.String
	const config = "attributes.SpotFleetRequestConfig."
	spot := func(l ec2.LaunchSpecification, hour int) ec2.SpotInstanceRequest {
		return ec2.SpotInstanceRequest{LaunchSpecification: &l, Status: &ec2.SpotInstanceStatus{Code: s("fulfilled"), UpdateTime: at(hour)}}
	}
	fleet := func(target int32, fulfilled float64) ec2.SpotFleetRequestConfig {
		return ec2.SpotFleetRequestConfig{ActivityStatus: ec2.ActivityStatus(fmt.Sprint(fulfilled)), SpotFleetRequestConfig: &ec2.SpotFleetRequestConfigData{TargetCapacity: &target, FulfilledCapacity: &fulfilled, OnDemandFulfilledCapacity: &fulfilled}}
	}
	return []observed{
		{name: "a placement group's tags in its document", typ: "AWS::EC2::PlacementGroup",
			before: ec2.PlacementGroup{Tags: []ec2.Tag{{Key: s("a")}}}, after: ec2.PlacementGroup{}},
		{name: "one more partition", typ: "AWS::EC2::PlacementGroup",
			before: ec2.PlacementGroup{PartitionCount: aws.Int32(2)}, after: ec2.PlacementGroup{PartitionCount: aws.Int32(3)}, paths: []string{"attributes.PartitionCount"}},
		{name: "what is free on a host, and the order of its instances", typ: "AWS::EC2::Host",
			before: ec2.Host{AvailableCapacity: &ec2.AvailableCapacity{AvailableVCpus: aws.Int32(1)}, Instances: []ec2.HostInstance{{InstanceId: s("a")}, {InstanceId: s("b")}}},
			after:  ec2.Host{AvailableCapacity: &ec2.AvailableCapacity{AvailableVCpus: aws.Int32(2)}, Instances: []ec2.HostInstance{{InstanceId: s("b")}, {InstanceId: s("a")}}}},
		{name: "an instance on a host", typ: "AWS::EC2::Host",
			before: ec2.Host{}, after: ec2.Host{Instances: []ec2.HostInstance{{InstanceId: s("a")}}}, paths: []string{"attributes.Instances[a]"}},
		{name: "what is used of a reservation", typ: "AWS::EC2::CapacityReservation",
			before: ec2.CapacityReservation{AvailableInstanceCount: aws.Int32(1), CapacityAllocations: []ec2.CapacityAllocation{{Count: aws.Int32(1)}}},
			after:  ec2.CapacityReservation{AvailableInstanceCount: aws.Int32(2)}},
		{name: "the size of a reservation", typ: "AWS::EC2::CapacityReservation",
			before: ec2.CapacityReservation{TotalInstanceCount: aws.Int32(1)}, after: ec2.CapacityReservation{TotalInstanceCount: aws.Int32(2)},
			paths: []string{"attributes.TotalInstanceCount"}},
		{name: "the time of a request's status, and the order of its groups", typ: "AWS::EC2::SpotInstanceRequest",
			before: spot(ec2.LaunchSpecification{SecurityGroups: []ec2.GroupIdentifier{{GroupId: s("a")}, {GroupId: s("b")}}}, 1),
			after:  spot(ec2.LaunchSpecification{SecurityGroups: []ec2.GroupIdentifier{{GroupId: s("b")}, {GroupId: s("a")}}}, 2)},
		{name: "other user data of a request", typ: "AWS::EC2::SpotInstanceRequest",
			before: spot(ec2.LaunchSpecification{UserData: s("abc")}, 1), after: spot(ec2.LaunchSpecification{UserData: s("defg")}, 1),
			paths: []string{"attributes.LaunchSpecification.UserData"}},
		{name: "what a spot fleet has", typ: "AWS::EC2::SpotFleet", before: fleet(3, 1), after: fleet(3, 2)},
		{name: "what a spot fleet wants", typ: "AWS::EC2::SpotFleet", before: fleet(3, 1), after: fleet(4, 1), paths: []string{config + "TargetCapacity"}},
		{name: "what a fleet has", typ: "AWS::EC2::EC2Fleet",
			before: ec2.FleetData{ActivityStatus: "fulfilled", FulfilledCapacity: aws.Float64(1), FulfilledOnDemandCapacity: aws.Float64(1)},
			after:  ec2.FleetData{ActivityStatus: "pending_termination", FulfilledCapacity: aws.Float64(2), FulfilledOnDemandCapacity: aws.Float64(2)}},
		{name: "what a fleet wants", typ: "AWS::EC2::EC2Fleet",
			before: ec2.FleetData{TargetCapacitySpecification: &ec2.TargetCapacitySpecification{TotalTargetCapacity: aws.Int32(1)}},
			after:  ec2.FleetData{TargetCapacitySpecification: &ec2.TargetCapacitySpecification{TotalTargetCapacity: aws.Int32(2)}},
			paths:  []string{"attributes.TargetCapacitySpecification.TotalTargetCapacity"}},
	}
}
