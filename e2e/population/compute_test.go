package population

import (
	"archive/zip"
	"bytes"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (p *place) ec2() *ec2.Client { return ec2.NewFromConfig(p.cfg) }

// tag is the change of resources of EC2 whose other members moto does not change.
func (p *place) tag(id string) {
	ok(p.ec2().CreateTags(p.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []ec2types.Tag{{Key: aws.String("team"), Value: aws.String("b")}}}))(p)
}

func computeKinds() []kind {
	return []kind{
		{typ: "AWS::EC2::VPC", paths: []string{"tags.team"}, change: (*place).tag,
			make: func(p *place) string {
				vpc := *ok(p.ec2().CreateVpc(p.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")}))(p).Vpc.VpcId
				for _, g := range ok(p.ec2().DescribeSecurityGroups(p.Context(), &ec2.DescribeSecurityGroupsInput{
					Filters: []ec2types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpc}}},
				}))(p).SecurityGroups {
					p.also("AWS::EC2::SecurityGroup", *g.GroupId)
				}
				return vpc
			}},
		{typ: "AWS::EC2::Subnet", paths: []string{"attributes.MapPublicIpOnLaunch"},
			make: func(p *place) string {
				return *ok(p.ec2().CreateSubnet(p.Context(), &ec2.CreateSubnetInput{
					VpcId: aws.String(p.need("AWS::EC2::VPC")), CidrBlock: aws.String("10.9.1.0/24"), AvailabilityZone: aws.String(p.cfg.Region + "a"),
				}))(p).Subnet.SubnetId
			},
			change: func(p *place, id string) {
				ok(p.ec2().ModifySubnetAttribute(p.Context(), &ec2.ModifySubnetAttributeInput{
					SubnetId: &id, MapPublicIpOnLaunch: &ec2types.AttributeBooleanValue{Value: aws.Bool(true)},
				}))(p)
			}},
		{typ: "AWS::EC2::SecurityGroup", paths: []string{"attributes.IpPermissions[tcp:443-443]"},
			make: func(p *place) string {
				return *ok(p.ec2().CreateSecurityGroup(p.Context(), &ec2.CreateSecurityGroupInput{
					GroupName: aws.String("web"), Description: aws.String("web"), VpcId: aws.String(p.need("AWS::EC2::VPC")),
				}))(p).GroupId
			},
			change: func(p *place, id string) {
				ok(p.ec2().AuthorizeSecurityGroupIngress(p.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: []ec2types.IpPermission{{
					IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), IpRanges: []ec2types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}},
				}}}))(p)
			}},
		{typ: "AWS::EC2::NetworkInterface", paths: []string{"tags.team"}, change: (*place).tag,
			make: func(p *place) string {
				return *ok(p.ec2().CreateNetworkInterface(p.Context(), &ec2.CreateNetworkInterfaceInput{
					SubnetId: aws.String(p.need("AWS::EC2::Subnet")), Groups: []string{p.need("AWS::EC2::SecurityGroup")},
				}))(p).NetworkInterface.NetworkInterfaceId
			}},
		{typ: "AWS::EC2::Volume", paths: []string{"tags.team"}, change: (*place).tag,
			make: func(p *place) string {
				return *ok(p.ec2().CreateVolume(p.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String(p.cfg.Region + "a"), Size: aws.Int32(8)}))(p).VolumeId
			}},
		{typ: "AWS::EC2::Instance", paths: []string{"tags.team"}, change: (*place).tag, make: makeInstance},
		{typ: "AWS::ElasticLoadBalancingV2::LoadBalancer", paths: []string{"tags.team"}, make: makeLoadBalancer,
			change: func(p *place, id string) {
				client := elb.NewFromConfig(p.cfg)
				arn := ok(client.DescribeLoadBalancers(p.Context(), &elb.DescribeLoadBalancersInput{Names: []string{id}}))(p).LoadBalancers[0].LoadBalancerArn
				ok(client.AddTags(p.Context(), &elb.AddTagsInput{ResourceArns: []string{*arn}, Tags: []elbtypes.Tag{{Key: aws.String("team"), Value: aws.String("b")}}}))(p)
			}},
		// The change of the instance profile puts this role into it.
		{typ: "AWS::IAM::Role", global: true, paths: []string{"attributes.InstanceProfileList[web]", "tags.team"},
			make: func(p *place) string {
				return *ok(p.iam().CreateRole(p.Context(), &iam.CreateRoleInput{RoleName: aws.String("worker"), AssumeRolePolicyDocument: aws.String(trust)}))(p).Role.RoleName
			},
			change: func(p *place, id string) {
				ok(p.iam().TagRole(p.Context(), &iam.TagRoleInput{RoleName: &id, Tags: iamTags("b")}))(p)
			}},
		{typ: "AWS::Lambda::Function", paths: []string{"attributes.MemorySize"}, make: makeFunction,
			change: func(p *place, id string) {
				ok(lambda.NewFromConfig(p.cfg).UpdateFunctionConfiguration(p.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &id, MemorySize: aws.Int32(512)}))(p)
			}},
	}
}

func makeInstance(p *place) string {
	i := ok(p.ec2().RunInstances(p.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String("ami-12c6146b"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: ec2types.InstanceTypeT3Micro,
		SubnetId: aws.String(p.need("AWS::EC2::Subnet")),
	}))(p).Instances[0]
	for _, n := range i.NetworkInterfaces {
		p.also("AWS::EC2::NetworkInterface", *n.NetworkInterfaceId)
	}
	described := ok(p.ec2().DescribeInstances(p.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{*i.InstanceId}}))(p)
	for _, d := range described.Reservations[0].Instances[0].BlockDeviceMappings {
		p.also("AWS::EC2::Volume", *d.Ebs.VolumeId)
	}
	return *i.InstanceId
}

func makeLoadBalancer(p *place) string {
	subnets := []string{p.need("AWS::EC2::Subnet"), *ok(p.ec2().CreateSubnet(p.Context(), &ec2.CreateSubnetInput{
		VpcId: aws.String(p.need("AWS::EC2::VPC")), CidrBlock: aws.String("10.9.2.0/24"), AvailabilityZone: aws.String(p.cfg.Region + "b"),
	}))(p).Subnet.SubnetId}
	p.also("AWS::EC2::Subnet", subnets[1])
	return *ok(elb.NewFromConfig(p.cfg).CreateLoadBalancer(p.Context(), &elb.CreateLoadBalancerInput{
		Name: aws.String("front"), Subnets: subnets, SecurityGroups: []string{p.need("AWS::EC2::SecurityGroup")},
	}))(p).LoadBalancers[0].LoadBalancerName
}

func makeFunction(p *place) string {
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	ok(z.Create("main.py"))(p)
	if err := z.Close(); err != nil {
		p.Fatal(err)
	}
	return *ok(lambda.NewFromConfig(p.cfg).CreateFunction(p.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("resize"), Runtime: lambdatypes.RuntimePython312, Handler: aws.String("main.handler"),
		Role: aws.String("arn:aws:iam::" + p.account + ":role/worker"), Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
	}))(p).FunctionName
}
