package aws

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/elava-dev/elava/resource"
)

// pipelinePage is the most that ListPipelines gives (CodePipeline API Reference).
const pipelinePage = 1000

// pipelineSecrets are the keys of an action's configuration that hold secrets:
// variables of builds in plain text, and what opens a repository ("Action structure
// reference", CodePipeline User Guide).
var pipelineSecrets = []string{"EnvironmentVariables", "OAuthToken", "Password", "SecretToken"}

func codepipelineCollectors() []lister { return []lister{pipelines()} }

// pipeline has the secrets of its actions apart, by "stage/action/key": the rest of a
// configuration is to be read.
type pipeline struct {
	types.PipelineDeclaration
	SecretConfiguration map[string]string
	Metadata            *types.PipelineMetadata
	Tags                []types.Tag
}

// pipelines keeps the order of stages, actions and all that is in them.
func pipelines() lister {
	return &collector[pipeline]{
		rules: resource.Schema{
			Type: "AWS::CodePipeline::Pipeline", Version: 1,
			Omit: []string{"Tags", "Metadata.Created", "Metadata.PipelineArn", "Metadata.Updated"}, // the last follows Version
			Sets: map[string]string{
				"Stages.Actions.EnvironmentVariables": "{Name}",
				"Variables":                           "{Name}",
			},
			Secrets: []string{"SecretConfiguration", "Stages.Actions.EnvironmentVariables.Value"},
		},
		action: "codepipeline:ListPipelines",
		pages: func(cfg aws.Config) source[pipeline] {
			return paged(codepipeline.NewFromConfig(cfg).ListPipelines,
				func(token *string) *codepipeline.ListPipelinesInput {
					return &codepipeline.ListPipelinesInput{MaxResults: aws.Int32(pipelinePage), NextToken: token}
				},
				func(o *codepipeline.ListPipelinesOutput) ([]pipeline, *string) {
					return converted(o.Pipelines, func(s types.PipelineSummary) pipeline {
						return pipeline{PipelineDeclaration: types.PipelineDeclaration{Name: s.Name}}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[pipeline] {
			client := codepipeline.NewFromConfig(cfg)
			return []detail[pipeline]{
				describing("codepipeline:GetPipeline", client.GetPipeline,
					func(p *pipeline) *codepipeline.GetPipelineInput { return &codepipeline.GetPipelineInput{Name: p.Name} },
					(*pipeline).take),
				pagedTagging("codepipeline:ListTagsForResource", client.ListTagsForResource,
					func(p *pipeline, token *string) *codepipeline.ListTagsForResourceInput {
						return &codepipeline.ListTagsForResourceInput{ResourceArn: p.Metadata.PipelineArn, NextToken: token}
					},
					func(o *codepipeline.ListTagsForResourceOutput) ([]types.Tag, *string) { return o.Tags, o.NextToken },
					func(p *pipeline, tags []types.Tag) { p.Tags = tags }),
			}
		},
		vanished: []string{"PipelineNotFoundException", "ResourceNotFoundException"},
		read: func(p *pipeline) facts {
			return facts{
				ID: p.Name, ARN: p.Metadata.PipelineArn, Name: aws.ToString(p.Name), Created: p.Metadata.Created,
				Tags: tagMap(p.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
		},
	}
}

func (p *pipeline) take(o *codepipeline.GetPipelineOutput) bool {
	if o.Pipeline == nil || o.Metadata == nil || aws.ToString(o.Pipeline.Name) != aws.ToString(p.Name) {
		return false
	}
	p.PipelineDeclaration, p.Metadata = *o.Pipeline, o.Metadata
	p.SecretConfiguration = map[string]string{}
	for _, s := range p.Stages {
		for _, a := range s.Actions {
			at := aws.ToString(s.Name) + "/" + aws.ToString(a.Name) + "/"
			for _, key := range pipelineSecrets {
				if v, ok := a.Configuration[key]; ok {
					p.SecretConfiguration[at+key] = v
				}
			}
			maps.DeleteFunc(a.Configuration, func(key, _ string) bool {
				_, secret := p.SecretConfiguration[at+key]
				return secret
			})
		}
	}
	return true
}
