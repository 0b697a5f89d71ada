package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudcontrol"
	cctypes "github.com/aws/aws-sdk-go-v2/service/cloudcontrol/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

// Actions of the Cloud Control API and of the registry. Behind the first two stand the
// actions of the type's own service, which differ from type to type (Cloud Control API User
// Guide, "Identity-based policies").
const (
	actionListResources = "cloudformation:ListResources"
	actionGetResource   = "cloudformation:GetResource"
	actionListTypes     = "cloudformation:ListTypes"
)

const (
	controlPage  = 100 // the most that ListResources gives (Cloud Control API Reference)
	registryPage = 100 // the most that ListTypes gives (CloudFormation API Reference)
	registryKept = 24 * time.Hour
)

// typeName is the form of the names of types that Amazon publishes.
var typeName = regexp.MustCompile(`^AWS::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}$`)

// controlPlanes are the regions in which the APIs of services without a region answer, by
// partition ("Service endpoints and quotas", AWS General Reference).
var controlPlanes = map[string]string{"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

// withoutRegion are the services of which Cloud Control answers the same in every region or
// in the control plane's only.
var withoutRegion = []string{"AWS::CloudFront::", "AWS::GlobalAccelerator::", "AWS::IAM::", "AWS::Organizations::", "AWS::Route53::", "AWS::Shield::"}

// controlled lists a type that has no collector, by the Cloud Control API: one call for each
// hundred resources and one for each resource. What it knows of the type is its name, so
// nothing is left out of the documents as volatile, no list is a set, and no member a secret;
// properties that a service counts as secret are write-only, and not told.
type controlled struct {
	rules  resource.Schema
	global bool
}

func newControlled(name string) *controlled {
	return &controlled{
		rules:  resource.Schema{Type: name, Version: 1},
		global: slices.ContainsFunc(withoutRegion, func(s string) bool { return strings.HasPrefix(name, s) }),
	}
}

func (c *controlled) schema() *resource.Schema      { return &c.rules }
func (c *controlled) accountWide() bool             { return c.global }
func (c *controlled) actions() []string             { return []string{actionListResources, actionGetResource} }
func (c *controlled) check(*resource.Encoder) error { return nil } // there are no paths

// home is where the services without a region answer, in partitions that are known.
func (c *controlled) home(partition string) (region string, offered bool) {
	return controlPlanes[partition], true
}

// confirm finds nothing: handlers of Cloud Control are to give what is there.
func (c *controlled) confirm(context.Context, place, aws.Config, *resource.Encoder, []string, func([]resource.Resource) error) error {
	return nil
}

func (c *controlled) pages(cfg aws.Config) source[cctypes.ResourceDescription] {
	return paged(cloudcontrol.NewFromConfig(cfg).ListResources,
		func(token *string) *cloudcontrol.ListResourcesInput {
			return &cloudcontrol.ListResourcesInput{
				TypeName: &c.rules.Type, MaxResults: aws.Int32(controlPage), NextToken: token,
			}
		},
		func(o *cloudcontrol.ListResourcesOutput) ([]cctypes.ResourceDescription, *string) {
			return o.ResourceDescriptions, o.NextToken
		})
}

// properties returns a function that reads all properties of a resource, nil for one that is
// gone. The list tells some of them only.
func (c *controlled) properties(cfg aws.Config) func(ctx context.Context, id *string) (map[string]any, error) {
	getResource := cloudcontrol.NewFromConfig(cfg).GetResource
	return func(ctx context.Context, id *string) (map[string]any, error) {
		out, err := getResource(ctx, &cloudcontrol.GetResourceInput{TypeName: &c.rules.Type, Identifier: id})
		if errorCode(err) == "ResourceNotFoundException" {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if out.ResourceDescription == nil {
			return nil, badAnswer("cloudcontrol GetResource: the answer has no resource")
		}
		return decodeProperties(aws.ToString(out.ResourceDescription.Properties))
	}
}

func decodeProperties(text string) (map[string]any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var properties map[string]any
	if err := d.Decode(&properties); err != nil || properties == nil {
		return nil, badAnswer("cloudcontrol GetResource: the properties are no JSON object")
	}
	return properties, nil
}

func (c *controlled) list(
	ctx context.Context, at place, cfg aws.Config, enc *resource.Encoder, _ *tagIndex, emit func([]resource.Resource) error,
) error {
	read := c.properties(cfg)
	err := c.pages(cfg).walk(ctx, func(items []cctypes.ResourceDescription) error {
		found := make([]*resource.Resource, len(items))
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(detailCalls)
		for i, item := range items {
			group.Go(func() error {
				properties, err := read(ctx, item.Identifier)
				if err != nil {
					return classify(err, actionGetResource)
				}
				if properties != nil {
					found[i], err = c.resource(at, item.Identifier, properties, enc)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		page := make([]resource.Resource, 0, len(found))
		for _, r := range found {
			if r != nil {
				page = append(page, *r)
			}
		}
		if len(page) == 0 {
			return nil
		}
		return emit(page)
	})
	return controlError(err)
}

// controlError says what only this API means by its errors ("Errors" of ListResources).
func controlError(err error) error {
	known := map[string]struct {
		reason provider.Reason
		hint   string
	}{
		"TypeNotFoundException":      {provider.ReasonUnavailable, "the type does not exist in that region"},
		"UnsupportedActionException": {provider.ReasonOther, "Cloud Control cannot list this type; leave it out"},
		"InvalidRequestException":    {provider.ReasonOther, "a type that exists only below another one cannot be listed by Cloud Control; leave it out"},
	}
	var classified *provider.Error
	if k, ok := known[errorCode(err)]; ok && !errors.As(err, &classified) {
		return &provider.Error{Reason: k.reason, Hint: k.hint, Err: &callError{text: textOf(err), err: err}}
	}
	return classify(err, actionListResources)
}

func (c *controlled) try(ctx context.Context, cfg aws.Config) []tried {
	var first *string
	err := c.pages(cfg).walk(ctx, func(items []cctypes.ResourceDescription) error {
		if len(items) > 0 {
			first = items[0].Identifier
		}
		return errEnough
	})
	if !errors.Is(err, errEnough) {
		return []tried{{actionListResources, controlError(err)}}
	}
	if first == nil {
		return []tried{{actionListResources, nil}}
	}
	_, err = c.properties(cfg)(ctx, first)
	return []tried{{actionListResources, nil}, {actionGetResource, err}}
}

// resource makes the resource of an identifier and its properties.
func (c *controlled) resource(at place, id *string, properties map[string]any, enc *resource.Encoder) (*resource.Resource, error) {
	r := &resource.Resource{Key: resource.Key{
		Provider: Name, Account: at.account, Region: at.region, Type: c.rules.Type, ID: aws.ToString(id),
	}}
	if err := r.Key.Validate(); err != nil {
		return nil, badAnswer("an element of the list: %w", err)
	}
	if arn, ok := properties["Arn"].(string); ok {
		r.ARN = arn
	}
	if tags, ok := controlledTags(properties["Tags"]); ok {
		r.Tags = redacted(tags, enc)
		delete(properties, "Tags")
	}
	r.Name = r.Tags["Name"]
	if name, ok := properties["Name"].(string); ok {
		r.Name = enc.Redact(name)
	}
	doc, absent := resource.AppendValue(nil, redactedValue(properties, enc))
	if absent {
		doc = []byte("{}")
	}
	r.Attributes = bytes.Clone(doc)
	return r, nil
}

// controlledTags reads tags in the two forms that types have: a list of keys and values, and
// an object.
func controlledTags(v any) (map[string]string, bool) {
	tags := map[string]string{}
	add := func(k, v any) bool {
		key, ok1 := k.(string)
		value, ok2 := v.(string)
		tags[key] = value
		return ok1 && ok2
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			tag, _ := e.(map[string]any)
			if !add(tag["Key"], tag["Value"]) {
				return nil, false
			}
		}
	case map[string]any:
		for key, value := range v {
			if !add(key, value) {
				return nil, false
			}
		}
	default:
		return nil, false
	}
	return tags, true
}

// redactedValue takes passwords out of the URLs in a decoded value.
func redactedValue(v any, enc *resource.Encoder) any {
	switch v := v.(type) {
	case string:
		return enc.Redact(v)
	case []any:
		for i := range v {
			v[i] = redactedValue(v[i], enc)
		}
	case map[string]any:
		for k := range v {
			v[k] = redactedValue(v[k], enc)
		}
	}
	return v
}

// registry knows which types Cloud Control can list, as CloudFormation last told them. Its
// methods may be called by several goroutines at a time.
type registry struct {
	mu    sync.Mutex
	types map[string]bool
	asked time.Time
}

// known returns the names of the types; they are asked for once a day.
func (r *registry) known(ctx context.Context, s *session) (map[string]bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.types != nil && time.Since(r.asked) < registryKept {
		return r.types, nil
	}
	types := map[string]bool{}
	for _, provisioning := range []cftypes.ProvisioningType{cftypes.ProvisioningTypeFullyMutable, cftypes.ProvisioningTypeImmutable} {
		if err := listTypes(ctx, s, provisioning, types); err != nil {
			return nil, err
		}
	}
	if len(types) == 0 {
		return nil, badAnswer("cloudformation ListTypes: there are no types")
	}
	r.types, r.asked = types, time.Now()
	return types, nil
}

// listTypes adds Amazon's public types of one kind.
func listTypes(ctx context.Context, s *session, provisioning cftypes.ProvisioningType, types map[string]bool) error {
	err := paged(cloudformation.NewFromConfig(s.config(s.home())).ListTypes,
		func(token *string) *cloudformation.ListTypesInput {
			return &cloudformation.ListTypesInput{
				Visibility: cftypes.VisibilityPublic, Type: cftypes.RegistryTypeResource, ProvisioningType: provisioning,
				Filters: &cftypes.TypeFilters{Category: cftypes.CategoryAwsTypes}, MaxResults: aws.Int32(registryPage), NextToken: token,
			}
		},
		func(o *cloudformation.ListTypesOutput) ([]cftypes.TypeSummary, *string) {
			return o.TypeSummaries, o.NextToken
		},
	).walk(ctx, func(summaries []cftypes.TypeSummary) error {
		for _, t := range summaries {
			types[aws.ToString(t.TypeName)] = true
		}
		return nil
	})
	return classify(err, actionListTypes)
}

// unknownTypes returns why the types that only Cloud Control could list cannot be, by type,
// and a notice where the registry could not be asked: then all are tried.
func (p *Provider) unknownTypes(ctx context.Context, s *session) (why map[string]error, notices []string) {
	if len(p.controlled) == 0 {
		return nil, nil
	}
	known, err := p.registry.known(ctx, s)
	if err != nil {
		return nil, []string{fmt.Sprintf("aws: CloudFormation does not tell which types there are, all of include_types are tried: %v", err)}
	}
	why = map[string]error{}
	for _, name := range p.controlled {
		if !known[name] {
			why[name] = &provider.Error{
				Reason: provider.ReasonOther, Err: fmt.Errorf("aws: %s has no collector, and Cloud Control does not know the type", name),
				Hint: "correct or remove it in include_types",
			}
		}
	}
	return why, nil
}
