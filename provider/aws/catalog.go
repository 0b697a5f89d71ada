package aws

import "slices"

// collectors returns all collectors, in the order of the plan: first what is quick to
// list and what most other resources refer to.
func collectors() []lister {
	return slices.Concat(
		ec2Collectors(),
		elbv2Collectors(),
		rdsCollectors(),
		dynamodbCollectors(),
		sqsCollectors(),
		snsCollectors(),
		lambdaCollectors(),
		s3Collectors(),
		iamCollectors(),
		iamIdentityCollectors(),
		iamProviderCollectors(),
		kmsCollectors(),
		secretsmanagerCollectors(),
		ssmCollectors(),
		cognitoCollectors(),
		wafv2Collectors(),
		guarddutyCollectors(),
		cloudtrailCollectors(),
		configCollectors(),
		cloudwatchCollectors(),
		logsCollectors(),
		cloudformationCollectors(),
		codebuildCollectors(),
		codepipelineCollectors(),
		codecommitCollectors(),
		codedeployCollectors(),
		organizationsCollectors(),
		servicediscoveryCollectors(),
	)
}
