package aws_test

import (
	"strings"
	"testing"
)

func TestMoto_Redshift(t *testing.T) {
	c := moto(t)
	inv, _ := c.checkPopulated(t, "AWS::Redshift::Cluster", "AWS::Redshift::ClusterSubnetGroup", "AWS::Redshift::ClusterParameterGroup")
	for typ, id := range map[string]string{
		"AWS::Redshift::Cluster": "sales", "AWS::Redshift::ClusterSubnetGroup": "inner", "AWS::Redshift::ClusterParameterGroup": "tuned",
	} {
		wantTags(t, inv.get(t, typ, id), wantedTags)
	}
	if s := inv.get(t, "AWS::Redshift::Cluster", "sales"); s.ARN != "arn:aws:redshift:us-east-1:"+c.account+":cluster:sales" || s.Status != "available" {
		t.Errorf("got %+v", s)
	}
}

// moto has no serverless Redshift.
func TestRedshiftServerless(t *testing.T) {
	c := answers(t, map[string]string{
		"ListWorkgroups": `{"workgroups":[{"workgroupName":"adhoc","workgroupId":"w-1","workgroupArn":"arn:aws:redshift-serverless:us-east-1:123456789012:workgroup/w-1",
			"status":"AVAILABLE","baseCapacity":8,"creationDate":"2025-01-02T03:04:05Z","subnetIds":["b","a"]}]}`,
		"ListNamespaces": `{"namespaces":[{"namespaceName":"main","namespaceId":"n-1","namespaceArn":"arn:aws:redshift-serverless:us-east-1:123456789012:namespace/n-1",
			"status":"AVAILABLE","dbName":"dev","creationDate":"2025-01-02T03:04:05Z"}]}`,
		"ListTagsForResource": `{"tags":[{"key":"env","value":"prod"}]}`,
	})
	inv := checkFound(t, c, map[string][]string{
		"AWS::RedshiftServerless::Workgroup": {"adhoc"},
		"AWS::RedshiftServerless::Namespace": {"main"},
	})
	w := inv.get(t, "AWS::RedshiftServerless::Workgroup", "adhoc")
	wantAt(t, w, "a", "SubnetIds", 0)
	wantTags(t, w, map[string]string{"env": "prod"})
	n := inv.get(t, "AWS::RedshiftServerless::Namespace", "main")
	wantAt(t, n, "dev", "DbName")
	if n.UID != "n-1" || n.Status != "AVAILABLE" || n.CreatedAt.IsZero() {
		t.Errorf("got %+v", n)
	}
}

func TestMoto_OpenSearch(t *testing.T) {
	inv, _ := moto(t).checkPopulated(t, "AWS::OpenSearchService::Domain")
	d := inv.get(t, "AWS::OpenSearchService::Domain", "logs-f")
	wantTags(t, d, wantedTags)
	wantAt(t, d, "es:ESHttpGet", "AccessPolicies", "Statement", 0, "Action", 0)
}

// Tags are tested with vaults: moto finds them only where the request ends with a slash.
func TestMoto_BackupPlans(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::Backup::BackupPlan")
	p := inv.get(t, "AWS::Backup::BackupPlan", made["AWS::Backup::BackupPlan"][0])
	wantAt(t, p, "a", "BackupPlan", "Rules", 0, "RuleName")
	if p.Name != "nightly" {
		t.Errorf("got %+v", p)
	}
}

// moto has no access policies of vaults.
func TestBackup_Vaults(t *testing.T) {
	const vaults = "/backup-vaults/"
	c := answers(t, map[string]string{
		"GET /backup-vaults": `{"BackupVaultList":[{"BackupVaultName":"main","BackupVaultArn":"arn:aws:backup:us-east-1:123456789012:backup-vault:main",
			"VaultState":"AVAILABLE","NumberOfRecoveryPoints":7,"Locked":true,"CreationDate":1.7e9}]}`,
		"GET /tags/arn:aws:backup:us-east-1:123456789012:backup-vault:main": `{"Tags":{"env":"prod"}}`,
		"GET " + vaults + "main/access-policy":                              `{"Policy":"{\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"backup:DeleteRecoveryPoint\"}]}"}`,
	})
	v := checkFound(t, c, map[string][]string{"AWS::Backup::BackupVault": {"main"}}).get(t, "AWS::Backup::BackupVault", "main")
	wantTags(t, v, map[string]string{"env": "prod"})
	wantAt(t, v, true, "Locked")
	wantAt(t, v, nil, "NumberOfRecoveryPoints")
	wantAt(t, v, "backup:DeleteRecoveryPoint", "Policy", "Statement", 0, "Action", 0)
}

func TestMoto_Glue(t *testing.T) {
	c := moto(t)
	inv, _ := c.checkPopulated(t, "AWS::Glue::Database", "AWS::Glue::Table", "AWS::Glue::Job", "AWS::Glue::Crawler")
	wantTags(t, inv.get(t, "AWS::Glue::Database", "raw"), wantedTags)
	tb := inv.get(t, "AWS::Glue::Table", "raw/orders")
	wantAt(t, tb, "json", "Parameters", "classification")
	wantAt(t, tb, nil, "Parameters", "recordCount")
	j := inv.get(t, "AWS::Glue::Job", "etl")
	wantTags(t, j, wantedTags)
	wantAt(t, j, digest("s3cret"), "DefaultArguments", "--token")
	if j.ARN != "arn:aws:glue:us-east-1:"+c.account+":job/etl" {
		t.Errorf("got %+v", j)
	}
	cr := inv.get(t, "AWS::Glue::Crawler", "scan")
	wantTags(t, cr, wantedTags)
	wantAt(t, cr, "s3://a/", "Targets", "S3Targets", 0, "Path")
}

func TestMoto_DynamoDBBackups(t *testing.T) {
	c := moto(t)
	inv, made := c.checkPopulated(t, "AWS::DynamoDB::Backup")
	b := inv.get(t, "AWS::DynamoDB::Backup", made["AWS::DynamoDB::Backup"][0])
	arn := "arn:aws:dynamodb:us-east-1:" + c.account + ":table/carts/backup/" + strings.TrimPrefix(b.Key.ID, "carts/")
	if b.ARN != arn || b.Name != "friday" || b.Status != "AVAILABLE" || b.CreatedAt.IsZero() {
		t.Errorf("got %+v", b)
	}
}

func TestMoto_LambdaLayersAndMappings(t *testing.T) {
	inv, made := moto(t).checkPopulated(t, "AWS::Lambda::Layer", "AWS::Lambda::EventSourceMapping")
	layer := inv.get(t, "AWS::Lambda::Layer", "shared")
	wantAt(t, layer, 2, "LatestMatchingVersion", "Version")
	wantAt(t, layer, "python3.11", "LatestMatchingVersion", "CompatibleRuntimes", 0)
	m := inv.get(t, "AWS::Lambda::EventSourceMapping", made["AWS::Lambda::EventSourceMapping"][0])
	wantAt(t, m, 5, "BatchSize")
	if m.Status != "Enabled" || m.ARN == "" {
		t.Errorf("got %+v", m)
	}
}
