package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func gatewayKinds() []Kind {
	return []Kind{
		{Type: "AWS::EC2::CarrierGateway", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateCarrierGateway(p.Context(), &ec2.CreateCarrierGatewayInput{
					VpcId: aws.String(p.Need("AWS::EC2::VPC")), TagSpecifications: ec2Tagged(types.ResourceTypeCarrierGateway),
				}))(p).CarrierGateway.CarrierGatewayId
			}},
		{Type: "AWS::EC2::EgressOnlyInternetGateway", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateEgressOnlyInternetGateway(p.Context(), &ec2.CreateEgressOnlyInternetGatewayInput{
					VpcId: aws.String(p.Need("AWS::EC2::VPC")), TagSpecifications: ec2Tagged(types.ResourceTypeEgressOnlyInternetGateway),
				}))(p).EgressOnlyInternetGateway.EgressOnlyInternetGatewayId
			}},
		{Type: "AWS::EC2::CustomerGateway", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateCustomerGateway(p.Context(), &ec2.CreateCustomerGatewayInput{
					Type: types.GatewayTypeIpsec1, IpAddress: aws.String("203.0.113.7"), BgpAsn: aws.Int32(65000),
					TagSpecifications: ec2Tagged(types.ResourceTypeCustomerGateway),
				}))(p).CustomerGateway.CustomerGatewayId
			}},
		{Type: "AWS::EC2::VPNGateway", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				id := ok(p.ec2().CreateVpnGateway(p.Context(), &ec2.CreateVpnGatewayInput{
					Type: types.GatewayTypeIpsec1, TagSpecifications: ec2Tagged(types.ResourceTypeVpnGateway),
				}))(p).VpnGateway.VpnGatewayId
				ok(p.ec2().AttachVpnGateway(p.Context(), &ec2.AttachVpnGatewayInput{VpcId: aws.String(p.Need("AWS::EC2::VPC")), VpnGatewayId: id}))(p)
				return *id
			}},
		{Type: "AWS::EC2::VPNConnection", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateVpnConnection(p.Context(), &ec2.CreateVpnConnectionInput{
					Type: aws.String("ipsec.1"), CustomerGatewayId: aws.String(p.Need("AWS::EC2::CustomerGateway")),
					VpnGatewayId: aws.String(p.Need("AWS::EC2::VPNGateway")), TagSpecifications: ec2Tagged(types.ResourceTypeVpnConnection),
				}))(p).VpnConnection.VpnConnectionId
			}},
		{Type: "AWS::EC2::TransitGateway", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				gateway := ok(p.ec2().CreateTransitGateway(p.Context(), &ec2.CreateTransitGatewayInput{
					Description: aws.String("hub"), TagSpecifications: ec2Tagged(types.ResourceTypeTransitGateway),
				}))(p).TransitGateway
				p.also("AWS::EC2::TransitGatewayRouteTable", *gateway.Options.AssociationDefaultRouteTableId)
				return *gateway.TransitGatewayId
			},
			Change: func(p *Place, id string) {
				ok(p.ec2().ModifyTransitGateway(p.Context(), &ec2.ModifyTransitGatewayInput{TransitGatewayId: &id, Description: aws.String("b")}))(p)
			}},
		{Type: "AWS::EC2::TransitGatewayAttachment", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				id := *ok(p.ec2().CreateTransitGatewayVpcAttachment(p.Context(), &ec2.CreateTransitGatewayVpcAttachmentInput{
					TransitGatewayId: aws.String(p.Need("AWS::EC2::TransitGateway")), VpcId: aws.String(p.Need("AWS::EC2::VPC")),
					SubnetIds: []string{p.Need("AWS::EC2::Subnet")},
				}))(p).TransitGatewayVpcAttachment.TransitGatewayAttachmentId
				p.tagAs(id, Tags()) // moto leaves it untagged when it is made
				return id
			}},
		{Type: "AWS::EC2::TransitGatewayRouteTable", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateTransitGatewayRouteTable(p.Context(), &ec2.CreateTransitGatewayRouteTableInput{
					TransitGatewayId: aws.String(p.Need("AWS::EC2::TransitGateway")), TagSpecifications: ec2Tagged(types.ResourceTypeTransitGatewayRouteTable),
				}))(p).TransitGatewayRouteTable.TransitGatewayRouteTableId
			}},
	}
}
