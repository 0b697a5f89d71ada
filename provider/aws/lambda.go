package aws

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/elava-dev/elava/resource"
)

// lambdaPage is the most that ListFunctions gives (Lambda API Reference).
const lambdaPage = 50

// lambdaListPage is the most that ListEventSourceMappings gives; ListLayers gives lambdaPage.
const lambdaListPage = 100

func lambdaCollectors() []lister {
	return []lister{lambdaFunctions(), lambdaEventSourceMappings(), lambdaLayers()}
}

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
			Type: "AWS::Lambda::Function", Version: 2,
			Omit: []string{
				"Tags", "State",
				"LastModified", "RevisionId", "CodeSize", // they follow CodeSha256 and the configuration
				"ConfigSha256", // of all else here, secrets included
				"LastUpdateStatus", "LastUpdateStatusReason", "LastUpdateStatusReasonCode",
				"Environment.Error", "ImageConfigResponse.Error", "RuntimeVersionConfig.Error", // see unreadable
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
			return []detail[function]{tagging("lambda:ListTags", lambda.NewFromConfig(cfg).ListTags,
				func(f *function) *lambda.ListTagsInput { return &lambda.ListTagsInput{Resource: f.FunctionArn} },
				func(f *function, o *lambda.ListTagsOutput) { f.Tags = o.Tags })}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(f *function) facts {
			return facts{
				ID: f.FunctionName, ARN: f.FunctionArn, Name: aws.ToString(f.FunctionName),
				Status: string(f.State), Tags: f.Tags, Unknown: f.unreadable(),
			}
		},
	}
}

// unreadable are the parts in whose place Lambda answers with an error: the variables of a function
// whose key the caller may not use, for example.
func (f *function) unreadable() []resource.Unknown {
	var all []resource.Unknown
	failed := func(part, action string, code, message *string) {
		all = append(all, resource.Unknown{Part: resource.PartAttributes + part, Err: classify(&smithy.OperationError{
			ServiceID: lambda.ServiceID, OperationName: "ListFunctions",
			Err: &smithy.GenericAPIError{Code: cmp.Or(aws.ToString(code), "(no code)"), Message: aws.ToString(message)},
		}, action)})
	}
	if e := f.Environment; e != nil && e.Error != nil {
		failed("Environment", actionDecrypt, e.Error.ErrorCode, e.Error.Message)
	}
	if c := f.ImageConfigResponse; c != nil && c.Error != nil {
		failed("ImageConfigResponse", "", c.Error.ErrorCode, c.Error.Message)
	}
	if c := f.RuntimeVersionConfig; c != nil && c.Error != nil {
		failed("RuntimeVersionConfig", "", c.Error.ErrorCode, c.Error.Message)
	}
	return all
}

func lambdaEventSourceMappings() lister {
	sets := map[string]string{
		"FilterCriteria.Filters":           "{Pattern}",
		"FunctionResponseTypes":            "",
		"MetricsConfig.Metrics":            "",
		"Queues":                           "",
		"SelfManagedEventSource.Endpoints": "",
		"SourceAccessConfigurations":       "{Type}:{URI}",
		"Topics":                           "",
	}
	for _, kafka := range []string{"AmazonManagedKafkaEventSourceConfig", "SelfManagedKafkaEventSourceConfig"} {
		sets[kafka+".SchemaRegistryConfig.AccessConfigs"] = "{Type}:{URI}"
		sets[kafka+".SchemaRegistryConfig.SchemaValidationConfigs"] = "{Attribute}"
	}
	return &collector[tagged[types.EventSourceMappingConfiguration]]{
		rules: resource.Schema{
			Type: "AWS::Lambda::EventSourceMapping", Version: 1,
			Omit: []string{"State", "StateTransitionReason", "LastModified", "LastProcessingResult"},
			Sets: sets,
		},
		action: "lambda:ListEventSourceMappings",
		pages: func(cfg aws.Config) source[tagged[types.EventSourceMappingConfiguration]] {
			return paged(lambda.NewFromConfig(cfg).ListEventSourceMappings,
				func(token *string) *lambda.ListEventSourceMappingsInput {
					return &lambda.ListEventSourceMappingsInput{MaxItems: aws.Int32(lambdaListPage), Marker: token}
				},
				func(o *lambda.ListEventSourceMappingsOutput) ([]tagged[types.EventSourceMappingConfiguration], *string) {
					return untagged(o.EventSourceMappings), o.NextMarker
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.EventSourceMappingConfiguration]] {
			return []detail[tagged[types.EventSourceMappingConfiguration]]{tagsBy("lambda:ListTags", lambda.NewFromConfig(cfg).ListTags,
				func(m *types.EventSourceMappingConfiguration) *lambda.ListTagsInput {
					return &lambda.ListTagsInput{Resource: m.EventSourceMappingArn}
				},
				func(o *lambda.ListTagsOutput) map[string]string { return o.Tags })}
		},
		vanished: []string{"ResourceNotFoundException"},
		arn:      "arn:{partition}:lambda:{region}:{account}:event-source-mapping:{id}",
		read: func(m *tagged[types.EventSourceMappingConfiguration]) facts {
			return facts{ID: m.It.UUID, ARN: m.It.EventSourceMappingArn, Status: aws.ToString(m.It.State), Tags: m.Tags}
		},
	}
}

// lambdaLayers lists layers with their latest version. Layers have no tags.
func lambdaLayers() lister {
	return &collector[types.LayersListItem]{
		rules: resource.Schema{
			Type: "AWS::Lambda::Layer", Version: 1,
			Sets: map[string]string{"LatestMatchingVersion.CompatibleArchitectures": "", "LatestMatchingVersion.CompatibleRuntimes": ""},
		},
		action: "lambda:ListLayers",
		pages: func(cfg aws.Config) source[types.LayersListItem] {
			return paged(lambda.NewFromConfig(cfg).ListLayers,
				func(token *string) *lambda.ListLayersInput {
					return &lambda.ListLayersInput{MaxItems: aws.Int32(lambdaPage), Marker: token}
				},
				func(o *lambda.ListLayersOutput) ([]types.LayersListItem, *string) { return o.Layers, o.NextMarker })
		},
		read: func(l *types.LayersListItem) facts {
			return facts{ID: l.LayerName, ARN: l.LayerArn, Name: aws.ToString(l.LayerName)}
		},
	}
}
