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
		ecsCollectors(),
		eksCollectors(),
		ecrCollectors(),
		elasticacheCollectors(),
		eventbridgeCollectors(),
		pipesCollectors(),
		schedulerCollectors(),
		kinesisCollectors(),
		sfnCollectors(),
		apigatewayCollectors(),
		apigatewayv2Collectors(),
		backupCollectors(),
		opensearchCollectors(),
		redshiftCollectors(),
		redshiftServerlessCollectors(),
		glueCollectors(),
		batchCollectors(),
		apprunnerCollectors(),
		elasticbeanstalkCollectors(),
		memorydbCollectors(),
		daxCollectors(),
		firehoseCollectors(),
		mskCollectors(),
		mqCollectors(),
		athenaCollectors(),
		emrCollectors(),
		sagemakerCollectors(),
		dmsCollectors(),
		transferCollectors(),
	)
}
