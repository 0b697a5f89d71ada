package e2e

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/elava-dev/elava/provider/aws/mototest"
)

// image is one of moto's own.
const image = "ami-12c6146b"

const trustPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// cloud is an account of a moto server.
type cloud struct {
	url     string
	account string
	region  string
	cfg     aws.Config
}

var accounts atomic.Int64

// newCloud returns an empty account of the server that tests share. Credentials of a
// role in an account are how moto tells accounts apart.
func newCloud(t testing.TB) *cloud {
	t.Helper()
	account := fmt.Sprintf("2%011d", accounts.Add(1))
	root := cloudAt(moto(t).URL, "123456789012", aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	out := ok(sts.NewFromConfig(root.cfg).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + account + ":role/tester"), RoleSessionName: aws.String("e2e"),
	}))(t)
	return cloudAt(root.url, account, aws.Credentials{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey,
		SessionToken: *out.Credentials.SessionToken,
	})
}

func cloudAt(url, account string, c aws.Credentials) *cloud {
	return &cloud{url: url, account: account, region: "us-east-1", cfg: aws.Config{
		Region: "us-east-1", BaseEndpoint: &url, HTTPClient: wholeRequests{},
		Credentials: credentials.StaticCredentialsProvider{Value: c},
	}}
}

// in returns the same account in another region.
func (c *cloud) in(region string) *cloud {
	other := *c
	other.region, other.cfg = region, c.cfg.Copy()
	other.cfg.Region = region
	return &other
}

// env is the environment in which the program reaches the account.
func (c *cloud) env(t testing.TB) []string {
	t.Helper()
	v := ok(c.cfg.Credentials.Retrieve(t.Context()))(t)
	env := []string{
		"ELAVA_CLOUD_API_BUDGET=100%", // the server is nobody else's
		"AWS_ENDPOINT_URL=" + c.url, "AWS_ACCESS_KEY_ID=" + v.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + v.SecretAccessKey,
		populated(),
	}
	if v.SessionToken != "" {
		env = append(env, "AWS_SESSION_TOKEN="+v.SessionToken)
	}
	return env
}

// populated is the variable that has the program watch what the tests populate.
func populated() string {
	return "ELAVA_CLOUD_INCLUDE_TYPES=" + strings.Join(mototest.Populated, ",")
}

// install makes an installation that watches the account.
func (c *cloud) install(t testing.TB, env ...string) *elava {
	t.Helper()
	return install(t, append(c.env(t), env...)...)
}

// wholeRequests sends bodies that the SDK cannot close too early: it does so as soon as
// it has the headers of the answer, and a server on loopback is fast enough to make
// net/http drop the connection then.
type wholeRequests struct{}

var transport = &http.Transport{MaxIdleConnsPerHost: 16}

func (wholeRequests) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(b))
	}
	return transport.RoundTrip(r)
}

// ok returns a function that fails the test on the error of a call that has to work.
func ok[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (c *cloud) ec2() *ec2.Client           { return ec2.NewFromConfig(c.cfg) }
func (c *cloud) lambda() *lambda.Client     { return lambda.NewFromConfig(c.cfg) }
func (c *cloud) iam() *iam.Client           { return iam.NewFromConfig(c.cfg) }
func (c *cloud) sqs() *sqs.Client           { return sqs.NewFromConfig(c.cfg) }
func (c *cloud) sns() *sns.Client           { return sns.NewFromConfig(c.cfg) }
func (c *cloud) dynamodb() *dynamodb.Client { return dynamodb.NewFromConfig(c.cfg) }
func (c *cloud) s3() *s3.Client {
	return s3.NewFromConfig(c.cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

// key is that of a resource of the account in the region.
func (c *cloud) key(typ, id string) string {
	return fmt.Sprintf("aws/%s/%s/%s/%s", c.account, c.region, typ, id)
}

func (c *cloud) globalKey(typ, id string) string { return c.in("global").key(typ, id) }

func ec2Tags(tags map[string]string) []ec2types.Tag {
	var all []ec2types.Tag
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		all = append(all, ec2types.Tag{Key: &k, Value: aws.String(tags[k])})
	}
	return all
}

// runInstances starts n instances at once.
func (c *cloud) runInstances(t testing.TB, n int, tags map[string]string) []string {
	t.Helper()
	in := &ec2.RunInstancesInput{
		ImageId: aws.String(image), MinCount: aws.Int32(int32(n)), MaxCount: aws.Int32(int32(n)), InstanceType: ec2types.InstanceTypeT3Micro,
	}
	if len(tags) > 0 {
		in.TagSpecifications = []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeInstance, Tags: ec2Tags(tags)}}
	}
	out := ok(c.ec2().RunInstances(t.Context(), in))(t)
	var ids []string
	for _, i := range out.Instances {
		ids = append(ids, *i.InstanceId)
	}
	if len(ids) != n {
		t.Fatalf("asked for %d instances, got %d", n, len(ids))
	}
	return ids
}

func (c *cloud) createVolume(t testing.TB, tags map[string]string) string {
	t.Helper()
	in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String(c.region + "a"), Size: aws.Int32(1)}
	if len(tags) > 0 {
		in.TagSpecifications = []ec2types.TagSpecification{{ResourceType: ec2types.ResourceTypeVolume, Tags: ec2Tags(tags)}}
	}
	return *ok(c.ec2().CreateVolume(t.Context(), in))(t).VolumeId
}

func (c *cloud) tag(t testing.TB, id, key, value string) {
	t.Helper()
	ok(c.ec2().CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: ec2Tags(map[string]string{key: value})}))(t)
}

func (c *cloud) untag(t testing.TB, id, key string) {
	t.Helper()
	ok(c.ec2().DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []ec2types.Tag{{Key: &key}}}))(t)
}

// bucket returns a name of the account's own: those of buckets are unique in the world.
func (c *cloud) bucket(name string) string { return name + "-" + c.account }

func (c *cloud) createBucket(t testing.TB, name string, tags map[string]string) {
	t.Helper()
	in := &s3.CreateBucketInput{Bucket: &name}
	if c.region != "us-east-1" {
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(c.region)}
	}
	ok(c.s3().CreateBucket(t.Context(), in))(t)
	if len(tags) == 0 {
		return
	}
	set := &s3types.Tagging{}
	for k, v := range tags {
		set.TagSet = append(set.TagSet, s3types.Tag{Key: &k, Value: &v})
	}
	ok(c.s3().PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: &name, Tagging: set}))(t)
}

func (c *cloud) createTable(t testing.TB, name string) {
	t.Helper()
	ok(c.dynamodb().CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: ddbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("k"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
		KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("k"), KeyType: ddbtypes.KeyTypeHash}},
		Tags:                 []ddbtypes.Tag{{Key: aws.String("table"), Value: &name}},
	}))(t)
}

func (c *cloud) createRole(t testing.TB, name string, tags map[string]string) string {
	t.Helper()
	out := ok(c.iam().CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(trustPolicy)}))(t)
	for k, v := range tags {
		c.tagRole(t, name, k, v)
	}
	return *out.Role.Arn
}

// code is the archive of every function.
var code = func() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("main.py")
	if err == nil {
		_, err = io.WriteString(w, "def handler(event, context): pass")
	}
	if err = errors.Join(err, z.Close()); err != nil {
		panic(err)
	}
	return b.Bytes()
}()

func (c *cloud) createFunction(t testing.TB, name, role string, tags, variables map[string]string) {
	t.Helper()
	in := &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: lambdatypes.RuntimePython312, Handler: aws.String("main.handler"), Role: &role,
		Code: &lambdatypes.FunctionCode{ZipFile: code}, Tags: tags,
	}
	if len(variables) > 0 {
		in.Environment = &lambdatypes.Environment{Variables: variables}
	}
	ok(c.lambda().CreateFunction(t.Context(), in))(t)
}

// truth is what AWS says there is, by key, with the tags, asked with other calls than
// Elava's where there are any.
type truth map[string]map[string]string

func (w truth) add(t testing.TB, key string, tags map[string]string) {
	t.Helper()
	if _, again := w[key]; again {
		t.Fatalf("the API names %s twice", key)
	}
	w[key] = tags
}

// truth asks for all that is in the regions.
func (c *cloud) truth(t testing.TB, regions ...string) truth {
	t.Helper()
	w := truth{}
	for _, r := range regions {
		c.in(r).askEC2(t, w)
		c.in(r).askCompute(t, w)
		c.in(r).askDatabases(t, w)
		c.in(r).askMessaging(t, w)
	}
	c.askBuckets(t, w)
	c.askRoles(t, w)
	return w
}

func ec2TagMap(tags []ec2types.Tag) map[string]string {
	m := map[string]string{}
	for _, tag := range tags {
		m[*tag.Key] = *tag.Value
	}
	return m
}

func (c *cloud) askInstances(t testing.TB, w truth) {
	t.Helper()
	// Page by page as EC2 wants it, but with other pages than Elava asks for.
	for pages := ec2.NewDescribeInstancesPaginator(c.ec2(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(700)}); pages.HasMorePages(); {
		for _, r := range ok(pages.NextPage(t.Context()))(t).Reservations {
			for _, i := range r.Instances {
				if i.State.Name != ec2types.InstanceStateNameTerminated {
					w.add(t, c.key("AWS::EC2::Instance", *i.InstanceId), ec2TagMap(i.Tags))
				}
			}
		}
	}
}

func (c *cloud) askEC2(t testing.TB, w truth) {
	t.Helper()
	c.askInstances(t, w)
	ctx, e := t.Context(), c.ec2()
	for _, v := range ok(e.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{}))(t).Volumes {
		w.add(t, c.key("AWS::EC2::Volume", *v.VolumeId), ec2TagMap(v.Tags))
	}
	for _, v := range ok(e.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{}))(t).Vpcs {
		w.add(t, c.key("AWS::EC2::VPC", *v.VpcId), ec2TagMap(v.Tags))
	}
	for _, v := range ok(e.DescribeSubnets(ctx, &ec2.DescribeSubnetsInput{}))(t).Subnets {
		w.add(t, c.key("AWS::EC2::Subnet", *v.SubnetId), ec2TagMap(v.Tags))
	}
	for _, v := range ok(e.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{}))(t).SecurityGroups {
		w.add(t, c.key("AWS::EC2::SecurityGroup", *v.GroupId), ec2TagMap(v.Tags))
	}
	for _, v := range ok(e.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{}))(t).NetworkInterfaces {
		w.add(t, c.key("AWS::EC2::NetworkInterface", *v.NetworkInterfaceId), ec2TagMap(v.TagSet))
	}
}

func (c *cloud) askCompute(t testing.TB, w truth) {
	t.Helper()
	l := c.lambda()
	for pages := lambda.NewListFunctionsPaginator(l, &lambda.ListFunctionsInput{}); pages.HasMorePages(); {
		for _, f := range ok(pages.NextPage(t.Context()))(t).Functions {
			out := ok(l.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: f.FunctionName}))(t)
			w.add(t, c.key("AWS::Lambda::Function", *f.FunctionName), out.Tags)
		}
	}
	e := elbv2.NewFromConfig(c.cfg)
	for _, lb := range ok(e.DescribeLoadBalancers(t.Context(), &elbv2.DescribeLoadBalancersInput{}))(t).LoadBalancers {
		out := ok(e.DescribeTags(t.Context(), &elbv2.DescribeTagsInput{ResourceArns: []string{*lb.LoadBalancerArn}}))(t)
		tags := map[string]string{}
		for _, tag := range out.TagDescriptions[0].Tags {
			tags[*tag.Key] = *tag.Value
		}
		w.add(t, c.key("AWS::ElasticLoadBalancingV2::LoadBalancer", *lb.LoadBalancerName), tags)
	}
}

func (c *cloud) askDatabases(t testing.TB, w truth) {
	t.Helper()
	r := rds.NewFromConfig(c.cfg)
	if n := len(ok(r.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{}))(t).DBInstances); n > 0 {
		t.Fatalf("%d databases that no test makes", n)
	}
	d := c.dynamodb()
	for _, name := range ok(d.ListTables(t.Context(), &dynamodb.ListTablesInput{}))(t).TableNames {
		arn := ok(d.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name}))(t).Table.TableArn
		tags := map[string]string{}
		for _, tag := range ok(d.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: arn}))(t).Tags {
			tags[*tag.Key] = *tag.Value
		}
		w.add(t, c.key("AWS::DynamoDB::Table", name), tags)
	}
}

func (c *cloud) askMessaging(t testing.TB, w truth) {
	t.Helper()
	for _, url := range ok(c.sqs().ListQueues(t.Context(), &sqs.ListQueuesInput{}))(t).QueueUrls {
		tags := ok(c.sqs().ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: &url}))(t).Tags
		w.add(t, c.key("AWS::SQS::Queue", url[strings.LastIndex(url, "/")+1:]), tags)
	}
	for pages := sns.NewListTopicsPaginator(c.sns(), &sns.ListTopicsInput{}); pages.HasMorePages(); {
		for _, topic := range ok(pages.NextPage(t.Context()))(t).Topics {
			arn := *topic.TopicArn
			tags := map[string]string{}
			for _, tag := range ok(c.sns().ListTagsForResource(t.Context(), &sns.ListTagsForResourceInput{ResourceArn: &arn}))(t).Tags {
				tags[*tag.Key] = *tag.Value
			}
			w.add(t, c.key("AWS::SNS::Topic", arn[strings.LastIndex(arn, ":")+1:]), tags)
		}
	}
}

func (c *cloud) askBuckets(t testing.TB, w truth) {
	t.Helper()
	client := c.s3()
	for _, b := range ok(client.ListBuckets(t.Context(), &s3.ListBucketsInput{}))(t).Buckets {
		region := string(ok(client.GetBucketLocation(t.Context(), &s3.GetBucketLocationInput{Bucket: b.Name}))(t).LocationConstraint)
		if region == "" {
			region = "us-east-1" // that is how S3 writes it
		}
		tags := map[string]string{}
		out, err := client.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: b.Name})
		switch {
		case err == nil:
			for _, tag := range out.TagSet {
				tags[*tag.Key] = *tag.Value
			}
		case !strings.Contains(err.Error(), "NoSuchTagSet"):
			t.Fatal(err)
		}
		w.add(t, c.in(region).key("AWS::S3::Bucket", *b.Name), tags)
	}
}

func (c *cloud) askRoles(t testing.TB, w truth) {
	t.Helper()
	for pages := iam.NewListRolesPaginator(c.iam(), &iam.ListRolesInput{}); pages.HasMorePages(); {
		for _, r := range ok(pages.NextPage(t.Context()))(t).Roles {
			tags := map[string]string{}
			for _, tag := range ok(c.iam().ListRoleTags(t.Context(), &iam.ListRoleTagsInput{RoleName: r.RoleName}))(t).Tags {
				tags[*tag.Key] = *tag.Value
			}
			w.add(t, c.globalKey("AWS::IAM::Role", *r.RoleName), tags)
		}
	}
}

// compare checks an inventory against the truth: nothing missing, nothing more, nothing
// double, every tag equal.
func (w truth) compare(t testing.TB, inventory []resourceItem) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range inventory {
		if seen[r.Key] {
			t.Errorf("%s is there twice", r.Key)
		}
		seen[r.Key] = true
		tags, there := w[r.Key]
		if !there {
			t.Errorf("%s is in the inventory and not in the cloud", r.Key)
		} else if !maps.Equal(r.Tags, tags) {
			t.Errorf("%s has the tags %v, want %v", r.Key, r.Tags, tags)
		}
		if want := strings.Join([]string{r.Provider, r.Account, r.Region, r.Type, r.ID}, "/"); r.Key != want {
			t.Errorf("key %s of %s", r.Key, want)
		}
	}
	for key := range w {
		if !seen[key] {
			t.Errorf("%s is missing", key)
		}
	}
}

// count counts the resources of a type.
func (w truth) count(typ string) int {
	n := 0
	for key := range w {
		if strings.Contains(key, "/"+typ+"/") {
			n++
		}
	}
	return n
}

func (c *cloud) tagRole(t testing.TB, name, key, value string) {
	t.Helper()
	ok(c.iam().TagRole(t.Context(), &iam.TagRoleInput{RoleName: &name, Tags: []iamtypes.Tag{{Key: &key, Value: &value}}}))(t)
}
