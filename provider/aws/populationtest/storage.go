package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func (p *Place) s3() *s3.Client {
	return s3.NewFromConfig(p.Config, func(o *s3.Options) { o.UsePathStyle = true })
}

func storageKinds() []Kind {
	return []Kind{
		{Type: "AWS::S3::Bucket", Paths: []string{"attributes.Versioning"},
			Make: func(p *Place) string {
				in := &s3.CreateBucketInput{Bucket: aws.String("data-" + p.Account + "-" + p.Config.Region)}
				if p.Config.Region != "us-east-1" {
					in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(p.Config.Region)}
				}
				ok(p.s3().CreateBucket(p.Context(), in))(p)
				return *in.Bucket
			},
			Change: func(p *Place, id string) {
				ok(p.s3().PutBucketVersioning(p.Context(), &s3.PutBucketVersioningInput{
					Bucket: &id, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled},
				}))(p)
			}},
		{Type: "AWS::DynamoDB::Table", Paths: []string{"attributes.DeletionProtectionEnabled"},
			Make: func(p *Place) string {
				return *ok(p.dynamodb().CreateTable(p.Context(), &dynamodb.CreateTableInput{
					TableName: aws.String("carts"), BillingMode: ddbtypes.BillingModePayPerRequest,
					AttributeDefinitions: []ddbtypes.AttributeDefinition{{AttributeName: aws.String("user"), AttributeType: ddbtypes.ScalarAttributeTypeS}},
					KeySchema:            []ddbtypes.KeySchemaElement{{AttributeName: aws.String("user"), KeyType: ddbtypes.KeyTypeHash}},
				}))(p).TableDescription.TableName
			},
			Change: func(p *Place, id string) {
				ok(p.dynamodb().UpdateTable(p.Context(), &dynamodb.UpdateTableInput{TableName: &id, DeletionProtectionEnabled: aws.Bool(true)}))(p)
			}},
		{Type: "AWS::SQS::Queue", Paths: []string{"attributes.VisibilityTimeout"},
			Make: func(p *Place) string {
				ok(sqs.NewFromConfig(p.Config).CreateQueue(p.Context(), &sqs.CreateQueueInput{QueueName: aws.String("jobs")}))(p)
				return "jobs"
			},
			Change: func(p *Place, id string) {
				client := sqs.NewFromConfig(p.Config)
				url := ok(client.GetQueueUrl(p.Context(), &sqs.GetQueueUrlInput{QueueName: &id}))(p).QueueUrl
				ok(client.SetQueueAttributes(p.Context(), &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"VisibilityTimeout": "99"}}))(p)
			}},
		{Type: "AWS::SNS::Topic", Paths: []string{"attributes.DisplayName"},
			Make: func(p *Place) string {
				ok(p.sns().CreateTopic(p.Context(), &sns.CreateTopicInput{Name: aws.String("alerts")}))(p)
				return "alerts"
			},
			Change: func(p *Place, id string) {
				ok(p.sns().SetTopicAttributes(p.Context(), &sns.SetTopicAttributesInput{
					TopicArn: aws.String("arn:aws:sns:" + p.Config.Region + ":" + p.Account + ":" + id), AttributeName: aws.String("DisplayName"), AttributeValue: aws.String("Alerts"),
				}))(p)
			}},
	}
}
