package aws

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/elava-dev/elava/resource"
)

// The most that ListKeys, ListAliases and ListResourceTags give (KMS API Reference).
const (
	kmsKeyPage   = 1000
	kmsAliasPage = 100
	kmsTagPage   = 50
)

// kmsPolicyName is the only name that a key's policy can have (KMS API Reference,
// GetKeyPolicy).
const kmsPolicyName = "default"

func kmsCollectors() []lister { return []lister{kmsKeys(), kmsAliases()} }

type kmsKey struct {
	types.KeyMetadata
	Policy   *string
	Rotation *kmsRotation
	Tags     []types.Tag
}

// kmsRotation is how a key is rotated, without the dates of the next and last rotation.
type kmsRotation struct {
	KeyRotationEnabled   bool
	RotationPeriodInDays *int32
}

// kmsKeys lists the keys that customers manage. Those that AWS manages come and go with
// the services that use them; DescribeKey tells which is which.
func kmsKeys() lister {
	return &collector[kmsKey]{
		rules: resource.Schema{
			Type: "AWS::KMS::Key", Version: 1,
			Omit: []string{"Tags", "KeyState", "Enabled"}, // Enabled repeats KeyState
			Sets: map[string]string{
				"EncapsulationAlgorithms":              "",
				"EncryptionAlgorithms":                 "",
				"KeyAgreementAlgorithms":               "",
				"MacAlgorithms":                        "",
				"MultiRegionConfiguration.ReplicaKeys": "{Region}",
				"SigningAlgorithms":                    "",
			},
			Policies: []string{"Policy"},
		},
		action: "kms:ListKeys",
		also:   []string{kmsActionListAliases}, // where a key may not be described
		pages: func(cfg aws.Config) source[kmsKey] {
			return paged(kms.NewFromConfig(cfg).ListKeys,
				func(token *string) *kms.ListKeysInput {
					return &kms.ListKeysInput{Limit: aws.Int32(kmsKeyPage), Marker: token}
				},
				func(o *kms.ListKeysOutput) ([]kmsKey, *string) {
					return converted(o.Keys, func(k types.KeyListEntry) kmsKey {
						return kmsKey{KeyMetadata: types.KeyMetadata{KeyId: k.KeyId, Arn: k.KeyArn}}
					}), marker(o.Truncated, o.NextMarker)
				})
		},
		details:  kmsKeyDetails,
		vanished: []string{"NotFoundException", codeForeign},
		read: func(k *kmsKey) facts {
			return facts{
				ID: k.KeyId, ARN: k.Arn, Status: string(k.KeyState), Created: k.CreationDate,
				Tags: tagMap(k.Tags, func(t types.Tag) (*string, *string) { return t.TagKey, t.TagValue }),
			}
		},
	}
}

func kmsKeyDetails(cfg aws.Config) []detail[kmsKey] {
	client := kms.NewFromConfig(cfg)
	return []detail[kmsKey]{
		kmsDescribing(cfg),
		adding("Policy", "kms:GetKeyPolicy", client.GetKeyPolicy,
			func(k *kmsKey) *kms.GetKeyPolicyInput {
				return &kms.GetKeyPolicyInput{KeyId: k.KeyId, PolicyName: aws.String(kmsPolicyName)}
			},
			func(k *kmsKey, o *kms.GetKeyPolicyOutput) { k.Policy = o.Policy }),
		adding("Rotation", "kms:GetKeyRotationStatus", client.GetKeyRotationStatus,
			func(k *kmsKey) *kms.GetKeyRotationStatusInput { return &kms.GetKeyRotationStatusInput{KeyId: k.KeyId} },
			func(k *kmsKey, o *kms.GetKeyRotationStatusOutput) {
				k.Rotation = &kmsRotation{o.KeyRotationEnabled, o.RotationPeriodInDays}
			}, "UnsupportedOperationException", // asymmetric keys, and those of other key stores
		).andBeside(),
		pagedTagging("kms:ListResourceTags", client.ListResourceTags,
			func(k *kmsKey, token *string) *kms.ListResourceTagsInput {
				return &kms.ListResourceTagsInput{KeyId: k.KeyId, Limit: aws.Int32(kmsTagPage), Marker: token}
			},
			func(o *kms.ListResourceTagsOutput) ([]types.Tag, *string) {
				return o.Tags, marker(o.Truncated, o.NextMarker)
			},
			func(k *kmsKey, tags []types.Tag) { k.Tags = tags }),
	}
}

// kmsDescribing leaves out what AWS manages. The policy of a key may forbid to describe it:
// what ListKeys says is all that is known of such a key then, and the others are not affected.
func kmsDescribing(cfg aws.Config) detail[kmsKey] {
	client := kms.NewFromConfig(cfg)
	d := describing("kms:DescribeKey", client.DescribeKey,
		func(k *kmsKey) *kms.DescribeKeyInput { return &kms.DescribeKeyInput{KeyId: k.KeyId} },
		func(k *kmsKey, o *kms.DescribeKeyOutput) bool {
			if o.KeyMetadata == nil || aws.ToString(o.KeyMetadata.KeyId) != aws.ToString(k.KeyId) {
				return false
			}
			k.KeyMetadata = *o.KeyMetadata
			return true
		}).unless(func(k *kmsKey) bool { return k.KeyManager == types.KeyManagerTypeAws })
	describe := d.fetch
	d.fetch = each(func(ctx context.Context, k *kmsKey) error {
		err := describe(ctx, []*kmsKey{k})
		if !contains(deniedCodes, errorCode(err)) {
			return err
		}
		return kmsDenied(ctx, client, k, err)
	})
	d.parts = kmsDescribedParts()
	d.barred = func(err error) bool { return errors.As(err, new(*kmsBarred)) }
	return d
}

// kmsBarred says that a key of the customer may not be described.
type kmsBarred struct{ error }

// Unwrap returns what KMS answered.
func (e *kmsBarred) Unwrap() error { return e.error }

// kmsDenied tells what it means that a key may not be described. One that AWS manages is left
// out nonetheless, or it would appear now and disappear with the next answer. It is known by its
// alias, and where that cannot be read nothing is known of the key.
func kmsDenied(ctx context.Context, client *kms.Client, k *kmsKey, denied error) error {
	ofAWS := false
	err := kmsAliasPages(client, k.KeyId, kmsIsOwn).walk(ctx, func(own []types.AliasListEntry) error {
		ofAWS = ofAWS || len(own) > 0
		return nil
	})
	switch {
	case err != nil:
		return classify(err, kmsActionListAliases)
	case ofAWS:
		return leftOut(codeForeign)
	}
	return &kmsBarred{denied}
}

// kmsDescribedParts are all that DescribeKey tells and ListKeys does not, members of a newer SDK
// included: one that is missing here would be reported as removed.
func kmsDescribedParts() []string {
	parts := []string{resource.PartStatus}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[types.KeyMetadata]()) {
		if f.IsExported() && !slices.Contains([]string{"KeyId", "Arn", "KeyState", "Enabled"}, f.Name) {
			parts = append(parts, resource.PartAttributes+f.Name)
		}
	}
	return parts
}

const kmsActionListAliases = "kms:ListAliases"

// kmsOwnAlias is what the aliases of AWS begin with.
const kmsOwnAlias = "alias/aws/"

func kmsIsOwn(a types.AliasListEntry) bool {
	return strings.HasPrefix(aws.ToString(a.AliasName), kmsOwnAlias)
}

// kmsAliasPages reads those aliases of a key that are wanted; nil: of all keys.
func kmsAliasPages(client *kms.Client, key *string, wanted func(types.AliasListEntry) bool) source[types.AliasListEntry] {
	return paged(client.ListAliases,
		func(token *string) *kms.ListAliasesInput {
			return &kms.ListAliasesInput{KeyId: key, Limit: aws.Int32(kmsAliasPage), Marker: token}
		},
		func(o *kms.ListAliasesOutput) ([]types.AliasListEntry, *string) {
			return slices.DeleteFunc(o.Aliases, func(a types.AliasListEntry) bool { return !wanted(a) }), marker(o.Truncated, o.NextMarker)
		})
}

func kmsAliases() lister {
	return &collector[types.AliasListEntry]{
		rules: resource.Schema{
			Type: "AWS::KMS::Alias", Version: 1,
			Omit: []string{"LastUpdatedDate"}, // follows TargetKeyId
		},
		action: kmsActionListAliases,
		pages: func(cfg aws.Config) source[types.AliasListEntry] {
			return kmsAliasPages(kms.NewFromConfig(cfg), nil, func(a types.AliasListEntry) bool { return !kmsIsOwn(a) })
		},
		read: func(a *types.AliasListEntry) facts {
			return facts{ID: a.AliasName, ARN: a.AliasArn, Name: aws.ToString(a.AliasName), Created: a.CreationDate}
		},
	}
}
