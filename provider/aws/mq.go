package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/mq/types"

	"github.com/elava-dev/elava/resource"
)

// mqPage is the most that ListBrokers gives (Amazon MQ REST API Reference).
const mqPage = 100

func mqCollectors() []lister { return []lister{mqBrokers()} }

func mqBrokers() lister {
	return &collector[mq.DescribeBrokerOutput]{
		rules: resource.Schema{
			Type: "AWS::AmazonMQ::Broker", Version: 1,
			Omit: []string{"Tags", "BrokerState"},
			Sets: map[string]string{
				"ActionsRequired":                 "{ActionRequiredCode}",
				"BrokerInstances":                 "{ConsoleURL}",
				"BrokerInstances.Endpoints":       "",
				"LdapServerMetadata.Hosts":        "",
				"PendingLdapServerMetadata.Hosts": "",
				"PendingSecurityGroups":           "",
				"SecurityGroups":                  "",
				"SubnetIds":                       "",
				"Users":                           "{Username}",
			},
		},
		action: "mq:ListBrokers",
		pages: func(cfg aws.Config) source[mq.DescribeBrokerOutput] {
			return paged(mq.NewFromConfig(cfg).ListBrokers,
				func(token *string) *mq.ListBrokersInput {
					return &mq.ListBrokersInput{MaxResults: aws.Int32(mqPage), NextToken: token}
				},
				func(o *mq.ListBrokersOutput) ([]mq.DescribeBrokerOutput, *string) {
					return converted(o.BrokerSummaries, func(b types.BrokerSummary) mq.DescribeBrokerOutput {
						return mq.DescribeBrokerOutput{BrokerId: b.BrokerId}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[mq.DescribeBrokerOutput] {
			return []detail[mq.DescribeBrokerOutput]{describing("mq:DescribeBroker", mq.NewFromConfig(cfg).DescribeBroker,
				func(b *mq.DescribeBrokerOutput) *mq.DescribeBrokerInput {
					return &mq.DescribeBrokerInput{BrokerId: b.BrokerId}
				},
				func(b, o *mq.DescribeBrokerOutput) bool {
					return replaced(b, o, func(b *mq.DescribeBrokerOutput) *string { return b.BrokerId })
				})}
		},
		vanished: []string{"NotFoundException"},
		read: func(b *mq.DescribeBrokerOutput) facts {
			return facts{
				ID: b.BrokerId, ARN: b.BrokerArn, Name: aws.ToString(b.BrokerName), Status: string(b.BrokerState), Created: b.Created, Tags: b.Tags,
			}
		},
	}
}
