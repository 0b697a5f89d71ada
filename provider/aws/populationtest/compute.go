package populationtest

import (
	"archive/zip"
	"bytes"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func computeKinds() []Kind {
	return []Kind{
		{Type: "AWS::EC2::VPC", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string { return p.makeVPC("10.9.0.0/16") }},
		{Type: "AWS::EC2::Subnet", Paths: []string{"attributes.MapPublicIpOnLaunch"},
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateSubnet(p.Context(), &ec2.CreateSubnetInput{
					VpcId: aws.String(p.Need("AWS::EC2::VPC")), CidrBlock: aws.String("10.9.1.0/24"), AvailabilityZone: aws.String(p.zone("a")),
				}))(p).Subnet.SubnetId
			},
			Change: func(p *Place, id string) {
				ok(p.ec2().ModifySubnetAttribute(p.Context(), &ec2.ModifySubnetAttributeInput{
					SubnetId: &id, MapPublicIpOnLaunch: &ec2types.AttributeBooleanValue{Value: aws.Bool(true)},
				}))(p)
			}},
		{Type: "AWS::EC2::SecurityGroup", Paths: []string{"attributes.IpPermissions[tcp:443-443]"},
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateSecurityGroup(p.Context(), &ec2.CreateSecurityGroupInput{
					GroupName: aws.String("web"), Description: aws.String("web"), VpcId: aws.String(p.Need("AWS::EC2::VPC")),
				}))(p).GroupId
			},
			Change: func(p *Place, id string) {
				ok(p.ec2().AuthorizeSecurityGroupIngress(p.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: []ec2types.IpPermission{{
					IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), IpRanges: []ec2types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}},
				}}}))(p)
			}},
		{Type: "AWS::EC2::NetworkInterface", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateNetworkInterface(p.Context(), &ec2.CreateNetworkInterfaceInput{
					SubnetId: aws.String(p.Need("AWS::EC2::Subnet")), Groups: []string{p.Need("AWS::EC2::SecurityGroup")},
				}))(p).NetworkInterface.NetworkInterfaceId
			}},
		{Type: "AWS::EC2::Volume", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateVolume(p.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String(p.zone("a")), Size: aws.Int32(8)}))(p).VolumeId
			}},
		{Type: "AWS::EC2::Instance", Paths: []string{"tags.team"}, Change: (*Place).tag, Make: makeInstance},
		// The change of the instance profile puts this role into it.
		{Type: "AWS::IAM::Role", Global: true, Paths: []string{"attributes.InstanceProfileList[web]", "tags.team"},
			Make: func(p *Place) string {
				return *ok(p.iam().CreateRole(p.Context(), &iam.CreateRoleInput{RoleName: aws.String("worker"), AssumeRolePolicyDocument: aws.String(trust)}))(p).Role.RoleName
			},
			Change: func(p *Place, id string) {
				ok(p.iam().TagRole(p.Context(), &iam.TagRoleInput{RoleName: &id, Tags: iamTags("b")}))(p)
			}},
		{Type: "AWS::Lambda::Function", Paths: []string{"attributes.MemorySize"}, Make: makeFunction,
			Change: func(p *Place, id string) {
				ok(p.lambda().UpdateFunctionConfiguration(p.Context(), &lambda.UpdateFunctionConfigurationInput{FunctionName: &id, MemorySize: aws.Int32(512)}))(p)
			}},
	}
}

func makeInstance(p *Place) string {
	subnet := p.Need("AWS::EC2::Subnet")
	return p.bringing(func() string {
		return *ok(p.ec2().RunInstances(p.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(Image), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: ec2types.InstanceTypeT3Micro, SubnetId: &subnet,
		}))(p).Instances[0].InstanceId
	})
}

func makeFunction(p *Place) string {
	return *ok(p.lambda().CreateFunction(p.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("resize"), Runtime: lambdatypes.RuntimePython312, Handler: aws.String("main.handler"),
		Role: p.role(p.Need("AWS::IAM::Role")), Code: &lambdatypes.FunctionCode{ZipFile: p.code()},
	}))(p).FunctionName
}

// code is the smallest that Lambda takes.
func (p *Place) code() []byte {
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	ok(z.Create("main.py"))(p)
	if err := z.Close(); err != nil {
		p.Fatal(err)
	}
	return code.Bytes()
}
