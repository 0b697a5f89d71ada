package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func (p *Place) ec2() *ec2.Client { return ec2.NewFromConfig(p.Config) }

// tag is the change of resources of EC2 whose other members moto does not change.
func (p *Place) tag(id string) { p.tagAs(id, more()) }

func (p *Place) tagAs(id string, tags map[string]string) {
	ok(p.ec2().CreateTags(p.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: ec2Tags(tags)}))(p)
}

func ec2Tags(tags map[string]string) []types.Tag {
	return tagsOf(tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
}

func ec2Tagged(typ types.ResourceType) []types.TagSpecification {
	return []types.TagSpecification{{ResourceType: typ, Tags: ec2Tags(Tags())}}
}

func filter(name, value string) []types.Filter {
	return []types.Filter{{Name: &name, Values: []string{value}}}
}

// makeVPC makes a VPC, and says what comes along with each.
func (p *Place) makeVPC(cidr string) string {
	vpc := *ok(p.ec2().CreateVpc(p.Context(), &ec2.CreateVpcInput{CidrBlock: &cidr}))(p).Vpc.VpcId
	of := filter("vpc-id", vpc)
	for _, g := range ok(p.ec2().DescribeSecurityGroups(p.Context(), &ec2.DescribeSecurityGroupsInput{Filters: of}))(p).SecurityGroups {
		p.also("AWS::EC2::SecurityGroup", *g.GroupId)
	}
	for _, a := range ok(p.ec2().DescribeNetworkAcls(p.Context(), &ec2.DescribeNetworkAclsInput{Filters: of}))(p).NetworkAcls {
		p.also("AWS::EC2::NetworkAcl", *a.NetworkAclId)
	}
	for _, r := range ok(p.ec2().DescribeRouteTables(p.Context(), &ec2.DescribeRouteTablesInput{Filters: of}))(p).RouteTables {
		p.also("AWS::EC2::RouteTable", *r.RouteTableId)
	}
	return vpc
}

// subnets are two in different zones of the VPC.
func (p *Place) subnets() []string {
	first := p.Need("AWS::EC2::Subnet")
	if len(p.Made["AWS::EC2::Subnet"]) == 1 {
		p.also("AWS::EC2::Subnet", *ok(p.ec2().CreateSubnet(p.Context(), &ec2.CreateSubnetInput{
			VpcId: aws.String(p.Need("AWS::EC2::VPC")), CidrBlock: aws.String("10.9.2.0/24"), AvailabilityZone: aws.String(p.zone("b")),
		}))(p).Subnet.SubnetId)
	}
	return []string{first, p.Made["AWS::EC2::Subnet"][1]}
}

func networkKinds() []Kind {
	return []Kind{
		{Type: "AWS::EC2::RouteTable", Paths: []string{"attributes.Routes[10.99.0.0/16]"}, Make: makeRouteTable,
			Change: func(p *Place, id string) {
				ok(p.ec2().CreateRoute(p.Context(), &ec2.CreateRouteInput{
					RouteTableId: &id, DestinationCidrBlock: aws.String("10.99.0.0/16"), GatewayId: aws.String(p.Need("AWS::EC2::InternetGateway")),
				}))(p)
			}},
		{Type: "AWS::EC2::InternetGateway", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				id := ok(p.ec2().CreateInternetGateway(p.Context(), &ec2.CreateInternetGatewayInput{
					TagSpecifications: ec2Tagged(types.ResourceTypeInternetGateway),
				}))(p).InternetGateway.InternetGatewayId
				ok(p.ec2().AttachInternetGateway(p.Context(), &ec2.AttachInternetGatewayInput{VpcId: aws.String(p.Need("AWS::EC2::VPC")), InternetGatewayId: id}))(p)
				return *id
			}},
		{Type: "AWS::EC2::NetworkAcl", Paths: []string{"attributes.Entries[200:false]"},
			Make: func(p *Place) string {
				id := *ok(p.ec2().CreateNetworkAcl(p.Context(), &ec2.CreateNetworkAclInput{
					VpcId: aws.String(p.Need("AWS::EC2::VPC")), TagSpecifications: ec2Tagged(types.ResourceTypeNetworkAcl),
				}))(p).NetworkAcl.NetworkAclId
				p.putEntry(id, 100, "10.0.0.0/8")
				return id
			},
			Change: func(p *Place, id string) { p.putEntry(id, 200, "10.99.0.0/16") }},
		{Type: "AWS::EC2::EIP", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().AllocateAddress(p.Context(), &ec2.AllocateAddressInput{
					Domain: types.DomainTypeVpc, TagSpecifications: ec2Tagged(types.ResourceTypeElasticIp),
				}))(p).AllocationId
			}},
		{Type: "AWS::EC2::NatGateway", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				subnet, address := p.Need("AWS::EC2::Subnet"), p.Need("AWS::EC2::EIP")
				return p.bringing(func() string {
					return *ok(p.ec2().CreateNatGateway(p.Context(), &ec2.CreateNatGatewayInput{
						SubnetId: &subnet, AllocationId: &address, TagSpecifications: ec2Tagged(types.ResourceTypeNatgateway),
					}))(p).NatGateway.NatGatewayId
				})
			}},
		{Type: "AWS::EC2::VPCEndpoint", Paths: []string{"attributes.PolicyDocument.Statement[a].Action[s3:PutObject]"},
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateVpcEndpoint(p.Context(), &ec2.CreateVpcEndpointInput{
					VpcId: aws.String(p.Need("AWS::EC2::VPC")), ServiceName: aws.String("com.amazonaws." + p.Config.Region + ".s3"),
					RouteTableIds: []string{p.Need("AWS::EC2::RouteTable")}, PolicyDocument: aws.String(document),
					TagSpecifications: ec2Tagged(types.ResourceTypeVpcEndpoint),
				}))(p).VpcEndpoint.VpcEndpointId
			},
			Change: func(p *Place, id string) {
				ok(p.ec2().ModifyVpcEndpoint(p.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &id, PolicyDocument: aws.String(wider)}))(p)
			}},
		{Type: "AWS::EC2::VPCPeeringConnection", Paths: []string{"status"}, Make: makePeering,
			Change: func(p *Place, id string) {
				ok(p.ec2().AcceptVpcPeeringConnection(p.Context(), &ec2.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: &id}))(p)
			}},
		{Type: "AWS::EC2::FlowLog", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return ok(p.ec2().CreateFlowLogs(p.Context(), &ec2.CreateFlowLogsInput{
					ResourceIds: []string{p.Need("AWS::EC2::VPC")}, ResourceType: types.FlowLogsResourceTypeVpc, TrafficType: types.TrafficTypeAll,
					LogGroupName: aws.String("flows"), DeliverLogsPermissionArn: p.role("flows"),
					TagSpecifications: ec2Tagged(types.ResourceTypeVpcFlowLog),
				}))(p).FlowLogIds[0]
			}},
		{Type: "AWS::EC2::DHCPOptions", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				id := *ok(p.ec2().CreateDhcpOptions(p.Context(), &ec2.CreateDhcpOptionsInput{DhcpConfigurations: []types.NewDhcpConfiguration{
					{Key: aws.String("domain-name-servers"), Values: []string{"10.1.0.9", "10.1.0.3"}},
					{Key: aws.String("domain-name"), Values: []string{"example.com"}},
				}}))(p).DhcpOptions.DhcpOptionsId
				p.tagAs(id, Tags()) // moto leaves it untagged when it is made
				return id
			}},
		{Type: "AWS::EC2::PrefixList", Paths: []string{"tags.team"}, Change: (*Place).tag, // moto takes its name away otherwise
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateManagedPrefixList(p.Context(), &ec2.CreateManagedPrefixListInput{
					PrefixListName: aws.String("offices"), AddressFamily: aws.String("IPv4"), MaxEntries: aws.Int32(5),
					Entries:           []types.AddPrefixListEntry{{Cidr: aws.String("192.0.2.0/24"), Description: aws.String("Oslo")}},
					TagSpecifications: ec2Tagged(types.ResourceTypePrefixList),
				}))(p).PrefixList.PrefixListId
			}},
	}
}

func makeRouteTable(p *Place) string {
	table := ok(p.ec2().CreateRouteTable(p.Context(), &ec2.CreateRouteTableInput{
		VpcId: aws.String(p.Need("AWS::EC2::VPC")), TagSpecifications: ec2Tagged(types.ResourceTypeRouteTable),
	}))(p).RouteTable.RouteTableId
	ok(p.ec2().AssociateRouteTable(p.Context(), &ec2.AssociateRouteTableInput{RouteTableId: table, SubnetId: aws.String(p.Need("AWS::EC2::Subnet"))}))(p)
	ok(p.ec2().CreateRoute(p.Context(), &ec2.CreateRouteInput{
		RouteTableId: table, DestinationCidrBlock: aws.String("0.0.0.0/0"), GatewayId: aws.String(p.Need("AWS::EC2::InternetGateway")),
	}))(p)
	return *table
}

func (p *Place) putEntry(acl string, number int32, cidr string) {
	ok(p.ec2().CreateNetworkAclEntry(p.Context(), &ec2.CreateNetworkAclEntryInput{
		NetworkAclId: &acl, RuleNumber: &number, Protocol: aws.String("-1"), Egress: aws.Bool(false), RuleAction: types.RuleActionAllow, CidrBlock: &cidr,
	}))(p)
}

// makePeering makes a connection that waits to be accepted. One that was rejected is there
// for a while too, and is no resource.
func makePeering(p *Place) string {
	vpc, peer := p.Need("AWS::EC2::VPC"), p.makeVPC("10.2.0.0/16")
	p.also("AWS::EC2::VPC", peer)
	rejected := ok(p.ec2().CreateVpcPeeringConnection(p.Context(), &ec2.CreateVpcPeeringConnectionInput{VpcId: &peer, PeerVpcId: &vpc}))(p)
	ok(p.ec2().RejectVpcPeeringConnection(p.Context(), &ec2.RejectVpcPeeringConnectionInput{
		VpcPeeringConnectionId: rejected.VpcPeeringConnection.VpcPeeringConnectionId,
	}))(p)
	return *ok(p.ec2().CreateVpcPeeringConnection(p.Context(), &ec2.CreateVpcPeeringConnectionInput{
		VpcId: &vpc, PeerVpcId: &peer, TagSpecifications: ec2Tagged(types.ResourceTypeVpcPeeringConnection),
	}))(p).VpcPeeringConnection.VpcPeeringConnectionId
}

// bringing makes something and says which machines, and what machines have, came along.
func (p *Place) bringing(make func() string) string {
	before := p.machines()
	id := make()
	for typ, ids := range p.machines() {
		for added := range ids {
			if !before[typ][added] && added != id {
				p.also(typ, added)
			}
		}
	}
	return id
}

// machines are the ids of what moto makes for other resources, by type.
func (p *Place) machines() map[string]map[string]bool {
	all := map[string]map[string]bool{
		"AWS::EC2::Instance": {}, "AWS::EC2::Volume": {}, "AWS::EC2::NetworkInterface": {}, "AWS::EC2::Snapshot": {}, "AWS::EC2::SpotInstanceRequest": {},
		"AWS::EC2::SecurityGroup": {},
	}
	for _, r := range ok(p.ec2().DescribeInstances(p.Context(), &ec2.DescribeInstancesInput{}))(p).Reservations {
		for _, i := range r.Instances {
			all["AWS::EC2::Instance"][*i.InstanceId] = true
		}
	}
	for _, v := range ok(p.ec2().DescribeVolumes(p.Context(), &ec2.DescribeVolumesInput{}))(p).Volumes {
		all["AWS::EC2::Volume"][*v.VolumeId] = true
	}
	for _, n := range ok(p.ec2().DescribeNetworkInterfaces(p.Context(), &ec2.DescribeNetworkInterfacesInput{}))(p).NetworkInterfaces {
		all["AWS::EC2::NetworkInterface"][*n.NetworkInterfaceId] = true
	}
	for _, s := range ok(p.ec2().DescribeSnapshots(p.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}}))(p).Snapshots {
		all["AWS::EC2::Snapshot"][*s.SnapshotId] = true
	}
	for _, r := range ok(p.ec2().DescribeSpotInstanceRequests(p.Context(), &ec2.DescribeSpotInstanceRequestsInput{}))(p).SpotInstanceRequests {
		all["AWS::EC2::SpotInstanceRequest"][*r.SpotInstanceRequestId] = true
	}
	for _, g := range ok(p.ec2().DescribeSecurityGroups(p.Context(), &ec2.DescribeSecurityGroupsInput{}))(p).SecurityGroups {
		all["AWS::EC2::SecurityGroup"][*g.GroupId] = true
	}
	return all
}
