package aws

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"github.com/elava-dev/elava/resource"
)

// cloudfrontPage is how many elements the lists give at a time unless fewer are asked for
// (CloudFront API Reference).
const cloudfrontPage = 100

// cloudfrontHomes are the regions in whose name CloudFront is asked. AWS GovCloud (US) has no
// CloudFront ("Setting Up Amazon CloudFront with Your AWS GovCloud (US) Resources").
func cloudfrontHomes() map[string]string {
	return map[string]string{"aws": "us-east-1", "aws-cn": "cn-northwest-1"}
}

func cloudfrontCollectors() []lister {
	return []lister{
		cloudfrontDistributions(), cloudfrontFunctions(), cloudfrontCachePolicies(), cloudfrontOriginAccessControls(),
	}
}

// distribution is a distribution as listed, with what only its configuration tells.
type distribution struct {
	types.DistributionSummary
	ContinuousDeploymentPolicyId, DefaultRootObject *string
	Logging                                         *types.LoggingConfig
	Tags                                            map[string]string
}

// cloudfrontItems are the schema's rules for lists that CloudFront writes as an object
// with Items and their number.
type cloudfrontItems struct {
	omit []string
	sets map[string]string
}

// set adds a list whose order means nothing.
func (c *cloudfrontItems) set(path, key string) {
	c.omit = append(c.omit, path+".Quantity")
	c.sets[path+".Items"] = key
}

// behavior adds the lists in a cache behavior.
func (c *cloudfrontItems) behavior(path string) {
	c.set(path+".AllowedMethods", "")
	c.set(path+".AllowedMethods.CachedMethods", "")
	c.set(path+".ForwardedValues.Cookies.WhitelistedNames", "")
	c.set(path+".ForwardedValues.Headers", "")
	c.set(path+".ForwardedValues.QueryStringCacheKeys", "")
	c.set(path+".FunctionAssociations", "{EventType}")
	c.set(path+".LambdaFunctionAssociations", "{EventType}")
	c.set(path+".TrustedKeyGroups", "")
	c.set(path+".TrustedSigners", "")
}

func cloudfrontDistributions() lister {
	items := cloudfrontItems{sets: map[string]string{"AliasICPRecordals": "{CNAME}"}}
	items.set("Aliases", "")
	items.set("CustomErrorResponses", "{ErrorCode}")
	items.set("OriginGroups", "{Id}") // not their members: the first one is the primary
	items.set("OriginGroups.Items.FailoverCriteria.StatusCodes", "")
	items.set("Origins", "{Id}")
	items.set("Origins.Items.CustomHeaders", "{HeaderName}")
	items.set("Origins.Items.CustomOriginConfig.OriginSslProtocols", "")
	items.set("Restrictions.GeoRestriction", "")
	items.behavior("DefaultCacheBehavior")
	items.behavior("CacheBehaviors.Items") // not a set itself: the first pattern that matches wins
	return &collector[distribution]{
		rules: resource.Schema{
			Type: "AWS::CloudFront::Distribution", Version: 1,
			Omit:    append(items.omit, "Tags", "Status", "ETag", "LastModifiedTime"),
			Sets:    items.sets,
			Secrets: []string{"Origins.Items.CustomHeaders.Items.HeaderValue"}, // by which origins know CloudFront
		},
		global: true, homes: cloudfrontHomes(),
		action: "cloudfront:ListDistributions",
		pages: func(cfg aws.Config) source[distribution] {
			return paged(cloudfront.NewFromConfig(cfg).ListDistributions,
				func(token *string) *cloudfront.ListDistributionsInput {
					return &cloudfront.ListDistributionsInput{MaxItems: aws.Int32(cloudfrontPage), Marker: token}
				},
				func(o *cloudfront.ListDistributionsOutput) ([]distribution, *string) {
					l := o.DistributionList
					return converted(l.Items, func(d types.DistributionSummary) distribution {
						return distribution{DistributionSummary: d}
					}), marker(aws.ToBool(l.IsTruncated), l.NextMarker)
				})
		},
		details:  cloudfrontDistributionDetails,
		vanished: []string{"NoSuchDistribution", "NoSuchResource"},
		read: func(d *distribution) facts {
			return facts{ID: d.Id, ARN: d.ARN, Name: aws.ToString(d.DomainName), Status: aws.ToString(d.Status), Tags: d.Tags}
		},
	}
}

func cloudfrontDistributionDetails(cfg aws.Config) []detail[distribution] {
	client := cloudfront.NewFromConfig(cfg)
	getConfig, listTags := client.GetDistributionConfig, client.ListTagsForResource
	return []detail[distribution]{{
		parts: []string{
			resource.PartAttributes + "ContinuousDeploymentPolicyId",
			resource.PartAttributes + "DefaultRootObject", resource.PartAttributes + "Logging",
		},
		action: "cloudfront:GetDistributionConfig",
		fetch: each(func(ctx context.Context, d *distribution) error {
			out, err := getConfig(ctx, &cloudfront.GetDistributionConfigInput{Id: d.Id})
			if err != nil {
				return err
			}
			c := out.DistributionConfig
			d.ContinuousDeploymentPolicyId, d.DefaultRootObject, d.Logging = c.ContinuousDeploymentPolicyId, c.DefaultRootObject, c.Logging
			return nil
		}),
	}, {
		parts:  []string{resource.PartTags},
		beside: true,
		action: "cloudfront:ListTagsForResource",
		fetch: each(func(ctx context.Context, d *distribution) error {
			out, err := listTags(ctx, &cloudfront.ListTagsForResourceInput{Resource: d.ARN})
			if err == nil && out.Tags != nil {
				d.Tags = tagMap(out.Tags.Items, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
			}
			return err
		}),
	}}
}

// cloudfrontFunctions lists functions as they are being developed: that stage has all of
// them. That one was published shows in its status. The list has nothing of the code, so
// that LastModifiedTime is what tells of its change.
func cloudfrontFunctions() lister {
	items := cloudfrontItems{sets: map[string]string{}}
	items.set("FunctionConfig.KeyValueStoreAssociations", "{KeyValueStoreARN}")
	return &collector[types.FunctionSummary]{
		rules: resource.Schema{
			Type: "AWS::CloudFront::Function", Version: 1,
			Omit: append(items.omit, "Status"),
			Sets: items.sets,
		},
		global: true, homes: cloudfrontHomes(),
		action: "cloudfront:ListFunctions",
		pages: func(cfg aws.Config) source[types.FunctionSummary] {
			return paged(cloudfront.NewFromConfig(cfg).ListFunctions,
				func(token *string) *cloudfront.ListFunctionsInput {
					return &cloudfront.ListFunctionsInput{
						Stage: types.FunctionStageDevelopment, MaxItems: aws.Int32(cloudfrontPage), Marker: token,
					}
				},
				func(o *cloudfront.ListFunctionsOutput) ([]types.FunctionSummary, *string) {
					return o.FunctionList.Items, o.FunctionList.NextMarker
				})
		},
		arn: "arn:{partition}:cloudfront::{account}:function/{id}",
		read: func(v *types.FunctionSummary) facts {
			f := facts{ID: v.Name, Name: aws.ToString(v.Name), Status: aws.ToString(v.Status)}
			if m := v.FunctionMetadata; m != nil {
				f.ARN, f.Created = m.FunctionARN, m.CreatedTime
				if m.CreatedTime != nil {
					f.UID = m.CreatedTime.UTC().Format(time.RFC3339Nano)
				}
			}
			return f
		},
	}
}

// cloudfrontCachePolicies lists the account's own, not those that AWS manages.
func cloudfrontCachePolicies() lister {
	items := cloudfrontItems{sets: map[string]string{}}
	parameters := "CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin"
	items.set(parameters+".CookiesConfig.Cookies", "")
	items.set(parameters+".HeadersConfig.Headers", "")
	items.set(parameters+".QueryStringsConfig.QueryStrings", "")
	return &collector[types.CachePolicy]{
		rules: resource.Schema{
			Type: "AWS::CloudFront::CachePolicy", Version: 1,
			Omit: append(items.omit, "LastModifiedTime"),
			Sets: items.sets,
		},
		global: true, homes: cloudfrontHomes(),
		action: "cloudfront:ListCachePolicies",
		pages: func(cfg aws.Config) source[types.CachePolicy] {
			return paged(cloudfront.NewFromConfig(cfg).ListCachePolicies,
				func(token *string) *cloudfront.ListCachePoliciesInput {
					return &cloudfront.ListCachePoliciesInput{
						Type: types.CachePolicyTypeCustom, MaxItems: aws.Int32(cloudfrontPage), Marker: token,
					}
				},
				func(o *cloudfront.ListCachePoliciesOutput) ([]types.CachePolicy, *string) {
					return converted(o.CachePolicyList.Items, cachePolicyOf), o.CachePolicyList.NextMarker
				})
		},
		arn: "arn:{partition}:cloudfront::{account}:cache-policy/{id}",
		read: func(p *types.CachePolicy) facts {
			f := facts{ID: p.Id}
			if p.CachePolicyConfig != nil {
				f.Name = aws.ToString(p.CachePolicyConfig.Name)
			}
			return f
		},
	}
}

// cachePolicyOf takes the policy out of a summary; one without a policy becomes one
// without an id, which is refused.
func cachePolicyOf(s types.CachePolicySummary) types.CachePolicy {
	if s.CachePolicy == nil {
		return types.CachePolicy{}
	}
	return *s.CachePolicy
}

func cloudfrontOriginAccessControls() lister {
	return &collector[types.OriginAccessControlSummary]{
		rules:  resource.Schema{Type: "AWS::CloudFront::OriginAccessControl", Version: 1},
		global: true, homes: cloudfrontHomes(),
		action: "cloudfront:ListOriginAccessControls",
		pages: func(cfg aws.Config) source[types.OriginAccessControlSummary] {
			return paged(cloudfront.NewFromConfig(cfg).ListOriginAccessControls,
				func(token *string) *cloudfront.ListOriginAccessControlsInput {
					return &cloudfront.ListOriginAccessControlsInput{MaxItems: aws.Int32(cloudfrontPage), Marker: token}
				},
				func(o *cloudfront.ListOriginAccessControlsOutput) ([]types.OriginAccessControlSummary, *string) {
					l := o.OriginAccessControlList
					return l.Items, marker(aws.ToBool(l.IsTruncated), l.NextMarker)
				})
		},
		arn: "arn:{partition}:cloudfront::{account}:origin-access-control/{id}",
		read: func(c *types.OriginAccessControlSummary) facts {
			return facts{ID: c.Id, Name: aws.ToString(c.Name)}
		},
	}
}
