package aws

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/elava-dev/elava/resource"
)

// apigatewayPage is the most that API Gateway's lists give (API Gateway REST API
// Reference).
const apigatewayPage = 500

// apigatewayRead is the action for everything: API Gateway has one for each method of HTTP
// (Service Authorization Reference, "Amazon API Gateway Management").
const apigatewayRead = "apigateway:GET"

func apigatewayCollectors() []lister {
	return []lister{apigatewayAPIs(), apigatewayStages(), apigatewayKeys()}
}

func apigatewayAPIPages(cfg aws.Config) pager[types.RestApi] {
	return paged(apigateway.NewFromConfig(cfg).GetRestApis,
		func(token *string) *apigateway.GetRestApisInput {
			return &apigateway.GetRestApisInput{Limit: aws.Int32(apigatewayPage), Position: token}
		},
		func(o *apigateway.GetRestApisOutput) ([]types.RestApi, *string) { return o.Items, o.Position })
}

// unescaped returns an API's policy without the backslashes before its quotes, with which
// API Gateway tells it.
func unescaped(api types.RestApi) types.RestApi {
	if api.Policy != nil {
		if policy, err := strconv.Unquote(`"` + *api.Policy + `"`); err == nil {
			api.Policy = &policy
		}
	}
	return api
}

func apigatewayAPIs() lister {
	return &collector[types.RestApi]{
		rules: resource.Schema{
			Type: "AWS::ApiGateway::RestApi", Version: 1,
			Omit:     []string{"Tags", "ApiStatus", "ApiStatusMessage"},
			Policies: []string{"Policy"},
			Sets: map[string]string{
				"BinaryMediaTypes": "", "EndpointConfiguration.Types": "", "EndpointConfiguration.VpcEndpointIds": "", "Warnings": "",
			},
		},
		action: apigatewayRead,
		pages: func(cfg aws.Config) source[types.RestApi] {
			return converting(apigatewayAPIPages(cfg), unescaped)
		},
		arn: "arn:{partition}:apigateway:{region}::/restapis/{id}",
		read: func(a *types.RestApi) facts {
			return facts{ID: a.Id, Name: aws.ToString(a.Name), Status: string(a.ApiStatus), Created: a.CreatedDate, Tags: a.Tags}
		},
	}
}

// restStage is a stage and the API that it is of.
type restStage struct {
	types.Stage
	RestApiId *string
}

func apigatewayStages() lister {
	return &collector[restStage]{
		rules: resource.Schema{
			Type: "AWS::ApiGateway::Stage", Version: 1,
			Omit:    []string{"Tags", "LastUpdatedDate"},
			Secrets: []string{"Variables", "CanarySettings.StageVariableOverrides"},
		},
		action: apigatewayRead, parentAction: apigatewayRead,
		pages: func(cfg aws.Config) source[restStage] {
			list := apigateway.NewFromConfig(cfg).GetStages
			return under(source[types.RestApi](apigatewayAPIPages(cfg)), apigatewayRead, []string{"NotFoundException"},
				func(api *types.RestApi) source[restStage] {
					return paged(list,
						func(*string) *apigateway.GetStagesInput { return &apigateway.GetStagesInput{RestApiId: api.Id} },
						func(o *apigateway.GetStagesOutput) ([]restStage, *string) { // all at once
							return converted(o.Item, func(s types.Stage) restStage { return restStage{s, api.Id} }), nil
						})
				})
		},
		arn: "arn:{partition}:apigateway:{region}::/restapis/{id}",
		read: func(s *restStage) facts {
			return facts{ID: stageOf(s.RestApiId, s.StageName), Name: aws.ToString(s.StageName), Created: s.CreatedDate, Tags: s.Tags}
		},
	}
}

// stageOf is the id of a stage, as it stands in its ARN.
func stageOf(api, stage *string) *string {
	return aws.String(aws.ToString(api) + "/stages/" + aws.ToString(stage))
}

// apigatewayKeys does not ask for the values of keys.
func apigatewayKeys() lister {
	return &collector[types.ApiKey]{
		rules: resource.Schema{
			Type: "AWS::ApiGateway::ApiKey", Version: 1,
			Omit:    []string{"Tags", "LastUpdatedDate"},
			Sets:    map[string]string{"StageKeys": ""},
			Secrets: []string{"Value"},
		},
		action: apigatewayRead,
		pages: func(cfg aws.Config) source[types.ApiKey] {
			return paged(apigateway.NewFromConfig(cfg).GetApiKeys,
				func(token *string) *apigateway.GetApiKeysInput {
					return &apigateway.GetApiKeysInput{Limit: aws.Int32(apigatewayPage), Position: token, IncludeValues: aws.Bool(false)}
				},
				func(o *apigateway.GetApiKeysOutput) ([]types.ApiKey, *string) { return o.Items, o.Position })
		},
		arn: "arn:{partition}:apigateway:{region}::/apikeys/{id}",
		read: func(k *types.ApiKey) facts {
			return facts{ID: k.Id, Name: aws.ToString(k.Name), Created: k.CreatedDate, Tags: k.Tags}
		},
	}
}
