package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/backup"
	"github.com/aws/aws-sdk-go-v2/service/backup/types"

	"github.com/elava-dev/elava/resource"
)

// backupPage is the most that AWS Backup's lists give (AWS Backup API Reference).
const backupPage = 1000

const backupGone = "ResourceNotFoundException"

func backupCollectors() []lister { return []lister{backupVaults(), backupPlans()} }

// backupTagsBy is the detail that reads tags.
func backupTagsBy[T any](cfg aws.Config, arn func(*T) *string) detail[tagged[T]] {
	type tag struct{ key, value string }
	return tagPagesBy("backup:ListTags", backup.NewFromConfig(cfg).ListTags,
		func(v *T, token *string) *backup.ListTagsInput {
			return &backup.ListTagsInput{ResourceArn: arn(v), NextToken: token}
		},
		func(o *backup.ListTagsOutput) ([]tag, *string) {
			tags := make([]tag, 0, len(o.Tags))
			for k, v := range o.Tags {
				tags = append(tags, tag{k, v})
			}
			return tags, o.NextToken
		},
		func(t tag) (*string, *string) { return &t.key, &t.value })
}

// backupVault is a vault with its access policy.
type backupVault struct {
	types.BackupVaultListMember
	Policy *string
}

func backupVaults() lister {
	return &collector[tagged[backupVault]]{
		rules: resource.Schema{
			Type: "AWS::Backup::BackupVault", Version: 1,
			Omit:     []string{"VaultState", "NumberOfRecoveryPoints"},
			Policies: []string{"Policy"},
		},
		action: "backup:ListBackupVaults",
		pages: func(cfg aws.Config) source[tagged[backupVault]] {
			return paged(backup.NewFromConfig(cfg).ListBackupVaults,
				func(token *string) *backup.ListBackupVaultsInput {
					return &backup.ListBackupVaultsInput{MaxResults: aws.Int32(backupPage), NextToken: token}
				},
				func(o *backup.ListBackupVaultsOutput) ([]tagged[backupVault], *string) {
					return converted(o.BackupVaultList, func(m types.BackupVaultListMember) tagged[backupVault] {
						return asTagged(backupVault{BackupVaultListMember: m})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[backupVault]] {
			return []detail[tagged[backupVault]]{backupTagsBy(cfg, func(b *backupVault) *string { return b.BackupVaultArn }),
				adding("Policy", "backup:GetBackupVaultAccessPolicy", backup.NewFromConfig(cfg).GetBackupVaultAccessPolicy,
					func(b *tagged[backupVault]) *backup.GetBackupVaultAccessPolicyInput {
						return &backup.GetBackupVaultAccessPolicyInput{BackupVaultName: b.It.BackupVaultName}
					},
					func(b *tagged[backupVault], o *backup.GetBackupVaultAccessPolicyOutput) { b.It.Policy = o.Policy }, backupGone),
			}
		},
		vanished: []string{backupGone},
		read: func(b *tagged[backupVault]) facts {
			return facts{
				ID: b.It.BackupVaultName, ARN: b.It.BackupVaultArn, Name: aws.ToString(b.It.BackupVaultName), Status: string(b.It.VaultState),
				Created: b.It.CreationDate, Tags: b.Tags,
			}
		},
	}
}

func backupPlans() lister {
	return &collector[tagged[backup.GetBackupPlanOutput]]{
		rules: resource.Schema{
			Type: "AWS::Backup::BackupPlan", Version: 1,
			Omit: []string{"LastExecutionDate", "ScheduledRunsPreview", "VersionId"},
			Sets: map[string]string{
				"AdvancedBackupSettings":                      "{ResourceType}",
				"BackupPlan.AdvancedBackupSettings":           "{ResourceType}",
				"BackupPlan.Rules":                            "{RuleName}",
				"BackupPlan.Rules.CopyActions":                "{DestinationBackupVaultArn}",
				"BackupPlan.Rules.IndexActions":               "",
				"BackupPlan.Rules.IndexActions.ResourceTypes": "",
				"BackupPlan.Rules.ScanActions":                "{MalwareScanner}",
				"BackupPlan.ScanSettings":                     "{MalwareScanner}",
				"BackupPlan.ScanSettings.ResourceTypes":       "",
			}, // the version follows the plan
		},
		action: "backup:ListBackupPlans",
		pages: func(cfg aws.Config) source[tagged[backup.GetBackupPlanOutput]] {
			return paged(backup.NewFromConfig(cfg).ListBackupPlans,
				func(token *string) *backup.ListBackupPlansInput {
					return &backup.ListBackupPlansInput{MaxResults: aws.Int32(backupPage), NextToken: token}
				},
				func(o *backup.ListBackupPlansOutput) ([]tagged[backup.GetBackupPlanOutput], *string) {
					return converted(o.BackupPlansList, func(m types.BackupPlansListMember) tagged[backup.GetBackupPlanOutput] {
						return asTagged(backup.GetBackupPlanOutput{BackupPlanId: m.BackupPlanId})
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[tagged[backup.GetBackupPlanOutput]] {
			return []detail[tagged[backup.GetBackupPlanOutput]]{describing("backup:GetBackupPlan", backup.NewFromConfig(cfg).GetBackupPlan,
				func(p *tagged[backup.GetBackupPlanOutput]) *backup.GetBackupPlanInput {
					return &backup.GetBackupPlanInput{BackupPlanId: p.It.BackupPlanId}
				},
				func(p *tagged[backup.GetBackupPlanOutput], o *backup.GetBackupPlanOutput) bool {
					return replaced(&p.It, o, func(p *backup.GetBackupPlanOutput) *string { return p.BackupPlanId })
				}),
				backupTagsBy(cfg, func(p *backup.GetBackupPlanOutput) *string { return p.BackupPlanArn }),
			}
		},
		vanished: []string{backupGone},
		read: func(p *tagged[backup.GetBackupPlanOutput]) facts {
			f := facts{ID: p.It.BackupPlanId, ARN: p.It.BackupPlanArn, Created: p.It.CreationDate, Tags: p.Tags}
			if p.It.BackupPlan != nil {
				f.Name = aws.ToString(p.It.BackupPlan.BackupPlanName)
			}
			return f
		},
	}
}
