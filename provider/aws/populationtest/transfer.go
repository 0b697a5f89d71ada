package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	dms "github.com/aws/aws-sdk-go-v2/service/databasemigrationservice"
	dmstypes "github.com/aws/aws-sdk-go-v2/service/databasemigrationservice/types"
	"github.com/aws/aws-sdk-go-v2/service/transfer"
	transfertypes "github.com/aws/aws-sdk-go-v2/service/transfer/types"
)

func (p *Place) dms() *dms.Client           { return dms.NewFromConfig(p.Config) }
func (p *Place) transfer() *transfer.Client { return transfer.NewFromConfig(p.Config) }

func dmsTags(tags map[string]string) []dmstypes.Tag {
	return tagsOf(tags, func(k, v *string) dmstypes.Tag { return dmstypes.Tag{Key: k, Value: v} })
}

func transferKinds() []Kind {
	return []Kind{
		{Type: "AWS::DMS::Endpoint", Fixed: "moto does not know ModifyEndpoint and AddTagsToResource",
			Make: func(p *Place) string {
				return *ok(p.dms().CreateEndpoint(p.Context(), &dms.CreateEndpointInput{
					EndpointIdentifier: aws.String("source"), EndpointType: dmstypes.ReplicationEndpointTypeValueSource, EngineName: aws.String("postgres"), Tags: dmsTags(Tags()),
					PostgreSQLSettings:        &dmstypes.PostgreSQLSettings{ServerName: aws.String("db"), Username: aws.String("u"), Password: aws.String("hunter2")},
					ExtraConnectionAttributes: aws.String("password=s3cret"),
				}))(p).Endpoint.EndpointIdentifier
			},
			Change: func(p *Place, id string) {
				made := ok(p.dms().DescribeEndpoints(p.Context(), &dms.DescribeEndpointsInput{
					Filters: []dmstypes.Filter{{Name: aws.String("endpoint-id"), Values: []string{id}}},
				}))(p).Endpoints
				ok(p.dms().DeleteEndpoint(p.Context(), &dms.DeleteEndpointInput{EndpointArn: made[0].EndpointArn}))(p)
			}},
		{Type: "AWS::Transfer::Server", Fixed: "moto does not know UpdateServer and TagResource",
			Make: func(p *Place) string {
				return *ok(p.transfer().CreateServer(p.Context(), &transfer.CreateServerInput{
					Protocols:            []transfertypes.Protocol{transfertypes.ProtocolSftp, transfertypes.ProtocolFtps},
					IdentityProviderType: transfertypes.IdentityProviderTypeServiceManaged, EndpointType: transfertypes.EndpointTypePublic,
					Tags: tagsOf(Tags(), func(k, v *string) transfertypes.Tag { return transfertypes.Tag{Key: k, Value: v} }),
				}))(p).ServerId
			},
			Change: func(p *Place, id string) {
				ok(p.transfer().DeleteServer(p.Context(), &transfer.DeleteServerInput{ServerId: &id}))(p)
			}},
	}
}
