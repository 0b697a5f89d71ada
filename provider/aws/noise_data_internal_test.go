package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/backup"
	backuptypes "github.com/aws/aws-sdk-go-v2/service/backup/types"
	dynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	glue "github.com/aws/aws-sdk-go-v2/service/glue/types"
	lambda "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	opensearch "github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	redshift "github.com/aws/aws-sdk-go-v2/service/redshift/types"
	serverless "github.com/aws/aws-sdk-go-v2/service/redshiftserverless/types"
)

func noisesOfData() []observed {
	s := aws.String
	rule := func(name string) backuptypes.BackupRule {
		return backuptypes.BackupRule{RuleName: &name, ScheduleExpression: s("cron(0 5 * * ? *)")}
	}
	plan := func(rules ...backuptypes.BackupRule) *backuptypes.BackupPlan {
		return &backuptypes.BackupPlan{Rules: rules}
	}
	return []observed{
		noise("the results of a mapping", "AWS::Lambda::EventSourceMapping",
			lambda.EventSourceMappingConfiguration{State: s("Enabling"), StateTransitionReason: s("a"), LastModified: at(1), LastProcessingResult: s("OK"), Topics: []string{"a", "b"}},
			lambda.EventSourceMappingConfiguration{State: s("Enabled"), LastModified: at(2), LastProcessingResult: s("No records"), Topics: []string{"b", "a"}}),
		changed("the batch size of a mapping", "AWS::Lambda::EventSourceMapping",
			lambda.EventSourceMappingConfiguration{BatchSize: aws.Int32(1)}, lambda.EventSourceMappingConfiguration{BatchSize: aws.Int32(2)}, "attributes.BatchSize"),
		noise("the order of a layer's runtimes", "AWS::Lambda::Layer",
			lambda.LayersListItem{LatestMatchingVersion: &lambda.LayerVersionsListItem{CompatibleRuntimes: []lambda.Runtime{"a", "b"}}},
			lambda.LayersListItem{LatestMatchingVersion: &lambda.LayerVersionsListItem{CompatibleRuntimes: []lambda.Runtime{"b", "a"}}}),
		changed("a new version of a layer", "AWS::Lambda::Layer",
			lambda.LayersListItem{LatestMatchingVersion: &lambda.LayerVersionsListItem{Version: 1}}, lambda.LayersListItem{LatestMatchingVersion: &lambda.LayerVersionsListItem{Version: 2}},
			"attributes.LatestMatchingVersion.Version"),
		noise("the size of a backup", "AWS::DynamoDB::Backup", dynamodb.BackupSummary{BackupSizeBytes: aws.Int64(1)}, dynamodb.BackupSummary{BackupSizeBytes: aws.Int64(2)}),
		changed("when a backup expires", "AWS::DynamoDB::Backup",
			dynamodb.BackupSummary{BackupExpiryDateTime: at(1)}, dynamodb.BackupSummary{BackupExpiryDateTime: at(2)}, "attributes.BackupExpiryDateTime"),
		noise("the number of recovery points, and the layout of the policy", "AWS::Backup::BackupVault",
			backupVault{backuptypes.BackupVaultListMember{NumberOfRecoveryPoints: 1}, s(bucketPolicy)}, backupVault{backuptypes.BackupVaultListMember{NumberOfRecoveryPoints: 2}, s(bucketPolicySame)}),
		changed("a vault without a lock", "AWS::Backup::BackupVault",
			backupVault{BackupVaultListMember: backuptypes.BackupVaultListMember{Locked: aws.Bool(true)}}, backupVault{BackupVaultListMember: backuptypes.BackupVaultListMember{Locked: aws.Bool(false)}},
			"attributes.Locked"),
		noise("when a plan ran, and the order of its rules", "AWS::Backup::BackupPlan",
			backup.GetBackupPlanOutput{LastExecutionDate: at(1), VersionId: s("1"), BackupPlan: plan(rule("a"), rule("b"))},
			backup.GetBackupPlanOutput{LastExecutionDate: at(2), VersionId: s("2"), BackupPlan: plan(rule("b"), rule("a"))}),
		changed("one more rule of a plan", "AWS::Backup::BackupPlan",
			backup.GetBackupPlanOutput{BackupPlan: plan(rule("b"))}, backup.GetBackupPlanOutput{BackupPlan: plan(rule("a"), rule("b"))}, "attributes.BackupPlan.Rules[a]"),
		noise("the software that a domain could have", "AWS::OpenSearchService::Domain",
			opensearch.DomainStatus{Processing: aws.Bool(true), AccessPolicies: s(bucketPolicy), ServiceSoftwareOptions: &opensearch.ServiceSoftwareOptions{UpdateAvailable: aws.Bool(false), NewVersion: s("1")}},
			opensearch.DomainStatus{Processing: aws.Bool(false), AccessPolicies: s(bucketPolicySame), ServiceSoftwareOptions: &opensearch.ServiceSoftwareOptions{UpdateAvailable: aws.Bool(true), NewVersion: s("2")}}),
		changed("the software that a domain has", "AWS::OpenSearchService::Domain",
			opensearch.DomainStatus{ServiceSoftwareOptions: &opensearch.ServiceSoftwareOptions{CurrentVersion: s("1")}}, opensearch.DomainStatus{ServiceSoftwareOptions: &opensearch.ServiceSoftwareOptions{CurrentVersion: s("2")}},
			"attributes.ServiceSoftwareOptions.CurrentVersion"),
		noise("a restore, a revision and the status of parameters", "AWS::Redshift::Cluster",
			redshift.Cluster{ClusterRevisionNumber: s("1"), RestoreStatus: &redshift.RestoreStatus{Status: s("restoring")}, ClusterParameterGroups: []redshift.ClusterParameterGroupStatus{{ParameterGroupName: s("a"), ParameterApplyStatus: s("applying")}},
				IamRoles: []redshift.ClusterIamRole{{IamRoleArn: s("a")}, {IamRoleArn: s("b")}}},
			redshift.Cluster{ClusterRevisionNumber: s("2"), ClusterParameterGroups: []redshift.ClusterParameterGroupStatus{{ParameterGroupName: s("a"), ParameterApplyStatus: s("in-sync")}},
				IamRoles: []redshift.ClusterIamRole{{IamRoleArn: s("b")}, {IamRoleArn: s("a")}}}),
		changed("a cluster that the world can reach", "AWS::Redshift::Cluster",
			redshift.Cluster{PubliclyAccessible: aws.Bool(false)}, redshift.Cluster{PubliclyAccessible: aws.Bool(true)}, "attributes.PubliclyAccessible"),
		noise("the status of a group of subnets", "AWS::Redshift::ClusterSubnetGroup",
			redshift.ClusterSubnetGroup{SubnetGroupStatus: s("a"), Subnets: []redshift.Subnet{{SubnetIdentifier: s("a")}, {SubnetIdentifier: s("b")}}},
			redshift.ClusterSubnetGroup{SubnetGroupStatus: s("b"), Subnets: []redshift.Subnet{{SubnetIdentifier: s("b")}, {SubnetIdentifier: s("a")}}}),
		changed("one more subnet", "AWS::Redshift::ClusterSubnetGroup",
			redshift.ClusterSubnetGroup{}, redshift.ClusterSubnetGroup{Subnets: []redshift.Subnet{{SubnetIdentifier: s("a")}}}, "attributes.Subnets[a]"),
		noise("tags, which stand beside the document", "AWS::Redshift::ClusterParameterGroup",
			redshift.ClusterParameterGroup{}, redshift.ClusterParameterGroup{Tags: []redshift.Tag{{Key: s("a")}}}),
		changed("another description", "AWS::Redshift::ClusterParameterGroup",
			redshift.ClusterParameterGroup{Description: s("a")}, redshift.ClusterParameterGroup{Description: s("b")}, "attributes.Description"),
		noise("the version of a work group", "AWS::RedshiftServerless::Workgroup",
			serverless.Workgroup{WorkgroupVersion: s("1"), PatchVersion: s("1"), SubnetIds: []string{"a", "b"}}, serverless.Workgroup{WorkgroupVersion: s("2"), PatchVersion: s("2"), SubnetIds: []string{"b", "a"}}),
		changed("the capacity of a work group", "AWS::RedshiftServerless::Workgroup",
			serverless.Workgroup{BaseCapacity: aws.Int32(8)}, serverless.Workgroup{BaseCapacity: aws.Int32(16)}, "attributes.BaseCapacity"),
		noise("the order of a namespace's roles", "AWS::RedshiftServerless::Namespace",
			serverless.Namespace{IamRoles: []string{"a", "b"}}, serverless.Namespace{IamRoles: []string{"b", "a"}}),
		changed("another key of a namespace", "AWS::RedshiftServerless::Namespace",
			serverless.Namespace{KmsKeyId: s("a")}, serverless.Namespace{KmsKeyId: s("b")}, "attributes.KmsKeyId"),
	}
}

func noisesOfGlue() []observed {
	s := aws.String
	counted := func(n string) glue.Table {
		return withoutStatistics(glue.Table{UpdateTime: at(len(n)),
			Parameters: map[string]string{
				"recordCount": n, "classification": "json", "last_commit_time_sync": n, "last_commit_completion_time_sync": n,
				"trino_last_transaction_version": n, "spark.sql.statistics.numRows": n, "spark.sql.statistics.colStats.id.max": n,
			},
			StorageDescriptor: &glue.StorageDescriptor{Parameters: map[string]string{"sizeKey": n}}})
	}
	columns := func(names ...string) glue.Table {
		return glue.Table{StorageDescriptor: &glue.StorageDescriptor{Columns: converted(names, func(n string) glue.Column { return glue.Column{Name: &n} })}}
	}
	return []observed{
		noise("the order of permissions", "AWS::Glue::Database",
			glue.Database{CreateTableDefaultPermissions: []glue.PrincipalPermissions{{Permissions: []glue.Permission{"ALL", "SELECT"}}}},
			glue.Database{CreateTableDefaultPermissions: []glue.PrincipalPermissions{{Permissions: []glue.Permission{"SELECT", "ALL"}}}}),
		changed("another place of a database", "AWS::Glue::Database", glue.Database{LocationUri: s("a")}, glue.Database{LocationUri: s("b")}, "attributes.LocationUri"),
		noise("what crawlers and engines count", "AWS::Glue::Table", counted("1"), counted("22")),
		changed("a parameter of a table", "AWS::Glue::Table",
			withoutStatistics(glue.Table{Parameters: map[string]string{"spark.sql.sources.provider": "a"}}), withoutStatistics(glue.Table{Parameters: map[string]string{"spark.sql.sources.provider": "b"}}),
			"attributes.Parameters.spark.sql.sources.provider"),
		changed("the order of columns", "AWS::Glue::Table", columns("a", "b"), columns("b", "a"),
			"attributes.StorageDescriptor.Columns[0].Name", "attributes.StorageDescriptor.Columns[1].Name"),
		noise("when a job was modified", "AWS::Glue::Job", glue.Job{LastModifiedOn: at(1)}, glue.Job{LastModifiedOn: at(2)}),
		changed("an argument of a job", "AWS::Glue::Job",
			glue.Job{DefaultArguments: map[string]string{"--x": "1"}}, glue.Job{DefaultArguments: map[string]string{"--x": "22"}}, "attributes.DefaultArguments.--x"),
		noise("the last crawl", "AWS::Glue::Crawler",
			glue.Crawler{State: "RUNNING", CrawlElapsedTime: 1, LastCrawl: &glue.LastCrawlInfo{StartTime: at(1)}, Targets: &glue.CrawlerTargets{S3Targets: []glue.S3Target{{Path: s("a")}, {Path: s("b")}}}},
			glue.Crawler{State: "READY", LastCrawl: &glue.LastCrawlInfo{StartTime: at(2)}, Targets: &glue.CrawlerTargets{S3Targets: []glue.S3Target{{Path: s("b")}, {Path: s("a")}}}}),
		changed("one more target of a crawler", "AWS::Glue::Crawler",
			glue.Crawler{Targets: &glue.CrawlerTargets{S3Targets: []glue.S3Target{{Path: s("b")}}}}, glue.Crawler{Targets: &glue.CrawlerTargets{S3Targets: []glue.S3Target{{Path: s("a")}, {Path: s("b")}}}},
			"attributes.Targets.S3Targets[a]"),
	}
}
