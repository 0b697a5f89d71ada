package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	"github.com/aws/aws-sdk-go-v2/service/dax/types"

	"github.com/elava-dev/elava/resource"
)

// daxPage is the most that DescribeClusters gives (DAX API Reference).
const daxPage = 100

func daxCollectors() []lister { return []lister{daxClusters()} }

// daxClusters takes no failure to read tags for a deletion: a cluster that is not available
// may be said not to be found.
func daxClusters() lister {
	return &collector[tagged[types.Cluster]]{
		rules: resource.Schema{
			Type: "AWS::DAX::Cluster", Version: 1,
			Omit: []string{"Status", "ActiveNodes", "Nodes.NodeStatus", "Nodes.ParameterGroupStatus", "ParameterGroup.ParameterApplyStatus"},
			Sets: map[string]string{
				"NodeIdsToRemove":                "",
				"Nodes":                          "{NodeId}",
				"ParameterGroup.NodeIdsToReboot": "",
				"SecurityGroups":                 "{SecurityGroupIdentifier}",
			},
		},
		action: "dax:DescribeClusters",
		pages: func(cfg aws.Config) source[tagged[types.Cluster]] {
			return paged(dax.NewFromConfig(cfg).DescribeClusters,
				func(token *string) *dax.DescribeClustersInput {
					return &dax.DescribeClustersInput{MaxResults: aws.Int32(daxPage), NextToken: token}
				},
				func(o *dax.DescribeClustersOutput) ([]tagged[types.Cluster], *string) {
					return untagged(o.Clusters), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.Cluster]] {
			return []detail[tagged[types.Cluster]]{tagPagesBy("dax:ListTags", dax.NewFromConfig(cfg).ListTags,
				func(c *types.Cluster, token *string) *dax.ListTagsInput {
					return &dax.ListTagsInput{ResourceName: c.ClusterArn, NextToken: token}
				},
				func(o *dax.ListTagsOutput) ([]types.Tag, *string) { return o.Tags, o.NextToken },
				func(t types.Tag) (*string, *string) { return t.Key, t.Value })}
		},
		terminal: []string{"deleted"},
		read: func(c *tagged[types.Cluster]) facts {
			return facts{ID: c.It.ClusterName, ARN: c.It.ClusterArn, Name: aws.ToString(c.It.ClusterName), Status: aws.ToString(c.It.Status), Tags: c.Tags}
		},
	}
}
