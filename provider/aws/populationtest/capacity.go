package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func capacityKinds() []Kind {
	return []Kind{
		{Type: "AWS::EC2::Host", Paths: []string{"attributes.AutoPlacement"},
			Make: func(p *Place) string {
				ids := ok(p.ec2().AllocateHosts(p.Context(), &ec2.AllocateHostsInput{
					AvailabilityZone: aws.String(p.zone("a")), InstanceType: aws.String("m5.large"), Quantity: aws.Int32(2),
					AutoPlacement: types.AutoPlacementOn, TagSpecifications: ec2Tagged(types.ResourceTypeDedicatedHost),
				}))(p).HostIds
				p.also("AWS::EC2::Host", ids[1:]...)
				return ids[0]
			},
			Change: func(p *Place, id string) {
				ok(p.ec2().ModifyHosts(p.Context(), &ec2.ModifyHostsInput{HostIds: []string{id}, AutoPlacement: types.AutoPlacementOff}))(p)
			}},
		{Type: "AWS::EC2::SpotInstanceRequest", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				subnet := p.Need("AWS::EC2::Subnet")
				return p.bringing(func() string {
					return *ok(p.ec2().RequestSpotInstances(p.Context(), &ec2.RequestSpotInstancesInput{
						SpotPrice: aws.String("0.5"), InstanceCount: aws.Int32(1),
						LaunchSpecification: &types.RequestSpotLaunchSpecification{
							ImageId: aws.String(Image), InstanceType: types.InstanceTypeT3Micro, SubnetId: &subnet, UserData: &UserData,
						},
					}))(p).SpotInstanceRequests[0].SpotInstanceRequestId
				})
			}},
		{Type: "AWS::EC2::SpotFleet", Paths: []string{"attributes.SpotFleetRequestConfig.TargetCapacity"}, Make: makeSpotFleet,
			Change: func(p *Place, id string) { // to none: more would start machines
				ok(p.ec2().ModifySpotFleetRequest(p.Context(), &ec2.ModifySpotFleetRequestInput{
					SpotFleetRequestId: &id, TargetCapacity: aws.Int32(0), ExcessCapacityTerminationPolicy: types.ExcessCapacityTerminationPolicyNoTermination,
				}))(p)
			}},
		{Type: "AWS::EC2::EC2Fleet", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				template := p.Need("AWS::EC2::LaunchTemplate")
				return p.bringing(func() string {
					return *ok(p.ec2().CreateFleet(p.Context(), &ec2.CreateFleetInput{
						LaunchTemplateConfigs: []types.FleetLaunchTemplateConfigRequest{{
							LaunchTemplateSpecification: &types.FleetLaunchTemplateSpecificationRequest{LaunchTemplateId: &template, Version: aws.String("2")},
						}},
						TargetCapacitySpecification: &types.TargetCapacitySpecificationRequest{
							TotalTargetCapacity: aws.Int32(1), OnDemandTargetCapacity: aws.Int32(1), SpotTargetCapacity: aws.Int32(0),
							DefaultTargetCapacityType: types.DefaultTargetCapacityTypeOnDemand,
						},
						Type: types.FleetTypeMaintain,
					}))(p).FleetId
				})
			}},
	}
}

func makeSpotFleet(p *Place) string {
	subnet := p.Need("AWS::EC2::Subnet")
	return p.bringing(func() string {
		return *ok(p.ec2().RequestSpotFleet(p.Context(), &ec2.RequestSpotFleetInput{SpotFleetRequestConfig: &types.SpotFleetRequestConfigData{
			IamFleetRole: p.role("fleet"), TargetCapacity: aws.Int32(1), SpotPrice: aws.String("0.5"), AllocationStrategy: types.AllocationStrategyLowestPrice,
			LaunchSpecifications: []types.SpotFleetLaunchSpecification{{
				ImageId: aws.String(Image), InstanceType: types.InstanceTypeT3Micro, SubnetId: &subnet, WeightedCapacity: aws.Float64(1), UserData: &UserData,
			}},
		}}))(p).SpotFleetRequestId
	})
}
