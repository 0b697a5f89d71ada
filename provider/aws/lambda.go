package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/elava-dev/elava/resource"
)

// lambdaPage is the most that ListFunctions gives (Lambda API Reference).
const lambdaPage = 50

func lambdaCollectors() []lister { return []lister{lambdaFunctions()} }

type function struct {
	types.FunctionConfiguration
	Tags map[string]string
}

// lambdaFunctions lists what is deployed ($LATEST), not the published versions.
// ListFunctions tells no state of functions (Lambda API Reference); other servers of
// this API do.
func lambdaFunctions() lister {
	return &collector[function]{
		rules: resource.Schema{
			Type: "AWS::Lambda::Function", Version: 1,
			Omit: []string{
				"Tags", "State",
				"LastModified", "RevisionId", "CodeSize", // they follow CodeSha256 and the configuration
				"ConfigSha256", // of all else here, secrets included
				"LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode",
				"Environment.Error",
			},
			Sets: map[string]string{ // not Layers: a later one hides files of an earlier one
				"Architectures":              "",
				"FileSystemConfigs":          "{LocalMountPath}",
				"VpcConfig.SecurityGroupIds": "",
				"VpcConfig.SubnetIds":        "",
			},
			Secrets: []string{"Environment.Variables"},
		},
		action: "lambda:ListFunctions",
		pages: func(cfg aws.Config) source[function] {
			return paged(lambda.NewFromConfig(cfg).ListFunctions,
				func(token *string) *lambda.ListFunctionsInput {
					return &lambda.ListFunctionsInput{MaxItems: aws.Int32(lambdaPage), Marker: token}
				},
				func(o *lambda.ListFunctionsOutput) ([]function, *string) {
					all := make([]function, len(o.Functions))
					for i, f := range o.Functions {
						all[i].FunctionConfiguration = f
					}
					return all, o.NextMarker
				})
		},
		details: func(cfg aws.Config) []detail[function] {
			listTags := lambda.NewFromConfig(cfg).ListTags
			return []detail[function]{{
				parts:  []string{resource.PartTags},
				action: "lambda:ListTags",
				fetch: each(func(ctx context.Context, f *function) error {
					out, err := listTags(ctx, &lambda.ListTagsInput{Resource: f.FunctionArn})
					if err == nil {
						f.Tags = out.Tags
					}
					return err
				}),
			}}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(f *function) facts {
			return facts{
				ID: f.FunctionName, ARN: f.FunctionArn, Name: aws.ToString(f.FunctionName),
				Status: string(f.State), Tags: f.Tags,
			}
		},
	}
}
