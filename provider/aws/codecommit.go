package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"

	"github.com/elava-dev/elava/resource"
)

// codecommitBatch is the most repositories that BatchGetRepositories takes (CodeCommit
// API Reference, MaximumRepositoryNamesExceededException).
const codecommitBatch = 100

func codecommitCollectors() []lister { return []lister{repositories()} }

type codeRepository struct {
	types.RepositoryMetadata
	Tags map[string]string
}

func repositories() lister {
	return &collector[codeRepository]{
		rules: resource.Schema{
			Type: "AWS::CodeCommit::Repository", Version: 1,
			Omit: []string{"Tags", "LastModifiedDate"}, // moves with pushes
		},
		action: "codecommit:ListRepositories",
		pages: func(cfg aws.Config) source[codeRepository] {
			return paged(codecommit.NewFromConfig(cfg).ListRepositories,
				func(token *string) *codecommit.ListRepositoriesInput {
					return &codecommit.ListRepositoriesInput{NextToken: token}
				},
				func(o *codecommit.ListRepositoriesOutput) ([]codeRepository, *string) {
					return converted(o.Repositories, func(p types.RepositoryNameIdPair) codeRepository {
						return codeRepository{RepositoryMetadata: types.RepositoryMetadata{RepositoryName: p.RepositoryName}}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[codeRepository] {
			client := codecommit.NewFromConfig(cfg)
			name := func(r *codeRepository) *string { return r.RepositoryName }
			return []detail[codeRepository]{
				describingAll("codecommit:BatchGetRepositories", codecommitBatch, client.BatchGetRepositories,
					func(batch []*codeRepository) *codecommit.BatchGetRepositoriesInput {
						return &codecommit.BatchGetRepositoriesInput{RepositoryNames: ids(batch, name)}
					},
					func(o *codecommit.BatchGetRepositoriesOutput) []codeRepository {
						return converted(o.Repositories, func(m types.RepositoryMetadata) codeRepository {
							return codeRepository{RepositoryMetadata: m}
						})
					},
					func(o *codecommit.BatchGetRepositoriesOutput) []string { return o.RepositoriesNotFound },
					name),
				tagging("codecommit:ListTagsForResource", client.ListTagsForResource,
					func(r *codeRepository) *codecommit.ListTagsForResourceInput {
						return &codecommit.ListTagsForResourceInput{ResourceArn: r.Arn}
					},
					func(r *codeRepository, o *codecommit.ListTagsForResourceOutput) { r.Tags = o.Tags }),
			}
		},
		vanished: []string{"RepositoryDoesNotExistException"},
		read: func(r *codeRepository) facts {
			return facts{
				ID: r.RepositoryName, ARN: r.Arn, Name: aws.ToString(r.RepositoryName), UID: aws.ToString(r.RepositoryId),
				Created: r.CreationDate, Tags: r.Tags,
			}
		},
	}
}
