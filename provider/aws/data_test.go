package aws_test

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/backup"
	backuptypes "github.com/aws/aws-sdk-go-v2/service/backup/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	opensearchtypes "github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	redshifttypes "github.com/aws/aws-sdk-go-v2/service/redshift/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func TestMoto_Redshift(t *testing.T) {
	c := moto(t)
	ctx, r := t.Context(), redshift.NewFromConfig(c.config(t))
	tags := tagsOf(func(k, v *string) redshifttypes.Tag { return redshifttypes.Tag{Key: k, Value: v} })
	must[*redshift.CreateClusterSubnetGroupOutput](t)(r.CreateClusterSubnetGroup(ctx, &redshift.CreateClusterSubnetGroupInput{
		ClusterSubnetGroupName: aws.String("inner"), Description: aws.String("x"), SubnetIds: c.subnets(t), Tags: tags,
	}))
	must[*redshift.CreateClusterParameterGroupOutput](t)(r.CreateClusterParameterGroup(ctx, &redshift.CreateClusterParameterGroupInput{
		ParameterGroupName: aws.String("tuned"), ParameterGroupFamily: aws.String("redshift-1.0"), Description: aws.String("x"), Tags: tags,
	}))
	must[*redshift.CreateClusterOutput](t)(r.CreateCluster(ctx, &redshift.CreateClusterInput{
		ClusterIdentifier: aws.String("sales"), NodeType: aws.String("ra3.large"), MasterUsername: aws.String("root"), MasterUserPassword: aws.String("Hunter22"), Tags: tags,
	}))
	inv := checkFound(t, c, map[string][]string{
		"AWS::Redshift::Cluster":               {"sales"},
		"AWS::Redshift::ClusterSubnetGroup":    {"inner"},
		"AWS::Redshift::ClusterParameterGroup": {"default.redshift-1.0", "tuned"},
	})
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
	c := moto(t)
	ctx, o := t.Context(), opensearch.NewFromConfig(c.config(t))
	names := strings.Split("logs-a logs-b logs-c logs-d logs-e logs-f", " ") // more than one batch
	for _, name := range names {
		must[*opensearch.CreateDomainOutput](t)(o.CreateDomain(ctx, &opensearch.CreateDomainInput{
			DomainName: &name, TagList: tagsOf(func(k, v *string) opensearchtypes.Tag { return opensearchtypes.Tag{Key: k, Value: v} }),
			AccessPolicies: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":"*","Action":"es:ESHttpGet"}]}`),
		}))
	}
	d := checkFound(t, c, map[string][]string{"AWS::OpenSearchService::Domain": names}).get(t, "AWS::OpenSearchService::Domain", "logs-f")
	wantTags(t, d, wantedTags)
	wantAt(t, d, "es:ESHttpGet", "AccessPolicies", "Statement", 0, "Action", 0)
}

// Tags are tested with vaults: moto finds them only where the request ends with a slash.
func TestMoto_BackupPlans(t *testing.T) {
	c := moto(t)
	b := backup.NewFromConfig(c.config(t))
	plan := must[*backup.CreateBackupPlanOutput](t)(b.CreateBackupPlan(t.Context(), &backup.CreateBackupPlanInput{
		BackupPlan: &backuptypes.BackupPlanInput{BackupPlanName: aws.String("nightly"), Rules: []backuptypes.BackupRuleInput{
			{RuleName: aws.String("b"), TargetBackupVaultName: aws.String("main")}, {RuleName: aws.String("a"), TargetBackupVaultName: aws.String("main")},
		}},
	}))
	p := checkFound(t, c, map[string][]string{"AWS::Backup::BackupPlan": {*plan.BackupPlanId}}).get(t, "AWS::Backup::BackupPlan", *plan.BackupPlanId)
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
	ctx, g := t.Context(), glue.NewFromConfig(c.config(t))
	for _, db := range []string{"raw", "clean"} {
		must[*glue.CreateDatabaseOutput](t)(g.CreateDatabase(ctx, &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: &db}, Tags: wantedTags}))
		must[*glue.CreateTableOutput](t)(g.CreateTable(ctx, &glue.CreateTableInput{DatabaseName: &db, TableInput: &gluetypes.TableInput{
			Name: aws.String("orders"), Parameters: map[string]string{"recordCount": "5", "classification": "json"},
		}}))
	}
	must[*glue.CreateJobOutput](t)(g.CreateJob(ctx, &glue.CreateJobInput{
		Name: aws.String("etl"), Role: aws.String("arn:aws:iam::1:role/g"), Command: &gluetypes.JobCommand{Name: aws.String("glueetl")},
		DefaultArguments: map[string]string{"--token": "s3cret"}, Tags: wantedTags,
	}))
	must[*glue.CreateCrawlerOutput](t)(g.CreateCrawler(ctx, &glue.CreateCrawlerInput{
		Name: aws.String("scan"), Role: aws.String("arn:aws:iam::1:role/g"), DatabaseName: aws.String("raw"), Tags: wantedTags,
		Targets: &gluetypes.CrawlerTargets{S3Targets: []gluetypes.S3Target{{Path: aws.String("s3://b/")}, {Path: aws.String("s3://a/")}}},
	}))
	inv := checkFound(t, c, map[string][]string{
		"AWS::Glue::Database": {"clean", "raw"},
		"AWS::Glue::Table":    {"clean/orders", "raw/orders"},
		"AWS::Glue::Job":      {"etl"},
		"AWS::Glue::Crawler":  {"scan"},
	})
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
	ctx, d := t.Context(), dynamodb.NewFromConfig(c.config(t))
	must[*dynamodb.CreateTableOutput](t)(d.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("carts"), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: "S"}},
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: "HASH"}},
	}))
	made := must[*dynamodb.CreateBackupOutput](t)(d.CreateBackup(ctx, &dynamodb.CreateBackupInput{TableName: aws.String("carts"), BackupName: aws.String("friday")}))
	arn := *made.BackupDetails.BackupArn
	id := "carts/" + arn[strings.LastIndexByte(arn, '/')+1:]
	b := checkFound(t, c, map[string][]string{"AWS::DynamoDB::Backup": {id}}).get(t, "AWS::DynamoDB::Backup", id)
	if b.ARN != arn || b.Name != "friday" || b.Status != "AVAILABLE" || b.CreatedAt.IsZero() {
		t.Errorf("got %+v", b)
	}
}

func TestMoto_LambdaLayersAndMappings(t *testing.T) {
	c := moto(t)
	ctx, l := t.Context(), lambda.NewFromConfig(c.config(t))
	role := must[*iam.CreateRoleOutput](t)(iam.NewFromConfig(c.config(t)).CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("worker"), AssumeRolePolicyDocument: aws.String(trust)}))
	queue := must[*sqs.CreateQueueOutput](t)(sqs.NewFromConfig(c.config(t)).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("in")}))
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	must[interface{ Write([]byte) (int, error) }](t)(z.Create("main.py"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	must[*lambda.CreateFunctionOutput](t)(l.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("resize"), Runtime: lambdatypes.RuntimePython312, Handler: aws.String("main.handler"),
		Role: role.Role.Arn, Code: &lambdatypes.FunctionCode{ZipFile: code.Bytes()},
	}))
	for range 2 {
		must[*lambda.PublishLayerVersionOutput](t)(l.PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{
			LayerName: aws.String("shared"), Content: &lambdatypes.LayerVersionContentInput{ZipFile: code.Bytes()},
			CompatibleRuntimes: []lambdatypes.Runtime{lambdatypes.RuntimePython312, lambdatypes.RuntimePython311},
		}))
	}
	layer := checkFound(t, c, map[string][]string{"AWS::Lambda::Layer": {"shared"}}).get(t, "AWS::Lambda::Layer", "shared")
	wantAt(t, layer, 2, "LatestMatchingVersion", "Version")
	wantAt(t, layer, "python3.11", "LatestMatchingVersion", "CompatibleRuntimes", 0)

	mapping := must[*lambda.CreateEventSourceMappingOutput](t)(l.CreateEventSourceMapping(ctx, &lambda.CreateEventSourceMappingInput{
		FunctionName: aws.String("resize"), EventSourceArn: aws.String("arn:aws:sqs:us-east-1:" + c.account + ":in"), BatchSize: aws.Int32(5),
	}))
	m := checkFound(t, c, map[string][]string{"AWS::Lambda::EventSourceMapping": {*mapping.UUID}}).get(t, "AWS::Lambda::EventSourceMapping", *mapping.UUID)
	wantAt(t, m, 5, "BatchSize")
	if m.Status != "Enabled" || m.ARN == "" || queue.QueueUrl == nil {
		t.Errorf("got %+v", m)
	}
}
