package aws

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery"
	"github.com/aws/aws-sdk-go-v2/service/servicediscovery/types"

	"github.com/elava-dev/elava/resource"
)

// discoveryPage is the most that ListNamespaces and ListServices give (Cloud Map API
// Reference).
const discoveryPage = 100

func servicediscoveryCollectors() []lister {
	return []lister{
		namespaces("AWS::ServiceDiscovery::HttpNamespace", types.NamespaceTypeHttp),
		namespaces("AWS::ServiceDiscovery::PrivateDnsNamespace", types.NamespaceTypeDnsPrivate),
		namespaces("AWS::ServiceDiscovery::PublicDnsNamespace", types.NamespaceTypeDnsPublic),
		discoveryServices(),
	}
}

func discoveryTagging[T any](cfg aws.Config, arn func(*T) *string, take func(*T, []types.Tag)) detail[T] {
	return tagging("servicediscovery:ListTagsForResource", servicediscovery.NewFromConfig(cfg).ListTagsForResource,
		func(v *T) *servicediscovery.ListTagsForResourceInput {
			return &servicediscovery.ListTagsForResourceInput{ResourceARN: arn(v)}
		},
		func(v *T, o *servicediscovery.ListTagsForResourceOutput) { take(v, o.Tags) })
}

func discoveryTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

type namespace struct {
	types.NamespaceSummary
	Tags []types.Tag
}

// namespaces lists one kind of namespaces: each has a type of its own in CloudFormation.
func namespaces(typ string, kind types.NamespaceType) lister {
	return &collector[namespace]{
		rules:  resource.Schema{Type: typ, Version: 1, Omit: []string{"Tags", "ServiceCount"}},
		action: "servicediscovery:ListNamespaces",
		pages: func(cfg aws.Config) source[namespace] {
			return paged(servicediscovery.NewFromConfig(cfg).ListNamespaces,
				func(token *string) *servicediscovery.ListNamespacesInput {
					return &servicediscovery.ListNamespacesInput{
						Filters:    []types.NamespaceFilter{{Name: types.NamespaceFilterNameType, Values: []string{string(kind)}}},
						MaxResults: aws.Int32(discoveryPage), NextToken: token,
					}
				},
				func(o *servicediscovery.ListNamespacesOutput) ([]namespace, *string) {
					// Not every server of this API knows the filter.
					own := slices.DeleteFunc(o.Namespaces, func(n types.NamespaceSummary) bool { return n.Type != kind })
					return converted(own, func(n types.NamespaceSummary) namespace { return namespace{NamespaceSummary: n} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[namespace] {
			return []detail[namespace]{discoveryTagging(cfg,
				func(n *namespace) *string { return n.Arn }, func(n *namespace, tags []types.Tag) { n.Tags = tags })}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(n *namespace) facts {
			return facts{ID: n.Id, ARN: n.Arn, Name: aws.ToString(n.Name), Created: n.CreateDate, Tags: discoveryTags(n.Tags)}
		},
	}
}

type discoveryService struct {
	types.Service
	Tags []types.Tag
}

// discoveryServices has no instances: they come and go with what they are instances of.
// GetService alone tells the namespace of services without DNS.
func discoveryServices() lister {
	return &collector[discoveryService]{
		rules: resource.Schema{
			Type: "AWS::ServiceDiscovery::Service", Version: 1,
			Omit: []string{"Tags", "InstanceCount"},
			Sets: map[string]string{"DnsConfig.DnsRecords": "{Type}"},
		},
		action: "servicediscovery:ListServices",
		pages: func(cfg aws.Config) source[discoveryService] {
			return paged(servicediscovery.NewFromConfig(cfg).ListServices,
				func(token *string) *servicediscovery.ListServicesInput {
					return &servicediscovery.ListServicesInput{MaxResults: aws.Int32(discoveryPage), NextToken: token}
				},
				func(o *servicediscovery.ListServicesOutput) ([]discoveryService, *string) {
					return converted(o.Services, func(s types.ServiceSummary) discoveryService {
						return discoveryService{Service: types.Service{Id: s.Id}}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[discoveryService] {
			return []detail[discoveryService]{
				describing("servicediscovery:GetService", servicediscovery.NewFromConfig(cfg).GetService,
					func(s *discoveryService) *servicediscovery.GetServiceInput {
						return &servicediscovery.GetServiceInput{Id: s.Id}
					},
					func(s *discoveryService, o *servicediscovery.GetServiceOutput) bool {
						if o.Service == nil || aws.ToString(o.Service.Id) != aws.ToString(s.Id) {
							return false
						}
						s.Service = *o.Service
						return true
					}),
				discoveryTagging(cfg,
					func(s *discoveryService) *string { return s.Arn }, func(s *discoveryService, tags []types.Tag) { s.Tags = tags }),
			}
		},
		vanished: []string{"ServiceNotFound", "ResourceNotFoundException"},
		read: func(s *discoveryService) facts {
			return facts{ID: s.Id, ARN: s.Arn, Name: aws.ToString(s.Name), Created: s.CreateDate, Tags: discoveryTags(s.Tags)}
		},
	}
}
