package aws

import (
	"errors"

	"github.com/aws/smithy-go"
)

// iamPrefixes are the service prefixes of IAM actions where they are not the SDK's service
// id in lower case without blanks (Service Authorization Reference).
var iamPrefixes = map[string]string{
	"Access Analyzer":             "access-analyzer",
	"AccessAnalyzer":              "access-analyzer",
	"ApiGatewayV2":                "apigateway",
	"Application Auto Scaling":    "application-autoscaling",
	"CloudControl":                "cloudformation",
	"CloudWatch Logs":             "logs",
	"Cognito Identity":            "cognito-identity",
	"Cognito Identity Provider":   "cognito-idp",
	"Config Service":              "config",
	"Database Migration Service":  "dms",
	"DocDB":                       "rds",
	"ECR PUBLIC":                  "ecr-public",
	"EFS":                         "elasticfilesystem",
	"EMR":                         "elasticmapreduce",
	"EMR Serverless":              "emr-serverless",
	"EMR containers":              "emr-containers",
	"Elastic Load Balancing v2":   "elasticloadbalancing",
	"Elasticsearch Service":       "es",
	"EventBridge":                 "events",
	"Keyspaces":                   "cassandra",
	"Kinesis Analytics V2":        "kinesisanalytics",
	"Neptune":                     "rds",
	"Network Firewall":            "network-firewall",
	"OpenSearch":                  "es",
	"OpenSearchServerless":        "aoss",
	"Redshift Serverless":         "redshift-serverless",
	"Resource Explorer 2":         "resource-explorer-2",
	"Resource Groups":             "resource-groups",
	"Resource Groups Tagging API": "tag",
	"SESv2":                       "ses",
	"SFN":                         "states",
	"Timestream Write":            "timestream",
	"VPC Lattice":                 "vpc-lattice",
}

// otherActions are the IAM actions of operations that are not called like them; empty: the
// operation needs none (Service Authorization Reference, and "Required permissions" in the
// API references).
var otherActions = map[string]string{
	"S3.GetBucketAccelerateConfiguration":   "s3:GetAccelerateConfiguration",
	"S3.GetBucketCors":                      "s3:GetBucketCORS",
	"S3.GetBucketEncryption":                "s3:GetEncryptionConfiguration",
	"S3.GetBucketLifecycleConfiguration":    "s3:GetLifecycleConfiguration",
	"S3.GetBucketNotificationConfiguration": "s3:GetBucketNotification",
	"S3.GetBucketReplication":               "s3:GetReplicationConfiguration",
	"S3.GetObjectLockConfiguration":         "s3:GetBucketObjectLockConfiguration",
	"S3.GetPublicAccessBlock":               "s3:GetBucketPublicAccessBlock",
	"S3.HeadBucket":                         "", // a refusal tells the region too
	"S3.ListBuckets":                        "s3:ListAllMyBuckets",
	"STS.GetCallerIdentity":                 "",
}

// anyRead are the actions of services that have one for all that reads.
var anyRead = map[string]string{
	"API Gateway":  "apigateway:GET",
	"ApiGatewayV2": "apigateway:GET",
}

// actionDecrypt is the IAM action for what is encrypted under a key of the customer. It is in no policy
// that Elava asks for: that is up to whoever owns the key.
const actionDecrypt = "kms:Decrypt"

// actionOf returns the IAM action that an operation needs, empty if it needs none.
// serviceID is the SDK's: "Elastic Load Balancing v2".
func actionOf(serviceID, operation string) string {
	if action, ok := otherActions[serviceID+"."+operation]; ok {
		return action
	}
	if action, ok := anyRead[serviceID]; ok {
		return action
	}
	prefix, ok := iamPrefixes[serviceID]
	if !ok {
		prefix = serviceLabel(serviceID)
	}
	return prefix + ":" + operation
}

// actionOfError returns the IAM action of the call that failed, empty where no call did. A
// call that did not get its credentials is not the one that lacks a permission.
func actionOfError(err error) string {
	var (
		op            *smithy.OperationError
		noCredentials *credentialsError
	)
	if errors.As(err, &noCredentials) || !errors.As(err, &op) {
		return ""
	}
	return actionOf(op.ServiceID, op.OperationName)
}
