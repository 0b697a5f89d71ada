package aws

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/elava-dev/elava/resource"
)

// gluePage is the most that GetDatabases and GetTables give; the other lists give more (Glue
// API Reference).
const gluePage = 100

const glueGone = "EntityNotFoundException"

func glueCollectors() []lister {
	return []lister{glueDatabases(), glueTables(), glueJobs(), glueCrawlers()}
}

// glueTagsBy is the detail for what Glue lists without its ARN.
func glueTagsBy[T any](cfg aws.Config, kind string, name func(*T) *string) detail[tagged[T]] {
	getTags := glue.NewFromConfig(cfg).GetTags
	return detail[tagged[T]]{
		parts: []string{resource.PartTags}, action: "glue:GetTags", indexed: true,
		fetch: each(func(ctx context.Context, v *tagged[T]) error {
			out, err := getTags(ctx, &glue.GetTagsInput{ResourceArn: arnIn(ctx, glueARN(kind), name(&v.It))})
			if err == nil {
				v.Tags = out.Tags
			}
			return err
		}),
	}
}

func glueARN(kind string) string { return "arn:{partition}:glue:{region}:{account}:" + kind + "/{id}" }

func glueDatabasePages(cfg aws.Config) pager[types.Database] {
	return paged(glue.NewFromConfig(cfg).GetDatabases,
		func(token *string) *glue.GetDatabasesInput {
			return &glue.GetDatabasesInput{MaxResults: aws.Int32(gluePage), NextToken: token}
		},
		func(o *glue.GetDatabasesOutput) ([]types.Database, *string) { return o.DatabaseList, o.NextToken })
}

func glueDatabases() lister {
	return &collector[tagged[types.Database]]{
		rules: resource.Schema{
			Type: "AWS::Glue::Database", Version: 1,
			Sets: map[string]string{
				"CreateTableDefaultPermissions":             "",
				"CreateTableDefaultPermissions.Permissions": "",
			},
		},
		action: "glue:GetDatabases",
		pages: func(cfg aws.Config) source[tagged[types.Database]] {
			return converting(glueDatabasePages(cfg), asTagged[types.Database])
		},
		details: func(cfg aws.Config) []detail[tagged[types.Database]] {
			return []detail[tagged[types.Database]]{glueTagsBy(cfg, "database", func(d *types.Database) *string { return d.Name })}
		},
		vanished: []string{glueGone},
		arn:      glueARN("database"),
		read: func(d *tagged[types.Database]) facts {
			return facts{ID: d.It.Name, Name: aws.ToString(d.It.Name), Created: d.It.CreateTime, Tags: d.Tags}
		},
	}
}

// glueTables names a table by its database and its own name. Tables have no tags. A database that
// is a link has none of its own: Glue answers with those of the database it leads to, which may be
// another account's ("How resource links work", Lake Formation Developer Guide).
func glueTables() lister {
	return &collector[types.Table]{
		rules: resource.Schema{
			Type: "AWS::Glue::Table", Version: 2,
			Omit: []string{"UpdateTime", "LastAccessTime", "LastAnalyzedTime", "VersionId", "ViewDefinition.SubObjectsStatistics"},
			Sets: map[string]string{
				"IcebergTableMetadata.PartitionSpecs":   "{SpecId}",
				"IcebergTableMetadata.Schemas":          "{SchemaId}",
				"IcebergTableMetadata.SortOrders":       "{OrderId}",
				"StorageDescriptor.AdditionalLocations": "",
				"ViewDefinition.Representations":        "{Dialect}",
			}, // not columns and keys: their order counts
		},
		action: "glue:GetTables", parentAction: "glue:GetDatabases",
		pages: func(cfg aws.Config) source[types.Table] {
			list := glue.NewFromConfig(cfg).GetTables
			return under(source[types.Database](glueDatabasePages(cfg)), "glue:GetDatabases", []string{glueGone},
				func(d *types.Database) source[types.Table] {
					if d.TargetDatabase != nil {
						return given[types.Table](nil)
					}
					return paged(list,
						func(token *string) *glue.GetTablesInput {
							return &glue.GetTablesInput{CatalogId: d.CatalogId, DatabaseName: d.Name, MaxResults: aws.Int32(gluePage), NextToken: token}
						},
						func(o *glue.GetTablesOutput) ([]types.Table, *string) {
							return converted(o.TableList, withoutStatistics), o.NextToken
						})
				})
		},
		arn: glueARN("table"),
		read: func(t *types.Table) facts {
			return facts{ID: within(t.DatabaseName, t.Name), Name: aws.ToString(t.Name), Created: t.CreateTime}
		},
	}
}

// tableStatistics are parameters in which crawlers, engines and table formats keep what
// moves with the data.
func tableStatistics() []string {
	return []string{
		"averageRecordSize", "objectCount", "recordCount", "sizeKey", // AWS Glue crawlers
		"numFiles", "numRows", "rawDataSize", "totalSize", "transient_lastDdlTime", "last_modified_time", // Apache Hive
		"metadata_location", "previous_metadata_location", // Apache Iceberg
		"last_commit_time_sync", "last_commit_completion_time_sync", // Apache Hudi (HoodieMetaSyncOperations)
		"trino_last_transaction_version", // Delta Lake in Trino (DeltaLakeTableMetadataScheduler)
	}
}

// sparkStatistics begins the names of what ANALYZE TABLE of Apache Spark counts, of columns too
// (HiveExternalCatalog).
const sparkStatistics = "spark.sql.statistics."

func withoutStatistics(t types.Table) types.Table {
	names := tableStatistics()
	counted := func(name, _ string) bool {
		return slices.Contains(names, name) || strings.HasPrefix(name, sparkStatistics)
	}
	maps.DeleteFunc(t.Parameters, counted)
	if t.StorageDescriptor != nil {
		maps.DeleteFunc(t.StorageDescriptor.Parameters, counted)
	}
	return t
}

// glueJobs keeps the graph of visual jobs in the order in which it is told.
func glueJobs() lister {
	return &collector[tagged[types.Job]]{
		rules: resource.Schema{
			Type: "AWS::Glue::Job", Version: 1,
			Omit: []string{"LastModifiedOn"},
			Sets: map[string]string{
				"Connections.Connections": "",
			},
			Secrets: []string{"DefaultArguments", "NonOverridableArguments"},
		},
		action: "glue:GetJobs",
		pages: func(cfg aws.Config) source[tagged[types.Job]] {
			return paged(glue.NewFromConfig(cfg).GetJobs,
				func(token *string) *glue.GetJobsInput {
					return &glue.GetJobsInput{MaxResults: aws.Int32(gluePage), NextToken: token}
				},
				func(o *glue.GetJobsOutput) ([]tagged[types.Job], *string) { return untagged(o.Jobs), o.NextToken })
		},
		details: func(cfg aws.Config) []detail[tagged[types.Job]] {
			return []detail[tagged[types.Job]]{glueTagsBy(cfg, "job", func(j *types.Job) *string { return j.Name })}
		},
		vanished: []string{glueGone},
		arn:      glueARN("job"),
		read: func(j *tagged[types.Job]) facts {
			return facts{ID: j.It.Name, Name: aws.ToString(j.It.Name), Created: j.It.CreatedOn, Tags: j.Tags}
		},
	}
}

func glueCrawlers() lister {
	return &collector[tagged[types.Crawler]]{
		rules: resource.Schema{
			Type: "AWS::Glue::Crawler", Version: 1,
			Omit: []string{"State", "CrawlElapsedTime", "LastCrawl", "LastUpdated", "Version"},
			Sets: map[string]string{
				"Targets.CatalogTargets":                       "{DatabaseName}",
				"Targets.CatalogTargets.Tables":                "",
				"Targets.DeltaTargets":                         "",
				"Targets.DeltaTargets.DeltaTables":             "",
				"Targets.DynamoDBTargets":                      "{Path}",
				"Targets.HudiTargets":                          "",
				"Targets.HudiTargets.Exclusions":               "",
				"Targets.HudiTargets.Paths":                    "",
				"Targets.IcebergTargets":                       "",
				"Targets.IcebergTargets.Exclusions":            "",
				"Targets.IcebergTargets.Paths":                 "",
				"Targets.JdbcTargets":                          "{ConnectionName}:{Path}",
				"Targets.JdbcTargets.EnableAdditionalMetadata": "",
				"Targets.JdbcTargets.Exclusions":               "",
				"Targets.MongoDBTargets":                       "{ConnectionName}:{Path}",
				"Targets.S3Targets":                            "{Path}",
				"Targets.S3Targets.Exclusions":                 "",
			}, // not Classifiers: the first that fits is taken
		},
		action: "glue:GetCrawlers",
		pages: func(cfg aws.Config) source[tagged[types.Crawler]] {
			return paged(glue.NewFromConfig(cfg).GetCrawlers,
				func(token *string) *glue.GetCrawlersInput {
					return &glue.GetCrawlersInput{MaxResults: aws.Int32(gluePage), NextToken: token}
				},
				func(o *glue.GetCrawlersOutput) ([]tagged[types.Crawler], *string) {
					return untagged(o.Crawlers), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[types.Crawler]] {
			return []detail[tagged[types.Crawler]]{glueTagsBy(cfg, "crawler", func(c *types.Crawler) *string { return c.Name })}
		},
		vanished: []string{glueGone},
		arn:      glueARN("crawler"),
		read: func(c *tagged[types.Crawler]) facts {
			return facts{ID: c.It.Name, Name: aws.ToString(c.It.Name), Status: string(c.It.State), Created: c.It.CreationTime, Tags: c.Tags}
		},
	}
}
