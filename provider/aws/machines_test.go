package aws_test

import (
	"strings"
	"testing"
)

func TestMoto_EMR(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::EMR::Cluster")
	r := inv.get(t, "AWS::EMR::Cluster", made["AWS::EMR::Cluster"][0])
	wantTags(t, r, wantedTags)
	wantAt(t, r, "Hive", "Applications", 0, "Name") // a set, sorted
	wantAt(t, r, digest("s3cret"), "Configurations", 0, "Properties", "password")
	wantAt(t, r, nil, "NormalizedInstanceHours")
	if r.Status != "WAITING" || r.Name != "spark" || !strings.HasSuffix(r.ARN, ":cluster/"+r.Key.ID) || r.CreatedAt.IsZero() {
		t.Errorf("got %+v", r)
	}
}

func TestMoto_SageMaker(t *testing.T) {
	c := moto(t)
	inv, _ := c.checkPopulated(t, "AWS::SageMaker::Endpoint", "AWS::SageMaker::Model", "AWS::SageMaker::NotebookInstance", "AWS::SageMaker::Domain")
	for _, r := range inv {
		wantTags(t, r, wantedTags)
		if r.CreatedAt.IsZero() || !strings.HasPrefix(r.ARN, "arn:aws:sagemaker:us-east-1:"+c.account+":") {
			t.Errorf("got %+v", r)
		}
	}
	e := inv.get(t, "AWS::SageMaker::Endpoint", "rank")
	wantAt(t, e, "a", "ProductionVariants", 0, "VariantName") // a set, sorted
	wantAt(t, e, 1, "ProductionVariants", 0, "DesiredInstanceCount")
	wantAt(t, e, nil, "ProductionVariants", 0, "CurrentInstanceCount")
	wantAt(t, inv.get(t, "AWS::SageMaker::Model", "v1"), digest("s3cret"), "PrimaryContainer", "Environment", "TOKEN")
	if n := inv.get(t, "AWS::SageMaker::NotebookInstance", "lab"); n.Status != "InService" {
		t.Errorf("got %+v", n)
	}
	if d := inv.get(t, "AWS::SageMaker::Domain", "d-studio"); d.Name != "studio" || d.Status != "InService" {
		t.Errorf("got %+v", d)
	}
}

func TestMoto_DMSEndpoint(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::DMS::Endpoint")
	r := inv.get(t, "AWS::DMS::Endpoint", "source")
	wantTags(t, r, wantedTags)
	wantAt(t, r, digest("hunter2"), "PostgreSQLSettings", "Password")
	wantAt(t, r, digest("password=s3cret"), "ExtraConnectionAttributes")
	if r.UID == "" || !strings.HasSuffix(r.ARN, ":endpoint:"+r.UID) {
		t.Errorf("got %+v", r)
	}
}

// moto tells the times of instances and tasks as texts, where DMS has numbers.
func TestDMS(t *testing.T) {
	c := answers(t, map[string]string{
		"DescribeReplicationInstances": `{"ReplicationInstances":[{"ReplicationInstanceIdentifier":"mover","ReplicationInstanceArn":"arn:aws:dms:us-east-1:123456789012:rep:R1","ReplicationInstanceStatus":"available",
			"VpcSecurityGroups":[{"VpcSecurityGroupId":"b"},{"VpcSecurityGroupId":"a"}]}]}`,
		"DescribeReplicationTasks": `{"ReplicationTasks":[{"ReplicationTaskIdentifier":"copy","ReplicationTaskArn":"arn:aws:dms:us-east-1:123456789012:task:T1","Status":"running","MigrationType":"cdc",
			"TableMappings":"{\"rules\": [{\"rule-id\": \"1\"}]}","ReplicationTaskStats":{"TablesLoaded":4}}]}`,
		"ListTagsForResource": `{"TagList":[{"Key":"env","Value":"prod"}]}`,
	})
	inv := checkFound(t, c, map[string][]string{"AWS::DMS::ReplicationInstance": {"mover"}, "AWS::DMS::ReplicationTask": {"copy"}})
	for _, r := range inv {
		wantTags(t, r, map[string]string{"env": "prod"})
	}
	wantAt(t, inv.get(t, "AWS::DMS::ReplicationInstance", "mover"), "a", "VpcSecurityGroups", 0, "VpcSecurityGroupId")
	k := inv.get(t, "AWS::DMS::ReplicationTask", "copy")
	wantAt(t, k, "1", "TableMappings", "rules", 0, "rule-id")
	wantAt(t, k, nil, "ReplicationTaskStats")
	if k.UID != "T1" || k.Status != "running" {
		t.Errorf("got %+v", k)
	}
}

func TestMoto_Transfer(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::Transfer::Server")
	r := inv.get(t, "AWS::Transfer::Server", made["AWS::Transfer::Server"][0])
	wantTags(t, r, wantedTags)
	wantAt(t, r, "FTPS", "Protocols", 0) // a set, sorted
	wantAt(t, r, nil, "UserCount")
	if r.Name != "first" || r.Status != "ONLINE" || !strings.HasSuffix(r.ARN, ":server/"+r.Key.ID) {
		t.Errorf("got %+v", r)
	}
}
