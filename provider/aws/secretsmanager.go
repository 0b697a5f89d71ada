package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/elava-dev/elava/resource"
)

// secretPage is the most that ListSecrets gives (Secrets Manager API Reference).
const secretPage = 100

func secretsmanagerCollectors() []lister { return []lister{secrets()} }

type secret struct {
	types.SecretListEntry
	ResourcePolicy *string
}

// secrets never reads a value. That one was changed is seen by the version ids in
// SecretVersionsToStages. Secrets that are scheduled for deletion are not listed.
func secrets() lister {
	return &collector[secret]{
		rules: resource.Schema{
			Type: "AWS::SecretsManager::Secret", Version: 1,
			Omit: []string{
				"Tags", "LastAccessedDate",
				"LastChangedDate", "LastRotatedDate", // follow the versions and the rest
				"NextRotationDate", // moves on with the clock
			},
			Sets: map[string]string{
				"ExternalSecretRotationMetadata": "{Key}",
				"SecretVersionsToStages":         "",
			},
			Policies: []string{"ResourcePolicy"},
		},
		action: "secretsmanager:ListSecrets",
		pages: func(cfg aws.Config) source[secret] {
			return paged(secretsmanager.NewFromConfig(cfg).ListSecrets,
				func(token *string) *secretsmanager.ListSecretsInput {
					return &secretsmanager.ListSecretsInput{MaxResults: aws.Int32(secretPage), NextToken: token}
				},
				func(o *secretsmanager.ListSecretsOutput) ([]secret, *string) {
					return converted(o.SecretList, func(e types.SecretListEntry) secret { return secret{SecretListEntry: e} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[secret] {
			return []detail[secret]{adding("ResourcePolicy", "secretsmanager:GetResourcePolicy",
				secretsmanager.NewFromConfig(cfg).GetResourcePolicy,
				func(s *secret) *secretsmanager.GetResourcePolicyInput {
					return &secretsmanager.GetResourcePolicyInput{SecretId: s.ARN}
				},
				func(s *secret, o *secretsmanager.GetResourcePolicyOutput) { s.ResourcePolicy = o.ResourcePolicy })}
		},
		vanished: []string{"ResourceNotFoundException"},
		read: func(s *secret) facts {
			return facts{
				ID: s.Name, ARN: s.ARN, Name: aws.ToString(s.Name), UID: after(aws.ToString(s.ARN), "-"), Created: s.CreatedDate,
				Tags: tagMap(s.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
		},
	}
}
