package aws_test

import (
	"testing"

	"github.com/elava-dev/elava/resource"
)

func TestMoto_FileSystems(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::EFS::AccessPoint", "AWS::EFS::FileSystem", "AWS::EFS::MountTarget", "AWS::FSx::FileSystem")
	wantTags(t, inv.get(t, "AWS::EFS::AccessPoint", made["AWS::EFS::AccessPoint"][0]), wantedTags)
	fs := inv.get(t, "AWS::EFS::FileSystem", made["AWS::EFS::FileSystem"][0])
	wantTags(t, fs, wantedTags)
	wantAt(t, fs, "elasticfilesystem:ClientMount", "Policy", "Statement", 0, "Action", 0)
	if fs.Name != "first" || fs.Status != "available" {
		t.Errorf("got %+v", fs)
	}
	target := inv.get(t, "AWS::EFS::MountTarget", made["AWS::EFS::MountTarget"][0])
	wantAt(t, target, made["AWS::EC2::SecurityGroup"][0], "SecurityGroups", 0)
	if target.Status != "available" || target.ARN == "" {
		t.Errorf("got %+v", target)
	}
	lustre := inv.get(t, "AWS::FSx::FileSystem", made["AWS::FSx::FileSystem"][0])
	wantTags(t, lustre, wantedTags)
	wantAt(t, lustre, 1200, "StorageCapacity")
}

func TestMoto_Names(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::Route53::HostedZone", "AWS::Route53::RecordSet")
	for _, id := range made["AWS::Route53::HostedZone"] {
		z := inv.get(t, "AWS::Route53::HostedZone", id)
		if z.Key.Region != resource.Global || z.ARN != "arn:aws:route53:::hostedzone/"+id {
			t.Errorf("got %+v", z)
		}
		if id != made["AWS::Route53::HostedZone"][0] { // the private one
			wantAt(t, z, made["AWS::EC2::VPC"][0], "VPCs", 0, "VPCId")
			wantTags(t, z, nil)
			continue
		}
		wantTags(t, z, wantedTags)
		www := inv.get(t, "AWS::Route53::RecordSet", id+"/www.example.com./A")
		wantAt(t, www, "192.0.2.1", "ResourceRecords", 0, "Value")
		wantAt(t, www, id, "HostedZoneId")
	}
}

func TestMoto_Edge(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::CertificateManager::Certificate", "AWS::CloudFront::Distribution", "AWS::CloudFront::OriginAccessControl")
	for _, typ := range []string{"AWS::CloudFront::Distribution", "AWS::CertificateManager::Certificate"} {
		wantTags(t, inv.get(t, typ, made[typ][0]), wantedTags)
	}
	dist := inv.get(t, "AWS::CloudFront::Distribution", made["AWS::CloudFront::Distribution"][0])
	wantAt(t, dist, "index.html", "DefaultRootObject")
	if control := inv.get(t, "AWS::CloudFront::OriginAccessControl", made["AWS::CloudFront::OriginAccessControl"][0]); control.Name != "bucket" {
		t.Errorf("got %+v", control)
	}
	cert := inv.get(t, "AWS::CertificateManager::Certificate", made["AWS::CertificateManager::Certificate"][0])
	wantAt(t, cert, "a.example.com", "SubjectAlternativeNames", 0)
	if cert.Name != "example.com" || cert.Status == "" {
		t.Errorf("got %+v", cert)
	}
}
