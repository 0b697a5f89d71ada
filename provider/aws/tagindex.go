package aws

import (
	"context"
	"hash/crc32"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"golang.org/x/sync/errgroup"

	"github.com/elava-dev/elava/resource"
)

// actionGetResources is the IAM action of the tag index. Without it tags are read one by one.
const actionGetResources = "tag:GetResources"

const (
	// tagIndexBatch is the most ARNs that GetResources takes (Resource Groups Tagging API
	// Reference).
	tagIndexBatch = 100

	// tagIndexTurns is after how many plans each resource was asked for at its own service,
	// whatever the index says. An index that stays behind for ever is found out by then.
	tagIndexTurns = 32
)

// tagIndex is what the Resource Groups Tagging API says of tags: those of many resources of
// any service by one call. It is an index beside the services. It may be behind them, it may
// still have what was deleted, and it does not tell apart what has no tags and what it does not
// know. So it is evidence of one thing only: that nothing changed. Where what it says makes a
// resource as it is recorded, the service is not asked; of all else the service is. See
// docs/decisions/0007-tag-index.md.
//
// A nil tagIndex knows nothing. The methods may be called by several goroutines at a time.
type tagIndex struct {
	get  func(context.Context, *resourcegroupstaggingapi.GetResourcesInput, ...func(*resourcegroupstaggingapi.Options)) (*resourcegroupstaggingapi.GetResourcesOutput, error)
	same func(*resource.Resource) bool // whether it is as recorded
	turn uint32                        // of tagIndexTurns

	told   atomic.Bool // of some resource of this listing, so the type is one that it knows
	failed atomic.Bool
}

func newTagIndex(cfg aws.Config, same func(*resource.Resource) bool, turn uint32) *tagIndex {
	return &tagIndex{get: resourcegroupstaggingapi.NewFromConfig(cfg).GetResources, same: same, turn: turn % tagIndexTurns}
}

// usable reports whether it is of use to ask: after a failure it is not, for one listing.
func (x *tagIndex) usable() bool { return x != nil && !x.failed.Load() }

// due reports whether it is a resource's turn to be asked for at its service.
func (x *tagIndex) due(arn string) bool {
	return crc32.ChecksumIEEE([]byte(arn))%tagIndexTurns == x.turn
}

// tags returns what the index says of up to tagIndexBatch resources, by ARN. A failure is
// none of the scope's: whoever lacks the permission for it has tags read one by one.
func (x *tagIndex) tags(ctx context.Context, arns []string) map[string]map[string]string {
	out, err := x.get(ctx, &resourcegroupstaggingapi.GetResourcesInput{ResourceARNList: arns})
	// With a list of ARNs there are no pages: a token is of an answer to something else.
	if err != nil || aws.ToString(out.PaginationToken) != "" {
		x.failed.Store(true)
		return nil
	}
	said := make(map[string]map[string]string, len(out.ResourceTagMappingList))
	for _, m := range out.ResourceTagMappingList {
		arn := aws.ToString(m.ResourceARN)
		if !slices.Contains(arns, arn) {
			continue
		}
		said[arn] = tagMap(m.Tags, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
		x.told.Store(true)
	}
	return said
}

// settles reports whether what the index says of a resource's tags is what is recorded, and
// gives them to it. Silence says that it has none, as long as the index told of another
// resource of the scope.
func (x *tagIndex) settles(r *resource.Resource, said map[string]map[string]string, enc *resource.Encoder) bool {
	tags, spoken := said[r.ARN]
	if r.ARN == "" || x.due(r.ARN) || !spoken && !x.told.Load() || !x.usable() {
		return false
	}
	r.Tags = redacted(maps.Clone(tags), enc)
	return x.same(r)
}

// ask returns what the index says of resources, by ARN.
func (x *tagIndex) ask(ctx context.Context, resources []*resource.Resource) (map[string]map[string]string, error) {
	var arns []string
	for _, r := range resources {
		if r != nil && r.ARN != "" {
			arns = append(arns, r.ARN)
		}
	}
	said := map[string]map[string]string{}
	var adding sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(detailCalls)
	for batch := range slices.Chunk(arns, tagIndexBatch) {
		group.Go(func() error {
			if !x.usable() {
				return nil
			}
			tags := x.tags(ctx, batch)
			adding.Lock()
			defer adding.Unlock()
			maps.Copy(said, tags)
			return ctx.Err()
		})
	}
	return said, group.Wait()
}

// settle makes the resources of those elements whose tags are as they are recorded, by what
// the index says. Of the elements all but the tags was read.
func (c *collector[T]) settle(
	ctx context.Context, x *tagIndex, at place, elements []element[T], enc *resource.Encoder, buf *[]byte,
) error {
	resources := make([]*resource.Resource, len(elements))
	for i := range elements {
		var err error
		if resources[i], err = c.resource(at, &elements[i], enc, buf); err != nil {
			return err
		}
	}
	said, err := x.ask(ctx, resources)
	if err != nil {
		return err
	}
	for i, r := range resources {
		if r != nil && x.settles(r, said, enc) {
			elements[i].settled = r
		}
	}
	return nil
}
