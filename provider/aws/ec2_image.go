package aws

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/elava-dev/elava/resource"
)

// ec2TemplatePage is the most that DescribeLaunchTemplates and
// DescribeLaunchTemplateVersions give (EC2 API Reference). DescribeKeyPairs has no pages.
const ec2TemplatePage = 200

// ec2Self stands for the caller's account among the owners of images and snapshots.
const ec2Self = "self"

func ec2ImageCollectors() []lister {
	return []lister{ec2Snapshots(), ec2Images(), ec2KeyPairs(), ec2LaunchTemplates()}
}

// ec2Snapshots lists what the account owns, not what others share with it.
func ec2Snapshots() lister {
	return &collector[types.Snapshot]{
		rules:  resource.Schema{Type: "AWS::EC2::Snapshot", Version: 1, Omit: []string{"Tags", "State", "Progress"}},
		action: "ec2:DescribeSnapshots",
		pages:  unfiltered(listSnapshots),
		only:   filtered("snapshot-id", listSnapshots),
		arn:    "arn:{partition}:ec2:{region}:{account}:snapshot/{id}",
		read: func(v *types.Snapshot) facts {
			f := ec2Facts(v.SnapshotId, v.Tags).of(v.OwnerId)
			f.Status, f.Created = string(v.State), v.StartTime
			return f
		},
	}
}

func listSnapshots(cfg aws.Config, filters []types.Filter) source[types.Snapshot] {
	return paged(ec2.NewFromConfig(cfg).DescribeSnapshots,
		func(token *string) *ec2.DescribeSnapshotsInput {
			return &ec2.DescribeSnapshotsInput{OwnerIds: []string{ec2Self}, MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters}
		},
		func(o *ec2.DescribeSnapshotsOutput) ([]types.Snapshot, *string) { return o.Snapshots, o.NextToken })
}

// ec2Images lists what the account owns. Disabled images are left out unless they are
// asked for: they would seem to disappear.
func ec2Images() lister {
	return &collector[types.Image]{
		rules: resource.Schema{
			Type: "AWS::EC2::Image", Version: 1,
			Omit: []string{"Tags", "State", "LastLaunchedTime", "ScanResults.FindingScanDate"},
			Sets: map[string]string{
				"BlockDeviceMappings": "{DeviceName}",
				"ImageWatermarks":     "{WatermarkKey}",
				"InstanceTypeSpecification.SupportedInstanceTypes":   "{InstanceType}",
				"InstanceTypeSpecification.UnsupportedInstanceTypes": "{InstanceType}",
				"ProductCodes": "{ProductCodeId}",
			},
		},
		action:   "ec2:DescribeImages",
		pages:    unfiltered(listImages),
		only:     filtered("image-id", listImages),
		terminal: []string{string(types.ImageStateDeregistered)},
		arn:      "arn:{partition}:ec2:{region}:{account}:image/{id}",
		read: func(v *types.Image) facts {
			f := facts{ID: v.ImageId, Owner: v.OwnerId, Name: aws.ToString(v.Name), Status: string(v.State), Tags: ec2Tags(v.Tags)}
			if at, err := time.Parse(time.RFC3339, aws.ToString(v.CreationDate)); err == nil {
				f.Created = &at
			}
			return f
		},
	}
}

func listImages(cfg aws.Config, filters []types.Filter) source[types.Image] {
	return paged(ec2.NewFromConfig(cfg).DescribeImages,
		func(token *string) *ec2.DescribeImagesInput {
			return &ec2.DescribeImagesInput{
				Owners: []string{ec2Self}, IncludeDeprecated: aws.Bool(true), IncludeDisabled: aws.Bool(true),
				MaxResults: aws.Int32(ec2Page), NextToken: token, Filters: filters,
			}
		},
		func(o *ec2.DescribeImagesOutput) ([]types.Image, *string) { return o.Images, o.NextToken })
}

func ec2KeyPairs() lister {
	return &collector[types.KeyPairInfo]{
		rules:  resource.Schema{Type: "AWS::EC2::KeyPair", Version: 1, Omit: []string{"Tags"}},
		action: "ec2:DescribeKeyPairs",
		pages:  unfiltered(listKeyPairs),
		only:   filtered("key-pair-id", listKeyPairs),
		arn:    "arn:{partition}:ec2:{region}:{account}:key-pair/{id}",
		read: func(v *types.KeyPairInfo) facts {
			return facts{ID: v.KeyPairId, Name: aws.ToString(v.KeyName), Created: v.CreateTime, Tags: ec2Tags(v.Tags)}
		},
	}
}

func listKeyPairs(cfg aws.Config, filters []types.Filter) source[types.KeyPairInfo] {
	return whole(ec2.NewFromConfig(cfg).DescribeKeyPairs, &ec2.DescribeKeyPairsInput{Filters: filters},
		func(o *ec2.DescribeKeyPairsOutput) []types.KeyPairInfo { return o.KeyPairs })
}

// launchTemplate is a template with the two of its versions that can be launched without
// naming one.
type launchTemplate struct {
	types.LaunchTemplate
	DefaultVersion, LatestVersion *launchTemplateVersion
}

// launchTemplateVersion is what a version says beside its template.
type launchTemplateVersion struct {
	CreateTime         *time.Time
	CreatedBy          *string
	VersionDescription *string
	LaunchTemplateData *types.ResponseLaunchTemplateData
}

func ec2LaunchTemplates() lister {
	sets := map[string]string{}
	for _, version := range []string{"DefaultVersion", "LatestVersion"} {
		data := version + ".LaunchTemplateData"
		sets[data+".BlockDeviceMappings"] = "{DeviceName}"
		sets[data+".LicenseSpecifications"] = "{LicenseConfigurationArn}"
		sets[data+".SecurityGroupIds"] = ""
		sets[data+".SecurityGroups"] = ""
		sets[data+".TagSpecifications"] = "{ResourceType}"
		sets[data+".TagSpecifications.Tags"] = "{Key}"
		addInterfaceSets(sets, data+".NetworkInterfaces")
		addRequirementSets(sets, data+".InstanceRequirements")
	}
	return &collector[launchTemplate]{
		rules: resource.Schema{
			Type: "AWS::EC2::LaunchTemplate", Version: 1,
			Omit:    []string{"Tags"},
			Sets:    sets,
			Secrets: []string{"DefaultVersion.LaunchTemplateData.UserData", "LatestVersion.LaunchTemplateData.UserData"},
		},
		action: "ec2:DescribeLaunchTemplates",
		pages: func(cfg aws.Config) source[launchTemplate] {
			return paged(ec2.NewFromConfig(cfg).DescribeLaunchTemplates,
				func(token *string) *ec2.DescribeLaunchTemplatesInput {
					return &ec2.DescribeLaunchTemplatesInput{
						MaxResults: aws.Int32(ec2TemplatePage), NextToken: token, IncludeManagedResources: includeManaged(),
					}
				},
				func(o *ec2.DescribeLaunchTemplatesOutput) ([]launchTemplate, *string) {
					return converted(o.LaunchTemplates, func(t types.LaunchTemplate) launchTemplate {
						return launchTemplate{LaunchTemplate: t}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[launchTemplate] {
			return []detail[launchTemplate]{{
				parts:  []string{resource.PartAttributes + "DefaultVersion", resource.PartAttributes + "LatestVersion"},
				action: "ec2:DescribeLaunchTemplateVersions",
				fetch:  ec2LaunchTemplateVersions(cfg),
				size:   ec2TemplatePage,
			}}
		},
		vanished: []string{"InvalidLaunchTemplateId.NotFound"},
		arn:      "arn:{partition}:ec2:{region}:{account}:launch-template/{id}",
		read: func(v *launchTemplate) facts {
			return facts{
				ID: v.LaunchTemplateId, Name: aws.ToString(v.LaunchTemplateName), Created: v.CreateTime, Tags: ec2Tags(v.Tags),
			}
		},
	}
}

// versionKey is a version of a launch template.
type versionKey struct {
	template string
	number   int64
}

// ec2LaunchTemplateVersions returns a fetch that reads the versions of all templates of
// the region at its first call: the API takes all templates or one. It asks once more for
// a template that was changed between that list and the list of templates.
func ec2LaunchTemplateVersions(cfg aws.Config) func(context.Context, []*launchTemplate) error {
	read := ec2VersionReader(cfg)
	var reading sync.Mutex
	var versions map[versionKey]*launchTemplateVersion
	return func(ctx context.Context, batch []*launchTemplate) error {
		reading.Lock()
		defer reading.Unlock()
		if versions == nil {
			all, err := read(ctx, nil)
			if err != nil {
				return err
			}
			versions = all
		}
		for _, t := range batch {
			if t.setVersions(versions) {
				continue
			}
			own, err := read(ctx, t.LaunchTemplateId)
			if err != nil {
				return err
			}
			if !t.setVersions(own) {
				return badAnswer("ec2 DescribeLaunchTemplateVersions: the answer does not have the versions of the template")
			}
		}
		return nil
	}
}

// ec2VersionReader returns a function that reads the default and the latest version of
// one template, or of all for nil.
func ec2VersionReader(cfg aws.Config) func(ctx context.Context, template *string) (map[versionKey]*launchTemplateVersion, error) {
	describe := ec2.NewFromConfig(cfg).DescribeLaunchTemplateVersions
	return func(ctx context.Context, template *string) (map[versionKey]*launchTemplateVersion, error) {
		list, err := paged(describe,
			func(token *string) *ec2.DescribeLaunchTemplateVersionsInput {
				return &ec2.DescribeLaunchTemplateVersionsInput{
					LaunchTemplateId: template, Versions: []string{"$Default", "$Latest"}, IncludeManagedResources: includeManaged(),
					MaxResults: aws.Int32(ec2TemplatePage), NextToken: token,
				}
			},
			func(o *ec2.DescribeLaunchTemplateVersionsOutput) ([]types.LaunchTemplateVersion, *string) {
				return o.LaunchTemplateVersions, o.NextToken
			},
		).all(ctx)
		if err != nil {
			return nil, err
		}
		all := make(map[versionKey]*launchTemplateVersion, len(list))
		for _, v := range list {
			all[versionKey{aws.ToString(v.LaunchTemplateId), aws.ToInt64(v.VersionNumber)}] = &launchTemplateVersion{
				v.CreateTime, v.CreatedBy, v.VersionDescription, v.LaunchTemplateData,
			}
		}
		return all, nil
	}
}

// setVersions takes the template's versions out of a list and reports whether both were
// in it.
func (t *launchTemplate) setVersions(versions map[versionKey]*launchTemplateVersion) bool {
	id := aws.ToString(t.LaunchTemplateId)
	def, latest := versions[versionKey{id, aws.ToInt64(t.DefaultVersionNumber)}], versions[versionKey{id, aws.ToInt64(t.LatestVersionNumber)}]
	if def == nil || latest == nil {
		return false
	}
	t.DefaultVersion, t.LatestVersion = def, latest
	return true
}

// addInterfaceSets adds the sets in the network interfaces of launch templates and
// specifications.
func addInterfaceSets(sets map[string]string, path string) {
	sets[path+".Groups"] = ""
	sets[path+".Ipv4Prefixes"] = "{Ipv4Prefix}"
	sets[path+".Ipv6Addresses"] = "{Ipv6Address}"
	sets[path+".Ipv6Prefixes"] = "{Ipv6Prefix}"
	sets[path+".PrivateIpAddresses"] = "{PrivateIpAddress}"
}

// addRequirementSets adds the sets in what instance types have to offer.
func addRequirementSets(sets map[string]string, path string) {
	for _, member := range []string{
		"AcceleratorManufacturers", "AcceleratorNames", "AcceleratorTypes", "AllowedInstanceTypes", "CpuManufacturers",
		"ExcludedInstanceTypes", "InstanceGenerations", "LocalStorageTypes",
	} {
		sets[path+"."+member] = ""
	}
	sets[path+".BaselinePerformanceFactors.Cpu.References"] = "{InstanceFamily}"
}
