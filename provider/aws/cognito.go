package aws

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentity"
	identity "github.com/aws/aws-sdk-go-v2/service/cognitoidentity/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/elava-dev/elava/resource"
)

// cognitoPage is the most that ListUserPools and ListIdentityPools give (API References
// of Cognito user pools and of Cognito federated identities).
const cognitoPage = 60

func cognitoCollectors() []lister { return []lister{cognitoUserPools(), cognitoIdentityPools()} }

// cognitoUserPools has neither users nor clients.
func cognitoUserPools() lister {
	return &collector[types.UserPoolType]{
		rules: resource.Schema{
			Type: "AWS::Cognito::UserPool", Version: 1,
			Omit: []string{
				"UserPoolTags", "Status", "EstimatedNumberOfUsers",
				"LastModifiedDate",                                     // follows the rest
				"EmailConfigurationFailure", "SmsConfigurationFailure", // what went wrong of late
			},
			Sets: map[string]string{
				"AccountRecoverySetting.RecoveryMechanisms": "{Name}",
				"AliasAttributes":                               "",
				"AutoVerifiedAttributes":                        "",
				"Policies.SignInPolicy.AllowedFirstAuthFactors": "",
				"SchemaAttributes":                              "{Name}",
				"UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate": "",
				"UsernameAttributes": "",
			},
		},
		action: "cognito-idp:ListUserPools",
		pages: func(cfg aws.Config) source[types.UserPoolType] {
			return paged(cognitoidentityprovider.NewFromConfig(cfg).ListUserPools,
				func(token *string) *cognitoidentityprovider.ListUserPoolsInput {
					return &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(cognitoPage), NextToken: token}
				},
				func(o *cognitoidentityprovider.ListUserPoolsOutput) ([]types.UserPoolType, *string) {
					return converted(o.UserPools, func(d types.UserPoolDescriptionType) types.UserPoolType { return types.UserPoolType{Id: d.Id} }), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[types.UserPoolType] {
			return []detail[types.UserPoolType]{describing("cognito-idp:DescribeUserPool",
				cognitoidentityprovider.NewFromConfig(cfg).DescribeUserPool,
				func(p *types.UserPoolType) *cognitoidentityprovider.DescribeUserPoolInput {
					return &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: p.Id}
				},
				func(p *types.UserPoolType, o *cognitoidentityprovider.DescribeUserPoolOutput) bool {
					if o.UserPool == nil || aws.ToString(o.UserPool.Id) != aws.ToString(p.Id) {
						return false
					}
					*p = *o.UserPool
					return true
				})}
		},
		vanished: []string{"ResourceNotFoundException"},
		arn:      "arn:{partition}:cognito-idp:{region}:{account}:userpool/{id}",
		read: func(p *types.UserPoolType) facts {
			return facts{
				ID: p.Id, ARN: p.Arn, Name: aws.ToString(p.Name), Status: string(p.Status), Created: p.CreationDate, Tags: p.UserPoolTags,
			}
		},
	}
}

func cognitoIdentityPools() lister {
	return &collector[cognitoidentity.DescribeIdentityPoolOutput]{
		rules: resource.Schema{
			Type: "AWS::Cognito::IdentityPool", Version: 1,
			Omit: []string{"IdentityPoolTags"},
			Sets: map[string]string{
				"CognitoIdentityProviders":  "{ProviderName}:{ClientId}",
				"OpenIdConnectProviderARNs": "",
				"SamlProviderARNs":          "",
			},
		},
		action: "cognito-identity:ListIdentityPools",
		pages: func(cfg aws.Config) source[cognitoidentity.DescribeIdentityPoolOutput] {
			return paged(cognitoidentity.NewFromConfig(cfg).ListIdentityPools,
				func(token *string) *cognitoidentity.ListIdentityPoolsInput {
					return &cognitoidentity.ListIdentityPoolsInput{MaxResults: aws.Int32(cognitoPage), NextToken: token}
				},
				func(o *cognitoidentity.ListIdentityPoolsOutput) ([]cognitoidentity.DescribeIdentityPoolOutput, *string) {
					return converted(o.IdentityPools, func(d identity.IdentityPoolShortDescription) cognitoidentity.DescribeIdentityPoolOutput {
						return cognitoidentity.DescribeIdentityPoolOutput{IdentityPoolId: d.IdentityPoolId}
					}), o.NextToken
				})
		},
		details: func(cfg aws.Config) []detail[cognitoidentity.DescribeIdentityPoolOutput] {
			return []detail[cognitoidentity.DescribeIdentityPoolOutput]{describing("cognito-identity:DescribeIdentityPool",
				cognitoidentity.NewFromConfig(cfg).DescribeIdentityPool,
				func(p *cognitoidentity.DescribeIdentityPoolOutput) *cognitoidentity.DescribeIdentityPoolInput {
					return &cognitoidentity.DescribeIdentityPoolInput{IdentityPoolId: p.IdentityPoolId}
				},
				func(p, o *cognitoidentity.DescribeIdentityPoolOutput) bool {
					if aws.ToString(o.IdentityPoolId) != aws.ToString(p.IdentityPoolId) {
						return false
					}
					*p = *o
					return true
				})}
		},
		vanished: []string{"ResourceNotFoundException"},
		arn:      "arn:{partition}:cognito-identity:{region}:{account}:identitypool/{id}",
		read: func(p *cognitoidentity.DescribeIdentityPoolOutput) facts {
			return facts{ID: p.IdentityPoolId, Name: aws.ToString(p.IdentityPoolName), Tags: p.IdentityPoolTags}
		},
	}
}
