package aws

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/route53/types"

	"github.com/elava-dev/elava/resource"
)

// route53ZonePage is the most zones, route53RecordPage the most record sets that come at a
// time, route53TagBatch the most that ListTagsForResources takes (Route 53 API Reference).
const (
	route53ZonePage   = 100
	route53RecordPage = 300
	route53TagBatch   = 10
)

const route53ActionZones = "route53:ListHostedZones"

func route53Collectors() []lister { return []lister{route53HostedZones(), route53RecordSets()} }

// hostedZone is a zone with its tags and, where it is private, the VPCs that see it.
type hostedZone struct {
	types.HostedZone
	VPCs []types.VPC
	Tags map[string]string
}

// id is the zone's id without the path that the API puts before it.
func (z *hostedZone) id() *string { return aws.String(after(aws.ToString(z.Id), "/")) }

func (z *hostedZone) private() bool { return z.Config != nil && z.Config.PrivateZone }

func route53ZonePages(cfg aws.Config) source[hostedZone] {
	return paged(route53.NewFromConfig(cfg).ListHostedZones,
		func(token *string) *route53.ListHostedZonesInput {
			return &route53.ListHostedZonesInput{MaxItems: aws.Int32(route53ZonePage), Marker: token}
		},
		func(o *route53.ListHostedZonesOutput) ([]hostedZone, *string) {
			return converted(o.HostedZones, func(z types.HostedZone) hostedZone { return hostedZone{HostedZone: z} }),
				marker(o.IsTruncated, o.NextMarker)
		})
}

func route53HostedZones() lister {
	return &collector[hostedZone]{
		rules: resource.Schema{
			Type: "AWS::Route53::HostedZone", Version: 1,
			Omit: []string{"Tags", "ResourceRecordSetCount"},
			Sets: map[string]string{"VPCs": "{VPCId}"},
		},
		global:   true,
		action:   route53ActionZones,
		pages:    route53ZonePages,
		details:  route53ZoneDetails,
		vanished: []string{"NoSuchHostedZone"},
		arn:      "arn:{partition}:route53:::hostedzone/{id}",
		read: func(z *hostedZone) facts {
			return facts{ID: z.id(), Name: aws.ToString(z.Name), Tags: z.Tags}
		},
	}
}

func route53ZoneDetails(cfg aws.Config) []detail[hostedZone] {
	client := route53.NewFromConfig(cfg)
	getZone, listTags := client.GetHostedZone, client.ListTagsForResources
	return []detail[hostedZone]{{
		parts:  []string{resource.PartAttributes + "VPCs"},
		action: "route53:GetHostedZone",
		fetch: each(func(ctx context.Context, z *hostedZone) error {
			if !z.private() {
				return nil
			}
			out, err := getZone(ctx, &route53.GetHostedZoneInput{Id: z.id()})
			if err == nil {
				z.VPCs = out.VPCs
			}
			return err
		}),
	}, {
		parts:  []string{resource.PartTags},
		beside: true,
		action: "route53:ListTagsForResources",
		size:   route53TagBatch,
		fetch: batchTags((*hostedZone).id, func(z *hostedZone) *map[string]string { return &z.Tags },
			func(ctx context.Context, ids []string) (map[string]map[string]string, error) {
				out, err := listTags(ctx, &route53.ListTagsForResourcesInput{
					ResourceType: types.TagResourceTypeHostedzone, ResourceIds: ids,
				})
				if err != nil {
					return nil, err
				}
				byID := make(map[string]map[string]string, len(out.ResourceTagSets))
				for _, s := range out.ResourceTagSets {
					byID[aws.ToString(s.ResourceId)] = tagMap(s.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
				}
				return byID, nil
			}),
	}}
}

// recordSet is a record set and the zone it is in.
type recordSet struct {
	types.ResourceRecordSet
	HostedZoneId string
}

// route53RecordSets names a set by zone, name and type and, where several share these,
// by its identifier. Record sets have no ARN.
func route53RecordSets() lister {
	return &collector[recordSet]{
		rules: resource.Schema{
			Type: "AWS::Route53::RecordSet", Version: 1,
			Sets: map[string]string{"ResourceRecords": "{Value}"},
		},
		global: true,
		action: "route53:ListResourceRecordSets", parentAction: route53ActionZones,
		pages: func(cfg aws.Config) source[recordSet] {
			list := route53.NewFromConfig(cfg).ListResourceRecordSets
			return under(route53ZonePages(cfg), route53ActionZones, []string{"NoSuchHostedZone"},
				func(z *hostedZone) source[recordSet] {
					return paged(list,
						func(token *string) *route53.ListResourceRecordSetsInput {
							in := &route53.ListResourceRecordSetsInput{HostedZoneId: z.id(), MaxItems: aws.Int32(route53RecordPage)}
							startRecord(token, in)
							return in
						},
						func(o *route53.ListResourceRecordSetsOutput) ([]recordSet, *string) {
							return converted(o.ResourceRecordSets, func(s types.ResourceRecordSet) recordSet {
								return recordSet{s, *z.id()}
							}), nextRecord(o)
						})
				})
		},
		read: func(s *recordSet) facts {
			id := s.HostedZoneId + "/" + aws.ToString(s.Name) + "/" + string(s.Type)
			if s.SetIdentifier != nil {
				id += "/" + *s.SetIdentifier
			}
			return facts{ID: &id, Name: aws.ToString(s.Name)}
		},
	}
}

// nextRecord makes one token of the three members that say where the next page begins.
// Names and types hold no space: names have it as \040 (Route 53 Developer Guide, "DNS
// domain name format").
func nextRecord(o *route53.ListResourceRecordSetsOutput) *string {
	if !o.IsTruncated || aws.ToString(o.NextRecordName) == "" {
		return marker(o.IsTruncated, nil)
	}
	token := aws.ToString(o.NextRecordName) + " " + string(o.NextRecordType)
	if o.NextRecordIdentifier != nil {
		token += " " + *o.NextRecordIdentifier
	}
	return &token
}

// startRecord is the inverse of nextRecord.
func startRecord(token *string, in *route53.ListResourceRecordSetsInput) {
	if token == nil {
		return
	}
	parts := strings.SplitN(*token, " ", 3)
	in.StartRecordName, in.StartRecordType = &parts[0], types.RRType(parts[1])
	if len(parts) == 3 {
		in.StartRecordIdentifier = &parts[2]
	}
}
