package aws

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"github.com/elava-dev/elava/resource"
)

func apigatewayv2Collectors() []lister { return []lister{apigatewayv2APIs(), apigatewayv2Stages()} }

// apigatewayv2Page is the page size of HTTP and WebSocket APIs: as of REST APIs, but as
// text.
func apigatewayv2Page() *string { return aws.String(strconv.Itoa(apigatewayPage)) }

func apigatewayv2APIPages(cfg aws.Config) pager[types.Api] {
	return paged(apigatewayv2.NewFromConfig(cfg).GetApis,
		func(token *string) *apigatewayv2.GetApisInput {
			return &apigatewayv2.GetApisInput{MaxResults: apigatewayv2Page(), NextToken: token}
		},
		func(o *apigatewayv2.GetApisOutput) ([]types.Api, *string) { return o.Items, o.NextToken })
}

func apigatewayv2APIs() lister {
	return &collector[types.Api]{
		rules: resource.Schema{
			Type: "AWS::ApiGatewayV2::Api", Version: 1,
			Omit: []string{"Tags"},
			Sets: map[string]string{
				"CorsConfiguration.AllowHeaders": "", "CorsConfiguration.AllowMethods": "", "CorsConfiguration.AllowOrigins": "",
				"CorsConfiguration.ExposeHeaders": "", "ImportInfo": "", "Warnings": "",
			},
		},
		action: apigatewayRead,
		pages:  func(cfg aws.Config) source[types.Api] { return apigatewayv2APIPages(cfg) },
		arn:    "arn:{partition}:apigateway:{region}::/apis/{id}",
		read: func(a *types.Api) facts {
			return facts{ID: a.ApiId, Name: aws.ToString(a.Name), Created: a.CreatedDate, Tags: a.Tags}
		},
	}
}

// apiStage is a stage and the API that it is of.
type apiStage struct {
	types.Stage
	ApiId *string
}

func apigatewayv2Stages() lister {
	return &collector[apiStage]{
		rules: resource.Schema{
			Type: "AWS::ApiGatewayV2::Stage", Version: 1,
			Omit:    []string{"Tags", "LastUpdatedDate"},
			Secrets: []string{"StageVariables"},
		},
		action: apigatewayRead, parentAction: apigatewayRead,
		pages: func(cfg aws.Config) source[apiStage] {
			list := apigatewayv2.NewFromConfig(cfg).GetStages
			return under(source[types.Api](apigatewayv2APIPages(cfg)), apigatewayRead, []string{"NotFoundException"},
				func(api *types.Api) source[apiStage] {
					return paged(list,
						func(token *string) *apigatewayv2.GetStagesInput {
							return &apigatewayv2.GetStagesInput{ApiId: api.ApiId, MaxResults: apigatewayv2Page(), NextToken: token}
						},
						func(o *apigatewayv2.GetStagesOutput) ([]apiStage, *string) {
							return converted(o.Items, func(s types.Stage) apiStage { return apiStage{s, api.ApiId} }), o.NextToken
						})
				})
		},
		arn: "arn:{partition}:apigateway:{region}::/apis/{id}",
		read: func(s *apiStage) facts {
			return facts{ID: stageOf(s.ApiId, s.StageName), Name: aws.ToString(s.StageName), Created: s.CreatedDate, Tags: s.Tags}
		},
	}
}
