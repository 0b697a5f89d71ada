package aws_test

import (
	"testing"

	"github.com/elava-dev/elava/provider/aws/populationtest"
)

func TestMoto_EC2Network(t *testing.T) {
	types := []string{
		"AWS::EC2::DHCPOptions", "AWS::EC2::EIP", "AWS::EC2::FlowLog", "AWS::EC2::InternetGateway", "AWS::EC2::NatGateway",
		"AWS::EC2::NetworkAcl", "AWS::EC2::PrefixList", "AWS::EC2::RouteTable", "AWS::EC2::VPCEndpoint", "AWS::EC2::VPCPeeringConnection",
	}
	inv, made := moto(t).checkPopulated(t, types...)
	one := func(typ string) string { return made[typ][0] }
	for _, typ := range types {
		wantTags(t, inv.get(t, typ, one(typ)), wantedTags)
	}
	table := inv.get(t, "AWS::EC2::RouteTable", one("AWS::EC2::RouteTable"))
	wantAt(t, table, one("AWS::EC2::Subnet"), "Associations", 0, "SubnetId")
	wantAt(t, table, "0.0.0.0/0", "Routes", 0, "DestinationCidrBlock")
	acl := inv.get(t, "AWS::EC2::NetworkAcl", one("AWS::EC2::NetworkAcl"))
	wantAt(t, acl, "10.0.0.0/8", "Entries", 0, "CidrBlock")
	wantAt(t, inv.get(t, "AWS::EC2::InternetGateway", one("AWS::EC2::InternetGateway")), one("AWS::EC2::VPC"), "Attachments", 0, "VpcId")
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
	types := []string{
		"AWS::EC2::CarrierGateway", "AWS::EC2::CustomerGateway", "AWS::EC2::EgressOnlyInternetGateway", "AWS::EC2::TransitGateway", "AWS::EC2::TransitGatewayAttachment",
		"AWS::EC2::TransitGatewayRouteTable", "AWS::EC2::VPNConnection", "AWS::EC2::VPNGateway",
	}
	inv, made := moto(t).checkPopulated(t, types...)
	one := func(typ string) string { return made[typ][0] }
	for _, typ := range types {
		wantTags(t, inv.get(t, typ, one(typ)), wantedTags)
	}
	if r := inv.get(t, "AWS::EC2::CustomerGateway", one("AWS::EC2::CustomerGateway")); r.Status != "available" {
		t.Errorf("got %+v", r)
	}
	wantAt(t, inv.get(t, "AWS::EC2::VPNGateway", one("AWS::EC2::VPNGateway")), one("AWS::EC2::VPC"), "VpcAttachments", 0, "VpcId")
	vpn := inv.get(t, "AWS::EC2::VPNConnection", one("AWS::EC2::VPNConnection"))
	wantAt(t, vpn, one("AWS::EC2::CustomerGateway"), "CustomerGatewayId")
	wantAt(t, vpn, nil, "CustomerGatewayConfiguration")
	transit := inv.get(t, "AWS::EC2::TransitGateway", one("AWS::EC2::TransitGateway"))
	if transit.Status != "available" || transit.ARN == "" {
		t.Errorf("got %+v", transit)
	}
	wantAt(t, inv.get(t, "AWS::EC2::TransitGatewayAttachment", one("AWS::EC2::TransitGatewayAttachment")), one("AWS::EC2::VPC"), "ResourceId")
}

func TestMoto_EC2Images(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::EC2::Image", "AWS::EC2::KeyPair", "AWS::EC2::LaunchTemplate", "AWS::EC2::Snapshot")
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
		wantAt(t, template, digest(populationtest.UserData), "DefaultVersion", "LaunchTemplateData", "UserData")
		wantAt(t, template, "second", "LatestVersion", "VersionDescription")
		wantAt(t, template, "t3.small", "LatestVersion", "LaunchTemplateData", "InstanceType")
	}
}

func TestMoto_EC2Capacity(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::EC2::EC2Fleet", "AWS::EC2::Host", "AWS::EC2::SpotFleet", "AWS::EC2::SpotInstanceRequest")
	spotFleet := inv.get(t, "AWS::EC2::SpotFleet", made["AWS::EC2::SpotFleet"][0])
	if spotFleet.Status != "active" {
		t.Errorf("got %+v", spotFleet)
	}
	wantAt(t, spotFleet, digest(populationtest.UserData), "SpotFleetRequestConfig", "LaunchSpecifications", 0, "UserData")
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
