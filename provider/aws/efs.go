package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/efs"
	"github.com/aws/aws-sdk-go-v2/service/efs/types"

	"github.com/elava-dev/elava/resource"
)

// efsPage is how many file systems and mount targets come at a time whatever is asked
// for, and the default for access points (Amazon EFS API Reference).
const efsPage = 100

const efsActionFileSystems = "elasticfilesystem:DescribeFileSystems"

func efsCollectors() []lister {
	return []lister{efsFileSystems(), efsAccessPoints(), efsMountTargets()}
}

func efsTags(tags []types.Tag) map[string]string {
	return tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
}

type fileSystem struct {
	types.FileSystemDescription
	Policy *string
}

func efsFileSystemPages(cfg aws.Config) source[fileSystem] {
	return paged(efs.NewFromConfig(cfg).DescribeFileSystems,
		func(token *string) *efs.DescribeFileSystemsInput {
			return &efs.DescribeFileSystemsInput{MaxItems: aws.Int32(efsPage), Marker: token}
		},
		func(o *efs.DescribeFileSystemsOutput) ([]fileSystem, *string) {
			return converted(o.FileSystems, func(fs types.FileSystemDescription) fileSystem {
				return fileSystem{FileSystemDescription: fs}
			}), o.NextMarker
		})
}

func efsFileSystems() lister {
	return &collector[fileSystem]{
		rules: resource.Schema{
			Type: "AWS::EFS::FileSystem", Version: 1,
			Omit:     []string{"Tags", "Name", "LifeCycleState", "SizeInBytes", "NumberOfMountTargets"},
			Policies: []string{"Policy"},
		},
		action: efsActionFileSystems,
		pages:  efsFileSystemPages,
		details: func(cfg aws.Config) []detail[fileSystem] {
			describe := efs.NewFromConfig(cfg).DescribeFileSystemPolicy
			return []detail[fileSystem]{{
				parts:  []string{resource.PartAttributes + "Policy"},
				action: "elasticfilesystem:DescribeFileSystemPolicy",
				absent: []string{"PolicyNotFound"},
				fetch: each(func(ctx context.Context, fs *fileSystem) error {
					out, err := describe(ctx, &efs.DescribeFileSystemPolicyInput{FileSystemId: fs.FileSystemId})
					if err == nil {
						fs.Policy = out.Policy
					}
					return err
				}),
			}}
		},
		vanished: []string{"FileSystemNotFound"},
		terminal: []string{string(types.LifeCycleStateDeleted)},
		arn:      "arn:{partition}:elasticfilesystem:{region}:{account}:file-system/{id}",
		read: func(fs *fileSystem) facts {
			return facts{
				ID: fs.FileSystemId, ARN: fs.FileSystemArn, Owner: fs.OwnerId, Name: aws.ToString(fs.Name),
				Status: string(fs.LifeCycleState), Created: fs.CreationTime, Tags: efsTags(fs.Tags),
			}
		},
	}
}

func efsAccessPoints() lister {
	return &collector[types.AccessPointDescription]{
		rules: resource.Schema{
			Type: "AWS::EFS::AccessPoint", Version: 1,
			Omit: []string{"Tags", "Name", "LifeCycleState"},
			Sets: map[string]string{"PosixUser.SecondaryGids": ""},
		},
		action: "elasticfilesystem:DescribeAccessPoints",
		pages: func(cfg aws.Config) source[types.AccessPointDescription] {
			return paged(efs.NewFromConfig(cfg).DescribeAccessPoints,
				func(token *string) *efs.DescribeAccessPointsInput {
					return &efs.DescribeAccessPointsInput{MaxResults: aws.Int32(efsPage), NextToken: token}
				},
				func(o *efs.DescribeAccessPointsOutput) ([]types.AccessPointDescription, *string) {
					return o.AccessPoints, o.NextToken
				})
		},
		terminal: []string{string(types.LifeCycleStateDeleted)},
		read: func(p *types.AccessPointDescription) facts {
			return facts{
				ID: p.AccessPointId, ARN: p.AccessPointArn, Name: aws.ToString(p.Name),
				Status: string(p.LifeCycleState), Tags: efsTags(p.Tags),
			}
		},
	}
}

type mountTarget struct {
	types.MountTargetDescription
	SecurityGroups []string
}

// efsMountTargets asks for the mount targets of every file system: the API has no list of
// all of them.
func efsMountTargets() lister {
	return &collector[mountTarget]{
		rules: resource.Schema{
			Type: "AWS::EFS::MountTarget", Version: 1,
			Omit: []string{"LifeCycleState"},
			Sets: map[string]string{"SecurityGroups": ""},
		},
		action: "elasticfilesystem:DescribeMountTargets", parentAction: efsActionFileSystems,
		pages: func(cfg aws.Config) source[mountTarget] {
			describe := efs.NewFromConfig(cfg).DescribeMountTargets
			return under(efsFileSystemPages(cfg), efsActionFileSystems, []string{"FileSystemNotFound"},
				func(fs *fileSystem) source[mountTarget] {
					return paged(describe,
						func(token *string) *efs.DescribeMountTargetsInput {
							return &efs.DescribeMountTargetsInput{FileSystemId: fs.FileSystemId, MaxItems: aws.Int32(efsPage), Marker: token}
						},
						func(o *efs.DescribeMountTargetsOutput) ([]mountTarget, *string) {
							return converted(o.MountTargets, func(m types.MountTargetDescription) mountTarget {
								return mountTarget{MountTargetDescription: m}
							}), o.NextMarker
						})
				})
		},
		details: func(cfg aws.Config) []detail[mountTarget] {
			describe := efs.NewFromConfig(cfg).DescribeMountTargetSecurityGroups
			return []detail[mountTarget]{{
				parts:  []string{resource.PartAttributes + "SecurityGroups"},
				action: "elasticfilesystem:DescribeMountTargetSecurityGroups",
				fetch: each(func(ctx context.Context, m *mountTarget) error {
					out, err := describe(ctx, &efs.DescribeMountTargetSecurityGroupsInput{MountTargetId: m.MountTargetId})
					if err == nil {
						m.SecurityGroups = out.SecurityGroups
					}
					return err
				}),
			}}
		},
		vanished: []string{"MountTargetNotFound"},
		terminal: []string{string(types.LifeCycleStateDeleted)},
		arn:      "arn:{partition}:elasticfilesystem:{region}:{account}:mount-target/{id}",
		read: func(m *mountTarget) facts {
			return facts{ID: m.MountTargetId, Owner: m.OwnerId, Status: string(m.LifeCycleState)}
		},
	}
}
