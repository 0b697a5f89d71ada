package aws

import "slices"

// collectors returns all collectors, in the order of the plan: first what is quick to
// list and what most other resources refer to.
func collectors() []lister {
	return slices.Concat(
		ec2Collectors(),
		elbCollectors(),
		elbv2Collectors(),
		autoscalingCollectors(),
		rdsCollectors(),
		dynamodbCollectors(),
		sqsCollectors(),
		snsCollectors(),
		lambdaCollectors(),
		s3Collectors(),
		efsCollectors(),
		fsxCollectors(),
		acmCollectors(),
		directconnectCollectors(),
		lightsailCollectors(),
		route53Collectors(),
		cloudfrontCollectors(),
		globalacceleratorCollectors(),
		iamCollectors(),
	)
}
