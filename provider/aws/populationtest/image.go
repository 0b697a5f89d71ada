package populationtest

import (
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Image is one that moto takes for an instance without having it.
const Image = "ami-12c6146b"

// UserData holds a secret, and is in what starts machines.
var UserData = base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\nexport TOKEN=s3cret\n"))

func imageKinds() []Kind {
	return []Kind{
		{Type: "AWS::EC2::Snapshot", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateSnapshot(p.Context(), &ec2.CreateSnapshotInput{
					VolumeId: aws.String(p.Need("AWS::EC2::Volume")), TagSpecifications: ec2Tagged(types.ResourceTypeSnapshot),
				}))(p).SnapshotId
			}},
		{Type: "AWS::EC2::Image", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return p.bringing(func() string { // moto makes a snapshot for it
					return *ok(p.ec2().RegisterImage(p.Context(), &ec2.RegisterImageInput{
						Name: aws.String("base"), TagSpecifications: ec2Tagged(types.ResourceTypeImage),
					}))(p).ImageId
				})
			}},
		{Type: "AWS::EC2::KeyPair", Paths: []string{"tags.team"}, Change: (*Place).tag,
			Make: func(p *Place) string {
				return *ok(p.ec2().CreateKeyPair(p.Context(), &ec2.CreateKeyPairInput{
					KeyName: aws.String("ops"), TagSpecifications: ec2Tagged(types.ResourceTypeKeyPair),
				}))(p).KeyPairId
			}},
		{Type: "AWS::EC2::LaunchTemplate",
			Paths: []string{"attributes.LatestVersion.CreateTime", "attributes.LatestVersion.VersionDescription", "attributes.LatestVersionNumber"},
			Make: func(p *Place) string {
				p.also("AWS::EC2::LaunchTemplate", p.makeTemplate("worker"))
				return p.makeTemplate("web")
			},
			Change: func(p *Place, _ string) { p.makeTemplateVersion("web", "third") }},
	}
}

// makeTemplate makes a template with two versions.
func (p *Place) makeTemplate(name string) string {
	id := *ok(p.ec2().CreateLaunchTemplate(p.Context(), &ec2.CreateLaunchTemplateInput{
		LaunchTemplateName: &name, TagSpecifications: ec2Tagged(types.ResourceTypeLaunchTemplate),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(Image), UserData: &UserData},
	}))(p).LaunchTemplate.LaunchTemplateId
	p.makeTemplateVersion(name, "second")
	return id
}

func (p *Place) makeTemplateVersion(template, description string) {
	ok(p.ec2().CreateLaunchTemplateVersion(p.Context(), &ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateName: &template, VersionDescription: &description,
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: aws.String(Image), InstanceType: types.InstanceTypeT3Small},
	}))(p)
}
