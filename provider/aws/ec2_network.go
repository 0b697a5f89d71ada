package aws

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/elava-dev/elava/resource"
)

// The most that DescribeRouteTables, and DescribeManagedPrefixLists and
// GetManagedPrefixListEntries, give at a time (EC2 API Reference). DescribeAddresses has
// no pages. For DescribeVpcEndpoints and DescribeFlowLogs the reference has no limit but
// says that never more than 1,000 come.
const (
	ec2RoutePage      = 100
	ec2PrefixListPage = 100
)

func ec2NetworkCollectors() []lister {
	return []lister{
		ec2RouteTables(), ec2NetworkACLs(), ec2EIPs(), ec2VPCEndpoints(), ec2VPCPeeringConnections(),
		ec2FlowLogs(), ec2DHCPOptions(), ec2PrefixLists(),
	}
}

func ec2RouteTables() lister {
	return &collector[types.RouteTable]{
		rules: resource.Schema{
			Type: "AWS::EC2::RouteTable", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"Associations":    "{RouteTableAssociationId}",
				"PropagatingVgws": "{GatewayId}",
				"Routes":          "{DestinationCidrBlock}{DestinationIpv6CidrBlock}{DestinationPrefixListId}", // it has one of them
			},
		},
		action: "ec2:DescribeRouteTables",
		pages:  unfiltered(listRouteTables),
		only:   filtered("route-table-id", listRouteTables),
		arn:    "arn:{partition}:ec2:{region}:{account}:route-table/{id}",
		read:   func(v *types.RouteTable) facts { return ec2Facts(v.RouteTableId, v.Tags).of(v.OwnerId) },
	}
}

func listRouteTables(cfg aws.Config, filters []types.Filter) source[types.RouteTable] {
	return paged(ec2.NewFromConfig(cfg).DescribeRouteTables,
		func(token *string) *ec2.DescribeRouteTablesInput {
			return &ec2.DescribeRouteTablesInput{MaxResults: aws.Int32(ec2RoutePage), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeRouteTablesOutput) ([]types.RouteTable, *string) {
			return o.RouteTables, o.NextToken
		})
}

func ec2NetworkACLs() lister {
	return &collector[types.NetworkAcl]{
		rules: resource.Schema{
			Type: "AWS::EC2::NetworkAcl", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"Associations": "{NetworkAclAssociationId}",
				"Entries":      "{RuleNumber}:{Egress}", // numbers are unique in each direction
			},
		},
		action: "ec2:DescribeNetworkAcls",
		pages:  unfiltered(listNetworkACLs),
		only:   filtered("network-acl-id", listNetworkACLs),
		arn:    "arn:{partition}:ec2:{region}:{account}:network-acl/{id}",
		read:   func(v *types.NetworkAcl) facts { return ec2Facts(v.NetworkAclId, v.Tags).of(v.OwnerId) },
	}
}

func listNetworkACLs(cfg aws.Config, filters []types.Filter) source[types.NetworkAcl] {
	return paged(ec2.NewFromConfig(cfg).DescribeNetworkAcls,
		func(token *string) *ec2.DescribeNetworkAclsInput {
			return &ec2.DescribeNetworkAclsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeNetworkAclsOutput) ([]types.NetworkAcl, *string) {
			return o.NetworkAcls, o.NextToken
		})
}

func ec2EIPs() lister {
	return &collector[types.Address]{
		rules:  resource.Schema{Type: "AWS::EC2::EIP", Version: 1, Omit: []string{"Tags"}},
		action: "ec2:DescribeAddresses",
		pages:  unfiltered(listAddresses),
		only:   filtered("allocation-id", listAddresses),
		arn:    "arn:{partition}:ec2:{region}:{account}:elastic-ip/{id}",
		read:   func(v *types.Address) facts { return ec2Facts(v.AllocationId, v.Tags) },
	}
}

func listAddresses(cfg aws.Config, filters []types.Filter) source[types.Address] {
	return whole(ec2.NewFromConfig(cfg).DescribeAddresses, &ec2.DescribeAddressesInput{Filters: filters},
		func(o *ec2.DescribeAddressesOutput) []types.Address { return o.Addresses })
}

func ec2VPCEndpoints() lister {
	return &collector[types.VpcEndpoint]{
		rules: resource.Schema{
			Type: "AWS::EC2::VPCEndpoint", Version: 1,
			Omit: []string{"Tags", "State"},
			Sets: map[string]string{
				"DnsEntries":                            "{DnsName}",
				"DnsOptions.PrivateDnsSpecifiedDomains": "",
				"Groups":                                "{GroupId}",
				"Ipv4Prefixes":                          "{SubnetId}",
				"Ipv4Prefixes.IpPrefixes":               "",
				"Ipv6Prefixes":                          "{SubnetId}",
				"Ipv6Prefixes.IpPrefixes":               "",
				"NetworkInterfaceIds":                   "",
				"PayerResponsibilities":                 "{Scope}",
				"RouteTableIds":                         "",
				"SubnetIds":                             "",
			},
			Policies: []string{"PolicyDocument"},
		},
		action:   "ec2:DescribeVpcEndpoints",
		pages:    unfiltered(listVPCEndpoints),
		only:     filtered("vpc-endpoint-id", listVPCEndpoints),
		terminal: []string{string(types.StateDeleted), "deleted"}, // the API answers in lower case
		arn:      "arn:{partition}:ec2:{region}:{account}:vpc-endpoint/{id}",
		read: func(v *types.VpcEndpoint) facts {
			f := ec2Facts(v.VpcEndpointId, v.Tags).of(v.OwnerId)
			f.Status, f.Created = string(v.State), v.CreationTimestamp
			return f
		},
	}
}

func listVPCEndpoints(cfg aws.Config, filters []types.Filter) source[types.VpcEndpoint] {
	return paged(ec2.NewFromConfig(cfg).DescribeVpcEndpoints,
		func(token *string) *ec2.DescribeVpcEndpointsInput {
			return &ec2.DescribeVpcEndpointsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeVpcEndpointsOutput) ([]types.VpcEndpoint, *string) {
			return o.VpcEndpoints, o.NextToken
		})
}

func ec2VPCPeeringConnections() lister {
	return &collector[types.VpcPeeringConnection]{
		rules: resource.Schema{
			Type: "AWS::EC2::VPCPeeringConnection", Version: 1,
			Omit: []string{"Tags", "Status"},
			Sets: map[string]string{
				"AccepterVpcInfo.CidrBlockSet":      "{CidrBlock}",
				"AccepterVpcInfo.Ipv6CidrBlockSet":  "{Ipv6CidrBlock}",
				"RequesterVpcInfo.CidrBlockSet":     "{CidrBlock}",
				"RequesterVpcInfo.Ipv6CidrBlockSet": "{Ipv6CidrBlock}",
			},
		},
		action: "ec2:DescribeVpcPeeringConnections",
		pages:  unfiltered(listVPCPeeringConnections),
		only:   filtered("vpc-peering-connection-id", listVPCPeeringConnections),
		terminal: []string{ // "VPC peering connection lifecycle" of the VPC Peering Guide
			string(types.VpcPeeringConnectionStateReasonCodeDeleted), string(types.VpcPeeringConnectionStateReasonCodeExpired),
			string(types.VpcPeeringConnectionStateReasonCodeFailed), string(types.VpcPeeringConnectionStateReasonCodeRejected),
		},
		arn: "arn:{partition}:ec2:{region}:{account}:vpc-peering-connection/{id}",
		read: func(v *types.VpcPeeringConnection) facts {
			f := ec2Facts(v.VpcPeeringConnectionId, v.Tags)
			if v.RequesterVpcInfo != nil {
				f.Owner = v.RequesterVpcInfo.OwnerId
			}
			if v.Status != nil {
				f.Status = string(v.Status.Code)
			}
			return f
		},
	}
}

func listVPCPeeringConnections(cfg aws.Config, filters []types.Filter) source[types.VpcPeeringConnection] {
	return paged(ec2.NewFromConfig(cfg).DescribeVpcPeeringConnections,
		func(token *string) *ec2.DescribeVpcPeeringConnectionsInput {
			return &ec2.DescribeVpcPeeringConnectionsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeVpcPeeringConnectionsOutput) ([]types.VpcPeeringConnection, *string) {
			return o.VpcPeeringConnections, o.NextToken
		})
}

func ec2FlowLogs() lister {
	return &collector[types.FlowLog]{
		rules: resource.Schema{
			Type: "AWS::EC2::FlowLog", Version: 1,
			Omit: []string{"Tags", "FlowLogStatus"},
			Sets: map[string]string{"TagFieldSpecifications": "{ResourceType}", "TagFieldSpecifications.TagKeys": ""},
		},
		action: "ec2:DescribeFlowLogs",
		pages:  unfiltered(listFlowLogs),
		only:   filtered("flow-log-id", listFlowLogs),
		arn:    "arn:{partition}:ec2:{region}:{account}:vpc-flow-log/{id}",
		read: func(v *types.FlowLog) facts {
			f := ec2Facts(v.FlowLogId, v.Tags)
			f.Status, f.Created = aws.ToString(v.FlowLogStatus), v.CreationTime
			return f
		},
	}
}

func listFlowLogs(cfg aws.Config, filters []types.Filter) source[types.FlowLog] {
	return paged(ec2.NewFromConfig(cfg).DescribeFlowLogs,
		func(token *string) *ec2.DescribeFlowLogsInput {
			return &ec2.DescribeFlowLogsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filter: filters}
		},
		func(o *ec2.DescribeFlowLogsOutput) ([]types.FlowLog, *string) { return o.FlowLogs, o.NextToken })
}

func ec2DHCPOptions() lister {
	return &collector[types.DhcpOptions]{
		rules: resource.Schema{
			Type: "AWS::EC2::DHCPOptions", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{"DhcpConfigurations": "{Key}"}, // not Values: the first name server is asked first
		},
		action: "ec2:DescribeDhcpOptions",
		pages:  unfiltered(listDHCPOptions),
		only:   filtered("dhcp-options-id", listDHCPOptions),
		arn:    "arn:{partition}:ec2:{region}:{account}:dhcp-options/{id}",
		read:   func(v *types.DhcpOptions) facts { return ec2Facts(v.DhcpOptionsId, v.Tags).of(v.OwnerId) },
	}
}

func listDHCPOptions(cfg aws.Config, filters []types.Filter) source[types.DhcpOptions] {
	return paged(ec2.NewFromConfig(cfg).DescribeDhcpOptions,
		func(token *string) *ec2.DescribeDhcpOptionsInput {
			return &ec2.DescribeDhcpOptionsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeDhcpOptionsOutput) ([]types.DhcpOptions, *string) {
			return o.DhcpOptions, o.NextToken
		})
}

// prefixListOwnerAWS owns the lists of the address ranges of AWS services, which the API
// gives to everybody and AWS changes.
const prefixListOwnerAWS = "AWS"

type prefixList struct {
	types.ManagedPrefixList
	Entries []types.PrefixListEntry
}

func ec2PrefixLists() lister {
	return &collector[prefixList]{
		rules: resource.Schema{
			Type: "AWS::EC2::PrefixList", Version: 1,
			Omit: []string{"Tags", "State"},
			Sets: map[string]string{"Entries": "{Cidr}"},
		},
		action: "ec2:DescribeManagedPrefixLists",
		pages:  unfiltered(listPrefixLists),
		only:   filtered("prefix-list-id", listPrefixLists),
		details: func(cfg aws.Config) []detail[prefixList] {
			getEntries := ec2.NewFromConfig(cfg).GetManagedPrefixListEntries
			return []detail[prefixList]{{
				parts:  []string{resource.PartAttributes + "Entries"},
				action: "ec2:GetManagedPrefixListEntries",
				fetch: each(func(ctx context.Context, l *prefixList) error {
					entries, err := paged(getEntries,
						func(token *string) *ec2.GetManagedPrefixListEntriesInput {
							return &ec2.GetManagedPrefixListEntriesInput{
								PrefixListId: l.PrefixListId, MaxResults: aws.Int32(ec2PrefixListPage), NextToken: token,
							}
						},
						func(o *ec2.GetManagedPrefixListEntriesOutput) ([]types.PrefixListEntry, *string) {
							return o.Entries, o.NextToken
						},
					).all(ctx)
					if err == nil {
						l.Entries = entries
					}
					return err
				}),
			}}
		},
		vanished: []string{"InvalidPrefixListID.NotFound", "InvalidPrefixListId.NotFound"},
		terminal: []string{string(types.PrefixListStateDeleteComplete)},
		arn:      "arn:{partition}:ec2:{region}:{account}:prefix-list/{id}",
		read: func(l *prefixList) facts {
			return facts{
				ID: l.PrefixListId, ARN: l.PrefixListArn, Owner: l.OwnerId,
				Name: aws.ToString(l.PrefixListName), Status: string(l.State), Tags: ec2Tags(l.Tags),
			}
		},
	}
}

func listPrefixLists(cfg aws.Config, filters []types.Filter) source[prefixList] {
	return paged(ec2.NewFromConfig(cfg).DescribeManagedPrefixLists,
		func(token *string) *ec2.DescribeManagedPrefixListsInput {
			return &ec2.DescribeManagedPrefixListsInput{MaxResults: aws.Int32(ec2PrefixListPage), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeManagedPrefixListsOutput) ([]prefixList, *string) {
			theirs := func(l types.ManagedPrefixList) bool { return aws.ToString(l.OwnerId) == prefixListOwnerAWS }
			return converted(slices.DeleteFunc(o.PrefixLists, theirs), func(l types.ManagedPrefixList) prefixList {
				return prefixList{ManagedPrefixList: l}
			}), o.NextToken
		})
}
