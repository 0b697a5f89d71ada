package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/efs"
	efstypes "github.com/aws/aws-sdk-go-v2/service/efs/types"
	"github.com/aws/aws-sdk-go-v2/service/fsx"
	fsxtypes "github.com/aws/aws-sdk-go-v2/service/fsx/types"
)

func (p *Place) efs() *efs.Client { return efs.NewFromConfig(p.Config) }
func (p *Place) fsx() *fsx.Client { return fsx.NewFromConfig(p.Config) }

func efsTags(tags map[string]string) []efstypes.Tag {
	return tagsOf(tags, func(k, v *string) efstypes.Tag { return efstypes.Tag{Key: k, Value: v} })
}

func fsxTags(tags map[string]string) []fsxtypes.Tag {
	return tagsOf(tags, func(k, v *string) fsxtypes.Tag { return fsxtypes.Tag{Key: k, Value: v} })
}

func fileKinds() []Kind {
	return []Kind{
		{Type: "AWS::EFS::FileSystem", Paths: []string{"tags.team"}, Make: makeFileSystems, Change: (*Place).tagInEFS},
		{Type: "AWS::EFS::AccessPoint", Paths: []string{"tags.team"}, Change: (*Place).tagInEFS,
			Make: func(p *Place) string {
				return *ok(p.efs().CreateAccessPoint(p.Context(), &efs.CreateAccessPointInput{
					ClientToken: aws.String("a"), FileSystemId: aws.String(p.Need("AWS::EFS::FileSystem")), Tags: efsTags(Tags()),
				}))(p).AccessPointId
			}},
		{Type: "AWS::EFS::MountTarget", Paths: []string{"attributes.SecurityGroups[{AWS::EC2::SecurityGroup}]"},
			Make: func(p *Place) string {
				system, subnet, group := p.Need("AWS::EFS::FileSystem"), p.Need("AWS::EC2::Subnet"), p.Need("AWS::EC2::SecurityGroup")
				return p.bringing(func() string {
					return *ok(p.efs().CreateMountTarget(p.Context(), &efs.CreateMountTargetInput{
						FileSystemId: &system, SubnetId: &subnet, SecurityGroups: []string{group},
					}))(p).MountTargetId
				})
			},
			Change: func(p *Place, id string) {
				ok(p.efs().ModifyMountTargetSecurityGroups(p.Context(), &efs.ModifyMountTargetSecurityGroupsInput{MountTargetId: &id, SecurityGroups: []string{}}))(p)
			}},
		{Type: "AWS::FSx::FileSystem", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				return *ok(p.fsx().CreateFileSystem(p.Context(), &fsx.CreateFileSystemInput{
					FileSystemType: fsxtypes.FileSystemTypeLustre, SubnetIds: []string{p.Need("AWS::EC2::Subnet")}, StorageCapacity: aws.Int32(1200), Tags: fsxTags(Tags()),
				}))(p).FileSystem.FileSystemId
			},
			Change: func(p *Place, id string) {
				ok(p.fsx().TagResource(p.Context(), &fsx.TagResourceInput{ResourceARN: aws.String(p.arn("fsx", "file-system/"+id)), Tags: fsxTags(more())}))(p)
			}},
	}
}

func (p *Place) tagInEFS(id string) {
	ok(p.efs().TagResource(p.Context(), &efs.TagResourceInput{ResourceId: &id, Tags: efsTags(more())}))(p)
}

// makeFileSystems makes one with tags and a policy, and one with neither.
func makeFileSystems(p *Place) string {
	p.also("AWS::EFS::FileSystem", *ok(p.efs().CreateFileSystem(p.Context(), &efs.CreateFileSystemInput{CreationToken: aws.String("b")}))(p).FileSystemId)
	id := ok(p.efs().CreateFileSystem(p.Context(), &efs.CreateFileSystemInput{CreationToken: aws.String("a"), Tags: efsTags(Tags())}))(p).FileSystemId
	ok(p.efs().PutFileSystemPolicy(p.Context(), &efs.PutFileSystemPolicyInput{
		FileSystemId: id,
		Policy:       aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"elasticfilesystem:ClientMount"}}`),
	}))(p)
	return *id
}
