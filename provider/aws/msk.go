package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kafka"
	"github.com/aws/aws-sdk-go-v2/service/kafka/types"

	"github.com/elava-dev/elava/resource"
)

// mskPage is the most that MSK's lists give (MSK API Reference).
const mskPage = 100

func mskCollectors() []lister { return []lister{mskClusters(), mskConfigurations()} }

func mskClusters() lister {
	return &collector[types.Cluster]{
		rules: resource.Schema{
			Type: "AWS::MSK::Cluster", Version: 2,
			Omit: []string{
				"Tags", "State", "StateInfo", "ActiveOperationArn",
				"CurrentVersion", // that of the last operation
				// Some of the servers, and not the same ones each time (Terraform's aws_msk_cluster).
				"Provisioned.ZookeeperConnectString", "Provisioned.ZookeeperConnectStringTls",
			},
			Sets: map[string]string{
				"Provisioned.BrokerNodeGroupInfo.ClientSubnets":                    "",
				"Provisioned.BrokerNodeGroupInfo.SecurityGroups":                   "",
				"Provisioned.BrokerNodeGroupInfo.ZoneIds":                          "",
				"Provisioned.ClientAuthentication.Tls.CertificateAuthorityArnList": "",
				"Serverless.VpcConfigs":                                            "",
				"Serverless.VpcConfigs.SecurityGroupIds":                           "",
				"Serverless.VpcConfigs.SubnetIds":                                  "",
			},
		},
		action: "kafka:ListClustersV2",
		pages: func(cfg aws.Config) source[types.Cluster] {
			return paged(kafka.NewFromConfig(cfg).ListClustersV2,
				func(token *string) *kafka.ListClustersV2Input {
					return &kafka.ListClustersV2Input{MaxResults: aws.Int32(mskPage), NextToken: token}
				},
				func(o *kafka.ListClustersV2Output) ([]types.Cluster, *string) { return o.ClusterInfoList, o.NextToken })
		},
		read: func(c *types.Cluster) facts {
			return facts{
				ID: c.ClusterName, ARN: c.ClusterArn, Name: aws.ToString(c.ClusterName), Status: string(c.State),
				UID: after(aws.ToString(c.ClusterArn), "/"), Created: c.CreationTime, Tags: c.Tags,
			}
		},
	}
}

// mskConfigurations lists configurations with their latest revision. They have no tags.
func mskConfigurations() lister {
	return &collector[types.Configuration]{
		rules: resource.Schema{
			Type: "AWS::MSK::Configuration", Version: 1,
			Omit: []string{"State"},
			Sets: map[string]string{
				"KafkaVersions": "",
			},
		},
		action: "kafka:ListConfigurations",
		pages: func(cfg aws.Config) source[types.Configuration] {
			return paged(kafka.NewFromConfig(cfg).ListConfigurations,
				func(token *string) *kafka.ListConfigurationsInput {
					return &kafka.ListConfigurationsInput{MaxResults: aws.Int32(mskPage), NextToken: token}
				},
				func(o *kafka.ListConfigurationsOutput) ([]types.Configuration, *string) {
					return o.Configurations, o.NextToken
				})
		},
		read: func(c *types.Configuration) facts {
			return facts{
				ID: c.Name, ARN: c.Arn, Name: aws.ToString(c.Name), Status: string(c.State), UID: after(aws.ToString(c.Arn), "/"), Created: c.CreationTime,
			}
		},
	}
}
