package aws_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	elavaaws "github.com/elava-dev/elava/provider/aws"
	"github.com/elava-dev/elava/provider/aws/mototest"
	"github.com/elava-dev/elava/resource"
)

// must fails the test on an error of a call that sets the stage.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

var wantedTags = map[string]string{"Name": "first", "env": "prod", "empty": ""}

// tagsOf makes a service's tags of wantedTags, in the order of their keys.
func tagsOf[T any](tag func(k, v *string) T) []T {
	var tags []T
	for _, k := range slices.Sorted(maps.Keys(wantedTags)) {
		tags = append(tags, tag(aws.String(k), aws.String(wantedTags[k])))
	}
	return tags
}

func ec2TagSpec(typ ec2types.ResourceType) []ec2types.TagSpecification {
	return []ec2types.TagSpecification{{ResourceType: typ, Tags: tagsOf(func(k, v *string) ec2types.Tag { return ec2types.Tag{Key: k, Value: v} })}}
}

// population is what populate made.
type population struct {
	vpc, subnet, subnet2, group, instance, volume, nic string
	euVolume                                           string
	roleID, tableID                                    string
}

func (c *cloud) populate(t *testing.T) population {
	cfg := c.config(t)
	p := c.populateEC2(t, cfg)
	c.populateS3(t, cfg)
	c.populateDatabases(t, cfg, &p)
	c.populateMessaging(t, cfg)
	c.populateCompute(t, cfg, &p)

	eu := cfg.Copy()
	eu.Region = "eu-west-1"
	v := must[*ec2.CreateVolumeOutput](t)(ec2.NewFromConfig(eu).CreateVolume(t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("eu-west-1a"), Size: aws.Int32(3),
	}))
	p.euVolume = *v.VolumeId
	return p
}

func (c *cloud) populateEC2(t *testing.T, cfg aws.Config) (p population) {
	ctx, e := t.Context(), ec2.NewFromConfig(cfg)
	vpc := must[*ec2.CreateVpcOutput](t)(e.CreateVpc(ctx, &ec2.CreateVpcInput{
		CidrBlock: aws.String("10.1.0.0/16"), TagSpecifications: ec2TagSpec(ec2types.ResourceTypeVpc),
	}))
	p.vpc = *vpc.Vpc.VpcId
	subnet := func(cidr, zone string) string {
		s := must[*ec2.CreateSubnetOutput](t)(e.CreateSubnet(ctx, &ec2.CreateSubnetInput{
			VpcId: &p.vpc, CidrBlock: &cidr, AvailabilityZone: &zone, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeSubnet),
		}))
		return *s.Subnet.SubnetId
	}
	p.subnet, p.subnet2 = subnet("10.1.1.0/24", "us-east-1a"), subnet("10.1.2.0/24", "us-east-1b")
	group := must[*ec2.CreateSecurityGroupOutput](t)(e.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{
		GroupName: aws.String("web"), Description: aws.String("web servers"), VpcId: &p.vpc,
		TagSpecifications: ec2TagSpec(ec2types.ResourceTypeSecurityGroup),
	}))
	p.group = *group.GroupId
	must[*ec2.AuthorizeSecurityGroupIngressOutput](t)(e.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{
		GroupId: &p.group,
		IpPermissions: []ec2types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
			IpRanges: []ec2types.IpRange{{CidrIp: aws.String("192.168.0.0/16")}, {CidrIp: aws.String("10.0.0.0/8"), Description: aws.String("inside")}},
		}},
	}))
	run := must[*ec2.RunInstancesOutput](t)(e.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String("ami-12c6146b"), MinCount: aws.Int32(2), MaxCount: aws.Int32(2), InstanceType: ec2types.InstanceTypeT3Micro,
		SubnetId: &p.subnet, SecurityGroupIds: []string{p.group}, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeInstance),
	}))
	p.instance = *run.Instances[0].InstanceId
	must[*ec2.TerminateInstancesOutput](t)(e.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{*run.Instances[1].InstanceId}}))
	volume := must[*ec2.CreateVolumeOutput](t)(e.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("us-east-1a"), Size: aws.Int32(8), TagSpecifications: ec2TagSpec(ec2types.ResourceTypeVolume),
	}))
	p.volume = *volume.VolumeId
	nic := must[*ec2.CreateNetworkInterfaceOutput](t)(e.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{
		SubnetId: &p.subnet2, Groups: []string{p.group}, TagSpecifications: ec2TagSpec(ec2types.ResourceTypeNetworkInterface),
	}))
	p.nic = *nic.NetworkInterface.NetworkInterfaceId
	return p
}

const bucketPolicy = `{"Version":"2012-10-17","Statement":{"Sid":"tls","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%[1]s/*","arn:aws:s3:::%[1]s"],"Condition":{"Bool":{"aws:SecureTransport":false}}}}`

func (c *cloud) populateS3(t *testing.T, cfg aws.Config) {
	ctx := t.Context()
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	full, bare := c.bucket("full"), c.bucket("bare")
	must[*s3.CreateBucketOutput](t)(client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bare}))
	eu := cfg.Copy()
	eu.Region = "eu-west-1"
	client = s3.NewFromConfig(eu, func(o *s3.Options) { o.UsePathStyle = true })
	must[*s3.CreateBucketOutput](t)(client.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: &full, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"},
	}))
	must[*s3.PutBucketTaggingOutput](t)(client.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{
		Bucket: &full, Tagging: &s3types.Tagging{TagSet: tagsOf(func(k, v *string) s3types.Tag { return s3types.Tag{Key: k, Value: v} })},
	}))
	must[*s3.PutBucketVersioningOutput](t)(client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket: &full, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
	}))
	must[*s3.PutBucketEncryptionOutput](t)(client.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{
		Bucket: &full, ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{Rules: []s3types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{SSEAlgorithm: s3types.ServerSideEncryptionAwsKms},
		}}},
	}))
	must[*s3.PutPublicAccessBlockOutput](t)(client.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{
		Bucket: &full, PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(false)},
	}))
	must[*s3.PutBucketPolicyOutput](t)(client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: &full, Policy: aws.String(fmt.Sprintf(bucketPolicy, full)),
	}))
}

// bucket returns a name of the account's own: those of buckets are unique in the world.
func (c *cloud) bucket(name string) string { return name + "-" + c.account }

func (c *cloud) populateDatabases(t *testing.T, cfg aws.Config, p *population) {
	ctx, r := t.Context(), rds.NewFromConfig(cfg)
	tags := tagsOf(func(k, v *string) rdstypes.Tag { return rdstypes.Tag{Key: k, Value: v} })
	must[*rds.CreateDBInstanceOutput](t)(r.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String("orders"), Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.t3.micro"),
		AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter2hunter2"),
		VpcSecurityGroupIds: []string{p.group}, Tags: tags,
	}))
	must[*rds.CreateDBClusterOutput](t)(r.CreateDBCluster(ctx, &rds.CreateDBClusterInput{
		DBClusterIdentifier: aws.String("ledger"), Engine: aws.String("aurora-postgresql"),
		MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter2hunter2"), Tags: tags,
	}))
	d := must[*dynamodb.CreateTableOutput](t)(dynamodb.NewFromConfig(cfg).CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("carts"), BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{
			{AttributeName: aws.String("user"), AttributeType: ddbtypes.ScalarAttributeTypeS},
			{AttributeName: aws.String("at"), AttributeType: ddbtypes.ScalarAttributeTypeN},
		},
		KeySchema: []ddbtypes.KeySchemaElement{
			{AttributeName: aws.String("user"), KeyType: ddbtypes.KeyTypeHash}, {AttributeName: aws.String("at"), KeyType: ddbtypes.KeyTypeRange},
		},
		Tags: tagsOf(func(k, v *string) ddbtypes.Tag { return ddbtypes.Tag{Key: k, Value: v} }),
	}))
	p.tableID = aws.ToString(d.TableDescription.TableId)
}

func (c *cloud) populateMessaging(t *testing.T, cfg aws.Config) {
	ctx, q := t.Context(), sqs.NewFromConfig(cfg)
	dead := must[*sqs.CreateQueueOutput](t)(q.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("dead")}))
	must[*sqs.CreateQueueOutput](t)(q.CreateQueue(ctx, &sqs.CreateQueueInput{
		QueueName: aws.String("orders"), Tags: wantedTags,
		Attributes: map[string]string{
			"DelaySeconds":  "5",
			"RedrivePolicy": fmt.Sprintf(`{"maxReceiveCount":3,"deadLetterTargetArn":"arn:aws:sqs:us-east-1:%s:dead"}`, c.account),
			"Policy":        `{"Statement":[{"Sid":"s","Effect":"Allow","Principal":{"AWS":"*"},"Action":"sqs:SendMessage","Resource":"*"}]}`,
		},
	}))
	must[*sqs.SendMessageOutput](t)(q.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: dead.QueueUrl, MessageBody: aws.String("hello")}))
	must[*sns.CreateTopicOutput](t)(sns.NewFromConfig(cfg).CreateTopic(ctx, &sns.CreateTopicInput{
		Name: aws.String("alerts"), Attributes: map[string]string{"DisplayName": "Alerts"},
		Tags: tagsOf(func(k, v *string) snstypes.Tag { return snstypes.Tag{Key: k, Value: v} }),
	}))
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","ec2.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`

const inlinePolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListBucket","s3:GetObject"],"Resource":"*"}]}`

func (c *cloud) populateCompute(t *testing.T, cfg aws.Config, p *population) {
	ctx, i := t.Context(), iam.NewFromConfig(cfg)
	boundary := must[*iam.CreatePolicyOutput](t)(i.CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String("boundary"), PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`),
	}))
	role := must[*iam.CreateRoleOutput](t)(i.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("worker"), Path: aws.String("/team/"), AssumeRolePolicyDocument: aws.String(trust),
		PermissionsBoundary: boundary.Policy.Arn,
		MaxSessionDuration:  aws.Int32(7200),
		Tags:                tagsOf(func(k, v *string) iamtypes.Tag { return iamtypes.Tag{Key: k, Value: v} }),
	}))
	p.roleID = *role.Role.RoleId
	must[*iam.AttachRolePolicyOutput](t)(i.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: role.Role.RoleName, PolicyArn: boundary.Policy.Arn}))
	must[*iam.PutRolePolicyOutput](t)(i.PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: role.Role.RoleName, PolicyName: aws.String("read"), PolicyDocument: aws.String(inlinePolicy),
	}))

	var code bytes.Buffer
	z := zip.NewWriter(&code)
	w := must[interface{ Write([]byte) (int, error) }](t)(z.Create("main.py"))
	fmt.Fprint(w, "def handler(event, context): pass")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	must[*lambda.CreateFunctionOutput](t)(lambda.NewFromConfig(cfg).CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("resize"), Runtime: lambdatypes.RuntimePython312, Handler: aws.String("main.handler"),
		Role: role.Role.Arn, Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"TOKEN": "s3cret", "LastModified": "theirs"}},
		Tags:        wantedTags,
	}))
	l := elbv2.NewFromConfig(cfg)
	for _, name := range []string{"front", "back"} {
		in := &elbv2.CreateLoadBalancerInput{Name: &name, Subnets: []string{p.subnet, p.subnet2}, SecurityGroups: []string{p.group}}
		if name == "front" {
			in.Tags = tagsOf(func(k, v *string) elbtypes.Tag { return elbtypes.Tag{Key: k, Value: v} })
		}
		must[*elbv2.CreateLoadBalancerOutput](t)(l.CreateLoadBalancer(ctx, in))
	}
}

func bothRegions(o *elavaaws.Options) {
	o.Regions, o.IncludeTypes = []string{"us-east-1", "eu-west-1"}, mototest.Populated
}

func TestMoto_Inventory(t *testing.T) {
	c := moto(t)
	made := c.populate(t)
	seen := &cloud{url: c.url, account: c.account} // records what the provider calls, and nothing else
	p := seen.provider(t, bothRegions)
	inv := list(t, p)

	checkExactly(t, c, made, inv)
	checkTags(t, c, made, inv)
	checkDocuments(t, c, made, inv)
	checkUnchanged(t, inv, list(t, p))
	checkReadOnly(t, seen, p.Actions())
}

// checkExactly compares what was listed with what was made. moto has a default VPC
// with its subnets and security group in each region.
func checkExactly(t *testing.T, c *cloud, made population, inv inventory) {
	for typ, want := range map[string][]string{
		"AWS::EC2::Instance":                        {made.instance},
		"AWS::S3::Bucket":                           {c.bucket("bare"), c.bucket("full")},
		"AWS::RDS::DBInstance":                      {"orders"},
		"AWS::RDS::DBCluster":                       {"ledger"},
		"AWS::Lambda::Function":                     {"resize"},
		"AWS::IAM::Role":                            {"worker"},
		"AWS::DynamoDB::Table":                      {"carts"},
		"AWS::SQS::Queue":                           {"dead", "orders"},
		"AWS::SNS::Topic":                           {"alerts"},
		"AWS::ElasticLoadBalancingV2::LoadBalancer": {"back", "front"},
	} {
		if got := inv.ids(typ); !slices.Equal(got, want) {
			t.Errorf("%s: listed %q, want %q", typ, got, want)
		}
	}
	own := map[string][]string{}
	for _, r := range inv {
		switch r.Key.Type {
		case "AWS::EC2::VPC":
			if at(t, r, "IsDefault") == true {
				continue
			}
		case "AWS::EC2::Subnet":
			if at(t, r, "DefaultForAz") == true {
				continue
			}
		case "AWS::EC2::SecurityGroup":
			if r.Name == "default" {
				continue
			}
		}
		own[r.Key.Type] = append(own[r.Key.Type], r.Key.ID)
	}
	for typ, want := range map[string][]string{
		"AWS::EC2::VPC":           {made.vpc},
		"AWS::EC2::Subnet":        {made.subnet, made.subnet2},
		"AWS::EC2::SecurityGroup": {made.group},
	} {
		slices.Sort(own[typ])
		slices.Sort(want)
		if !slices.Equal(own[typ], want) {
			t.Errorf("%s: listed %q, want %q", typ, own[typ], want)
		}
	}
	if got := len(inv.ids("AWS::EC2::VPC")); got != 3 {
		t.Errorf("%d VPCs, want 2 default ones and ours", got)
	}
	if got := len(inv.ids("AWS::EC2::Volume")); got != 3 { // ours, that of the instance, that in eu-west-1
		t.Errorf("%d volumes, want 3", got)
	}
	inv.get(t, "AWS::EC2::NetworkInterface", made.nic)
	if r := inv.get(t, "AWS::EC2::Volume", made.euVolume); r.Key.Region != "eu-west-1" || r.Tags != nil {
		t.Errorf("got %s with tags %v", r.Key, r.Tags)
	}
}

func checkTags(t *testing.T, c *cloud, made population, inv inventory) {
	for typ, id := range map[string]string{
		"AWS::EC2::Instance": made.instance, "AWS::EC2::Volume": made.volume, "AWS::EC2::VPC": made.vpc,
		"AWS::EC2::Subnet": made.subnet, "AWS::EC2::SecurityGroup": made.group, "AWS::EC2::NetworkInterface": made.nic,
		"AWS::S3::Bucket": c.bucket("full"), "AWS::RDS::DBInstance": "orders", "AWS::RDS::DBCluster": "ledger",
		"AWS::Lambda::Function": "resize", "AWS::IAM::Role": "worker", "AWS::DynamoDB::Table": "carts",
		"AWS::SQS::Queue": "orders", "AWS::SNS::Topic": "alerts", "AWS::ElasticLoadBalancingV2::LoadBalancer": "front",
	} {
		wantTags(t, inv.get(t, typ, id), wantedTags)
	}
	for typ, id := range map[string]string{
		"AWS::S3::Bucket": c.bucket("bare"), "AWS::SQS::Queue": "dead", "AWS::ElasticLoadBalancingV2::LoadBalancer": "back",
	} {
		wantTags(t, inv.get(t, typ, id), nil)
	}
	for _, r := range inv {
		if len(r.Unknown) > 0 {
			t.Errorf("%s: %v is unknown: %v", r.Key, r.Unknown[0].Part, r.Unknown[0].Err)
		}
		if r.ARN == "" || !strings.HasPrefix(r.ARN, "arn:aws:") {
			t.Errorf("%s: ARN is %q", r.Key, r.ARN)
		}
	}
}

func checkDocuments(t *testing.T, c *cloud, made population, inv inventory) {
	i := inv.get(t, "AWS::EC2::Instance", made.instance)
	if i.Status != "running" || i.Name != "first" || i.CreatedAt.IsZero() {
		t.Errorf("got %+v", i)
	}
	wantAt(t, i, "web", "SecurityGroups", 0, "GroupName")
	wantAt(t, i, nil, "State")

	g := inv.get(t, "AWS::EC2::SecurityGroup", made.group)
	wantAt(t, g, "10.0.0.0/8", "IpPermissions", 0, "IpRanges", 0, "CidrIp")
	wantAt(t, g, "192.168.0.0/16", "IpPermissions", 0, "IpRanges", 1, "CidrIp")
	wantAt(t, inv.get(t, "AWS::EC2::Subnet", made.subnet), nil, "AvailableIpAddressCount")
	wantAt(t, inv.get(t, "AWS::EC2::NetworkInterface", made.nic), made.group, "Groups", 0, "GroupId")

	b := inv.get(t, "AWS::S3::Bucket", c.bucket("full"))
	if b.Key.Region != "eu-west-1" || b.ARN != "arn:aws:s3:::"+c.bucket("full") {
		t.Errorf("got %s, %s", b.Key, b.ARN)
	}
	wantAt(t, b, "Enabled", "Versioning", "Status")
	wantAt(t, b, "aws:kms", "ServerSideEncryptionConfiguration", "Rules", 0, "ApplyServerSideEncryptionByDefault", "SSEAlgorithm")
	wantAt(t, b, true, "PublicAccessBlockConfiguration", "BlockPublicAcls")
	wantAt(t, b, "arn:aws:s3:::"+c.bucket("full"), "Policy", "Statement", 0, "Resource", 0)
	if bare := inv.get(t, "AWS::S3::Bucket", c.bucket("bare")); bare.Key.Region != "us-east-1" {
		t.Errorf("got %s", bare.Key)
	}

	db := inv.get(t, "AWS::RDS::DBInstance", "orders")
	if db.Status != "available" || db.UID == "" {
		t.Errorf("got %+v", db)
	}
	wantAt(t, db, made.group, "VpcSecurityGroups", 0, "VpcSecurityGroupId")
	if cl := inv.get(t, "AWS::RDS::DBCluster", "ledger"); cl.Status == "" || cl.UID == "" {
		t.Errorf("got %+v", cl)
	}

	f := inv.get(t, "AWS::Lambda::Function", "resize")
	wantAt(t, f, digest("s3cret"), "Environment", "Variables", "TOKEN")
	wantAt(t, f, digest("theirs"), "Environment", "Variables", "LastModified")
	wantAt(t, f, nil, "LastModified")
	for _, r := range inv {
		if bytes.Contains(r.Attributes, []byte("s3cret")) || bytes.Contains(r.Attributes, []byte("hunter2")) {
			t.Errorf("%s holds a secret: %s", r.Key, r.Attributes)
		}
	}

	role := inv.get(t, "AWS::IAM::Role", "worker")
	if role.Key.Region != resource.Global || role.UID != made.roleID || role.CreatedAt.IsZero() {
		t.Errorf("got %+v", role)
	}
	wantAt(t, role, "ec2.amazonaws.com", "AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service", 0)
	wantAt(t, role, "arn:aws:iam::"+c.account+":policy/boundary", "PermissionsBoundary", "PermissionsBoundaryArn")
	wantAt(t, role, "arn:aws:iam::"+c.account+":policy/boundary", "AttachedManagedPolicies", 0, "PolicyArn")
	wantAt(t, role, "read", "RolePolicyList", 0, "PolicyName")
	wantAt(t, role, "s3:GetObject", "RolePolicyList", 0, "PolicyDocument", "Statement", 0, "Action", 0)
	wantAt(t, role, 7200.0, "MaxSessionDuration")

	tb := inv.get(t, "AWS::DynamoDB::Table", "carts")
	if tb.Status != "ACTIVE" || tb.UID != made.tableID {
		t.Errorf("got %+v", tb)
	}
	wantAt(t, tb, "user", "KeySchema", 0, "AttributeName")
	wantAt(t, tb, "at", "AttributeDefinitions", 0, "AttributeName") // a set, sorted
	wantAt(t, tb, nil, "ItemCount")

	q := inv.get(t, "AWS::SQS::Queue", "orders")
	if q.ARN != "arn:aws:sqs:us-east-1:"+c.account+":orders" || q.CreatedAt.IsZero() {
		t.Errorf("got %+v", q)
	}
	wantAt(t, q, "5", "DelaySeconds")
	wantAt(t, q, 3, "RedrivePolicy", "maxReceiveCount")
	wantAt(t, q, "sqs:SendMessage", "Policy", "Statement", 0, "Action", 0)
	wantAt(t, inv.get(t, "AWS::SQS::Queue", "dead"), nil, "ApproximateNumberOfMessages")
	tp := inv.get(t, "AWS::SNS::Topic", "alerts")
	wantAt(t, tp, "Alerts", "DisplayName")
	wantAt(t, tp, "__default_statement_ID", "Policy", "Statement", 0, "Sid")

	lb := inv.get(t, "AWS::ElasticLoadBalancingV2::LoadBalancer", "front")
	if lb.Status == "" || lb.UID == "" || !strings.HasSuffix(lb.ARN, lb.UID) {
		t.Errorf("got %+v", lb)
	}
	wantAt(t, lb, "us-east-1a", "AvailabilityZones", 0, "ZoneName")
}

func checkUnchanged(t *testing.T, before, after inventory) {
	if len(before) != len(after) {
		t.Errorf("listed %d resources, then %d", len(before), len(after))
	}
	var h resource.Hasher
	for k, a := range before {
		b := after[k]
		if h.Sum(&a) != h.Sum(&b) {
			t.Errorf("%s differs although nothing was changed:\n%s\n%s", k, a.Attributes, b.Attributes)
		}
	}
}

// checkFound lists types, has populate make resources of each of them and return their
// ids by type, and checks that these, exactly once, came to be listed: without unknown
// parts, with the same content in the next listing, and by calls that the policy grants.
func (c *cloud) checkFound(t *testing.T, types []string, populate func() map[string][]string) inventory {
	t.Helper()
	seen := &cloud{url: c.url, account: c.account}
	p := seen.provider(t, only(types...))
	before := list(t, p)
	made := populate()
	after := list(t, p)
	for _, typ := range types {
		old := before.ids(typ)
		got := slices.DeleteFunc(after.ids(typ), func(id string) bool { return slices.Contains(old, id) })
		slices.Sort(made[typ])
		if len(made[typ]) == 0 || !slices.Equal(got, made[typ]) {
			t.Errorf("%s: listed %q, want %q", typ, got, made[typ])
		}
	}
	for _, r := range after {
		for _, u := range r.Unknown {
			t.Errorf("%s: %v is unknown: %v", r.Key, u.Part, u.Err)
		}
		if r.ARN != "" && !strings.HasPrefix(r.ARN, "arn:aws:") {
			t.Errorf("%s: ARN is %q", r.Key, r.ARN)
		}
	}
	checkUnchanged(t, after, list(t, p))
	for _, typ := range types {
		c.checkConfirmed(t, p, typ, made[typ])
	}
	checkReadOnly(t, seen, p.Actions())
	return after
}

// checkConfirmed asks for resources of EC2 that are there, and for one that is not.
func (c *cloud) checkConfirmed(t *testing.T, p *elavaaws.Provider, typ string, ids []string) {
	t.Helper()
	lacking := []string{"AWS::EC2::NetworkAcl", "AWS::EC2::VPCEndpoint", "AWS::EC2::VPNConnection"} // moto does not know their filters
	if !strings.HasPrefix(typ, "AWS::EC2::") || slices.Contains(elavaaws.Unconfirmed, typ) || slices.Contains(lacking, typ) {
		return
	}
	scope := resource.Scope{Provider: elavaaws.Name, Account: c.account, Region: "us-east-1", Type: typ}
	var missing []resource.Key
	for _, id := range append(slices.Clone(ids), "gone") {
		missing = append(missing, resource.Key{Provider: elavaaws.Name, Account: c.account, Region: "us-east-1", Type: typ, ID: id})
	}
	var there []string
	err := p.Confirm(t.Context(), scope, missing, func(rs []resource.Resource) error {
		for _, r := range rs {
			there = append(there, r.Key.ID)
		}
		return nil
	})
	slices.Sort(there)
	if err != nil || !slices.Equal(there, ids) {
		t.Errorf("%s: asked for %q and one that is gone, and got %q, %v", typ, ids, there, err)
	}
}

// A resource that changes is seen to change, and nothing else is.
func TestMoto_ChangesAreSeen(t *testing.T) {
	c := moto(t)
	cfg := c.config(t)
	q := sqs.NewFromConfig(cfg)
	url := must[*sqs.CreateQueueOutput](t)(q.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("jobs")})).QueueUrl
	p := c.provider(t, only("AWS::SQS::Queue"))
	var h resource.Hasher
	sum := func() resource.Fingerprint {
		r := list(t, p).get(t, "AWS::SQS::Queue", "jobs")
		return h.Sum(&r)
	}
	before := sum()
	must[*sqs.SendMessageOutput](t)(q.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("x")}))
	if sum() != before {
		t.Error("a message in the queue changed it")
	}
	must[*sqs.TagQueueOutput](t)(q.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: url, Tags: map[string]string{"k": ""}}))
	tagged := sum()
	if tagged == before {
		t.Error("a tag did not change the queue")
	}
	must[*sqs.SetQueueAttributesOutput](t)(q.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: url, Attributes: map[string]string{"VisibilityTimeout": "99"},
	}))
	if sum() == tagged {
		t.Error("an attribute did not change the queue")
	}
}

// moto pages these as AWS does.
func TestMoto_ReadsEveryPage(t *testing.T) {
	c := moto(t)
	cfg := c.config(t)
	i := iam.NewFromConfig(cfg)
	topics := sns.NewFromConfig(cfg)
	const n = 130 // SNS gives 100 a page
	for k := range n {
		name := aws.String(fmt.Sprintf("t%03d", k))
		must[*sns.CreateTopicOutput](t)(topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: name}))
		must[*iam.CreateRoleOutput](t)(i.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trust)}))
	}
	inv := list(t, c.provider(t, only("AWS::SNS::Topic", "AWS::IAM::Role")))
	if got := len(inv.ids("AWS::SNS::Topic")); got != n {
		t.Errorf("%d topics, want %d", got, n)
	}
	if got := len(inv.ids("AWS::IAM::Role")); got != n {
		t.Errorf("%d roles, want %d", got, n)
	}
}

func TestMoto_EmptyAccount(t *testing.T) {
	c := moto(t)
	inv := list(t, c.provider(t, func(o *elavaaws.Options) {
		o.IncludeTypes, o.ExcludeTypes = mototest.Populated, []string{"AWS::EC2::*"}
	}))
	if len(inv) != 0 {
		t.Errorf("an empty account has %d resources", len(inv))
	}
}

func TestMoto_AllRegions(t *testing.T) {
	c := moto(t)
	p := c.provider(t, func(o *elavaaws.Options) {
		o.Regions = []string{"all"}
		o.IncludeTypes = []string{"AWS::EC2::Volume"}
	})
	plan, err := p.Plan(t.Context())
	if err != nil || len(plan.Scopes) < 15 {
		t.Errorf("%d scopes, %v", len(plan.Scopes), err)
	}
	if got := p.Actions(); !slices.Equal(got, []string{"ec2:DescribeRegions", "ec2:DescribeVolumes"}) {
		t.Errorf("actions are %q", got)
	}
}
