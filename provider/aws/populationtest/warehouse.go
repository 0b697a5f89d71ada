package populationtest

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/backup"
	backuptypes "github.com/aws/aws-sdk-go-v2/service/backup/types"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	gluetypes "github.com/aws/aws-sdk-go-v2/service/glue/types"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	opensearchtypes "github.com/aws/aws-sdk-go-v2/service/opensearch/types"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	redshifttypes "github.com/aws/aws-sdk-go-v2/service/redshift/types"
)

func (p *Place) redshift() *redshift.Client     { return redshift.NewFromConfig(p.Config) }
func (p *Place) opensearch() *opensearch.Client { return opensearch.NewFromConfig(p.Config) }
func (p *Place) glue() *glue.Client             { return glue.NewFromConfig(p.Config) }
func (p *Place) backup() *backup.Client         { return backup.NewFromConfig(p.Config) }

func redshiftTags(tags map[string]string) []redshifttypes.Tag {
	return tagsOf(tags, func(k, v *string) redshifttypes.Tag { return redshifttypes.Tag{Key: k, Value: v} })
}

func opensearchTags(tags map[string]string) []opensearchtypes.Tag {
	return tagsOf(tags, func(k, v *string) opensearchtypes.Tag { return opensearchtypes.Tag{Key: k, Value: v} })
}

func taggedInRedshift(kind string) func(*Place, string) {
	return func(p *Place, id string) {
		ok(p.redshift().CreateTags(p.Context(), &redshift.CreateTagsInput{ResourceName: aws.String(p.arn("redshift", kind+":"+id)), Tags: redshiftTags(more())}))(p)
	}
}

func warehouseKinds() []Kind {
	return []Kind{
		{Type: "AWS::Redshift::ClusterSubnetGroup", Paths: []string{"tags.team"}, Change: taggedInRedshift("subnetgroup"),
			Make: func(p *Place) string {
				return *ok(p.redshift().CreateClusterSubnetGroup(p.Context(), &redshift.CreateClusterSubnetGroupInput{
					ClusterSubnetGroupName: aws.String("inner"), Description: aws.String("x"), SubnetIds: p.subnets(), Tags: redshiftTags(Tags()),
				}))(p).ClusterSubnetGroup.ClusterSubnetGroupName
			}},
		{Type: "AWS::Redshift::ClusterParameterGroup", Paths: []string{"tags.team"}, Change: taggedInRedshift("parametergroup"),
			Make: func(p *Place) string {
				return *ok(p.redshift().CreateClusterParameterGroup(p.Context(), &redshift.CreateClusterParameterGroupInput{
					ParameterGroupName: aws.String("tuned"), ParameterGroupFamily: aws.String("redshift-1.0"), Description: aws.String("x"), Tags: redshiftTags(Tags()),
				}))(p).ClusterParameterGroup.ParameterGroupName
			}},
		{Type: "AWS::Redshift::Cluster", Paths: []string{"attributes.NodeType"},
			Make: func(p *Place) string {
				return *ok(p.redshift().CreateCluster(p.Context(), &redshift.CreateClusterInput{
					ClusterIdentifier: aws.String("sales"), NodeType: aws.String("ra3.large"), MasterUsername: aws.String("root"), MasterUserPassword: aws.String("Hunter22"), Tags: redshiftTags(Tags()),
				}))(p).Cluster.ClusterIdentifier
			},
			Change: func(p *Place, id string) {
				ok(p.redshift().ModifyCluster(p.Context(), &redshift.ModifyClusterInput{ClusterIdentifier: &id, NodeType: aws.String("ra3.xlplus")}))(p)
			}},
		{Type: "AWS::OpenSearchService::Domain", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				for _, name := range []string{"logs-b", "logs-c", "logs-d", "logs-e", "logs-f"} { // more than one batch
					p.also("AWS::OpenSearchService::Domain", p.makeDomain(name))
				}
				return p.makeDomain("logs-a")
			},
			Change: func(p *Place, id string) {
				ok(p.opensearch().AddTags(p.Context(), &opensearch.AddTagsInput{ARN: aws.String(p.arn("es", "domain/"+id)), TagList: opensearchTags(more())}))(p)
			}},
		{Type: "AWS::Glue::Database", Paths: []string{"tags.team"},
			Make: func(p *Place) string {
				for _, name := range []string{"clean", "raw"} {
					ok(p.glue().CreateDatabase(p.Context(), &glue.CreateDatabaseInput{DatabaseInput: &gluetypes.DatabaseInput{Name: &name}, Tags: Tags()}))(p)
				}
				p.also("AWS::Glue::Database", "clean")
				return "raw"
			},
			Change: func(p *Place, id string) { p.tagInGlue("database/" + id) }},
		{Type: "AWS::Glue::Table", Paths: []string{"attributes.Description"},
			Make: func(p *Place) string {
				p.Need("AWS::Glue::Database")
				for _, db := range []string{"clean", "raw"} {
					ok(p.glue().CreateTable(p.Context(), &glue.CreateTableInput{DatabaseName: &db, TableInput: glueTable(nil)}))(p)
				}
				p.also("AWS::Glue::Table", "clean/orders")
				return "raw/orders"
			},
			Change: func(p *Place, _ string) {
				ok(p.glue().UpdateTable(p.Context(), &glue.UpdateTableInput{DatabaseName: aws.String("raw"), TableInput: glueTable(aws.String("b"))}))(p)
			}},
		{Type: "AWS::Glue::Job", Paths: []string{"tags.team"}, Change: func(p *Place, id string) { p.tagInGlue("job/" + id) },
			Make: func(p *Place) string {
				return *ok(p.glue().CreateJob(p.Context(), &glue.CreateJobInput{
					Name: aws.String("etl"), Role: p.role("g"), Command: &gluetypes.JobCommand{Name: aws.String("glueetl")},
					DefaultArguments: map[string]string{"--token": "s3cret"}, Tags: Tags(),
				}))(p).Name
			}},
		{Type: "AWS::Glue::Crawler", Paths: []string{"tags.team"}, Change: func(p *Place, id string) { p.tagInGlue("crawler/" + id) },
			Make: func(p *Place) string {
				ok(p.glue().CreateCrawler(p.Context(), &glue.CreateCrawlerInput{
					Name: aws.String("scan"), Role: p.role("g"), DatabaseName: aws.String(p.Need("AWS::Glue::Database")), Tags: Tags(),
					Targets: &gluetypes.CrawlerTargets{S3Targets: []gluetypes.S3Target{{Path: aws.String("s3://b/")}, {Path: aws.String("s3://a/")}}},
				}))(p)
				return "scan"
			}},
		{Type: "AWS::Backup::BackupPlan", Fixed: "moto does not know UpdateBackupPlan, and finds tags only where the request ends with a slash",
			Make: func(p *Place) string {
				return *ok(p.backup().CreateBackupPlan(p.Context(), &backup.CreateBackupPlanInput{
					BackupPlan: &backuptypes.BackupPlanInput{BackupPlanName: aws.String("nightly"), Rules: []backuptypes.BackupRuleInput{
						{RuleName: aws.String("b"), TargetBackupVaultName: aws.String("main")}, {RuleName: aws.String("a"), TargetBackupVaultName: aws.String("main")},
					}},
				}))(p).BackupPlanId
			},
			Change: func(p *Place, id string) {
				ok(p.backup().DeleteBackupPlan(p.Context(), &backup.DeleteBackupPlanInput{BackupPlanId: &id}))(p)
			}},
	}
}

func (p *Place) makeDomain(name string) string {
	return *ok(p.opensearch().CreateDomain(p.Context(), &opensearch.CreateDomainInput{
		DomainName: &name, TagList: opensearchTags(Tags()),
		AccessPolicies: aws.String(`{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":"*","Action":"es:ESHttpGet"}]}`),
	}))(p).DomainStatus.DomainName
}

func glueTable(description *string) *gluetypes.TableInput {
	return &gluetypes.TableInput{
		Name: aws.String("orders"), Description: description, Parameters: map[string]string{"recordCount": "5", "classification": "json"},
	}
}

func (p *Place) tagInGlue(resource string) {
	ok(p.glue().TagResource(p.Context(), &glue.TagResourceInput{ResourceArn: aws.String(p.arn("glue", resource)), TagsToAdd: more()}))(p)
}
