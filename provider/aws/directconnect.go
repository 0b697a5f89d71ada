package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/directconnect"
	"github.com/aws/aws-sdk-go-v2/service/directconnect/types"

	"github.com/elava-dev/elava/resource"
)

// directconnectPage is the most that the lists give (Direct Connect API Reference).
const directconnectPage = 100

func directconnectCollectors() []lister {
	return []lister{directconnectConnections(), directconnectVirtualInterfaces(), directconnectGateways()}
}

func directconnectTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

func directconnectConnections() lister {
	return &collector[types.Connection]{
		rules: resource.Schema{
			Type: "AWS::DirectConnect::Connection", Version: 1,
			Omit: []string{
				"Tags", "ConnectionState",
				"PrefixPoolUnallocatedCountIpv4", "PrefixPoolUnallocatedCountIpv6", "RateLimiterStatus", // usage
			},
			Sets: map[string]string{"MacSecKeys": "{SecretARN}"},
		},
		action: "directconnect:DescribeConnections",
		pages: func(cfg aws.Config) source[types.Connection] {
			return paged(directconnect.NewFromConfig(cfg).DescribeConnections,
				func(token *string) *directconnect.DescribeConnectionsInput {
					return &directconnect.DescribeConnectionsInput{MaxResults: aws.Int32(directconnectPage), NextToken: token}
				},
				func(o *directconnect.DescribeConnectionsOutput) ([]types.Connection, *string) {
					return o.Connections, o.NextToken
				})
		},
		terminal: []string{string(types.ConnectionStateDeleted), string(types.ConnectionStateRejected)},
		arn:      "arn:{partition}:directconnect:{region}:{account}:dxcon/{id}",
		read: func(c *types.Connection) facts {
			return facts{
				ID: c.ConnectionId, Owner: c.OwnerAccount, Name: aws.ToString(c.ConnectionName),
				Status: string(c.ConnectionState), Tags: directconnectTags(c.Tags),
			}
		},
	}
}

// directconnectVirtualInterfaces leaves out the configuration for the customer's router:
// a text made of all else, with the keys in it.
func directconnectVirtualInterfaces() lister {
	return &collector[types.VirtualInterface]{
		rules: resource.Schema{
			Type: "AWS::DirectConnect::VirtualInterface", Version: 2,
			Omit: []string{
				"Tags", "VirtualInterfaceState", "CustomerRouterConfig",
				"BgpPeers.BgpStatus", // flaps; an interface without BGP is in the state down
			},
			Sets:    map[string]string{"BgpPeers": "{BgpPeerId}", "RouteFilterPrefixes": "{Cidr}"},
			Secrets: []string{"AuthKey", "BgpPeers.AuthKey"},
		},
		action: "directconnect:DescribeVirtualInterfaces",
		pages: func(cfg aws.Config) source[types.VirtualInterface] {
			return paged(directconnect.NewFromConfig(cfg).DescribeVirtualInterfaces,
				func(token *string) *directconnect.DescribeVirtualInterfacesInput {
					return &directconnect.DescribeVirtualInterfacesInput{MaxResults: aws.Int32(directconnectPage), NextToken: token}
				},
				func(o *directconnect.DescribeVirtualInterfacesOutput) ([]types.VirtualInterface, *string) {
					return o.VirtualInterfaces, o.NextToken
				})
		},
		terminal: []string{string(types.VirtualInterfaceStateDeleted), string(types.VirtualInterfaceStateRejected)},
		arn:      "arn:{partition}:directconnect:{region}:{account}:dxvif/{id}",
		read: func(v *types.VirtualInterface) facts {
			return facts{
				ID: v.VirtualInterfaceId, Owner: v.OwnerAccount, Name: aws.ToString(v.VirtualInterfaceName),
				Status: string(v.VirtualInterfaceState), Tags: directconnectTags(v.Tags),
			}
		},
	}
}

// directconnectGateways is global: a gateway belongs to no region, and every region
// answers with all of them (Direct Connect User Guide, "Direct Connect gateways").
func directconnectGateways() lister {
	return &collector[types.DirectConnectGateway]{
		rules: resource.Schema{
			Type: "AWS::DirectConnect::DirectConnectGateway", Version: 1,
			Omit: []string{"Tags", "DirectConnectGatewayState", "TotalPrefixPoolAllocations"},
		},
		global: true,
		action: "directconnect:DescribeDirectConnectGateways",
		pages: func(cfg aws.Config) source[types.DirectConnectGateway] {
			return paged(directconnect.NewFromConfig(cfg).DescribeDirectConnectGateways,
				func(token *string) *directconnect.DescribeDirectConnectGatewaysInput {
					return &directconnect.DescribeDirectConnectGatewaysInput{MaxResults: aws.Int32(directconnectPage), NextToken: token}
				},
				func(o *directconnect.DescribeDirectConnectGatewaysOutput) ([]types.DirectConnectGateway, *string) {
					return o.DirectConnectGateways, o.NextToken
				})
		},
		terminal: []string{string(types.DirectConnectGatewayStateDeleted)},
		arn:      "arn:{partition}:directconnect::{account}:dx-gateway/{id}",
		read: func(g *types.DirectConnectGateway) facts {
			return facts{
				ID: g.DirectConnectGatewayId, Owner: g.OwnerAccount, Name: aws.ToString(g.DirectConnectGatewayName),
				Status: string(g.DirectConnectGatewayState), Tags: directconnectTags(g.Tags),
			}
		},
	}
}
