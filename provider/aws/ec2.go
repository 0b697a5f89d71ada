package aws

import (
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/elava-dev/elava/resource"
)

// ec2Page is the page size of EC2's lists: 1,000 is the most that DescribeInstances and
// DescribeSecurityGroups take (EC2 API Reference). With a page size EC2 pages; without
// one it answers with everything at once, and refuses or throttles that for large
// accounts (EC2 Developer Guide, "Pagination").
const ec2Page = 1000

// ec2VolumePage is smaller, as DescribeVolumes gives at most 500 at a time.
const ec2VolumePage = 500

// includeManaged has lists include what AWS services run in the account (nodes of EKS
// Auto Mode, for example) whatever the account's setting for their visibility says.
// Otherwise that setting would make them disappear.
func includeManaged() *bool { return aws.Bool(true) }

func ec2Collectors() []lister {
	return slices.Concat(
		[]lister{ec2VPCs(), ec2Subnets(), ec2SecurityGroups(), ec2Instances(), ec2Volumes(), ec2NetworkInterfaces()},
		ec2NetworkCollectors(),
		ec2GatewayCollectors(),
		ec2ImageCollectors(),
		ec2CapacityCollectors(),
	)
}

// ec2List is a list of EC2 that takes filters; none: all.
type ec2List[T any] func(cfg aws.Config, filters []types.Filter) source[T]

func unfiltered[T any](list ec2List[T]) func(aws.Config) source[T] {
	return func(cfg aws.Config) source[T] { return list(cfg, nil) }
}

// filtered is for collector.only: lists of EC2 are eventually consistent ("Eventual
// consistency in the Amazon EC2 API" of its developer guide). A filter, unlike a list of
// ids, is no error where one of them is gone.
func filtered[T any](filter string, list ec2List[T]) func(aws.Config, []string) source[T] {
	return func(cfg aws.Config, ids []string) source[T] {
		return list(cfg, []types.Filter{{Name: &filter, Values: ids}})
	}
}

func ec2Tags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

// ec2Facts are those of what has no name but in its Name tag.
func ec2Facts(id *string, tags []types.Tag) facts {
	m := ec2Tags(tags)
	return facts{ID: id, Name: m["Name"], Tags: m}
}

// of says whose the resource is.
func (f facts) of(owner *string) facts {
	f.Owner = owner
	return f
}

// instance is an instance and what its reservation says of it.
type instance struct {
	types.Instance
	OwnerId, RequesterId, ReservationId *string
}

func ec2Instances() lister {
	return &collector[instance]{
		rules: resource.Schema{
			Type: "AWS::EC2::Instance", Version: 1,
			Omit: []string{"Tags", "State"},
			Sets: map[string]string{
				"BlockDeviceMappings":                     "{DeviceName}",
				"ElasticGpuAssociations":                  "{ElasticGpuAssociationId}",
				"ElasticInferenceAcceleratorAssociations": "{ElasticInferenceAcceleratorAssociationId}",
				"Licenses":                               "{LicenseConfigurationArn}",
				"NetworkInterfaces":                      "{NetworkInterfaceId}",
				"NetworkInterfaces.Groups":               "{GroupId}",
				"NetworkInterfaces.Ipv4Prefixes":         "{Ipv4Prefix}",
				"NetworkInterfaces.Ipv6Addresses":        "{Ipv6Address}",
				"NetworkInterfaces.Ipv6Prefixes":         "{Ipv6Prefix}",
				"NetworkInterfaces.PrivateIpAddresses":   "{PrivateIpAddress}",
				"ProductCodes":                           "{ProductCodeId}",
				"SecondaryInterfaces":                    "{SecondaryInterfaceId}",
				"SecondaryInterfaces.PrivateIpAddresses": "{PrivateIpAddress}",
				"SecurityGroups":                         "{GroupId}",
			},
		},
		action:   "ec2:DescribeInstances",
		pages:    unfiltered(listInstances),
		only:     filtered("instance-id", listInstances),
		terminal: []string{string(types.InstanceStateNameTerminated)},
		arn:      "arn:{partition}:ec2:{region}:{account}:instance/{id}",
		read: func(i *instance) facts {
			f := ec2Facts(i.InstanceId, i.Tags)
			f.Owner, f.Created = i.OwnerId, created(i)
			if i.State != nil {
				f.Status = string(i.State.Name) // its code's high byte is undefined
			}
			return f
		},
	}
}

func listInstances(cfg aws.Config, filters []types.Filter) source[instance] {
	return paged(ec2.NewFromConfig(cfg).DescribeInstances,
		func(token *string) *ec2.DescribeInstancesInput {
			return &ec2.DescribeInstancesInput{
				MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters, IncludeManagedResources: includeManaged(),
			}
		},
		func(o *ec2.DescribeInstancesOutput) ([]instance, *string) {
			return instances(o.Reservations), o.NextToken
		})
}

func instances(reservations []types.Reservation) []instance {
	var all []instance
	for _, r := range reservations {
		for _, i := range r.Instances {
			all = append(all, instance{i, r.OwnerId, r.RequesterId, r.ReservationId})
		}
	}
	return all
}

// created is when the primary network interface was attached: it comes and goes with
// the instance. LaunchTime, taken where there is none, is that of the last start.
func created(i *instance) *time.Time {
	for _, n := range i.NetworkInterfaces {
		if a := n.Attachment; a != nil && a.AttachTime != nil && aws.ToInt32(a.DeviceIndex) == 0 && aws.ToInt32(a.NetworkCardIndex) == 0 {
			return a.AttachTime
		}
	}
	return i.LaunchTime
}

func ec2Volumes() lister {
	return &collector[types.Volume]{
		rules: resource.Schema{
			Type: "AWS::EC2::Volume", Version: 1,
			Omit: []string{"Tags", "State"},
			Sets: map[string]string{"Attachments": "{InstanceId}"},
		},
		action:   "ec2:DescribeVolumes",
		pages:    unfiltered(listVolumes),
		only:     filtered("volume-id", listVolumes),
		terminal: []string{string(types.VolumeStateDeleted)},
		arn:      "arn:{partition}:ec2:{region}:{account}:volume/{id}",
		read: func(v *types.Volume) facts {
			f := ec2Facts(v.VolumeId, v.Tags)
			f.ARN, f.Owner, f.Status, f.Created = v.VolumeArn, v.OwnerId, string(v.State), v.CreateTime
			return f
		},
	}
}

func listVolumes(cfg aws.Config, filters []types.Filter) source[types.Volume] {
	return paged(ec2.NewFromConfig(cfg).DescribeVolumes,
		func(token *string) *ec2.DescribeVolumesInput {
			return &ec2.DescribeVolumesInput{
				MaxResults: aws.Int32(ec2VolumePage), NextToken: token, Filters: filters, IncludeManagedResources: includeManaged(),
			}
		},
		func(o *ec2.DescribeVolumesOutput) ([]types.Volume, *string) { return o.Volumes, o.NextToken })
}

func ec2VPCs() lister {
	return &collector[types.Vpc]{
		rules: resource.Schema{
			Type: "AWS::EC2::VPC", Version: 1,
			Omit: []string{"Tags", "State"},
			Sets: map[string]string{
				"CidrBlockAssociationSet":     "{AssociationId}",
				"Ipv6CidrBlockAssociationSet": "{AssociationId}",
				"EncryptionControl.Tags":      "{Key}",
			},
		},
		action: "ec2:DescribeVpcs",
		pages:  unfiltered(listVpcs),
		only:   filtered("vpc-id", listVpcs),
		arn:    "arn:{partition}:ec2:{region}:{account}:vpc/{id}",
		read: func(v *types.Vpc) facts {
			f := ec2Facts(v.VpcId, v.Tags)
			f.Owner, f.Status = v.OwnerId, string(v.State)
			return f
		},
	}
}

func listVpcs(cfg aws.Config, filters []types.Filter) source[types.Vpc] {
	return paged(ec2.NewFromConfig(cfg).DescribeVpcs,
		func(token *string) *ec2.DescribeVpcsInput {
			return &ec2.DescribeVpcsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeVpcsOutput) ([]types.Vpc, *string) { return o.Vpcs, o.NextToken })
}

func ec2Subnets() lister {
	return &collector[types.Subnet]{
		rules: resource.Schema{
			Type: "AWS::EC2::Subnet", Version: 1,
			Omit: []string{"Tags", "State", "AvailableIpAddressCount"},
			Sets: map[string]string{"Ipv6CidrBlockAssociationSet": "{AssociationId}"},
		},
		action: "ec2:DescribeSubnets",
		pages:  unfiltered(listSubnets),
		only:   filtered("subnet-id", listSubnets),
		arn:    "arn:{partition}:ec2:{region}:{account}:subnet/{id}",
		read: func(v *types.Subnet) facts {
			f := ec2Facts(v.SubnetId, v.Tags)
			f.ARN, f.Owner, f.Status = v.SubnetArn, v.OwnerId, string(v.State)
			return f
		},
	}
}

func listSubnets(cfg aws.Config, filters []types.Filter) source[types.Subnet] {
	return paged(ec2.NewFromConfig(cfg).DescribeSubnets,
		func(token *string) *ec2.DescribeSubnetsInput {
			return &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeSubnetsOutput) ([]types.Subnet, *string) { return o.Subnets, o.NextToken })
}

func ec2SecurityGroups() lister {
	sets := map[string]string{}
	for _, direction := range []string{"IpPermissions", "IpPermissionsEgress"} {
		sets[direction] = "{IpProtocol}:{FromPort}-{ToPort}"
		sets[direction+".IpRanges"] = "{CidrIp}"
		sets[direction+".Ipv6Ranges"] = "{CidrIpv6}"
		sets[direction+".PrefixListIds"] = "{PrefixListId}"
		sets[direction+".UserIdGroupPairs"] = "{UserId}/{GroupId}"
	}
	return &collector[types.SecurityGroup]{
		rules:  resource.Schema{Type: "AWS::EC2::SecurityGroup", Version: 1, Omit: []string{"Tags"}, Sets: sets},
		action: "ec2:DescribeSecurityGroups",
		pages:  unfiltered(listSecurityGroups),
		only:   filtered("group-id", listSecurityGroups),
		arn:    "arn:{partition}:ec2:{region}:{account}:security-group/{id}",
		read: func(v *types.SecurityGroup) facts {
			return facts{
				ID: v.GroupId, ARN: v.SecurityGroupArn, Owner: v.OwnerId,
				Name: aws.ToString(v.GroupName), Tags: ec2Tags(v.Tags),
			}
		},
	}
}

func listSecurityGroups(cfg aws.Config, filters []types.Filter) source[types.SecurityGroup] {
	return paged(ec2.NewFromConfig(cfg).DescribeSecurityGroups,
		func(token *string) *ec2.DescribeSecurityGroupsInput {
			return &ec2.DescribeSecurityGroupsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeSecurityGroupsOutput) ([]types.SecurityGroup, *string) {
			return o.SecurityGroups, o.NextToken
		})
}

func ec2NetworkInterfaces() lister {
	return &collector[types.NetworkInterface]{
		rules: resource.Schema{
			Type: "AWS::EC2::NetworkInterface", Version: 1,
			Omit: []string{"TagSet", "Status"},
			Sets: map[string]string{
				"AssociatedSubnets":  "",
				"Groups":             "{GroupId}",
				"Ipv4Prefixes":       "{Ipv4Prefix}",
				"Ipv6Addresses":      "{Ipv6Address}",
				"Ipv6Prefixes":       "{Ipv6Prefix}",
				"PrivateIpAddresses": "{PrivateIpAddress}",
			},
		},
		action: "ec2:DescribeNetworkInterfaces",
		pages:  unfiltered(listNetworkInterfaces),
		only:   filtered("network-interface-id", listNetworkInterfaces),
		arn:    "arn:{partition}:ec2:{region}:{account}:network-interface/{id}",
		read: func(v *types.NetworkInterface) facts {
			f := ec2Facts(v.NetworkInterfaceId, v.TagSet)
			f.Owner, f.Status = v.OwnerId, string(v.Status)
			return f
		},
	}
}

func listNetworkInterfaces(cfg aws.Config, filters []types.Filter) source[types.NetworkInterface] {
	return paged(ec2.NewFromConfig(cfg).DescribeNetworkInterfaces,
		func(token *string) *ec2.DescribeNetworkInterfacesInput {
			return &ec2.DescribeNetworkInterfacesInput{
				MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters, IncludeManagedResources: includeManaged(),
			}
		},
		func(o *ec2.DescribeNetworkInterfacesOutput) ([]types.NetworkInterface, *string) {
			return o.NetworkInterfaces, o.NextToken
		})
}
