package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/elava-dev/elava/resource"
)

// acmPage is the most that ListCertificates gives (ACM API Reference).
const acmPage = 1000

func acmCollectors() []lister { return []lister{acmCertificates()} }

type certificate struct {
	types.CertificateDetail
	Tags map[string]string
}

// acmCertificates asks for keys of all kinds and origins: without, only those of RSA with
// 1,024 and 2,048 bits are listed, and not those made by ACME. Certificates for CloudFront are those of us-east-1. What uses a
// certificate is left out: services put load balancers of their own, which come and go,
// into that list.
func acmCertificates() lister {
	return &collector[certificate]{
		rules: resource.Schema{
			Type: "AWS::CertificateManager::Certificate", Version: 1,
			Omit: []string{"Tags", "Status", "InUseBy", "RenewalSummary.UpdatedAt", "UpdateSummary.UpdatedAt"},
			Sets: map[string]string{
				"DomainValidationOptions":                                 "{DomainName}",
				"DomainValidationOptions.ValidationEmails":                "",
				"ExtendedKeyUsages":                                       "{Name}",
				"KeyUsages":                                               "{Name}",
				"RenewalSummary.DomainValidationOptions":                  "{DomainName}",
				"RenewalSummary.DomainValidationOptions.ValidationEmails": "",
				"SubjectAlternativeNames":                                 "",
			},
		},
		action: "acm:ListCertificates",
		pages: func(cfg aws.Config) source[certificate] {
			return paged(acm.NewFromConfig(cfg).ListCertificates,
				func(token *string) *acm.ListCertificatesInput {
					return &acm.ListCertificatesInput{
						Includes:                  &types.Filters{KeyTypes: types.KeyAlgorithm("").Values()},
						CertificateKeyPairOrigins: types.CertificateKeyPairOrigin("").Values(),
						MaxItems:                  aws.Int32(acmPage), NextToken: token,
					}
				},
				func(o *acm.ListCertificatesOutput) ([]certificate, *string) {
					return converted(o.CertificateSummaryList, func(s types.CertificateSummary) certificate {
						return certificate{CertificateDetail: types.CertificateDetail{CertificateArn: s.CertificateArn}}
					}), o.NextToken
				})
		},
		details:  acmDetails,
		vanished: []string{"ResourceNotFoundException"},
		read: func(c *certificate) facts {
			created := c.CreatedAt
			if created == nil {
				created = c.ImportedAt
			}
			return facts{
				ID: behind(c.CertificateArn, ":certificate/"), ARN: c.CertificateArn, Name: aws.ToString(c.DomainName),
				Status: string(c.Status), Created: created, Tags: c.Tags,
			}
		},
	}
}

func acmDetails(cfg aws.Config) []detail[certificate] {
	client := acm.NewFromConfig(cfg)
	describe, listTags := client.DescribeCertificate, client.ListTagsForCertificate
	return []detail[certificate]{{
		action: "acm:DescribeCertificate",
		fetch: each(func(ctx context.Context, c *certificate) error {
			out, err := describe(ctx, &acm.DescribeCertificateInput{CertificateArn: c.CertificateArn})
			if err != nil {
				return err
			}
			if out.Certificate == nil || aws.ToString(out.Certificate.CertificateArn) != aws.ToString(c.CertificateArn) {
				return badAnswer("acm DescribeCertificate: the answer is for another certificate")
			}
			c.CertificateDetail = *out.Certificate
			return nil
		}),
	}, {
		parts:   []string{resource.PartTags},
		indexed: true,
		action:  "acm:ListTagsForCertificate",
		fetch: each(func(ctx context.Context, c *certificate) error {
			out, err := listTags(ctx, &acm.ListTagsForCertificateInput{CertificateArn: c.CertificateArn})
			if err == nil {
				c.Tags = tagMap(out.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
			}
			return err
		}),
	}}
}
