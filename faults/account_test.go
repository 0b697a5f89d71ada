package faults

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
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
)

// account is an AWS account in which things happen at random. One goroutine uses it at
// a time; what a call does not allow fails the run, as the truth would not be known.
type account struct {
	random *rand.Rand
	number string
	kinds  []*kind

	ec2     *ec2.Client
	s3      *s3.Client
	iam     *iam.Client
	lambda  *lambda.Client
	tables  *dynamodb.Client
	sqs     *sqs.Client
	sns     *sns.Client
	rds     *rds.Client
	elb     *elbv2.Client
	code    []byte
	subnets []string
}

// kind is a kind of resource and what can happen to one of them, by its id: the name for
// those that are named by people, who use a few names over and over.
type kind struct {
	name        string
	service     string // name in signatures
	least, most int
	create      func(ctx context.Context, name string) (id string, err error)
	destroy     func(ctx context.Context, id string) error
	changes     []deed

	anonymous bool // ids come from AWS, and nothing is made again under the same id
	live      []string
}

func newAccount(t *testing.T, c *cloud, seed uint64) *account {
	t.Helper()
	cfg := c.direct
	a := &account{
		random: rand.New(rand.NewPCG(seed, 1)), number: c.account,
		ec2: ec2.NewFromConfig(cfg), iam: iam.NewFromConfig(cfg), lambda: lambda.NewFromConfig(cfg),
		s3:     s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }),
		tables: dynamodb.NewFromConfig(cfg), sqs: sqs.NewFromConfig(cfg), sns: sns.NewFromConfig(cfg),
		rds: rds.NewFromConfig(cfg), elb: elbv2.NewFromConfig(cfg),
		code: zipped(t),
	}
	out, err := a.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range out.Subnets {
		a.subnets = append(a.subnets, *s.SubnetId)
	}
	slices.Sort(a.subnets)
	if _, err := a.iam.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String(serviceRole), AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[]}`),
	}); err != nil {
		t.Fatal(err)
	}
	a.kinds = []*kind{
		a.instances(), a.groups(), a.volumes(), a.interfaces(), a.buckets(), a.functions(), a.roles(),
		a.tablesOf(), a.queues(), a.topics(), a.databases(), a.balancers(),
	}
	return a
}

func zipped(t *testing.T) []byte {
	t.Helper()
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	w, err := z.Create("main.py")
	if err == nil {
		_, err = w.Write([]byte("def handler(event, context): pass"))
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return code.Bytes()
}

// populate makes what an account has before anybody looks.
func (a *account) populate(ctx context.Context) error {
	for _, k := range a.kinds {
		for len(k.live) < (k.least+k.most)/2 {
			if err := a.make(ctx, k); err != nil {
				return err
			}
		}
	}
	return nil
}

// mutate lets one thing happen and returns what it happened to: "role worker-3".
func (a *account) mutate(ctx context.Context) (string, error) {
	k := a.kinds[a.random.IntN(len(a.kinds))]
	return a.mutateKind(ctx, k)
}

func (a *account) mutateKind(ctx context.Context, k *kind) (what string, err error) {
	dice := a.random.IntN(10)
	switch {
	case len(k.live) < k.least || dice == 0 && len(k.live) < k.most:
		if err = a.make(ctx, k); err == nil {
			what = k.live[len(k.live)-1]
		}
	case dice <= 1:
		what = k.live[a.random.IntN(len(k.live))]
		k.live = slices.DeleteFunc(k.live, func(id string) bool { return id == what })
		err = k.destroy(ctx, what)
	case dice == 2 && !k.anonymous: // replaced by another one of the same name
		what = k.live[a.random.IntN(len(k.live))]
		if err = k.destroy(ctx, what); err == nil {
			_, err = k.create(ctx, what)
		}
	default:
		what = k.live[a.random.IntN(len(k.live))]
		err = k.changes[a.random.IntN(len(k.changes))](ctx, what)
	}
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", k.name, what, err)
	}
	return what, nil
}

func (a *account) make(ctx context.Context, k *kind) error {
	var free []string
	for i := range k.most + 1 {
		if name := fmt.Sprintf("%s-%d-%s", k.name, i, a.number); !slices.Contains(k.live, name) {
			free = append(free, name)
		}
	}
	id, err := k.create(ctx, free[a.random.IntN(len(free))])
	if err != nil {
		return fmt.Errorf("making a %s: %w", k.name, err)
	}
	k.live = append(k.live, id)
	return nil
}

// word returns one of a few texts: things change back as often as they change.
func (a *account) word() string { return fmt.Sprintf("value-%d", a.random.IntN(4)) }

func (a *account) tagKey() string {
	return []string{"env", "owner", "Name", "LastModified"}[a.random.IntN(4)]
}

func (a *account) coin() bool { return a.random.IntN(2) == 0 }

// drop forgets the output of a call.
func drop(_ any, err error) error { return err }

func (a *account) ec2Tag(ctx context.Context, id string) error {
	if a.random.IntN(3) == 0 {
		return drop(a.ec2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []ec2types.Tag{{Key: aws.String(a.tagKey())}}}))
	}
	return drop(a.ec2.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{id}, Tags: []ec2types.Tag{{Key: aws.String(a.tagKey()), Value: aws.String(a.word())}},
	}))
}

// deed changes a resource.
type deed = func(ctx context.Context, id string) error

func (a *account) instances() *kind {
	return &kind{
		name: "instance", service: "ec2", least: 2, most: 6, anonymous: true,
		create: func(ctx context.Context, _ string) (string, error) {
			out, err := a.ec2.RunInstances(ctx, &ec2.RunInstancesInput{
				ImageId: aws.String("ami-12c6146b"), MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
				InstanceType: ec2types.InstanceTypeT3Micro, SubnetId: &a.subnets[0],
			})
			if err != nil {
				return "", err
			}
			return *out.Instances[0].InstanceId, nil
		},
		destroy: func(ctx context.Context, id string) error {
			return drop(a.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{id}}))
		},
		changes: []deed{
			a.ec2Tag,
			func(ctx context.Context, id string) error {
				return drop(a.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{id}}))
			},
			func(ctx context.Context, id string) error {
				return drop(a.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{id}}))
			},
		},
	}
}

func (a *account) groups() *kind {
	rule := func() []ec2types.IpPermission {
		port := int32(440 + a.random.IntN(3))
		return []ec2types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port,
			IpRanges: []ec2types.IpRange{{CidrIp: aws.String(fmt.Sprintf("10.%d.0.0/16", a.random.IntN(3)))}},
		}}
	}
	return &kind{
		name: "group", service: "ec2", least: 2, most: 5, anonymous: true,
		create: func(ctx context.Context, _ string) (string, error) {
			name := fmt.Sprintf("group-%d", a.random.Uint32())
			out, err := a.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name})
			if err != nil {
				return "", err
			}
			return *out.GroupId, nil
		},
		destroy: func(ctx context.Context, id string) error {
			return drop(a.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: &id}))
		},
		changes: []deed{
			a.ec2Tag,
			func(ctx context.Context, id string) error {
				return unless("InvalidPermission.Duplicate")(a.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &id, IpPermissions: rule()}))
			},
			func(ctx context.Context, id string) error {
				return unless("InvalidPermission.NotFound")(a.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &id, IpPermissions: rule()}))
			},
		},
	}
}

// unless lets errors with a code pass: what was to be done was done already.
func unless(code string) func(any, error) error {
	return func(_ any, err error) error {
		if err != nil && strings.Contains(err.Error(), code) {
			return nil
		}
		return err
	}
}

func (a *account) volumes() *kind {
	return &kind{
		name: "volume", service: "ec2", least: 2, most: 8, anonymous: true,
		create: func(ctx context.Context, _ string) (string, error) {
			out, err := a.ec2.CreateVolume(ctx, &ec2.CreateVolumeInput{AvailabilityZone: aws.String(region + "a"), Size: aws.Int32(int32(1 + a.random.IntN(9)))})
			return aws.ToString(idOf(out, func(o *ec2.CreateVolumeOutput) *string { return o.VolumeId })), err
		},
		destroy: func(ctx context.Context, id string) error {
			return drop(a.ec2.DeleteVolume(ctx, &ec2.DeleteVolumeInput{VolumeId: &id}))
		},
		changes: []deed{a.ec2Tag},
	}
}

func idOf[T any](out *T, id func(*T) *string) *string {
	if out == nil {
		return nil
	}
	return id(out)
}

func (a *account) interfaces() *kind {
	return &kind{
		name: "interface", service: "ec2", least: 1, most: 4, anonymous: true,
		create: func(ctx context.Context, _ string) (string, error) {
			out, err := a.ec2.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: &a.subnets[1]})
			return aws.ToString(idOf(out, func(o *ec2.CreateNetworkInterfaceOutput) *string { return o.NetworkInterface.NetworkInterfaceId })), err
		},
		destroy: func(ctx context.Context, id string) error {
			return drop(a.ec2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &id}))
		},
		changes: []deed{a.ec2Tag},
	}
}

func (a *account) buckets() *kind {
	return &kind{
		name: "bucket", service: "s3", least: 2, most: 5,
		create: func(ctx context.Context, name string) (string, error) {
			return name, drop(a.s3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}))
		},
		destroy: func(ctx context.Context, name string) error {
			return drop(a.s3.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name}))
		},
		changes: []deed{
			func(ctx context.Context, name string) error {
				if a.random.IntN(3) == 0 {
					return drop(a.s3.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: &name}))
				}
				return drop(a.s3.PutBucketTagging(ctx, &s3.PutBucketTaggingInput{Bucket: &name, Tagging: &s3types.Tagging{
					TagSet: []s3types.Tag{{Key: aws.String(a.tagKey()), Value: aws.String(a.word())}},
				}}))
			},
			func(ctx context.Context, name string) error {
				if a.random.IntN(3) == 0 {
					return drop(a.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &name}))
				}
				return drop(a.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &name, Policy: aws.String(fmt.Sprintf(
					`{"Version":"2012-10-17","Statement":[{"Sid":"%s","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:ListBucket"],"Resource":"arn:aws:s3:::%s"}]}`,
					a.word(), name))}))
			},
			func(ctx context.Context, name string) error {
				algorithm := s3types.ServerSideEncryptionAes256
				if a.coin() {
					algorithm = s3types.ServerSideEncryptionAwsKms
				}
				return drop(a.s3.PutBucketEncryption(ctx, &s3.PutBucketEncryptionInput{Bucket: &name, ServerSideEncryptionConfiguration: &s3types.ServerSideEncryptionConfiguration{
					Rules: []s3types.ServerSideEncryptionRule{{ApplyServerSideEncryptionByDefault: &s3types.ServerSideEncryptionByDefault{SSEAlgorithm: algorithm}}},
				}}))
			},
			func(ctx context.Context, name string) error {
				status := s3types.BucketVersioningStatusEnabled
				if a.coin() {
					status = s3types.BucketVersioningStatusSuspended
				}
				return drop(a.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: &name, VersioningConfiguration: &s3types.VersioningConfiguration{Status: status}}))
			},
			func(ctx context.Context, name string) error {
				return drop(a.s3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: &name, PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{
					BlockPublicAcls: aws.Bool(a.coin()), BlockPublicPolicy: aws.Bool(a.coin()),
				}}))
			},
		},
	}
}

// serviceRole is the role of all functions. It is never deleted.
const serviceRole = "service"

func (a *account) functions() *kind {
	variables := func() *lambdatypes.Environment {
		return &lambdatypes.Environment{Variables: map[string]string{"TOKEN": "secret-" + a.word(), "LastModified": a.word()}}
	}
	return &kind{
		name: "function", service: "lambda", least: 1, most: 4,
		create: func(ctx context.Context, name string) (string, error) {
			return name, drop(a.lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
				FunctionName: &name, Runtime: lambdatypes.RuntimePython312, Handler: aws.String("main.handler"),
				Role: aws.String("arn:aws:iam::" + a.number + ":role/" + serviceRole), Code: &lambdatypes.FunctionCode{ZipFile: a.code}, Environment: variables(),
			}))
		},
		destroy: func(ctx context.Context, name string) error {
			return drop(a.lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name}))
		},
		changes: []deed{
			func(ctx context.Context, name string) error {
				return drop(a.lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, Environment: variables()}))
			},
			func(ctx context.Context, name string) error {
				return drop(a.lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: &name, MemorySize: aws.Int32(int32(128 * (1 + a.random.IntN(3))))}))
			},
			func(ctx context.Context, name string) error {
				arn := "arn:aws:lambda:" + region + ":" + a.number + ":function:" + name
				if a.random.IntN(3) == 0 {
					return drop(a.lambda.UntagResource(ctx, &lambda.UntagResourceInput{Resource: &arn, TagKeys: []string{a.tagKey()}}))
				}
				return drop(a.lambda.TagResource(ctx, &lambda.TagResourceInput{Resource: &arn, Tags: map[string]string{a.tagKey(): a.word()}}))
			},
		},
	}
}

func (a *account) roles() *kind {
	trust := func() *string {
		return aws.String(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["%s.amazonaws.com","ec2.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`,
			[]string{"lambda", "ecs", "glue"}[a.random.IntN(3)]))
	}
	return &kind{
		name: "role", service: "iam", least: 2, most: 6,
		create: func(ctx context.Context, name string) (string, error) {
			return name, drop(a.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: trust()}))
		},
		destroy: func(ctx context.Context, name string) error {
			return drop(a.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name}))
		},
		changes: []deed{
			func(ctx context.Context, name string) error {
				return drop(a.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: &name, PolicyDocument: trust()}))
			},
			func(ctx context.Context, name string) error {
				if a.random.IntN(3) == 0 {
					return drop(a.iam.UntagRole(ctx, &iam.UntagRoleInput{RoleName: &name, TagKeys: []string{a.tagKey()}}))
				}
				return drop(a.iam.TagRole(ctx, &iam.TagRoleInput{RoleName: &name, Tags: []iamtypes.Tag{{Key: aws.String(a.tagKey()), Value: aws.String(a.word())}}}))
			},
			func(ctx context.Context, name string) error {
				return drop(a.iam.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: &name, MaxSessionDuration: aws.Int32(int32(3600 * (1 + a.random.IntN(3))))}))
			},
		},
	}
}

func (a *account) tablesOf() *kind {
	return &kind{
		name: "table", service: "dynamodb", least: 1, most: 4,
		create: func(ctx context.Context, name string) (string, error) {
			return name, drop(a.tables.CreateTable(ctx, &dynamodb.CreateTableInput{
				TableName: &name, ProvisionedThroughput: &ddbtypes.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(5), WriteCapacityUnits: aws.Int64(5)},
				AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
				KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: ddbtypes.KeyTypeHash}},
			}))
		},
		destroy: func(ctx context.Context, name string) error {
			return drop(a.tables.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name}))
		},
		changes: []deed{
			func(ctx context.Context, name string) error {
				return drop(a.tables.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, ProvisionedThroughput: &ddbtypes.ProvisionedThroughput{
					ReadCapacityUnits: aws.Int64(int64(1 + a.random.IntN(5))), WriteCapacityUnits: aws.Int64(5),
				}}))
			},
			func(ctx context.Context, name string) error {
				arn := "arn:aws:dynamodb:" + region + ":" + a.number + ":table/" + name
				if a.random.IntN(3) == 0 {
					return drop(a.tables.UntagResource(ctx, &dynamodb.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{a.tagKey()}}))
				}
				key := a.tagKey() // out first: moto keeps two of one name
				if _, err := a.tables.UntagResource(ctx, &dynamodb.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{key}}); err != nil {
					return err
				}
				return drop(a.tables.TagResource(ctx, &dynamodb.TagResourceInput{ResourceArn: &arn, Tags: []ddbtypes.Tag{{Key: &key, Value: aws.String(a.word())}}}))
			},
		},
	}
}

func (a *account) queues() *kind {
	url := func(name string) *string { return aws.String("http://sqs/" + a.number + "/" + name) }
	return &kind{
		name: "queue", service: "sqs", least: 1, most: 4,
		create: func(ctx context.Context, name string) (string, error) {
			return name, drop(a.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Tags: map[string]string{"env": a.word()}}))
		},
		destroy: func(ctx context.Context, name string) error {
			return drop(a.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url(name)}))
		},
		changes: []deed{
			func(ctx context.Context, name string) error {
				return drop(a.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: url(name), Attributes: map[string]string{"DelaySeconds": fmt.Sprint(a.random.IntN(5))}}))
			},
			func(ctx context.Context, name string) error { // which is no change
				return drop(a.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url(name), MessageBody: aws.String("hello")}))
			},
			func(ctx context.Context, name string) error {
				if a.random.IntN(3) == 0 {
					return drop(a.sqs.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: url(name), TagKeys: []string{a.tagKey()}}))
				}
				return drop(a.sqs.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: url(name), Tags: map[string]string{a.tagKey(): a.word()}}))
			},
		},
	}
}

func (a *account) topics() *kind {
	arn := func(name string) *string { return aws.String("arn:aws:sns:" + region + ":" + a.number + ":" + name) }
	return &kind{
		name: "topic", service: "sns", least: 1, most: 4,
		create: func(ctx context.Context, name string) (string, error) {
			return name, drop(a.sns.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name}))
		},
		destroy: func(ctx context.Context, name string) error {
			return drop(a.sns.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: arn(name)}))
		},
		changes: []deed{
			func(ctx context.Context, name string) error {
				return drop(a.sns.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: arn(name), AttributeName: aws.String("DisplayName"), AttributeValue: aws.String(a.word())}))
			},
			func(ctx context.Context, name string) error {
				if a.random.IntN(3) == 0 {
					return drop(a.sns.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: arn(name), TagKeys: []string{a.tagKey()}}))
				}
				return drop(a.sns.TagResource(ctx, &sns.TagResourceInput{ResourceArn: arn(name), Tags: []snstypes.Tag{{Key: aws.String(a.tagKey()), Value: aws.String(a.word())}}}))
			},
		},
	}
}

func (a *account) databases() *kind {
	return &kind{
		name: "database", service: "rds", least: 1, most: 3,
		create: func(ctx context.Context, name string) (string, error) {
			return name, drop(a.rds.CreateDBInstance(ctx, &rds.CreateDBInstanceInput{
				DBInstanceIdentifier: &name, Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.t3.micro"),
				AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter2hunter2"),
			}))
		},
		destroy: func(ctx context.Context, name string) error {
			return drop(a.rds.DeleteDBInstance(ctx, &rds.DeleteDBInstanceInput{DBInstanceIdentifier: &name, SkipFinalSnapshot: aws.Bool(true)}))
		},
		changes: []deed{
			func(ctx context.Context, name string) error {
				return drop(a.rds.ModifyDBInstance(ctx, &rds.ModifyDBInstanceInput{DBInstanceIdentifier: &name, AllocatedStorage: aws.Int32(int32(20 + a.random.IntN(5))), ApplyImmediately: aws.Bool(true)}))
			},
			func(ctx context.Context, name string) error {
				return drop(a.rds.AddTagsToResource(ctx, &rds.AddTagsToResourceInput{
					ResourceName: aws.String("arn:aws:rds:" + region + ":" + a.number + ":db:" + name),
					Tags:         []rdstypes.Tag{{Key: aws.String(a.tagKey()), Value: aws.String(a.word())}},
				}))
			},
		},
	}
}

func (a *account) balancers() *kind {
	arns := map[string]string{}
	return &kind{
		name: "lb", service: "elasticloadbalancing", least: 1, most: 3,
		create: func(ctx context.Context, name string) (string, error) {
			out, err := a.elb.CreateLoadBalancer(ctx, &elbv2.CreateLoadBalancerInput{Name: &name, Subnets: a.subnets[:2]})
			if err == nil {
				arns[name] = *out.LoadBalancers[0].LoadBalancerArn
			}
			return name, err
		},
		destroy: func(ctx context.Context, name string) error {
			return drop(a.elb.DeleteLoadBalancer(ctx, &elbv2.DeleteLoadBalancerInput{LoadBalancerArn: aws.String(arns[name])}))
		},
		changes: []deed{
			func(ctx context.Context, name string) error {
				if a.random.IntN(3) == 0 {
					return drop(a.elb.RemoveTags(ctx, &elbv2.RemoveTagsInput{ResourceArns: []string{arns[name]}, TagKeys: []string{a.tagKey()}}))
				}
				return drop(a.elb.AddTags(ctx, &elbv2.AddTagsInput{ResourceArns: []string{arns[name]}, Tags: []elbtypes.Tag{{Key: aws.String(a.tagKey()), Value: aws.String(a.word())}}}))
			},
		},
	}
}
