package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/elava-dev/elava/resource"
)

// codedeployBatch is the most that BatchGetApplications and BatchGetDeploymentGroups take
// (CodeDeploy API Reference).
const codedeployBatch = 100

// applicationGone is the code for an application that was deleted since it was listed.
const applicationGone = "ApplicationDoesNotExistException"

func codedeployCollectors() []lister { return []lister{deployApplications(), deploymentGroups()} }

// deployApplications has no tags: they are told by ARN, which needs the account, and one
// by one.
func deployApplications() lister {
	return &collector[types.ApplicationInfo]{
		rules:  resource.Schema{Type: "AWS::CodeDeploy::Application", Version: 1},
		action: "codedeploy:ListApplications",
		pages: func(cfg aws.Config) source[types.ApplicationInfo] {
			return pagesOfApplications(cfg)
		},
		details: func(cfg aws.Config) []detail[types.ApplicationInfo] {
			name := func(a *types.ApplicationInfo) *string { return a.ApplicationName }
			return []detail[types.ApplicationInfo]{describingAll("codedeploy:BatchGetApplications", codedeployBatch,
				codedeploy.NewFromConfig(cfg).BatchGetApplications,
				func(batch []*types.ApplicationInfo) *codedeploy.BatchGetApplicationsInput {
					return &codedeploy.BatchGetApplicationsInput{ApplicationNames: ids(batch, name)}
				},
				func(o *codedeploy.BatchGetApplicationsOutput) []types.ApplicationInfo { return o.ApplicationsInfo },
				nil, name)}
		},
		vanished: []string{applicationGone},
		arn:      "arn:{partition}:codedeploy:{region}:{account}:application:{id}",
		read: func(a *types.ApplicationInfo) facts {
			return facts{
				ID: a.ApplicationName, Name: aws.ToString(a.ApplicationName), UID: aws.ToString(a.ApplicationId), Created: a.CreateTime,
			}
		},
	}
}

// pagesOfApplications tells names only.
func pagesOfApplications(cfg aws.Config) pager[types.ApplicationInfo] {
	return paged(codedeploy.NewFromConfig(cfg).ListApplications,
		func(token *string) *codedeploy.ListApplicationsInput {
			return &codedeploy.ListApplicationsInput{NextToken: token}
		},
		func(o *codedeploy.ListApplicationsOutput) ([]types.ApplicationInfo, *string) {
			return converted(o.Applications, func(name string) types.ApplicationInfo {
				return types.ApplicationInfo{ApplicationName: &name}
			}), o.NextToken
		})
}

// deploymentGroups says what is to run (TargetRevision), not how the last deployment went.
func deploymentGroups() lister {
	return &collector[types.DeploymentGroupInfo]{
		rules: resource.Schema{
			Type: "AWS::CodeDeploy::DeploymentGroup", Version: 1,
			Omit: []string{"LastAttemptedDeployment", "LastSuccessfulDeployment"},
			Sets: map[string]string{
				"AlarmConfiguration.Alarms":            "{Name}",
				"AutoRollbackConfiguration.Events":     "",
				"AutoScalingGroups":                    "{Name}",
				"Ec2TagFilters":                        "{Key}={Value}",
				"EcsServices":                          "{ClusterName}/{ServiceName}",
				"LoadBalancerInfo.ElbInfoList":         "{Name}",
				"LoadBalancerInfo.TargetGroupInfoList": "{Name}",
				"LoadBalancerInfo.TargetGroupPairInfoList.ProdTrafficRoute.ListenerArns": "",
				"LoadBalancerInfo.TargetGroupPairInfoList.TargetGroups":                  "{Name}",
				"LoadBalancerInfo.TargetGroupPairInfoList.TestTrafficRoute.ListenerArns": "",
				"OnPremisesInstanceTagFilters":                                           "{Key}={Value}",
				"TriggerConfigurations":                                                  "{TriggerName}",
				"TriggerConfigurations.TriggerEvents":                                    "",
			},
		},
		action:       "codedeploy:ListDeploymentGroups",
		parentAction: "codedeploy:ListApplications",
		pages: func(cfg aws.Config) source[types.DeploymentGroupInfo] {
			list := codedeploy.NewFromConfig(cfg).ListDeploymentGroups
			return under(source[types.ApplicationInfo](pagesOfApplications(cfg)), "codedeploy:ListApplications", []string{applicationGone},
				func(a *types.ApplicationInfo) source[types.DeploymentGroupInfo] {
					return paged(list,
						func(token *string) *codedeploy.ListDeploymentGroupsInput {
							return &codedeploy.ListDeploymentGroupsInput{ApplicationName: a.ApplicationName, NextToken: token}
						},
						func(o *codedeploy.ListDeploymentGroupsOutput) ([]types.DeploymentGroupInfo, *string) {
							return converted(o.DeploymentGroups, func(name string) types.DeploymentGroupInfo {
								return types.DeploymentGroupInfo{ApplicationName: a.ApplicationName, DeploymentGroupName: &name}
							}), o.NextToken
						})
				})
		},
		details:  deploymentGroupDetails,
		vanished: []string{applicationGone, "DeploymentGroupDoesNotExistException"},
		read: func(g *types.DeploymentGroupInfo) facts {
			return facts{
				ID: within(g.ApplicationName, g.DeploymentGroupName), Name: aws.ToString(g.DeploymentGroupName),
				UID: aws.ToString(g.DeploymentGroupId),
			}
		},
	}
}

// deploymentGroupDetails asks for several groups at a time: a page of the list, and so a
// batch, has those of one application.
func deploymentGroupDetails(cfg aws.Config) []detail[types.DeploymentGroupInfo] {
	batchGet := codedeploy.NewFromConfig(cfg).BatchGetDeploymentGroups
	name := func(g *types.DeploymentGroupInfo) *string { return g.DeploymentGroupName }
	return []detail[types.DeploymentGroupInfo]{
		describingAll("codedeploy:BatchGetDeploymentGroups", codedeployBatch, batchGet,
			func(batch []*types.DeploymentGroupInfo) *codedeploy.BatchGetDeploymentGroupsInput {
				return &codedeploy.BatchGetDeploymentGroupsInput{ApplicationName: batch[0].ApplicationName, DeploymentGroupNames: ids(batch, name)}
			},
			func(o *codedeploy.BatchGetDeploymentGroupsOutput) []types.DeploymentGroupInfo {
				return o.DeploymentGroupsInfo
			},
			nil, name),
	}
}
