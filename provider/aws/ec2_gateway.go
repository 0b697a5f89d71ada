package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/elava-dev/elava/resource"
)

// ec2EgressPage is the most that DescribeEgressOnlyInternetGateways gives (EC2 API
// Reference). The lists of customer gateways, VPN gateways and VPN connections have no
// pages.
const ec2EgressPage = 255

func ec2GatewayCollectors() []lister {
	return []lister{
		ec2InternetGateways(), ec2EgressOnlyGateways(), ec2NATGateways(), ec2CarrierGateways(),
		ec2CustomerGateways(), ec2VPNGateways(), ec2VPNConnections(),
		ec2TransitGateways(), ec2TransitGatewayAttachments(), ec2TransitGatewayRouteTables(),
	}
}

func ec2InternetGateways() lister {
	return &collector[types.InternetGateway]{
		rules: resource.Schema{
			Type: "AWS::EC2::InternetGateway", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{"Attachments": "{VpcId}"},
		},
		action: "ec2:DescribeInternetGateways",
		pages:  unfiltered(listInternetGateways),
		only:   filtered("internet-gateway-id", listInternetGateways),
		arn:    "arn:{partition}:ec2:{region}:{account}:internet-gateway/{id}",
		read:   func(v *types.InternetGateway) facts { return ec2Facts(v.InternetGatewayId, v.Tags).of(v.OwnerId) },
	}
}

func listInternetGateways(cfg aws.Config, filters []types.Filter) source[types.InternetGateway] {
	return paged(ec2.NewFromConfig(cfg).DescribeInternetGateways,
		func(token *string) *ec2.DescribeInternetGatewaysInput {
			return &ec2.DescribeInternetGatewaysInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeInternetGatewaysOutput) ([]types.InternetGateway, *string) {
			return o.InternetGateways, o.NextToken
		})
}

func ec2EgressOnlyGateways() lister {
	return &collector[types.EgressOnlyInternetGateway]{
		rules: resource.Schema{
			Type: "AWS::EC2::EgressOnlyInternetGateway", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{"Attachments": "{VpcId}"},
		},
		action: "ec2:DescribeEgressOnlyInternetGateways",
		pages: func(cfg aws.Config) source[types.EgressOnlyInternetGateway] {
			return paged(ec2.NewFromConfig(cfg).DescribeEgressOnlyInternetGateways,
				func(token *string) *ec2.DescribeEgressOnlyInternetGatewaysInput {
					return &ec2.DescribeEgressOnlyInternetGatewaysInput{MaxResults: aws.Int32(ec2EgressPage), NextToken: token}
				},
				func(o *ec2.DescribeEgressOnlyInternetGatewaysOutput) ([]types.EgressOnlyInternetGateway, *string) {
					return o.EgressOnlyInternetGateways, o.NextToken
				})
		},
		arn: "arn:{partition}:ec2:{region}:{account}:egress-only-internet-gateway/{id}",
		read: func(v *types.EgressOnlyInternetGateway) facts {
			return ec2Facts(v.EgressOnlyInternetGatewayId, v.Tags)
		},
	}
}

func ec2NATGateways() lister {
	return &collector[types.NatGateway]{
		rules: resource.Schema{
			Type: "AWS::EC2::NatGateway", Version: 1,
			Omit: []string{"Tags", "State"},
			Sets: map[string]string{"AttachedAppliances": "{ApplianceArn}", "NatGatewayAddresses": "{PrivateIp}"},
		},
		action:   "ec2:DescribeNatGateways",
		pages:    unfiltered(listNATGateways),
		only:     filtered("nat-gateway-id", listNATGateways),
		terminal: []string{string(types.NatGatewayStateDeleted)}, // listed for about an hour (VPC User Guide)
		arn:      "arn:{partition}:ec2:{region}:{account}:natgateway/{id}",
		read: func(v *types.NatGateway) facts {
			f := ec2Facts(v.NatGatewayId, v.Tags)
			f.Status, f.Created = string(v.State), v.CreateTime
			return f
		},
	}
}

func listNATGateways(cfg aws.Config, filters []types.Filter) source[types.NatGateway] {
	return paged(ec2.NewFromConfig(cfg).DescribeNatGateways,
		func(token *string) *ec2.DescribeNatGatewaysInput {
			return &ec2.DescribeNatGatewaysInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filter: filters}
		},
		func(o *ec2.DescribeNatGatewaysOutput) ([]types.NatGateway, *string) {
			return o.NatGateways, o.NextToken
		})
}

func ec2CarrierGateways() lister {
	return &collector[types.CarrierGateway]{
		rules:    resource.Schema{Type: "AWS::EC2::CarrierGateway", Version: 1, Omit: []string{"Tags", "State"}},
		action:   "ec2:DescribeCarrierGateways",
		pages:    unfiltered(listCarrierGateways),
		only:     filtered("carrier-gateway-id", listCarrierGateways),
		terminal: []string{string(types.CarrierGatewayStateDeleted)},
		arn:      "arn:{partition}:ec2:{region}:{account}:carrier-gateway/{id}",
		read: func(v *types.CarrierGateway) facts {
			f := ec2Facts(v.CarrierGatewayId, v.Tags).of(v.OwnerId)
			f.Status = string(v.State)
			return f
		},
	}
}

func listCarrierGateways(cfg aws.Config, filters []types.Filter) source[types.CarrierGateway] {
	return paged(ec2.NewFromConfig(cfg).DescribeCarrierGateways,
		func(token *string) *ec2.DescribeCarrierGatewaysInput {
			return &ec2.DescribeCarrierGatewaysInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeCarrierGatewaysOutput) ([]types.CarrierGateway, *string) {
			return o.CarrierGateways, o.NextToken
		})
}

func ec2CustomerGateways() lister {
	return &collector[types.CustomerGateway]{
		rules:    resource.Schema{Type: "AWS::EC2::CustomerGateway", Version: 1, Omit: []string{"Tags", "State"}},
		action:   "ec2:DescribeCustomerGateways",
		pages:    unfiltered(listCustomerGateways),
		only:     filtered("customer-gateway-id", listCustomerGateways),
		terminal: []string{string(types.VpnStateDeleted)},
		arn:      "arn:{partition}:ec2:{region}:{account}:customer-gateway/{id}",
		read: func(v *types.CustomerGateway) facts {
			f := ec2Facts(v.CustomerGatewayId, v.Tags)
			f.Status = aws.ToString(v.State)
			return f
		},
	}
}

func listCustomerGateways(cfg aws.Config, filters []types.Filter) source[types.CustomerGateway] {
	return whole(ec2.NewFromConfig(cfg).DescribeCustomerGateways, &ec2.DescribeCustomerGatewaysInput{Filters: filters},
		func(o *ec2.DescribeCustomerGatewaysOutput) []types.CustomerGateway { return o.CustomerGateways })
}

func ec2VPNGateways() lister {
	return &collector[types.VpnGateway]{
		rules: resource.Schema{
			Type: "AWS::EC2::VPNGateway", Version: 1,
			Omit: []string{"Tags", "State"},
			Sets: map[string]string{"VpcAttachments": "{VpcId}"},
		},
		action:   "ec2:DescribeVpnGateways",
		pages:    unfiltered(listVPNGateways),
		only:     filtered("vpn-gateway-id", listVPNGateways),
		terminal: []string{string(types.VpnStateDeleted)},
		arn:      "arn:{partition}:ec2:{region}:{account}:vpn-gateway/{id}",
		read: func(v *types.VpnGateway) facts {
			f := ec2Facts(v.VpnGatewayId, v.Tags)
			f.Status = string(v.State)
			return f
		},
	}
}

func listVPNGateways(cfg aws.Config, filters []types.Filter) source[types.VpnGateway] {
	return whole(ec2.NewFromConfig(cfg).DescribeVpnGateways, &ec2.DescribeVpnGatewaysInput{Filters: filters},
		func(o *ec2.DescribeVpnGatewaysOutput) []types.VpnGateway { return o.VpnGateways })
}

// ec2VPNConnections leaves out how the tunnels do, which a line that is up and down
// would make a change every scan, and the configuration for the customer's device: a
// text made of all else, with the keys in it.
func ec2VPNConnections() lister {
	return &collector[types.VpnConnection]{
		rules: resource.Schema{
			Type: "AWS::EC2::VPNConnection", Version: 1,
			Omit: []string{
				"Tags", "State", "CustomerGatewayConfiguration",
				"VgwTelemetry.AcceptedRouteCount", "VgwTelemetry.LastStatusChange", "VgwTelemetry.Status", "VgwTelemetry.StatusMessage",
			},
			Sets: map[string]string{
				"Options.TunnelOptions":                            "{OutsideIpAddress}",
				"Options.TunnelOptions.IkeVersions":                "{Value}",
				"Options.TunnelOptions.Phase1DHGroupNumbers":       "{Value}",
				"Options.TunnelOptions.Phase1EncryptionAlgorithms": "{Value}",
				"Options.TunnelOptions.Phase1IntegrityAlgorithms":  "{Value}",
				"Options.TunnelOptions.Phase2DHGroupNumbers":       "{Value}",
				"Options.TunnelOptions.Phase2EncryptionAlgorithms": "{Value}",
				"Options.TunnelOptions.Phase2IntegrityAlgorithms":  "{Value}",
				"Routes":       "{DestinationCidrBlock}",
				"VgwTelemetry": "{OutsideIpAddress}",
			},
			Secrets: []string{"Options.TunnelOptions.PreSharedKey"},
		},
		action:   "ec2:DescribeVpnConnections",
		pages:    unfiltered(listVPNConnections),
		only:     filtered("vpn-connection-id", listVPNConnections),
		terminal: []string{string(types.VpnStateDeleted)},
		arn:      "arn:{partition}:ec2:{region}:{account}:vpn-connection/{id}",
		read: func(v *types.VpnConnection) facts {
			f := ec2Facts(v.VpnConnectionId, v.Tags)
			f.Status = string(v.State)
			return f
		},
	}
}

func listVPNConnections(cfg aws.Config, filters []types.Filter) source[types.VpnConnection] {
	return whole(ec2.NewFromConfig(cfg).DescribeVpnConnections, &ec2.DescribeVpnConnectionsInput{Filters: filters},
		func(o *ec2.DescribeVpnConnectionsOutput) []types.VpnConnection { return o.VpnConnections })
}

func ec2TransitGateways() lister {
	return &collector[types.TransitGateway]{
		rules: resource.Schema{
			Type: "AWS::EC2::TransitGateway", Version: 1,
			Omit: []string{"Tags", "State"},
			Sets: map[string]string{"Options.TransitGatewayCidrBlocks": ""},
		},
		action:   "ec2:DescribeTransitGateways",
		pages:    unfiltered(listTransitGateways),
		only:     filtered("transit-gateway-id", listTransitGateways),
		terminal: []string{string(types.TransitGatewayStateDeleted)},
		arn:      "arn:{partition}:ec2:{region}:{account}:transit-gateway/{id}",
		read: func(v *types.TransitGateway) facts {
			f := ec2Facts(v.TransitGatewayId, v.Tags).of(v.OwnerId)
			f.ARN, f.Status, f.Created = v.TransitGatewayArn, string(v.State), v.CreationTime
			return f
		},
	}
}

func listTransitGateways(cfg aws.Config, filters []types.Filter) source[types.TransitGateway] {
	return paged(ec2.NewFromConfig(cfg).DescribeTransitGateways,
		func(token *string) *ec2.DescribeTransitGatewaysInput {
			return &ec2.DescribeTransitGatewaysInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeTransitGatewaysOutput) ([]types.TransitGateway, *string) {
			return o.TransitGateways, o.NextToken
		})
}

// ec2TransitGatewayAttachments also lists attachments of others to the account's gateways.
func ec2TransitGatewayAttachments() lister {
	return &collector[types.TransitGatewayAttachment]{
		rules:    resource.Schema{Type: "AWS::EC2::TransitGatewayAttachment", Version: 1, Omit: []string{"Tags", "State"}},
		action:   "ec2:DescribeTransitGatewayAttachments",
		pages:    unfiltered(listTransitGatewayAttachments),
		only:     filtered("transit-gateway-attachment-id", listTransitGatewayAttachments),
		terminal: []string{string(types.TransitGatewayAttachmentStateDeleted)},
		arn:      "arn:{partition}:ec2:{region}:{account}:transit-gateway-attachment/{id}",
		read: func(v *types.TransitGatewayAttachment) facts {
			f := ec2Facts(v.TransitGatewayAttachmentId, v.Tags).of(v.ResourceOwnerId)
			f.Status, f.Created = string(v.State), v.CreationTime
			return f
		},
	}
}

func listTransitGatewayAttachments(cfg aws.Config, filters []types.Filter) source[types.TransitGatewayAttachment] {
	return paged(ec2.NewFromConfig(cfg).DescribeTransitGatewayAttachments,
		func(token *string) *ec2.DescribeTransitGatewayAttachmentsInput {
			return &ec2.DescribeTransitGatewayAttachmentsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeTransitGatewayAttachmentsOutput) ([]types.TransitGatewayAttachment, *string) {
			return o.TransitGatewayAttachments, o.NextToken
		})
}

func ec2TransitGatewayRouteTables() lister {
	return &collector[types.TransitGatewayRouteTable]{
		rules:    resource.Schema{Type: "AWS::EC2::TransitGatewayRouteTable", Version: 1, Omit: []string{"Tags", "State"}},
		action:   "ec2:DescribeTransitGatewayRouteTables",
		pages:    unfiltered(listTransitGatewayRouteTables),
		only:     filtered("transit-gateway-route-table-id", listTransitGatewayRouteTables),
		terminal: []string{string(types.TransitGatewayRouteTableStateDeleted)},
		arn:      "arn:{partition}:ec2:{region}:{account}:transit-gateway-route-table/{id}",
		read: func(v *types.TransitGatewayRouteTable) facts {
			f := ec2Facts(v.TransitGatewayRouteTableId, v.Tags)
			f.Status, f.Created = string(v.State), v.CreationTime
			return f
		},
	}
}

func listTransitGatewayRouteTables(cfg aws.Config, filters []types.Filter) source[types.TransitGatewayRouteTable] {
	return paged(ec2.NewFromConfig(cfg).DescribeTransitGatewayRouteTables,
		func(token *string) *ec2.DescribeTransitGatewayRouteTablesInput {
			return &ec2.DescribeTransitGatewayRouteTablesInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeTransitGatewayRouteTablesOutput) ([]types.TransitGatewayRouteTable, *string) {
			return o.TransitGatewayRouteTables, o.NextToken
		})
}
