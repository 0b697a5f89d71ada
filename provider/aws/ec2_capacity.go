package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/elava-dev/elava/resource"
)

// ec2HostPage is the most that DescribeHosts gives (EC2 API Reference).
// DescribePlacementGroups has no pages.
const ec2HostPage = 500

func ec2CapacityCollectors() []lister {
	return []lister{
		ec2PlacementGroups(), ec2Hosts(), ec2CapacityReservations(), ec2SpotInstanceRequests(), ec2SpotFleets(), ec2Fleets(),
	}
}

func ec2PlacementGroups() lister {
	return &collector[types.PlacementGroup]{
		rules:    resource.Schema{Type: "AWS::EC2::PlacementGroup", Version: 1, Omit: []string{"Tags", "State"}},
		action:   "ec2:DescribePlacementGroups",
		pages:    unfiltered(listPlacementGroups),
		only:     filtered("group-name", listPlacementGroups),
		terminal: []string{string(types.PlacementGroupStateDeleted)},
		read: func(v *types.PlacementGroup) facts {
			return facts{
				ID: v.GroupName, ARN: v.GroupArn, Name: aws.ToString(v.GroupName), UID: aws.ToString(v.GroupId),
				Status: string(v.State), Tags: ec2Tags(v.Tags),
			}
		},
	}
}

func listPlacementGroups(cfg aws.Config, filters []types.Filter) source[types.PlacementGroup] {
	return whole(ec2.NewFromConfig(cfg).DescribePlacementGroups, &ec2.DescribePlacementGroupsInput{Filters: filters},
		func(o *ec2.DescribePlacementGroupsOutput) []types.PlacementGroup { return o.PlacementGroups })
}

func ec2Hosts() lister {
	return &collector[types.Host]{
		rules: resource.Schema{
			Type: "AWS::EC2::Host", Version: 1,
			Omit: []string{"Tags", "State", "AvailableCapacity"}, // it follows from Instances
			Sets: map[string]string{"Instances": "{InstanceId}"},
		},
		action: "ec2:DescribeHosts",
		pages: func(cfg aws.Config) source[types.Host] {
			return paged(ec2.NewFromConfig(cfg).DescribeHosts,
				func(token *string) *ec2.DescribeHostsInput {
					return &ec2.DescribeHostsInput{MaxResults: aws.Int32(ec2HostPage), NextToken: token}
				},
				func(o *ec2.DescribeHostsOutput) ([]types.Host, *string) { return o.Hosts, o.NextToken })
		},
		terminal: []string{string(types.AllocationStateReleased), string(types.AllocationStateReleasedPermanentFailure)},
		arn:      "arn:{partition}:ec2:{region}:{account}:dedicated-host/{id}",
		read: func(v *types.Host) facts {
			f := ec2Facts(v.HostId, v.Tags).of(v.OwnerId)
			f.Status, f.Created = string(v.State), v.AllocationTime
			return f
		},
	}
}

// ec2CapacityReservations leaves out how much of a reservation is in use.
func ec2CapacityReservations() lister {
	return &collector[types.CapacityReservation]{
		rules: resource.Schema{
			Type: "AWS::EC2::CapacityReservation", Version: 1,
			Omit: []string{"Tags", "State", "AvailableInstanceCount", "CapacityAllocations"},
		},
		action: "ec2:DescribeCapacityReservations",
		pages: func(cfg aws.Config) source[types.CapacityReservation] {
			return paged(ec2.NewFromConfig(cfg).DescribeCapacityReservations,
				func(token *string) *ec2.DescribeCapacityReservationsInput {
					return &ec2.DescribeCapacityReservationsInput{MaxResults: aws.Int32(ec2Page), NextToken: token}
				},
				func(o *ec2.DescribeCapacityReservationsOutput) ([]types.CapacityReservation, *string) {
					return o.CapacityReservations, o.NextToken
				})
		},
		terminal: []string{
			string(types.CapacityReservationStateCancelled), string(types.CapacityReservationStateExpired),
			string(types.CapacityReservationStateFailed), string(types.CapacityReservationStatePaymentFailed),
			string(types.CapacityReservationStateUnsupported),
		},
		arn: "arn:{partition}:ec2:{region}:{account}:capacity-reservation/{id}",
		read: func(v *types.CapacityReservation) facts {
			f := ec2Facts(v.CapacityReservationId, v.Tags).of(v.OwnerId)
			f.ARN, f.Status, f.Created = v.CapacityReservationArn, string(v.State), v.CreateDate
			return f
		},
	}
}

func ec2SpotInstanceRequests() lister {
	sets := map[string]string{
		"LaunchSpecification.BlockDeviceMappings": "{DeviceName}",
		"LaunchSpecification.SecurityGroups":      "{GroupId}",
	}
	addInterfaceSets(sets, "LaunchSpecification.NetworkInterfaces")
	return &collector[types.SpotInstanceRequest]{
		rules: resource.Schema{
			Type: "AWS::EC2::SpotInstanceRequest", Version: 1,
			Omit:    []string{"Tags", "State", "Status.UpdateTime"},
			Sets:    sets,
			Secrets: []string{"LaunchSpecification.UserData"},
		},
		action: "ec2:DescribeSpotInstanceRequests",
		pages:  unfiltered(listSpotInstanceRequests),
		only:   filtered("spot-instance-request-id", listSpotInstanceRequests),
		terminal: []string{ // an instance of it that still runs is listed as an instance
			string(types.SpotInstanceStateCancelled), string(types.SpotInstanceStateClosed), string(types.SpotInstanceStateFailed),
		},
		arn: "arn:{partition}:ec2:{region}:{account}:spot-instances-request/{id}",
		read: func(v *types.SpotInstanceRequest) facts {
			f := ec2Facts(v.SpotInstanceRequestId, v.Tags)
			f.Status, f.Created = string(v.State), v.CreateTime
			return f
		},
	}
}

func listSpotInstanceRequests(cfg aws.Config, filters []types.Filter) source[types.SpotInstanceRequest] {
	return paged(ec2.NewFromConfig(cfg).DescribeSpotInstanceRequests,
		func(token *string) *ec2.DescribeSpotInstanceRequestsInput {
			return &ec2.DescribeSpotInstanceRequestsInput{MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeSpotInstanceRequestsOutput) ([]types.SpotInstanceRequest, *string) {
			return o.SpotInstanceRequests, o.NextToken
		})
}

// ec2SpotFleets keeps the order of specifications and overrides: by strategy, it is that
// of preference.
func ec2SpotFleets() lister {
	const config = "SpotFleetRequestConfig"
	const specifications = config + ".LaunchSpecifications"
	sets := map[string]string{
		specifications + ".BlockDeviceMappings":                                         "{DeviceName}",
		specifications + ".SecurityGroups":                                              "{GroupId}",
		specifications + ".TagSpecifications":                                           "{ResourceType}",
		specifications + ".TagSpecifications.Tags":                                      "{Key}",
		config + ".LoadBalancersConfig.ClassicLoadBalancersConfig.ClassicLoadBalancers": "{Name}",
		config + ".LoadBalancersConfig.TargetGroupsConfig.TargetGroups":                 "{Arn}",
		config + ".TagSpecifications":                                                   "{ResourceType}",
		config + ".TagSpecifications.Tags":                                              "{Key}",
	}
	addInterfaceSets(sets, specifications+".NetworkInterfaces")
	addRequirementSets(sets, specifications+".InstanceRequirements")
	addRequirementSets(sets, config+".LaunchTemplateConfigs.Overrides.InstanceRequirements")
	return &collector[types.SpotFleetRequestConfig]{
		rules: resource.Schema{
			Type: "AWS::EC2::SpotFleet", Version: 2,
			Omit: []string{
				"Tags", "SpotFleetRequestState",
				"ActivityStatus", config + ".FulfilledCapacity", config + ".OnDemandFulfilledCapacity", // progress
			},
			Sets:    sets,
			Secrets: []string{specifications + ".UserData"},
		},
		action: "ec2:DescribeSpotFleetRequests",
		pages: func(cfg aws.Config) source[types.SpotFleetRequestConfig] {
			return paged(ec2.NewFromConfig(cfg).DescribeSpotFleetRequests,
				func(token *string) *ec2.DescribeSpotFleetRequestsInput {
					return &ec2.DescribeSpotFleetRequestsInput{MaxResults: aws.Int32(ec2Page), NextToken: token}
				},
				func(o *ec2.DescribeSpotFleetRequestsOutput) ([]types.SpotFleetRequestConfig, *string) {
					return o.SpotFleetRequestConfigs, o.NextToken
				})
		},
		terminal: []string{string(types.BatchStateCancelled), string(types.BatchStateFailed)},
		arn:      "arn:{partition}:ec2:{region}:{account}:spot-fleet-request/{id}",
		read: func(v *types.SpotFleetRequestConfig) facts {
			f := ec2Facts(v.SpotFleetRequestId, v.Tags)
			f.Status, f.Created = string(v.SpotFleetRequestState), v.CreateTime
			return f
		},
	}
}

// ec2Fleets lists fleets that request and maintain: those of type instant are not in the
// list (EC2 API Reference, DescribeFleets).
func ec2Fleets() lister {
	const overrides = "LaunchTemplateConfigs.Overrides"
	sets := map[string]string{
		overrides + ".BlockDeviceMappings":                                    "{DeviceName}",
		"ReservedCapacityOptions.ReservationTypes":                            "",
		"ReservedCapacityOptions.ReservedCapacityFallbackOptions.MarketTypes": "",
	}
	addRequirementSets(sets, overrides+".InstanceRequirements")
	return &collector[types.FleetData]{
		rules: resource.Schema{
			Type: "AWS::EC2::EC2Fleet", Version: 2,
			Omit: []string{
				"Tags", "FleetState",
				"ActivityStatus", "FulfilledCapacity", "FulfilledOnDemandCapacity", // progress
			},
			Sets: sets,
		},
		action: "ec2:DescribeFleets",
		pages: func(cfg aws.Config) source[types.FleetData] {
			return paged(ec2.NewFromConfig(cfg).DescribeFleets,
				func(token *string) *ec2.DescribeFleetsInput {
					return &ec2.DescribeFleetsInput{MaxResults: aws.Int32(ec2Page), NextToken: token}
				},
				func(o *ec2.DescribeFleetsOutput) ([]types.FleetData, *string) { return o.Fleets, o.NextToken })
		},
		terminal: []string{string(types.FleetStateCodeDeleted), string(types.FleetStateCodeFailed)},
		arn:      "arn:{partition}:ec2:{region}:{account}:fleet/{id}",
		read: func(v *types.FleetData) facts {
			f := ec2Facts(v.FleetId, v.Tags)
			f.Status, f.Created = string(v.FleetState), v.CreateTime
			return f
		},
	}
}
