package aws_test

import "testing"

// The services of this file are tested against answers made by hand only.
func TestEMR(t *testing.T) {
	c := answers(t, map[string]string{
		"ListClusters": `{"Clusters":[{"Id":"j-1","Name":"spark"}]}`,
		"DescribeCluster": `{"Cluster":{"Id":"j-1","Name":"spark","ClusterArn":"arn:aws:elasticmapreduce:us-east-1:123456789012:cluster/j-1","NormalizedInstanceHours":7,
			"Status":{"State":"WAITING","Timeline":{"CreationDateTime":1.7e9}},"Applications":[{"Name":"Spark"},{"Name":"Hive"}],
			"Configurations":[{"Classification":"hive-site","Properties":{"javax.jdo.option.ConnectionPassword":"s3cret"}}],"Tags":[{"Key":"env","Value":"prod"}]}}`,
	})
	r := checkFound(t, c, map[string][]string{"AWS::EMR::Cluster": {"j-1"}}).get(t, "AWS::EMR::Cluster", "j-1")
	wantTags(t, r, map[string]string{"env": "prod"})
	wantAt(t, r, "Hive", "Applications", 0, "Name")
	wantAt(t, r, digest("s3cret"), "Configurations", 0, "Properties", "javax.jdo.option.ConnectionPassword")
	if r.Status != "WAITING" || r.Name != "spark" || r.CreatedAt.IsZero() {
		t.Errorf("got %+v", r)
	}
}

func TestSageMaker(t *testing.T) {
	const arn = "arn:aws:sagemaker:us-east-1:123456789012:"
	c := answers(t, map[string]string{
		"ListEndpoints": `{"Endpoints":[{"EndpointName":"rank"}]}`,
		"DescribeEndpoint": `{"EndpointName":"rank","EndpointArn":"` + arn + `endpoint/rank","EndpointStatus":"InService","CreationTime":1.7e9,"LastModifiedTime":1.7e9,
			"ProductionVariants":[{"VariantName":"b","CurrentInstanceCount":2},{"VariantName":"a"}]}`,
		"ListModels": `{"Models":[{"ModelName":"v1"}]}`,
		"DescribeModel": `{"ModelName":"v1","ModelArn":"` + arn + `model/v1","CreationTime":1.7e9,
			"PrimaryContainer":{"Image":"x","Environment":{"TOKEN":"s3cret"}}}`,
		"ListNotebookInstances":    `{"NotebookInstances":[{"NotebookInstanceName":"lab"}]}`,
		"DescribeNotebookInstance": `{"NotebookInstanceName":"lab","NotebookInstanceArn":"` + arn + `notebook-instance/lab","NotebookInstanceStatus":"InService","InstanceType":"ml.t3.medium"}`,
		"ListDomains":              `{"Domains":[{"DomainId":"d-1"}]}`,
		"DescribeDomain":           `{"DomainId":"d-1","DomainName":"studio","DomainArn":"` + arn + `domain/d-1","Status":"InService","SubnetIds":["b","a"]}`,
		"ListTags":                 `{"Tags":[{"Key":"env","Value":"prod"}]}`,
	})
	inv := checkFound(t, c, map[string][]string{
		"AWS::SageMaker::Endpoint": {"rank"}, "AWS::SageMaker::Model": {"v1"}, "AWS::SageMaker::NotebookInstance": {"lab"}, "AWS::SageMaker::Domain": {"d-1"},
	})
	for _, r := range inv {
		wantTags(t, r, map[string]string{"env": "prod"})
	}
	e := inv.get(t, "AWS::SageMaker::Endpoint", "rank")
	wantAt(t, e, "a", "ProductionVariants", 0, "VariantName")
	wantAt(t, e, nil, "ProductionVariants", 1, "CurrentInstanceCount")
	wantAt(t, inv.get(t, "AWS::SageMaker::Model", "v1"), digest("s3cret"), "PrimaryContainer", "Environment", "TOKEN")
	if d := inv.get(t, "AWS::SageMaker::Domain", "d-1"); d.Name != "studio" || d.Status != "InService" {
		t.Errorf("got %+v", d)
	}
}

func TestDMS(t *testing.T) {
	c := answers(t, map[string]string{
		"DescribeReplicationInstances": `{"ReplicationInstances":[{"ReplicationInstanceIdentifier":"mover","ReplicationInstanceArn":"arn:aws:dms:us-east-1:123456789012:rep:R1","ReplicationInstanceStatus":"available",
			"VpcSecurityGroups":[{"VpcSecurityGroupId":"b"},{"VpcSecurityGroupId":"a"}]}]}`,
		"DescribeEndpoints": `{"Endpoints":[{"EndpointIdentifier":"source","EndpointArn":"arn:aws:dms:us-east-1:123456789012:endpoint:E1","Status":"active","EngineName":"mysql",
			"MySQLSettings":{"ServerName":"db","Password":"s3cret"}}]}`,
		"DescribeReplicationTasks": `{"ReplicationTasks":[{"ReplicationTaskIdentifier":"copy","ReplicationTaskArn":"arn:aws:dms:us-east-1:123456789012:task:T1","Status":"running","MigrationType":"cdc",
			"TableMappings":"{\"rules\": [{\"rule-id\": \"1\"}]}","ReplicationTaskStats":{"TablesLoaded":4}}]}`,
		"ListTagsForResource": `{"TagList":[{"Key":"env","Value":"prod"}]}`,
	})
	inv := checkFound(t, c, map[string][]string{
		"AWS::DMS::ReplicationInstance": {"mover"}, "AWS::DMS::Endpoint": {"source"}, "AWS::DMS::ReplicationTask": {"copy"},
	})
	for _, r := range inv {
		wantTags(t, r, map[string]string{"env": "prod"})
	}
	wantAt(t, inv.get(t, "AWS::DMS::ReplicationInstance", "mover"), "a", "VpcSecurityGroups", 0, "VpcSecurityGroupId")
	wantAt(t, inv.get(t, "AWS::DMS::Endpoint", "source"), digest("s3cret"), "MySQLSettings", "Password")
	k := inv.get(t, "AWS::DMS::ReplicationTask", "copy")
	wantAt(t, k, "1", "TableMappings", "rules", 0, "rule-id")
	wantAt(t, k, nil, "ReplicationTaskStats")
	if k.UID != "T1" || k.Status != "running" {
		t.Errorf("got %+v", k)
	}
}

func TestTransfer(t *testing.T) {
	c := answers(t, map[string]string{
		"ListServers": `{"Servers":[{"Arn":"arn:aws:transfer:us-east-1:123456789012:server/s-1","ServerId":"s-1"}]}`,
		"DescribeServer": `{"Server":{"Arn":"arn:aws:transfer:us-east-1:123456789012:server/s-1","ServerId":"s-1","State":"ONLINE","UserCount":3,"Protocols":["SFTP","FTPS"],
			"Tags":[{"Key":"Name","Value":"drop"}]}}`,
	})
	r := checkFound(t, c, map[string][]string{"AWS::Transfer::Server": {"s-1"}}).get(t, "AWS::Transfer::Server", "s-1")
	wantAt(t, r, "FTPS", "Protocols", 0)
	wantAt(t, r, nil, "UserCount")
	if r.Name != "drop" || r.Status != "ONLINE" {
		t.Errorf("got %+v", r)
	}
}
