package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/elava-dev/elava/resource"
)

// ecrPage is the most that DescribeRepositories gives (ECR API Reference).
const ecrPage = 1000

func ecrCollectors() []lister { return []lister{ecrRepositories()} }

// repository has the policies of a repository under the names of the API.
type repository struct {
	types.Repository
	LifecyclePolicyText, RepositoryPolicyText *string
}

func ecrRepositories() lister {
	return &collector[tagged[repository]]{
		rules: resource.Schema{
			Type: "AWS::ECR::Repository", Version: 1,
			Sets:     map[string]string{"ImageTagMutabilityExclusionFilters": "{FilterType}:{Filter}"},
			Policies: []string{"LifecyclePolicyText", "RepositoryPolicyText"},
		},
		action: "ecr:DescribeRepositories",
		pages: func(cfg aws.Config) source[tagged[repository]] {
			return paged(ecr.NewFromConfig(cfg).DescribeRepositories,
				func(token *string) *ecr.DescribeRepositoriesInput {
					return &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(ecrPage), NextToken: token}
				},
				func(o *ecr.DescribeRepositoriesOutput) ([]tagged[repository], *string) {
					return converted(o.Repositories, func(r types.Repository) tagged[repository] {
						return asTagged(repository{Repository: r})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[repository]] {
			client := ecr.NewFromConfig(cfg)
			return []detail[tagged[repository]]{
				tagsBy("ecr:ListTagsForResource", client.ListTagsForResource,
					func(r *repository) *ecr.ListTagsForResourceInput {
						return &ecr.ListTagsForResourceInput{ResourceArn: r.RepositoryArn}
					},
					func(o *ecr.ListTagsForResourceOutput) map[string]string {
						return tagMap(o.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
					}),
				adding("LifecyclePolicyText", "ecr:GetLifecyclePolicy", client.GetLifecyclePolicy,
					func(r *tagged[repository]) *ecr.GetLifecyclePolicyInput {
						return &ecr.GetLifecyclePolicyInput{RegistryId: r.It.RegistryId, RepositoryName: r.It.RepositoryName}
					},
					func(r *tagged[repository], o *ecr.GetLifecyclePolicyOutput) {
						r.It.LifecyclePolicyText = o.LifecyclePolicyText
					}, "LifecyclePolicyNotFoundException"),
				adding("RepositoryPolicyText", "ecr:GetRepositoryPolicy", client.GetRepositoryPolicy,
					func(r *tagged[repository]) *ecr.GetRepositoryPolicyInput {
						return &ecr.GetRepositoryPolicyInput{RegistryId: r.It.RegistryId, RepositoryName: r.It.RepositoryName}
					},
					func(r *tagged[repository], o *ecr.GetRepositoryPolicyOutput) {
						r.It.RepositoryPolicyText = o.PolicyText
					}, "RepositoryPolicyNotFoundException").andBeside(),
			}
		},
		vanished: []string{"RepositoryNotFoundException"},
		read: func(r *tagged[repository]) facts {
			return facts{
				ID: r.It.RepositoryName, ARN: r.It.RepositoryArn, Name: aws.ToString(r.It.RepositoryName), Created: r.It.CreatedAt, Tags: r.Tags,
			}
		},
	}
}
