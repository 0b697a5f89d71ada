package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless"
	"github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"

	"github.com/elava-dev/elava/resource"
)

// redshiftServerlessPage is the most that the lists give (Redshift Serverless API Reference).
const redshiftServerlessPage = 100

func redshiftServerlessCollectors() []lister {
	return []lister{redshiftServerlessNamespaces(), redshiftServerlessWorkgroups()}
}

func redshiftServerlessTagsBy[T any](cfg aws.Config, arn func(*T) *string) detail[tagged[T]] {
	return tagsBy("redshift-serverless:ListTagsForResource", redshiftserverless.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *redshiftserverless.ListTagsForResourceInput {
			return &redshiftserverless.ListTagsForResourceInput{ResourceArn: arn(v)}
		},
		func(o *redshiftserverless.ListTagsForResourceOutput) map[string]string {
			return tagMap(o.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
		})
}

func redshiftServerlessWorkgroups() lister {
	return &collector[tagged[types.Workgroup]]{
		rules: resource.Schema{
			Type: "AWS::RedshiftServerless::Workgroup", Version: 1,
			Omit: []string{"Status", "PatchVersion", "WorkgroupVersion"},
			Sets: map[string]string{
				"ConfigParameters":                        "{ParameterKey}",
				"CrossAccountVpcs":                        "",
				"Endpoint.VpcEndpoints":                   "{VpcEndpointId}",
				"Endpoint.VpcEndpoints.NetworkInterfaces": "{NetworkInterfaceId}",
				"SecurityGroupIds":                        "",
				"SubnetIds":                               "",
			},
		},
		action: "redshift-serverless:ListWorkgroups",
		pages: func(cfg aws.Config) source[tagged[types.Workgroup]] {
			return paged(redshiftserverless.NewFromConfig(cfg).ListWorkgroups,
				func(token *string) *redshiftserverless.ListWorkgroupsInput {
					return &redshiftserverless.ListWorkgroupsInput{MaxResults: aws.Int32(redshiftServerlessPage), NextToken: token}
				},
				func(o *redshiftserverless.ListWorkgroupsOutput) ([]tagged[types.Workgroup], *string) {
					return untagged(o.Workgroups), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.Workgroup]] {
			return []detail[tagged[types.Workgroup]]{redshiftServerlessTagsBy(cfg, func(w *types.Workgroup) *string { return w.WorkgroupArn })}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(w *tagged[types.Workgroup]) facts {
			return facts{
				ID: w.It.WorkgroupName, ARN: w.It.WorkgroupArn, Name: aws.ToString(w.It.WorkgroupName), Status: string(w.It.Status),
				UID: aws.ToString(w.It.WorkgroupId), Created: w.It.CreationDate, Tags: w.Tags,
			}
		},
	}
}

func redshiftServerlessNamespaces() lister {
	return &collector[tagged[types.Namespace]]{
		rules: resource.Schema{
			Type: "AWS::RedshiftServerless::Namespace", Version: 1,
			Omit: []string{"Status"},
			Sets: map[string]string{
				"IamRoles":   "",
				"LogExports": "",
			},
		},
		action: "redshift-serverless:ListNamespaces",
		pages: func(cfg aws.Config) source[tagged[types.Namespace]] {
			return paged(redshiftserverless.NewFromConfig(cfg).ListNamespaces,
				func(token *string) *redshiftserverless.ListNamespacesInput {
					return &redshiftserverless.ListNamespacesInput{MaxResults: aws.Int32(redshiftServerlessPage), NextToken: token}
				},
				func(o *redshiftserverless.ListNamespacesOutput) ([]tagged[types.Namespace], *string) {
					return untagged(o.Namespaces), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.Namespace]] {
			return []detail[tagged[types.Namespace]]{redshiftServerlessTagsBy(cfg, func(n *types.Namespace) *string { return n.NamespaceArn })}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(n *tagged[types.Namespace]) facts {
			return facts{
				ID: n.It.NamespaceName, ARN: n.It.NamespaceArn, Name: aws.ToString(n.It.NamespaceName), Status: string(n.It.Status),
				UID: aws.ToString(n.It.NamespaceId), Created: n.It.CreationDate, Tags: n.Tags,
			}
		},
	}
}
