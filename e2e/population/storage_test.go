package population

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (p *place) s3() *s3.Client {
	return s3.NewFromConfig(p.cfg, func(o *s3.Options) { o.UsePathStyle = true })
}

func storageKinds() []kind {
	return []kind{
		{typ: "AWS::S3::Bucket", paths: []string{"attributes.Versioning"},
			make: func(p *place) string {
				in := &s3.CreateBucketInput{Bucket: aws.String("data-" + p.account + "-" + p.cfg.Region)}
				if p.cfg.Region != "us-east-1" {
					in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(p.cfg.Region)}
				}
				ok(p.s3().CreateBucket(p.Context(), in))(p)
				return *in.Bucket
			},
			change: func(p *place, id string) {
				ok(p.s3().PutBucketVersioning(p.Context(), &s3.PutBucketVersioningInput{
					Bucket: &id, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
				}))(p)
			}},
		{typ: "AWS::RDS::DBInstance", paths: []string{"attributes.AllocatedStorage"},
			make: func(p *place) string {
				return *ok(rds.NewFromConfig(p.cfg).CreateDBInstance(p.Context(), &rds.CreateDBInstanceInput{
					DBInstanceIdentifier: aws.String("orders"), Engine: aws.String("postgres"), DBInstanceClass: aws.String("db.t3.micro"),
					AllocatedStorage: aws.Int32(20), MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter2hunter2"),
				}))(p).DBInstance.DBInstanceIdentifier
			},
			change: func(p *place, id string) {
				ok(rds.NewFromConfig(p.cfg).ModifyDBInstance(p.Context(), &rds.ModifyDBInstanceInput{
					DBInstanceIdentifier: &id, AllocatedStorage: aws.Int32(30), ApplyImmediately: aws.Bool(true),
				}))(p)
			}},
		{typ: "AWS::RDS::DBCluster", paths: []string{"attributes.DeletionProtection"},
			make: func(p *place) string {
				return *ok(rds.NewFromConfig(p.cfg).CreateDBCluster(p.Context(), &rds.CreateDBClusterInput{
					DBClusterIdentifier: aws.String("ledger"), Engine: aws.String("aurora-postgresql"),
					MasterUsername: aws.String("root"), MasterUserPassword: aws.String("hunter2hunter2"),
				}))(p).DBCluster.DBClusterIdentifier
			},
			change: func(p *place, id string) {
				ok(rds.NewFromConfig(p.cfg).ModifyDBCluster(p.Context(), &rds.ModifyDBClusterInput{DBClusterIdentifier: &id, DeletionProtection: aws.Bool(true)}))(p)
			}},
		{typ: "AWS::DynamoDB::Table", paths: []string{"attributes.DeletionProtectionEnabled"},
			make: func(p *place) string {
				return *ok(dynamodb.NewFromConfig(p.cfg).CreateTable(p.Context(), &dynamodb.CreateTableInput{
					TableName: aws.String("carts"), BillingMode: ddbtypes.BillingModePayPerRequest,
					AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("user"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
					KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("user"), KeyType: ddbtypes.KeyTypeHash}},
				}))(p).TableDescription.TableName
			},
			change: func(p *place, id string) {
				ok(dynamodb.NewFromConfig(p.cfg).UpdateTable(p.Context(), &dynamodb.UpdateTableInput{TableName: &id, DeletionProtectionEnabled: aws.Bool(true)}))(p)
			}},
		{typ: "AWS::SQS::Queue", paths: []string{"attributes.VisibilityTimeout"},
			make: func(p *place) string {
				ok(sqs.NewFromConfig(p.cfg).CreateQueue(p.Context(), &sqs.CreateQueueInput{QueueName: aws.String("jobs")}))(p)
				return "jobs"
			},
			change: func(p *place, id string) {
				client := sqs.NewFromConfig(p.cfg)
				url := ok(client.GetQueueUrl(p.Context(), &sqs.GetQueueUrlInput{QueueName: &id}))(p).QueueUrl
				ok(client.SetQueueAttributes(p.Context(), &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"VisibilityTimeout": "99"}}))(p)
			}},
		{typ: "AWS::SNS::Topic", paths: []string{"attributes.DisplayName"},
			make: func(p *place) string {
				ok(sns.NewFromConfig(p.cfg).CreateTopic(p.Context(), &sns.CreateTopicInput{Name: aws.String("alerts")}))(p)
				return "alerts"
			},
			change: func(p *place, id string) {
				ok(sns.NewFromConfig(p.cfg).SetTopicAttributes(p.Context(), &sns.SetTopicAttributesInput{
					TopicArn: aws.String("arn:aws:sns:" + p.cfg.Region + ":" + p.account + ":" + id), AttributeName: aws.String("DisplayName"), AttributeValue: aws.String("Alerts"),
				}))(p)
			}},
	}
}
