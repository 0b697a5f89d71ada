package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/transfer"
	"github.com/aws/aws-sdk-go-v2/service/transfer/types"

	"github.com/elava-dev/elava/resource"
)

// transferPage is the most that ListServers gives (Transfer Family API Reference).
const transferPage = 1000

func transferCollectors() []lister { return []lister{transferServers()} }

func transferServers() lister {
	return &collector[types.DescribedServer]{
		rules: resource.Schema{
			Type: "AWS::Transfer::Server", Version: 1,
			Omit: []string{"Tags", "State", "UserCount"},
			Sets: map[string]string{
				"As2ServiceManagedEgressIpAddresses":   "",
				"EndpointDetails.AddressAllocationIds": "",
				"EndpointDetails.SecurityGroupIds":     "",
				"EndpointDetails.SubnetIds":            "",
				"ProtocolDetails.As2Transports":        "",
				"Protocols":                            "",
				"StructuredLogDestinations":            "",
			},
		},
		action: "transfer:ListServers",
		pages: func(cfg aws.Config) source[types.DescribedServer] {
			return paged(transfer.NewFromConfig(cfg).ListServers,
				func(token *string) *transfer.ListServersInput {
					return &transfer.ListServersInput{MaxResults: aws.Int32(transferPage), NextToken: token}
				},
				func(o *transfer.ListServersOutput) ([]types.DescribedServer, *string) {
					return converted(o.Servers, func(s types.ListedServer) types.DescribedServer {
						return types.DescribedServer{ServerId: s.ServerId}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[types.DescribedServer] {
			return []detail[types.DescribedServer]{describing("transfer:DescribeServer", transfer.NewFromConfig(cfg).DescribeServer,
				func(s *types.DescribedServer) *transfer.DescribeServerInput {
					return &transfer.DescribeServerInput{ServerId: s.ServerId}
				},
				func(s *types.DescribedServer, o *transfer.DescribeServerOutput) bool {
					return replaced(s, o.Server, func(s *types.DescribedServer) *string { return s.ServerId })
				})}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(s *types.DescribedServer) facts {
			tags := tagMap(s.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
			return facts{ID: s.ServerId, ARN: s.Arn, Name: tags["Name"], Status: string(s.State), Tags: tags}
		},
	}
}
