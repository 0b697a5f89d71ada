package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/elava-dev/elava/resource"
)

// opensearchBatch is the most that DescribeDomains takes (OpenSearch Service API Reference).
const opensearchBatch = 5

func opensearchCollectors() []lister { return []lister{opensearchDomains()} }

// opensearchDomains also lists the domains of Elasticsearch.
func opensearchDomains() lister {
	name := func(d *tagged[types.DomainStatus]) *string { return d.It.DomainName }
	return &collector[tagged[types.DomainStatus]]{
		rules: resource.Schema{
			Type: "AWS::OpenSearchService::Domain", Version: 1,
			Omit:     []string{"DomainProcessingStatus", "Processing", "UpgradeProcessing", "ChangeProgressDetails", "ServiceSoftwareOptions.AutomatedUpdateDate", "ServiceSoftwareOptions.Cancellable", "ServiceSoftwareOptions.Description", "ServiceSoftwareOptions.NewVersion", "ServiceSoftwareOptions.OptionalDeployment", "ServiceSoftwareOptions.UpdateAvailable", "ServiceSoftwareOptions.UpdateStatus"},
			Policies: []string{"AccessPolicies"},
			Sets: map[string]string{
				"ClusterConfig.NodeOptions":    "{NodeType}",
				"ModifyingProperties":          "{Name}",
				"VPCOptions.AvailabilityZones": "",
				"VPCOptions.SecurityGroupIds":  "",
				"VPCOptions.SubnetIds":         "",
			},
		},
		action: "es:ListDomainNames",
		pages: func(cfg aws.Config) source[tagged[types.DomainStatus]] {
			return paged(opensearch.NewFromConfig(cfg).ListDomainNames,
				func(*string) *opensearch.ListDomainNamesInput { return &opensearch.ListDomainNamesInput{} },
				func(o *opensearch.ListDomainNamesOutput) ([]tagged[types.DomainStatus], *string) { // all at once
					return converted(o.DomainNames, func(d types.DomainInfo) tagged[types.DomainStatus] {
						return asTagged(types.DomainStatus{DomainName: d.DomainName})
					}), nil
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.DomainStatus]] {
			return []detail[tagged[types.DomainStatus]]{describingAll("es:DescribeDomains", opensearchBatch, opensearch.NewFromConfig(cfg).DescribeDomains,
				func(batch []*tagged[types.DomainStatus]) *opensearch.DescribeDomainsInput {
					return &opensearch.DescribeDomainsInput{DomainNames: ids(batch, name)}
				},
				func(o *opensearch.DescribeDomainsOutput) []tagged[types.DomainStatus] {
					return untagged(o.DomainStatusList)
				}, nil, name),
				tagsBy("es:ListTags", opensearch.NewFromConfig(cfg).ListTags,
					func(d *types.DomainStatus) *opensearch.ListTagsInput { return &opensearch.ListTagsInput{ARN: d.ARN} },
					func(o *opensearch.ListTagsOutput) map[string]string {
						return tagMap(o.TagList, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
					}),
			}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(d *tagged[types.DomainStatus]) facts {
			return facts{
				ID: d.It.DomainName, ARN: d.It.ARN, Name: aws.ToString(d.It.DomainName), Status: string(d.It.DomainProcessingStatus), Tags: d.Tags,
			}
		},
	}
}
