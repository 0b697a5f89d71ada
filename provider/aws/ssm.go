package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/elava-dev/elava/resource"
)

// The most that DescribeParameters, ListDocuments and DescribeMaintenanceWindows give
// (Systems Manager API Reference).
const (
	ssmPage       = 50
	ssmWindowPage = 100
)

func ssmCollectors() []lister {
	return []lister{ssmParameters(), ssmDocuments(), ssmMaintenanceWindows()}
}

func ssmTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

// ssmTagging reads the tags of a kind of resource.
func ssmTagging[T any](cfg aws.Config, kind types.ResourceTypeForTagging, id func(*T) *string, take func(*T, []types.Tag)) detail[T] {
	return tagging("ssm:ListTagsForResource", ssm.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *ssm.ListTagsForResourceInput {
			return &ssm.ListTagsForResourceInput{ResourceType: kind, ResourceId: id(v)}
		},
		func(v *T, o *ssm.ListTagsForResourceOutput) { take(v, o.TagList) })
}

type ssmParameter struct {
	types.ParameterMetadata
	Tags []types.Tag
}

// ssmParameters never reads a value. That one was changed is seen by Version.
func ssmParameters() lister {
	return &collector[ssmParameter]{
		rules: resource.Schema{
			Type: "AWS::SSM::Parameter", Version: 1,
			Omit: []string{
				"Tags", "ARN",
				"LastModifiedDate",      // follows Version
				"Policies.PolicyStatus", // what became of the policy so far
			},
			Sets: map[string]string{"Policies": "{PolicyType}"},
		},
		action: "ssm:DescribeParameters",
		pages: func(cfg aws.Config) source[ssmParameter] {
			return paged(ssm.NewFromConfig(cfg).DescribeParameters,
				func(token *string) *ssm.DescribeParametersInput {
					return &ssm.DescribeParametersInput{MaxResults: aws.Int32(ssmPage), NextToken: token}
				},
				func(o *ssm.DescribeParametersOutput) ([]ssmParameter, *string) {
					return converted(o.Parameters, func(m types.ParameterMetadata) ssmParameter { return ssmParameter{ParameterMetadata: m} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[ssmParameter] {
			return []detail[ssmParameter]{ssmTagging(cfg, types.ResourceTypeForTaggingParameter,
				func(p *ssmParameter) *string { return p.Name }, func(p *ssmParameter, tags []types.Tag) { p.Tags = tags })}
		},
		vanished: []string{"InvalidResourceId"},
		read: func(p *ssmParameter) facts {
			return facts{ID: p.Name, ARN: p.ARN, Name: aws.ToString(p.Name), Tags: ssmTags(p.Tags)}
		},
	}
}

// ssmDocuments lists the account's own. Their content is not read; Hash changes with it.
func ssmDocuments() lister {
	return &collector[types.DocumentDescription]{
		rules: resource.Schema{
			Type: "AWS::SSM::Document", Version: 1,
			Omit: []string{"Tags", "Status", "StatusInformation"},
			Sets: map[string]string{
				"AttachmentsInformation": "{Name}",
				"Category":               "",
				"CategoryEnum":           "",
				"Parameters":             "{Name}",
				"PlatformTypes":          "",
				"Requires":               "{Name}",
				"ReviewInformation":      "{Reviewer}",
			},
		},
		action: "ssm:ListDocuments",
		pages: func(cfg aws.Config) source[types.DocumentDescription] {
			return paged(ssm.NewFromConfig(cfg).ListDocuments,
				func(token *string) *ssm.ListDocumentsInput {
					return &ssm.ListDocumentsInput{
						Filters:    []types.DocumentKeyValuesFilter{{Key: aws.String("Owner"), Values: []string{"Self"}}},
						MaxResults: aws.Int32(ssmPage), NextToken: token,
					}
				},
				func(o *ssm.ListDocumentsOutput) ([]types.DocumentDescription, *string) {
					return converted(o.DocumentIdentifiers, func(d types.DocumentIdentifier) types.DocumentDescription {
						return types.DocumentDescription{Name: d.Name, Tags: d.Tags}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[types.DocumentDescription] {
			return []detail[types.DocumentDescription]{describing("ssm:DescribeDocument", ssm.NewFromConfig(cfg).DescribeDocument,
				func(d *types.DocumentDescription) *ssm.DescribeDocumentInput {
					return &ssm.DescribeDocumentInput{Name: d.Name}
				},
				func(d *types.DocumentDescription, o *ssm.DescribeDocumentOutput) bool {
					if o.Document == nil || aws.ToString(o.Document.Name) != aws.ToString(d.Name) {
						return false
					}
					tags := d.Tags // of the list, which always has them
					*d = *o.Document
					d.Tags = tags
					return true
				})}
		},
		vanished: []string{"InvalidDocument"},
		arn:      "arn:{partition}:ssm:{region}:{account}:document/{id}",
		read: func(d *types.DocumentDescription) facts {
			return facts{
				ID: d.Name, Name: aws.ToString(d.Name), Status: string(d.Status), Created: d.CreatedDate, Tags: ssmTags(d.Tags),
			}
		},
	}
}

type ssmMaintenanceWindow struct {
	types.MaintenanceWindowIdentity
	Tags []types.Tag
}

// ssmMaintenanceWindows has neither targets nor tasks.
func ssmMaintenanceWindows() lister {
	return &collector[ssmMaintenanceWindow]{
		rules: resource.Schema{
			Type: "AWS::SSM::MaintenanceWindow", Version: 1,
			Omit: []string{"Tags", "NextExecutionTime"}, // moves on with the clock
		},
		action: "ssm:DescribeMaintenanceWindows",
		pages: func(cfg aws.Config) source[ssmMaintenanceWindow] {
			return paged(ssm.NewFromConfig(cfg).DescribeMaintenanceWindows,
				func(token *string) *ssm.DescribeMaintenanceWindowsInput {
					return &ssm.DescribeMaintenanceWindowsInput{MaxResults: aws.Int32(ssmWindowPage), NextToken: token}
				},
				func(o *ssm.DescribeMaintenanceWindowsOutput) ([]ssmMaintenanceWindow, *string) {
					return converted(o.WindowIdentities, func(w types.MaintenanceWindowIdentity) ssmMaintenanceWindow {
						return ssmMaintenanceWindow{MaintenanceWindowIdentity: w}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[ssmMaintenanceWindow] {
			return []detail[ssmMaintenanceWindow]{ssmTagging(cfg, types.ResourceTypeForTaggingMaintenanceWindow,
				func(w *ssmMaintenanceWindow) *string { return w.WindowId },
				func(w *ssmMaintenanceWindow, tags []types.Tag) { w.Tags = tags })}
		},
		vanished: []string{"InvalidResourceId"},
		arn:      "arn:{partition}:ssm:{region}:{account}:maintenancewindow/{id}",
		read: func(w *ssmMaintenanceWindow) facts {
			return facts{ID: w.WindowId, Name: aws.ToString(w.Name), Tags: ssmTags(w.Tags)}
		},
	}
}
