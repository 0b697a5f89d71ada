package aws

import "slices"

// callLimit is how many calls AWS takes of some operations in one account and region.
type callLimit struct {
	service    string   // as in metrics: see serviceLabel
	operations []string // nil: all that no line above names
	shared     string   // not empty: the name of the one bucket that they share
	rate       float64  // calls a second
	burst      float64  // calls at once, after a pause
}

// class names the bucket of an operation.
func (q *callLimit) class(operation string) string {
	if q.shared != "" {
		return q.shared
	}
	return operation
}

// unpublished is for operations that callLimits does not name. It is a careful guess: the lowest sustained rate that EC2 and ECS publish for operations that read.
var unpublished = callLimit{rate: 20, burst: 40}

// callLimitOf returns the limit of an operation.
func callLimitOf(service, operation string) *callLimit {
	for i := range callLimits {
		q := &callLimits[i]
		if q.service == service && (q.operations == nil || slices.Contains(q.operations, operation)) {
			return q
		}
	}
	return &unpublished
}

// callLimits are limits for operations that read, at their defaults. Each line says where its
// numbers are from:
//
//   - (published): the AWS page that is named has them;
//   - (measured): none of AWS's; users of other tools found them, and Steampipe's AWS plugin
//     (aws/plugin.go) and aws-nuke keep to them;
//   - (careful guess): no page with them was found; the name is that of the page where they
//     should stand.
//
// A limit that is too high costs refused calls, and the pace is halved then; one that is too
// low costs time.
var callLimits = []callLimit{
	// (published) "Request throttling for the Amazon EC2 API": non-mutating actions.
	{service: "ec2", rate: 20, burst: 100},
	// (published) "Lambda quotas", API requests: GetFunction 100, GetPolicy 15, all others together 15.
	{service: "lambda", operations: []string{"GetFunction"}, rate: 100, burst: 100},
	{service: "lambda", operations: []string{"GetPolicy"}, rate: 15, burst: 15},
	{service: "lambda", shared: "control plane", rate: 15, burst: 15},
	// (published) "Request throttling for the Amazon ECS API": cluster, service and task definition reads.
	{service: "ecs", rate: 20, burst: 50},
	// (published) "Quotas for creating, deploying and managing an API in API Gateway": 10 a second over all management operations, burst 40.
	{service: "apigateway", shared: "control plane", rate: 10, burst: 40},
	{service: "apigatewayv2", shared: "control plane", rate: 10, burst: 40},
	// (published) Route 53, "Quotas on API requests": five a second per account for all of them.
	{service: "route53", shared: "all operations", rate: 5, burst: 5},
	// CloudFront (measured).
	{service: "cloudfront", rate: 5, burst: 10},
	// IAM (measured).
	{service: "iam", operations: []string{"GetPolicy", "GetPolicyVersion"}, rate: 35, burst: 35},
	{service: "iam", operations: []string{"ListEntitiesForPolicy"}, rate: 40, burst: 40},
	{service: "iam", rate: 15, burst: 15},
	// (careful guess) "Quotas for AWS Organizations": a few calls a second, differently for
	// each operation; this is meant to be below all of them.
	{service: "organizations", rate: 2, burst: 5},
	// (careful guess) "CloudWatch Logs quotas": 5, which is published for DescribeLogStreams;
	// 10 for DescribeLogGroups.
	{service: "cloudwatchlogs", operations: []string{"DescribeLogGroups"}, rate: 10, burst: 10},
	{service: "cloudwatchlogs", rate: 5, burst: 5},
	// (published) "CloudWatch service quotas": DescribeAlarms 9, ListDashboards and GetDashboard
	// 10. The rest is a careful guess.
	{service: "cloudwatch", operations: []string{"GetDashboard", "ListDashboards"}, rate: 10, burst: 10},
	{service: "cloudwatch", rate: 9, burst: 9},
	// (published) "Kinesis Data Streams limits": ListStreams 5, DescribeStream 10, DescribeStreamSummary 20,
	// ListTagsForStream 5.
	{service: "kinesis", operations: []string{"DescribeStreamSummary"}, rate: 20, burst: 20},
	{service: "kinesis", operations: []string{"DescribeStream"}, rate: 10, burst: 10},
	{service: "kinesis", rate: 5, burst: 5},
	// (published) "Amazon Kinesis Data Firehose quota": 5 a second for each operation of the
	// control plane.
	{service: "firehose", rate: 5, burst: 5},
	// (published) "Quotas" of the ACM User Guide: ListCertificates 5, DescribeCertificate and
	// ListTagsForCertificate 10.
	{service: "acm", operations: []string{"ListCertificates"}, rate: 5, burst: 5},
	{service: "acm", rate: 10, burst: 10},
	// (careful guess) "Amazon SNS endpoints and quotas": ListTopics and ListSubscriptions 30, ListTagsForResource 10.
	{service: "sns", operations: []string{"ListTagsForResource"}, rate: 10, burst: 10},
	{service: "sns", rate: 30, burst: 30},
	// "Quotas related to API action throttling" of Step Functions: buckets of 100, and of 200 for
	// DescribeStateMachine (published); refilled by 5 and by 20 a second (careful guess: an
	// edition of 2019 says 1).
	{service: "sfn", operations: []string{"DescribeStateMachine"}, rate: 20, burst: 200},
	{service: "sfn", rate: 5, burst: 100},
	// (published) "Service quotas" of the Tag Editor User Guide: GetResources 15.
	{service: "resourcegroupstaggingapi", rate: 15, burst: 15},
	// EFS (measured).
	{service: "efs", rate: 10, burst: 10},
	// WAF (measured).
	{service: "wafv2", rate: 5, burst: 10},
	// Service Quotas (measured).
	{service: "servicequotas", rate: 5, burst: 5},
	// (published) "Limits in AWS CloudTrail": operations that get, describe and list 10 a second.
	// LookupEvents, which is none of them: 2.
	{service: "cloudtrail", operations: []string{"LookupEvents"}, rate: 2, burst: 2},
	{service: "cloudtrail", rate: 10, burst: 10},
	// Cloud Control (measured): 55 lists a minute. Behind every call stand calls of the type's
	// own service that are not counted here, so reading one is held to an assumption of ours.
	{service: "cloudcontrol", operations: []string{"ListResources"}, rate: 55.0 / 60, burst: 10},
	{service: "cloudcontrol", rate: 5, burst: 10},
	// (careful guess) CloudFormation: none is published; its lists are slow and shared with
	// deployments.
	{service: "cloudformation", rate: 5, burst: 10},
}
