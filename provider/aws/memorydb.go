package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/memorydb"
	"github.com/aws/aws-sdk-go-v2/service/memorydb/types"

	"github.com/elava-dev/elava/resource"
)

// memorydbPage is the most that DescribeClusters gives (MemoryDB API Reference).
const memorydbPage = 100

func memorydbCollectors() []lister { return []lister{memorydbClusters()} }

// memorydbClusters takes no failure to read tags for a deletion: a cluster that is not available
// may be said not to be found.
func memorydbClusters() lister {
	return &collector[tagged[types.Cluster]]{
		rules: resource.Schema{
			Type: "AWS::MemoryDB::Cluster", Version: 1,
			Omit: []string{"Status", "PendingUpdates.Resharding.SlotMigration.ProgressPercentage"},
			Sets: map[string]string{
				"PendingUpdates.ServiceUpdates": "{ServiceUpdateName}",
				"SecurityGroups":                "{SecurityGroupId}",
				"Shards":                        "{Name}",
				"Shards.Nodes":                  "{Name}",
			},
		},
		action: "memorydb:DescribeClusters",
		pages: func(cfg aws.Config) source[tagged[types.Cluster]] {
			return paged(memorydb.NewFromConfig(cfg).DescribeClusters,
				func(token *string) *memorydb.DescribeClustersInput {
					return &memorydb.DescribeClustersInput{MaxResults: aws.Int32(memorydbPage), ShowShardDetails: aws.Bool(true), NextToken: token}
				},
				func(o *memorydb.DescribeClustersOutput) ([]tagged[types.Cluster], *string) {
					return untagged(o.Clusters), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.Cluster]] {
			return []detail[tagged[types.Cluster]]{tagsBy("memorydb:ListTags", memorydb.NewFromConfig(cfg).ListTags,
				func(c *types.Cluster) *memorydb.ListTagsInput { return &memorydb.ListTagsInput{ResourceArn: c.ARN} },
				func(o *memorydb.ListTagsOutput) map[string]string {
					return tagMap(o.TagList, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
				})}
		},
		read: func(c *tagged[types.Cluster]) facts {
			return facts{ID: c.It.Name, ARN: c.It.ARN, Name: aws.ToString(c.It.Name), Status: aws.ToString(c.It.Status), Tags: c.Tags}
		},
	}
}
