package aws

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	dynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	ec2 "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	iam "github.com/aws/aws-sdk-go-v2/service/iam/types"
	lambda "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	rds "github.com/aws/aws-sdk-go-v2/service/rds/types"
	s3 "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
)

// observed is one resource as a listing tells it, twice: what moved by itself in between,
// or what somebody changed.
type observed struct {
	name          string
	typ           string
	before, after any

	// paths of the fields that are reported; none: it is noise.
	paths []string
}

const (
	roleTrust         = `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]},"Action":["sts:AssumeRole","sts:TagSession"]}]}`
	roleTrustShuffled = `{"Statement":{"Action":["sts:TagSession","sts:AssumeRole"],"Sid":"a","Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","ec2.amazonaws.com"]}}, "Version":"2012-10-17"}`
	roleTrustEncoded  = `%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Sid%22%3A%22a%22%2C%22Effect%22%3A%22Allow%22%2C%22Principal%22%3A%7B%22Service%22%3A%5B%22ec2.amazonaws.com%22%2C%22lambda.amazonaws.com%22%5D%7D%2C%22Action%22%3A%5B%22sts%3AAssumeRole%22%2C%22sts%3ATagSession%22%5D%7D%5D%7D`
	roleTrustWider    = `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com","lambda.amazonaws.com","ecs.amazonaws.com"]},"Action":["sts:AssumeRole","sts:TagSession"]}]}`
	bucketPolicy      = `{"Version":"2012-10-17","Statement":[{"Sid":"read","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"},{"Sid":"list","Effect":"Deny","Principal":{"AWS":["2","1"]},"Action":["s3:ListBucket"],"Resource":"arn:aws:s3:::b"}]}`
	bucketPolicySame  = `{ "Version": "2012-10-17", "Statement": [{"Sid":"list","Effect":"Deny","Principal":{"AWS":["1","2"]},"Action":"s3:ListBucket","Resource":["arn:aws:s3:::b"]},{"Sid":"read","Effect":"Allow","Principal":"*","Action":["s3:GetObject"],"Resource":["arn:aws:s3:::b/*"]}] }`
	bucketPolicyWider = `{"Version":"2012-10-17","Statement":[{"Sid":"read","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"},{"Sid":"list","Effect":"Deny","Principal":{"AWS":["2","1"]},"Action":["s3:ListBucket"],"Resource":"arn:aws:s3:::b"}]}`
)

func at(hour int) *time.Time {
	t := time.Date(2025, 10, 22, hour, 0, 0, 0, time.UTC)
	return &t
}

// permission is a rule of a security group for one port.
func permission(port int32, cidrs ...string) ec2.IpPermission {
	p := ec2.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port}
	for _, c := range cidrs {
		p.IpRanges = append(p.IpRanges, ec2.IpRange{CidrIp: aws.String(c)})
	}
	return p
}

// noises are the rows of "what must never be reported" for the types that are listed, and
// beside each something like it that must be.
func noises() []observed {
	return slices.Concat(
		noisesOfFirstTypes(), noisesOfIdentities(), noisesOfSecurity(), noisesOfMonitoring(), noisesOfDelivery(), noisesOfNamespaces(),
		ec2NetworkNoises(), ec2GatewayNoises(), ec2ImageNoises(), ec2CapacityNoises(),
		balancingNoises(), autoscalingNoises(), fileSystemNoises(), edgeNoises(), lineNoises(),
		noisesOfEvents(), noisesOfApplications(), noisesOfContainers(), noisesOfData(), noisesOfGlue(), noisesOfRDS(), noisesOfElastiCache(), noisesOfMachines(), noisesOfWork(),
	)
}

func noisesOfFirstTypes() []observed {
	s := aws.String
	return []observed{
		{name: "the high byte of an instance's state", typ: "AWS::EC2::Instance",
			before: instance{Instance: ec2.Instance{State: &ec2.InstanceState{Code: aws.Int32(16), Name: "running"}}},
			after:  instance{Instance: ec2.Instance{State: &ec2.InstanceState{Code: aws.Int32(272), Name: "running"}}}},
		{name: "the order of an instance's groups, devices and interfaces", typ: "AWS::EC2::Instance",
			before: instance{Instance: ec2.Instance{
				SecurityGroups:      []ec2.GroupIdentifier{{GroupId: s("sg-1")}, {GroupId: s("sg-2")}},
				BlockDeviceMappings: []ec2.InstanceBlockDeviceMapping{{DeviceName: s("/dev/a")}, {DeviceName: s("/dev/b")}},
				NetworkInterfaces:   []ec2.InstanceNetworkInterface{{NetworkInterfaceId: s("eni-1")}, {NetworkInterfaceId: s("eni-2")}},
			}},
			after: instance{Instance: ec2.Instance{
				SecurityGroups:      []ec2.GroupIdentifier{{GroupId: s("sg-2")}, {GroupId: s("sg-1")}},
				BlockDeviceMappings: []ec2.InstanceBlockDeviceMapping{{DeviceName: s("/dev/b")}, {DeviceName: s("/dev/a")}},
				NetworkInterfaces:   []ec2.InstanceNetworkInterface{{NetworkInterfaceId: s("eni-2")}, {NetworkInterfaceId: s("eni-1")}},
			}}},
		{name: "an instance in another security group", typ: "AWS::EC2::Instance",
			before: instance{Instance: ec2.Instance{SecurityGroups: []ec2.GroupIdentifier{{GroupId: s("sg-1")}}}},
			after:  instance{Instance: ec2.Instance{SecurityGroups: []ec2.GroupIdentifier{{GroupId: s("sg-1")}, {GroupId: s("sg-2")}}}},
			paths:  []string{"attributes.SecurityGroups[sg-2]"}},
		{name: "an empty list where there was none", typ: "AWS::EC2::Instance",
			before: instance{Instance: ec2.Instance{}},
			after:  instance{Instance: ec2.Instance{ProductCodes: []ec2.ProductCode{}, KeyName: s(""), Placement: &ec2.Placement{}}}},
		{name: "the order of a network's ranges", typ: "AWS::EC2::VPC",
			before: ec2.Vpc{CidrBlockAssociationSet: []ec2.VpcCidrBlockAssociation{{AssociationId: s("a")}, {AssociationId: s("b")}}},
			after:  ec2.Vpc{CidrBlockAssociationSet: []ec2.VpcCidrBlockAssociation{{AssociationId: s("b")}, {AssociationId: s("a")}}}},
		{name: "a network with other DHCP options", typ: "AWS::EC2::VPC",
			before: ec2.Vpc{DhcpOptionsId: s("a")}, after: ec2.Vpc{DhcpOptionsId: s("b")},
			paths: []string{"attributes.DhcpOptionsId"}},
		{name: "the order of a volume's attachments", typ: "AWS::EC2::Volume",
			before: ec2.Volume{Attachments: []ec2.VolumeAttachment{{InstanceId: s("a")}, {InstanceId: s("b")}}},
			after:  ec2.Volume{Attachments: []ec2.VolumeAttachment{{InstanceId: s("b")}, {InstanceId: s("a")}}}},
		{name: "a larger volume", typ: "AWS::EC2::Volume",
			before: ec2.Volume{Size: aws.Int32(8)}, after: ec2.Volume{Size: aws.Int32(9)},
			paths: []string{"attributes.Size"}},
		{name: "the free addresses of a subnet", typ: "AWS::EC2::Subnet",
			before: ec2.Subnet{AvailableIpAddressCount: aws.Int32(250), CidrBlock: s("10.0.0.0/24")},
			after:  ec2.Subnet{AvailableIpAddressCount: aws.Int32(249), CidrBlock: s("10.0.0.0/24")}},
		{name: "a subnet that gives public addresses now", typ: "AWS::EC2::Subnet",
			before: ec2.Subnet{MapPublicIpOnLaunch: aws.Bool(false)},
			after:  ec2.Subnet{MapPublicIpOnLaunch: aws.Bool(true)},
			paths:  []string{"attributes.MapPublicIpOnLaunch"}},
		{name: "the order of rules and of ranges in them", typ: "AWS::EC2::SecurityGroup",
			before: ec2.SecurityGroup{IpPermissions: []ec2.IpPermission{permission(443, "10.0.0.0/8", "172.16.0.0/12"), permission(80, "0.0.0.0/0")}},
			after:  ec2.SecurityGroup{IpPermissions: []ec2.IpPermission{permission(80, "0.0.0.0/0"), permission(443, "172.16.0.0/12", "10.0.0.0/8")}}},
		{name: "one more range in a rule", typ: "AWS::EC2::SecurityGroup",
			before: ec2.SecurityGroup{IpPermissions: []ec2.IpPermission{permission(443, "172.16.0.0/12"), permission(80, "0.0.0.0/0")}},
			after:  ec2.SecurityGroup{IpPermissions: []ec2.IpPermission{permission(80, "0.0.0.0/0"), permission(443, "10.0.0.0/8", "172.16.0.0/12")}},
			paths:  []string{"attributes.IpPermissions[tcp:443-443].IpRanges[10.0.0.0/8]"}},
		{name: "the first rule of a group", typ: "AWS::EC2::SecurityGroup",
			before: ec2.SecurityGroup{},
			after:  ec2.SecurityGroup{IpPermissions: []ec2.IpPermission{permission(22, "0.0.0.0/0")}},
			paths:  []string{"attributes.IpPermissions[tcp:22-22]"}},
		{name: "an interface attached to another instance", typ: "AWS::EC2::NetworkInterface",
			before: ec2.NetworkInterface{Attachment: &ec2.NetworkInterfaceAttachment{InstanceId: s("i-1")}},
			after:  ec2.NetworkInterface{Attachment: &ec2.NetworkInterfaceAttachment{InstanceId: s("i-2")}},
			paths:  []string{"attributes.Attachment.InstanceId"}},
		{name: "the order of an interface's groups and addresses", typ: "AWS::EC2::NetworkInterface",
			before: ec2.NetworkInterface{
				Groups:             []ec2.GroupIdentifier{{GroupId: s("sg-1")}, {GroupId: s("sg-2")}},
				PrivateIpAddresses: []ec2.NetworkInterfacePrivateIpAddress{{PrivateIpAddress: s("10.0.0.1")}, {PrivateIpAddress: s("10.0.0.2")}},
			},
			after: ec2.NetworkInterface{
				Groups:             []ec2.GroupIdentifier{{GroupId: s("sg-2")}, {GroupId: s("sg-1")}},
				PrivateIpAddresses: []ec2.NetworkInterfacePrivateIpAddress{{PrivateIpAddress: s("10.0.0.2")}, {PrivateIpAddress: s("10.0.0.1")}},
			}},
		{name: "the last use of a role", typ: "AWS::IAM::Role",
			before: role{RoleDetail: iam.RoleDetail{RoleLastUsed: &iam.RoleLastUsed{LastUsedDate: at(1), Region: s("us-east-1")}}},
			after:  role{RoleDetail: iam.RoleDetail{RoleLastUsed: &iam.RoleLastUsed{LastUsedDate: at(2), Region: s("eu-west-1")}}}},
		{name: "the order of services and actions in a trust policy", typ: "AWS::IAM::Role",
			before: role{RoleDetail: iam.RoleDetail{AssumeRolePolicyDocument: s(roleTrust)}},
			after:  role{RoleDetail: iam.RoleDetail{AssumeRolePolicyDocument: s(roleTrustShuffled)}}},
		{name: "the encoding of a trust policy", typ: "AWS::IAM::Role",
			before: role{RoleDetail: iam.RoleDetail{AssumeRolePolicyDocument: s(roleTrust)}},
			after:  role{RoleDetail: iam.RoleDetail{AssumeRolePolicyDocument: s(roleTrustEncoded)}}},
		{name: "one more service in a trust policy", typ: "AWS::IAM::Role",
			before: role{RoleDetail: iam.RoleDetail{AssumeRolePolicyDocument: s(roleTrustEncoded)}},
			after:  role{RoleDetail: iam.RoleDetail{AssumeRolePolicyDocument: s(roleTrustWider)}},
			paths:  []string{"attributes.AssumeRolePolicyDocument.Statement[a].Principal.Service[ecs.amazonaws.com]"}},
		{name: "the order of a role's policies and the layout of their texts, and what stands in its instance profiles", typ: "AWS::IAM::Role",
			before: role{RoleDetail: iam.RoleDetail{
				AttachedManagedPolicies: []iam.AttachedPolicy{{PolicyArn: s("arn:1"), PolicyName: s("x")}, {PolicyArn: s("arn:2"), PolicyName: s("y")}},
				RolePolicyList:          []iam.PolicyDetail{{PolicyName: s("a"), PolicyDocument: s(bucketPolicy)}, {PolicyName: s("b"), PolicyDocument: s(roleTrust)}},
				InstanceProfileList:     []iam.InstanceProfile{{InstanceProfileName: s("p")}, {InstanceProfileName: s("q")}},
			}},
			after: role{RoleDetail: iam.RoleDetail{
				AttachedManagedPolicies: []iam.AttachedPolicy{{PolicyArn: s("arn:2"), PolicyName: s("y")}, {PolicyArn: s("arn:1"), PolicyName: s("x")}},
				RolePolicyList:          []iam.PolicyDetail{{PolicyName: s("b"), PolicyDocument: s(roleTrustEncoded)}, {PolicyName: s("a"), PolicyDocument: s(bucketPolicySame)}},
				InstanceProfileList: []iam.InstanceProfile{{InstanceProfileName: s("q")}, {InstanceProfileName: s("p"), Roles: []iam.Role{{
					RoleName: s("r"), RoleLastUsed: &iam.RoleLastUsed{LastUsedDate: at(2)},
				}}}},
			}}},
		{name: "one more policy attached to a role", typ: "AWS::IAM::Role",
			before: role{RoleDetail: iam.RoleDetail{AttachedManagedPolicies: []iam.AttachedPolicy{{PolicyArn: s("arn:2"), PolicyName: s("y")}}}},
			after:  role{RoleDetail: iam.RoleDetail{AttachedManagedPolicies: []iam.AttachedPolicy{{PolicyArn: s("arn:1"), PolicyName: s("x")}, {PolicyArn: s("arn:2"), PolicyName: s("y")}}}},
			paths:  []string{"attributes.AttachedManagedPolicies[arn:1]"}},
		{name: "one more action in a role's own policy", typ: "AWS::IAM::Role",
			before: role{RoleDetail: iam.RoleDetail{RolePolicyList: []iam.PolicyDetail{{PolicyName: s("a"), PolicyDocument: s(bucketPolicySame)}}}},
			after:  role{RoleDetail: iam.RoleDetail{RolePolicyList: []iam.PolicyDetail{{PolicyName: s("a"), PolicyDocument: s(bucketPolicyWider)}}}},
			paths:  []string{"attributes.RolePolicyList[a].PolicyDocument.Statement[read].Action[s3:PutObject]"}},
		{name: "how long a session of a role may last", typ: "AWS::IAM::Role",
			before: role{MaxSessionDuration: aws.Int32(3600)}, after: role{MaxSessionDuration: aws.Int32(7200)},
			paths: []string{"attributes.MaxSessionDuration"}},
		{name: "how far a database can be restored", typ: "AWS::RDS::DBInstance",
			before: rds.DBInstance{LatestRestorableTime: at(1)},
			after:  rds.DBInstance{LatestRestorableTime: at(2)}},
		{name: "the order of a database's groups", typ: "AWS::RDS::DBInstance",
			before: rds.DBInstance{VpcSecurityGroups: []rds.VpcSecurityGroupMembership{{VpcSecurityGroupId: s("sg-1")}, {VpcSecurityGroupId: s("sg-2")}}},
			after:  rds.DBInstance{VpcSecurityGroups: []rds.VpcSecurityGroupMembership{{VpcSecurityGroupId: s("sg-2")}, {VpcSecurityGroupId: s("sg-1")}}}},
		{name: "another class of a database", typ: "AWS::RDS::DBInstance",
			before: rds.DBInstance{DBInstanceClass: s("db.t3.micro")},
			after:  rds.DBInstance{DBInstanceClass: s("db.t3.small")},
			paths:  []string{"attributes.DBInstanceClass"}},
		{name: "the restorable times and the order of members of a cluster", typ: "AWS::RDS::DBCluster",
			before: rds.DBCluster{EarliestRestorableTime: at(1), LatestRestorableTime: at(3),
				DBClusterMembers: []rds.DBClusterMember{{DBInstanceIdentifier: s("a")}, {DBInstanceIdentifier: s("b")}}, AvailabilityZones: []string{"a", "b"}},
			after: rds.DBCluster{EarliestRestorableTime: at(2), LatestRestorableTime: at(4),
				DBClusterMembers: []rds.DBClusterMember{{DBInstanceIdentifier: s("b")}, {DBInstanceIdentifier: s("a")}}, AvailabilityZones: []string{"b", "a"}}},
		{name: "another version of a cluster's engine", typ: "AWS::RDS::DBCluster",
			before: rds.DBCluster{EngineVersion: s("15.4")}, after: rds.DBCluster{EngineVersion: s("16.1")},
			paths: []string{"attributes.EngineVersion"}},
		{name: "the size and count of a table and its indexes", typ: "AWS::DynamoDB::Table",
			before: table{TableDescription: dynamodb.TableDescription{TableSizeBytes: aws.Int64(1), ItemCount: aws.Int64(1),
				GlobalSecondaryIndexes: []dynamodb.GlobalSecondaryIndexDescription{{IndexName: s("i"), IndexSizeBytes: aws.Int64(1), ItemCount: aws.Int64(1)}},
				LocalSecondaryIndexes:  []dynamodb.LocalSecondaryIndexDescription{{IndexName: s("l"), IndexSizeBytes: aws.Int64(1), ItemCount: aws.Int64(1)}}}},
			after: table{TableDescription: dynamodb.TableDescription{TableSizeBytes: aws.Int64(2), ItemCount: aws.Int64(2),
				GlobalSecondaryIndexes: []dynamodb.GlobalSecondaryIndexDescription{{IndexName: s("i"), IndexSizeBytes: aws.Int64(2), ItemCount: aws.Int64(2)}},
				LocalSecondaryIndexes:  []dynamodb.LocalSecondaryIndexDescription{{IndexName: s("l"), IndexSizeBytes: aws.Int64(2), ItemCount: aws.Int64(2)}}}}},
		{name: "one more index of a table", typ: "AWS::DynamoDB::Table",
			before: table{TableDescription: dynamodb.TableDescription{GlobalSecondaryIndexes: []dynamodb.GlobalSecondaryIndexDescription{{IndexName: s("i")}}}},
			after:  table{TableDescription: dynamodb.TableDescription{GlobalSecondaryIndexes: []dynamodb.GlobalSecondaryIndexDescription{{IndexName: s("h")}, {IndexName: s("i")}}}},
			paths:  []string{"attributes.GlobalSecondaryIndexes[h]"}},
		{name: "what follows from a function's code and updates", typ: "AWS::Lambda::Function",
			before: function{FunctionConfiguration: lambda.FunctionConfiguration{LastModified: s("1"), RevisionId: s("1"), CodeSize: 1, LastUpdateStatus: "InProgress", LastUpdateStatusReason: s("x"), LastUpdateStatusReasonCode: "Creating",
				Environment: &lambda.EnvironmentResponse{Variables: map[string]string{"A": "1"}, Error: &lambda.EnvironmentError{Message: s("x")}}}},
			after: function{FunctionConfiguration: lambda.FunctionConfiguration{LastModified: s("2"), RevisionId: s("2"), CodeSize: 2, LastUpdateStatus: "Successful",
				Environment: &lambda.EnvironmentResponse{Variables: map[string]string{"A": "1"}}}}},
		{name: "a variable that is called as something volatile is", typ: "AWS::Lambda::Function",
			before: function{FunctionConfiguration: lambda.FunctionConfiguration{Environment: &lambda.EnvironmentResponse{Variables: map[string]string{"LastModified": "1"}}}},
			after:  function{FunctionConfiguration: lambda.FunctionConfiguration{Environment: &lambda.EnvironmentResponse{Variables: map[string]string{"LastModified": "22"}}}},
			paths:  []string{"attributes.Environment.Variables.LastModified"}},
		{name: "the order of a function's layers", typ: "AWS::Lambda::Function",
			before: function{FunctionConfiguration: lambda.FunctionConfiguration{Layers: []lambda.Layer{{Arn: s("a")}, {Arn: s("b")}}}},
			after:  function{FunctionConfiguration: lambda.FunctionConfiguration{Layers: []lambda.Layer{{Arn: s("b")}, {Arn: s("a")}}}},
			paths:  []string{"attributes.Layers[0].Arn", "attributes.Layers[1].Arn"}},
		{name: "the order of a function's subnets and groups", typ: "AWS::Lambda::Function",
			before: function{FunctionConfiguration: lambda.FunctionConfiguration{VpcConfig: &lambda.VpcConfigResponse{SubnetIds: []string{"a", "b"}, SecurityGroupIds: []string{"c", "d"}}}},
			after:  function{FunctionConfiguration: lambda.FunctionConfiguration{VpcConfig: &lambda.VpcConfigResponse{SubnetIds: []string{"b", "a"}, SecurityGroupIds: []string{"d", "c"}}}}},
		{name: "the layout of a bucket's policy", typ: "AWS::S3::Bucket",
			before: bucket{Policy: s(bucketPolicy)}, after: bucket{Policy: s(bucketPolicySame)}},
		{name: "one more action in a bucket's policy", typ: "AWS::S3::Bucket",
			before: bucket{Policy: s(bucketPolicySame)}, after: bucket{Policy: s(bucketPolicyWider)},
			paths: []string{"attributes.Policy.Statement[read].Action[s3:PutObject]"}},
		{name: "the date of a bucket, which edits of its policy move", typ: "AWS::S3::Bucket",
			before: bucket{Bucket: s3.Bucket{CreationDate: at(1)}}, after: bucket{Bucket: s3.Bucket{CreationDate: at(2)}}},
		{name: "the messages in a queue", typ: "AWS::SQS::Queue",
			before: newQueue(map[string]string{"ApproximateNumberOfMessages": "1", "ApproximateNumberOfMessagesDelayed": "1", "ApproximateNumberOfMessagesNotVisible": "1", "LastModifiedTimestamp": "1", "DelaySeconds": "0"}),
			after:  newQueue(map[string]string{"ApproximateNumberOfMessages": "2", "ApproximateNumberOfMessagesDelayed": "2", "ApproximateNumberOfMessagesNotVisible": "2", "LastModifiedTimestamp": "2", "DelaySeconds": "0"})},
		{name: "the time that a queue holds messages back", typ: "AWS::SQS::Queue",
			before: newQueue(map[string]string{"DelaySeconds": "0"}),
			after:  newQueue(map[string]string{"DelaySeconds": "5"}),
			paths:  []string{"attributes.DelaySeconds"}},
		{name: "the layout of a queue's policies", typ: "AWS::SQS::Queue",
			before: newQueue(map[string]string{"RedrivePolicy": `{"maxReceiveCount":3,"deadLetterTargetArn":"arn:x"}`, "Policy": bucketPolicy}),
			after:  newQueue(map[string]string{"RedrivePolicy": `{ "deadLetterTargetArn": "arn:x", "maxReceiveCount": 3 }`, "Policy": bucketPolicySame})},
		{name: "the subscriptions of a topic and the layout of its policy", typ: "AWS::SNS::Topic",
			before: newTopic(map[string]string{"SubscriptionsConfirmed": "1", "SubscriptionsPending": "1", "SubscriptionsDeleted": "1", "Policy": bucketPolicy}),
			after:  newTopic(map[string]string{"SubscriptionsConfirmed": "2", "SubscriptionsPending": "2", "SubscriptionsDeleted": "2", "Policy": bucketPolicySame})},
		{name: "another name of a topic for people", typ: "AWS::SNS::Topic",
			before: newTopic(map[string]string{"DisplayName": "a"}), after: newTopic(map[string]string{"DisplayName": "b"}),
			paths: []string{"attributes.DisplayName"}},
		{name: "the order of a load balancer's zones and groups", typ: "AWS::ElasticLoadBalancingV2::LoadBalancer",
			before: loadBalancer{LoadBalancer: elbv2.LoadBalancer{SecurityGroups: []string{"a", "b"}, AvailabilityZones: []elbv2.AvailabilityZone{{ZoneName: s("a")}, {ZoneName: s("b")}}}},
			after:  loadBalancer{LoadBalancer: elbv2.LoadBalancer{SecurityGroups: []string{"b", "a"}, AvailabilityZones: []elbv2.AvailabilityZone{{ZoneName: s("b")}, {ZoneName: s("a")}}}}},
		{name: "a load balancer's scheme", typ: "AWS::ElasticLoadBalancingV2::LoadBalancer",
			before: loadBalancer{LoadBalancer: elbv2.LoadBalancer{Scheme: "internal"}},
			after:  loadBalancer{LoadBalancer: elbv2.LoadBalancer{Scheme: "internet-facing"}},
			paths:  []string{"attributes.Scheme"}},
	}
}

func newQueue(attributes map[string]string) queue {
	var q queue
	q.Attributes = assign(&q, attributes)
	return q
}

func newTopic(attributes map[string]string) topic {
	var t topic
	t.Attributes = assign(&t, attributes)
	return t
}

// noise is a row of what must not be reported, changed one of what must.
func noise(name, typ string, before, after any) observed {
	return observed{name: name, typ: typ, before: before, after: after}
}

func changed(name, typ string, before, after any, paths ...string) observed {
	return observed{name, typ, before, after, paths}
}

func TestCollectors_ReportChangesAndNoNoise(t *testing.T) { checkNoise(t, noises()) }

// checkNoise observes each row twice and compares.
func checkNoise(t *testing.T, rows []observed) {
	t.Helper()
	p, err := New(Options{Regions: []string{"us-east-1"}, Digest: reverse})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range rows {
		t.Run(o.name, func(t *testing.T) {
			encoder := p.byType[o.typ].encoder
			observe := func(v any) *resource.Resource {
				document, err := encoder.Append(nil, v)
				if err != nil {
					t.Fatal(err)
				}
				return &resource.Resource{Attributes: document}
			}
			before, after := observe(o.before), observe(o.after)
			changes, err := change.Compare(encoder.Schema(), before, after)
			if err != nil {
				t.Fatal(err)
			}
			if len(changes) != len(o.paths) {
				t.Fatalf("changes are %s, want %q", worded(changes), o.paths)
			}
			for i, c := range changes {
				if c.Path != o.paths[i] {
					t.Errorf("changes are %s, want %q", worded(changes), o.paths)
				}
			}
			var h resource.Hasher
			if same := h.Sum(before) == h.Sum(after); same != (len(o.paths) == 0) {
				t.Errorf("fingerprints are equal: %v; documents\n%s\n%s", same, before.Attributes, after.Attributes)
			}
		})
	}
}

// Every type has a row of noise and one of a change.
func TestCollectors_HaveRowsInTheTableOfNoise(t *testing.T) {
	noise, changed := map[string]bool{}, map[string]bool{}
	for _, o := range noises() {
		if len(o.paths) == 0 {
			noise[o.typ] = true
		} else {
			changed[o.typ] = true
		}
	}
	for _, c := range collectors() {
		if typ := c.schema().Type; !noise[typ] || !changed[typ] {
			t.Errorf("%s: a row of noise: %v, a row of a change: %v", typ, noise[typ], changed[typ])
		}
	}
}

func worded(changes []change.FieldChange) []string {
	var all []string
	for _, c := range changes {
		all = append(all, c.Path+": "+string(c.Old)+" -> "+string(c.New))
	}
	return all
}
