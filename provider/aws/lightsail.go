package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lightsail"
	"github.com/aws/aws-sdk-go-v2/service/lightsail/types"

	"github.com/elava-dev/elava/resource"
)

// The lists of Lightsail take no page size (Lightsail API Reference).

func lightsailCollectors() []lister {
	return []lister{lightsailInstances(), lightsailDatabases(), lightsailStaticIPs()}
}

func lightsailTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

func lightsailInstances() lister {
	return &collector[types.Instance]{
		rules: resource.Schema{
			Type: "AWS::Lightsail::Instance", Version: 1,
			Omit: []string{"Tags", "State", "Hardware.Disks.GbInUse", "InstanceStatus", "SystemStatus"}, // the last two are health checks
			Sets: map[string]string{
				"AddOns":                           "{Name}",
				"Hardware.Disks":                   "{Path}",
				"Hardware.Disks.AddOns":            "{Name}",
				"Hardware.Disks.Tags":              "{Key}",
				"Ipv6Addresses":                    "",
				"Networking.Ports":                 "{Protocol}:{FromPort}-{ToPort}",
				"Networking.Ports.CidrListAliases": "",
				"Networking.Ports.Cidrs":           "",
				"Networking.Ports.Ipv6Cidrs":       "",
			},
		},
		action: "lightsail:GetInstances",
		pages: func(cfg aws.Config) source[types.Instance] {
			return paged(lightsail.NewFromConfig(cfg).GetInstances,
				func(token *string) *lightsail.GetInstancesInput {
					return &lightsail.GetInstancesInput{PageToken: token}
				},
				func(o *lightsail.GetInstancesOutput) ([]types.Instance, *string) { return o.Instances, o.NextPageToken })
		},
		read: func(i *types.Instance) facts {
			f := facts{
				ID: i.Name, ARN: i.Arn, Name: aws.ToString(i.Name), UID: after(aws.ToString(i.Arn), "/"),
				Created: i.CreatedAt, Tags: lightsailTags(i.Tags),
			}
			if i.State != nil {
				f.Status = aws.ToString(i.State.Name)
			}
			return f
		},
	}
}

func lightsailDatabases() lister {
	return &collector[types.RelationalDatabase]{
		rules: resource.Schema{
			Type: "AWS::Lightsail::Database", Version: 1,
			Omit:    []string{"Tags", "State", "LatestRestorableTime"},
			Sets:    map[string]string{"PendingMaintenanceActions": "{Action}"},
			Secrets: []string{"PendingModifiedValues.MasterUserPassword"},
		},
		action: "lightsail:GetRelationalDatabases",
		pages: func(cfg aws.Config) source[types.RelationalDatabase] {
			return paged(lightsail.NewFromConfig(cfg).GetRelationalDatabases,
				func(token *string) *lightsail.GetRelationalDatabasesInput {
					return &lightsail.GetRelationalDatabasesInput{PageToken: token}
				},
				func(o *lightsail.GetRelationalDatabasesOutput) ([]types.RelationalDatabase, *string) {
					return o.RelationalDatabases, o.NextPageToken
				})
		},
		read: func(d *types.RelationalDatabase) facts {
			return facts{
				ID: d.Name, ARN: d.Arn, Name: aws.ToString(d.Name), UID: after(aws.ToString(d.Arn), "/"),
				Status: aws.ToString(d.State), Created: d.CreatedAt, Tags: lightsailTags(d.Tags),
			}
		},
	}
}

// lightsailStaticIPs have no tags and no state.
func lightsailStaticIPs() lister {
	return &collector[types.StaticIp]{
		rules:  resource.Schema{Type: "AWS::Lightsail::StaticIp", Version: 1},
		action: "lightsail:GetStaticIps",
		pages: func(cfg aws.Config) source[types.StaticIp] {
			return paged(lightsail.NewFromConfig(cfg).GetStaticIps,
				func(token *string) *lightsail.GetStaticIpsInput {
					return &lightsail.GetStaticIpsInput{PageToken: token}
				},
				func(o *lightsail.GetStaticIpsOutput) ([]types.StaticIp, *string) { return o.StaticIps, o.NextPageToken })
		},
		read: func(ip *types.StaticIp) facts {
			return facts{ID: ip.Name, ARN: ip.Arn, Name: aws.ToString(ip.Name), UID: after(aws.ToString(ip.Arn), "/"), Created: ip.CreatedAt}
		},
	}
}
