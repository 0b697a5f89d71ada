package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/elava-dev/elava/resource"
)

// dynamodbBackupPage is the most that ListBackups gives (DynamoDB API Reference).
const dynamodbBackupPage = 100

func dynamodbCollectors() []lister { return []lister{dynamodbTables(), dynamodbBackups()} }

type table struct {
	types.TableDescription
	Tags map[string]string
}

func dynamodbTables() lister {
	return &collector[table]{
		rules: resource.Schema{
			Type: "AWS::DynamoDB::Table", Version: 1,
			Omit: []string{
				"Tags", "TableStatus",
				"TableSizeBytes", "ItemCount",
				"GlobalSecondaryIndexes.IndexSizeBytes", "GlobalSecondaryIndexes.ItemCount",
				"LocalSecondaryIndexes.IndexSizeBytes", "LocalSecondaryIndexes.ItemCount",
				"VectorIndexes.IndexSizeBytes", "VectorIndexes.ItemCount",
				"ProvisionedThroughput.NumberOfDecreasesToday", "ProvisionedThroughput.LastDecreaseDateTime",
				"GlobalSecondaryIndexes.ProvisionedThroughput.NumberOfDecreasesToday",
				"GlobalSecondaryIndexes.ProvisionedThroughput.LastDecreaseDateTime",
				// Grows by itself with the traffic: "Understanding DynamoDB warm throughput".
				"WarmThroughput", "GlobalSecondaryIndexes.WarmThroughput",
				"Replicas.WarmThroughput", "Replicas.GlobalSecondaryIndexes.WarmThroughput",
				"Replicas.ReplicaStatusPercentProgress",
			},
			Sets: map[string]string{ // not KeySchema: the hash key stands before the range key
				"AttributeDefinitions":                               "{AttributeName}",
				"GlobalSecondaryIndexes":                             "{IndexName}",
				"GlobalSecondaryIndexes.Projection.NonKeyAttributes": "",
				"GlobalTableWitnesses":                               "{RegionName}",
				"LocalSecondaryIndexes":                              "{IndexName}",
				"LocalSecondaryIndexes.Projection.NonKeyAttributes":  "",
				"Replicas":                        "{RegionName}",
				"Replicas.GlobalSecondaryIndexes": "{IndexName}",
				"VectorIndexes":                   "{IndexName}",
			},
		},
		action: "dynamodb:ListTables",
		pages: func(cfg aws.Config) source[table] {
			return paged(dynamodb.NewFromConfig(cfg).ListTables,
				func(token *string) *dynamodb.ListTablesInput {
					return &dynamodb.ListTablesInput{ExclusiveStartTableName: token}
				},
				func(o *dynamodb.ListTablesOutput) ([]table, *string) {
					all := make([]table, len(o.TableNames))
					for i, name := range o.TableNames {
						all[i].TableName = &name
					}
					return all, o.LastEvaluatedTableName
				})
		},
		details: func(cfg aws.Config) []detail[table] {
			client := dynamodb.NewFromConfig(cfg)
			describe := client.DescribeTable
			return []detail[table]{{
				action: "dynamodb:DescribeTable",
				fetch: each(func(ctx context.Context, t *table) error {
					out, err := describe(ctx, &dynamodb.DescribeTableInput{TableName: t.TableName})
					if err != nil {
						return err
					}
					if out.Table == nil || aws.ToString(out.Table.TableName) != aws.ToString(t.TableName) {
						return badAnswer("dynamodb DescribeTable: the answer is for another table")
					}
					t.TableDescription = *out.Table
					return nil
				}),
			}, pagedTagging("dynamodb:ListTagsOfResource", client.ListTagsOfResource,
				func(t *table, token *string) *dynamodb.ListTagsOfResourceInput {
					return &dynamodb.ListTagsOfResourceInput{ResourceArn: t.TableArn, NextToken: token}
				},
				func(o *dynamodb.ListTagsOfResourceOutput) ([]types.Tag, *string) { return o.Tags, o.NextToken },
				func(t *table, tags []types.Tag) {
					t.Tags = tagMap(tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
				})}
		},
		vanished: []string{"ResourceNotFoundException", "TableNotFoundException"},
		read: func(t *table) facts {
			return facts{
				ID: t.TableName, ARN: t.TableArn, Name: aws.ToString(t.TableName), Status: string(t.TableStatus),
				UID: aws.ToString(t.TableId), Created: t.CreationDateTime, Tags: t.Tags,
			}
		},
	}
}

// dynamodbBackups lists backups on demand, by the system and by AWS Backup. They have no
// tags.
func dynamodbBackups() lister {
	return &collector[types.BackupSummary]{
		rules: resource.Schema{
			Type: "AWS::DynamoDB::Backup", Version: 1,
			Omit: []string{"BackupStatus", "BackupSizeBytes"},
		},
		action: "dynamodb:ListBackups",
		pages: func(cfg aws.Config) source[types.BackupSummary] {
			return paged(dynamodb.NewFromConfig(cfg).ListBackups,
				func(token *string) *dynamodb.ListBackupsInput {
					return &dynamodb.ListBackupsInput{
						BackupType: types.BackupTypeFilterAll, Limit: aws.Int32(dynamodbBackupPage), ExclusiveStartBackupArn: token,
					}
				},
				func(o *dynamodb.ListBackupsOutput) ([]types.BackupSummary, *string) {
					return o.BackupSummaries, o.LastEvaluatedBackupArn
				})
		},
		terminal: []string{string(types.BackupStatusDeleted)},
		read: func(b *types.BackupSummary) facts {
			return facts{
				ID: within(b.TableName, aws.String(after(aws.ToString(b.BackupArn), "/"))), ARN: b.BackupArn, Name: aws.ToString(b.BackupName),
				Status: string(b.BackupStatus), Created: b.BackupCreationDateTime,
			}
		},
	}
}
