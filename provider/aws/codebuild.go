package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/elava-dev/elava/resource"
)

// codebuildBatch is the most projects that BatchGetProjects takes (CodeBuild API
// Reference).
const codebuildBatch = 100

func codebuildCollectors() []lister { return []lister{codebuildProjects()} }

// codebuildProjects keeps the order of commands and filters. The values of variables
// are secrets, even those that only name a parameter.
func codebuildProjects() lister {
	return &collector[types.Project]{
		rules: resource.Schema{
			Type: "AWS::CodeBuild::Project", Version: 1,
			Omit: []string{
				"Tags",
				"LastModified",                    // follows the rest
				"Badge.BadgeRequestUrl",           // holds a text that is encrypted anew
				"Environment.DockerServer.Status", // of the last start
				"Webhook.Status", "Webhook.StatusMessage",
			},
			Sets: map[string]string{
				"BuildBatchConfig.Restrictions.ComputeTypesAllowed": "",
				"BuildBatchConfig.Restrictions.FleetsAllowed":       "",
				"Cache.Modes": "",
				"Environment.DockerServer.SecurityGroupIds":    "",
				"Environment.EnvironmentVariables":             "{Name}",
				"FileSystemLocations":                          "{Identifier}",
				"SecondaryArtifacts":                           "{ArtifactIdentifier}",
				"SecondarySourceVersions":                      "{SourceIdentifier}",
				"SecondarySources":                             "{SourceIdentifier}",
				"VpcConfig.SecurityGroupIds":                   "",
				"VpcConfig.Subnets":                            "",
				"Webhook.PullRequestBuildPolicy.ApproverRoles": "",
			},
			Secrets: []string{"Environment.EnvironmentVariables.Value", "Webhook.Secret"},
		},
		action: "codebuild:ListProjects",
		pages: func(cfg aws.Config) source[types.Project] {
			return paged(codebuild.NewFromConfig(cfg).ListProjects,
				func(token *string) *codebuild.ListProjectsInput {
					return &codebuild.ListProjectsInput{NextToken: token}
				},
				func(o *codebuild.ListProjectsOutput) ([]types.Project, *string) {
					return converted(o.Projects, func(name string) types.Project { return types.Project{Name: &name} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[types.Project] {
			name := func(p *types.Project) *string { return p.Name }
			return []detail[types.Project]{describingAll("codebuild:BatchGetProjects", codebuildBatch,
				codebuild.NewFromConfig(cfg).BatchGetProjects,
				func(batch []*types.Project) *codebuild.BatchGetProjectsInput {
					return &codebuild.BatchGetProjectsInput{Names: ids(batch, name)}
				},
				func(o *codebuild.BatchGetProjectsOutput) []types.Project { return o.Projects },
				func(o *codebuild.BatchGetProjectsOutput) []string { return o.ProjectsNotFound },
				name)}
		},
		read: func(p *types.Project) facts {
			return facts{
				ID: p.Name, ARN: p.Arn, Name: aws.ToString(p.Name), Created: p.Created,
				Tags: tagMap(p.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
		},
	}
}
