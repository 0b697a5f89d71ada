package aws

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/elava-dev/elava/resource"
)

// s3Page is the most buckets that ListBuckets gives at a time. With a page size S3 adds
// each bucket's region, and answers for accounts that may hold more than 10,000 buckets
// (S3 API Reference, ListBuckets).
const s3Page = 10_000

func s3Collectors() []lister { return []lister{s3Buckets()} }

// bucket has the parts of a bucket's configuration under the names of the API.
type bucket struct {
	types.Bucket
	Policy                            *string
	PublicAccessBlockConfiguration    *types.PublicAccessBlockConfiguration
	ServerSideEncryptionConfiguration *types.ServerSideEncryptionConfiguration
	Versioning                        *versioning
	Tags                              []types.Tag
}

type versioning struct {
	MFADelete types.MFADeleteStatus
	Status    types.BucketVersioningStatus
}

// s3Buckets lists the buckets of all regions at once. Each has the region it lies in,
// whatever regions are configured.
func s3Buckets() lister {
	return &collector[bucket]{
		rules: resource.Schema{
			Type: "AWS::S3::Bucket", Version: 1,
			Omit: []string{
				"Tags", "BucketRegion", "BucketArn",
				"CreationDate", // "can change when making changes to your bucket" (S3 API Reference, Bucket)
			},
			Sets: map[string]string{
				"ServerSideEncryptionConfiguration.Rules":                                       "",
				"ServerSideEncryptionConfiguration.Rules.BlockedEncryptionTypes.EncryptionType": "",
			},
			Policies: []string{"Policy"},
		},
		global: true,
		action: "s3:ListAllMyBuckets",
		pages: func(cfg aws.Config) source[bucket] {
			return paged(newS3(cfg).ListBuckets,
				func(token *string) *s3.ListBucketsInput {
					return &s3.ListBucketsInput{MaxBuckets: aws.Int32(s3Page), ContinuationToken: token}
				},
				func(o *s3.ListBucketsOutput) ([]bucket, *string) {
					all := make([]bucket, len(o.Buckets))
					for i, b := range o.Buckets {
						all[i].Bucket = b
					}
					// A full page is the last one only by a rare chance, and some
					// servers cut the list there without a word.
					return all, marker(o.ContinuationToken != nil || len(all) >= s3Page, o.ContinuationToken)
				})
		},
		details:  s3Details,
		vanished: []string{"NoSuchBucket"},
		arn:      "arn:{partition}:s3:::{id}",
		read: func(b *bucket) facts {
			return facts{
				ID: b.Name, Name: aws.ToString(b.Name), Region: aws.ToString(b.BucketRegion), Created: b.CreationDate,
				Tags: tagMap(b.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value }),
			}
		},
	}
}

// newS3 addresses buckets by path where the endpoint is somebody's own: such servers
// rarely answer to bucket.host.
func newS3(cfg aws.Config) *s3.Client {
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
}

func s3Details(cfg aws.Config) []detail[bucket] {
	client, headBucket := s3Regional(cfg), newS3(cfg).HeadBucket
	return []detail[bucket]{{
		// Without its region a bucket has no key. HeadBucket tells it even to those who
		// may do nothing with the bucket, so it needs no action.
		fetch: each(func(ctx context.Context, b *bucket) (err error) {
			if b.BucketRegion == nil {
				b.BucketRegion, err = s3Region(ctx, headBucket, b.Name)
			}
			return err
		}),
	}, {
		parts:  []string{resource.PartTags},
		action: "s3:GetBucketTagging",
		absent: []string{"NoSuchTagSet"},
		fetch: each(func(ctx context.Context, b *bucket) error {
			out, err := client(b).GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: b.Name})
			if err == nil {
				b.Tags = out.TagSet
			}
			return err
		}),
	}, {
		parts:  []string{resource.PartAttributes + "ServerSideEncryptionConfiguration"},
		beside: true,
		action: "s3:GetEncryptionConfiguration",
		absent: []string{"ServerSideEncryptionConfigurationNotFoundError"},
		fetch: each(func(ctx context.Context, b *bucket) error {
			out, err := client(b).GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: b.Name})
			if err == nil {
				b.ServerSideEncryptionConfiguration = out.ServerSideEncryptionConfiguration
			}
			return err
		}),
	}, {
		parts:  []string{resource.PartAttributes + "Versioning"},
		beside: true,
		action: "s3:GetBucketVersioning",
		fetch: each(func(ctx context.Context, b *bucket) error {
			out, err := client(b).GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b.Name})
			if err == nil {
				b.Versioning = &versioning{MFADelete: out.MFADelete, Status: out.Status}
			}
			return err
		}),
	}, {
		parts:  []string{resource.PartAttributes + "PublicAccessBlockConfiguration"},
		beside: true,
		action: "s3:GetBucketPublicAccessBlock",
		absent: []string{"NoSuchPublicAccessBlockConfiguration"},
		fetch: each(func(ctx context.Context, b *bucket) error {
			out, err := client(b).GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b.Name})
			if err == nil {
				b.PublicAccessBlockConfiguration = out.PublicAccessBlockConfiguration
			}
			return err
		}),
	}, {
		parts:  []string{resource.PartAttributes + "Policy"},
		beside: true,
		action: "s3:GetBucketPolicy",
		absent: []string{"NoSuchBucketPolicy"},
		fetch: each(func(ctx context.Context, b *bucket) error {
			out, err := client(b).GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b.Name})
			if err != nil {
				return err
			}
			if !json.Valid([]byte(aws.ToString(out.Policy))) { // the SDK hands on what it gets
				return badAnswer("s3 GetBucketPolicy: the policy is no JSON")
			}
			b.Policy = out.Policy
			return nil
		}),
	}}
}

// s3Regional returns a function that returns the client for a bucket's region, one for
// each region.
func s3Regional(cfg aws.Config) func(*bucket) *s3.Client {
	var mu sync.Mutex
	clients := map[string]*s3.Client{}
	return func(b *bucket) *s3.Client {
		region := aws.ToString(b.BucketRegion)
		mu.Lock()
		defer mu.Unlock()
		if clients[region] == nil {
			regional := cfg.Copy()
			regional.Region = region
			clients[region] = newS3(regional)
		}
		return clients[region]
	}
}

// regionHeader stands in the answers to HeadBucket, also in those that refuse it.
const regionHeader = "X-Amz-Bucket-Region"

// s3Region asks for the region of a bucket that was listed without one.
func s3Region(
	ctx context.Context, headBucket func(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error), name *string,
) (*string, error) {
	out, err := headBucket(ctx, &s3.HeadBucketInput{Bucket: name})
	if err == nil {
		if aws.ToString(out.BucketRegion) == "" {
			return nil, badAnswer("s3 HeadBucket: the answer has no region")
		}
		return out.BucketRegion, nil
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil {
		if region := answer.Response.Header.Get(regionHeader); region != "" {
			return &region, nil
		}
		if answer.HTTPStatusCode() == 404 { // an answer to HEAD has no body to say why
			return nil, &types.NoSuchBucket{}
		}
	}
	return nil, err
}
