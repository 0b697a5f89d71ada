package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	v2types "github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

func (p *Place) apis() *apigateway.Client     { return apigateway.NewFromConfig(p.Config) }
func (p *Place) apisV2() *apigatewayv2.Client { return apigatewayv2.NewFromConfig(p.Config) }

func replaced(path, value string) []types.PatchOperation {
	return []types.PatchOperation{{Op: types.OpReplace, Path: &path, Value: &value}}
}

func gatewayAPIKinds() []Kind {
	return []Kind{
		{Type: "AWS::ApiGateway::RestApi", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				return *ok(p.apis().CreateRestApi(p.Context(), &apigateway.CreateRestApiInput{
					Name: aws.String("shop"), Tags: Tags(), Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}]}`),
				}))(p).Id
			},
			Change: func(p *Place, id string) {
				ok(p.apis().UpdateRestApi(p.Context(), &apigateway.UpdateRestApiInput{RestApiId: &id, PatchOperations: replaced("/description", "b")}))(p)
			}},
		{Type: "AWS::ApiGateway::Stage", Paths: []string{"attributes.Description"}, Make: makeAPIStage,
			Change: func(p *Place, _ string) {
				ok(p.apis().UpdateStage(p.Context(), &apigateway.UpdateStageInput{
					RestApiId: aws.String(p.Need("AWS::ApiGateway::RestApi")), StageName: aws.String("prod"), PatchOperations: replaced("/description", "b"),
				}))(p)
			}},
		{Type: "AWS::ApiGateway::ApiKey", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				return *ok(p.apis().CreateApiKey(p.Context(), &apigateway.CreateApiKeyInput{Name: aws.String("partner"), Tags: Tags(), Enabled: true}))(p).Id
			},
			Change: func(p *Place, id string) {
				ok(p.apis().UpdateApiKey(p.Context(), &apigateway.UpdateApiKeyInput{ApiKey: &id, PatchOperations: replaced("/description", "b")}))(p)
			}},
		{Type: "AWS::ApiGatewayV2::Api", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				return *ok(p.apisV2().CreateApi(p.Context(), &apigatewayv2.CreateApiInput{Name: aws.String("shop"), ProtocolType: v2types.ProtocolTypeHttp, Tags: Tags()}))(p).ApiId
			},
			Change: func(p *Place, id string) {
				ok(p.apisV2().UpdateApi(p.Context(), &apigatewayv2.UpdateApiInput{ApiId: &id, Description: aws.String("b")}))(p)
			}},
		{Type: "AWS::ApiGatewayV2::Stage", Fixed: "moto does not know UpdateStage, and finds no tags of stages",
			Make: func(p *Place) string {
				api := p.Need("AWS::ApiGatewayV2::Api")
				ok(p.apisV2().CreateStage(p.Context(), &apigatewayv2.CreateStageInput{
					ApiId: &api, StageName: aws.String("prod"), StageVariables: map[string]string{"token": "s3cret"}, Tags: Tags(),
				}))(p)
				return api + "/stages/prod"
			},
			Change: func(p *Place, _ string) {
				ok(p.apisV2().DeleteStage(p.Context(), &apigatewayv2.DeleteStageInput{ApiId: aws.String(p.Need("AWS::ApiGatewayV2::Api")), StageName: aws.String("prod")}))(p)
			}},
	}
}

func makeAPIStage(p *Place) string {
	api := aws.String(p.Need("AWS::ApiGateway::RestApi"))
	root := ok(p.apis().GetResources(p.Context(), &apigateway.GetResourcesInput{RestApiId: api}))(p).Items[0].Id
	ok(p.apis().PutMethod(p.Context(), &apigateway.PutMethodInput{RestApiId: api, ResourceId: root, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE")}))(p)
	ok(p.apis().PutIntegration(p.Context(), &apigateway.PutIntegrationInput{RestApiId: api, ResourceId: root, HttpMethod: aws.String("GET"), Type: types.IntegrationTypeMock}))(p)
	deployment := ok(p.apis().CreateDeployment(p.Context(), &apigateway.CreateDeploymentInput{RestApiId: api}))(p).Id
	ok(p.apis().CreateStage(p.Context(), &apigateway.CreateStageInput{
		RestApiId: api, StageName: aws.String("prod"), DeploymentId: deployment, Variables: map[string]string{"token": "s3cret"}, Tags: Tags(),
	}))(p)
	return *api + "/stages/prod"
}
