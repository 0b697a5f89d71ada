package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"
	"github.com/aws/smithy-go"

	"github.com/elava-dev/elava/resource"
)

// indexed is a region with things, their tags, those that are recorded, and an index.
type indexed struct {
	tags, recorded, index map[string]string // by id: one tag "k"; empty: none
	err                   error
	token                 *string

	mu    sync.Mutex
	asked []string // at the service
	calls int      // of the index
}

const thingARN = "arn:aws:test:us-east-1:111111111111:thing/"

func (w *indexed) get(
	_ context.Context, in *resourcegroupstaggingapi.GetResourcesInput, _ ...func(*resourcegroupstaggingapi.Options),
) (*resourcegroupstaggingapi.GetResourcesOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if w.err != nil {
		return nil, w.err
	}
	if len(in.ResourceARNList) > tagIndexBatch || in.ResourcesPerPage != nil || in.PaginationToken != nil {
		return nil, &smithy.GenericAPIError{Code: "InvalidParameterException"}
	}
	out := &resourcegroupstaggingapi.GetResourcesOutput{PaginationToken: w.token}
	for _, id := range slices.Sorted(maps.Keys(w.index)) { // also what nobody asked for
		out.ResourceTagMappingList = append(out.ResourceTagMappingList, types.ResourceTagMapping{
			ResourceARN: aws.String(thingARN + id), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String(w.index[id])}},
		})
	}
	return out, nil
}

func one(tag string) map[string]string {
	if tag == "" {
		return nil
	}
	return map[string]string{"k": tag}
}

func (w *indexed) same(r *resource.Resource) bool {
	tag, known := w.recorded[r.Key.ID]
	return known && maps.Equal(r.Tags, one(tag)) && len(r.Unknown) == 0
}

// list lists the things and returns the tags that came out of it, by id.
func (w *indexed) list(t *testing.T, turn uint32) map[string]string {
	t.Helper()
	var items []tagged[thing]
	for _, id := range slices.Sorted(maps.Keys(w.tags)) {
		items = append(items, asTagged(thing{ID: id}))
	}
	c := &collector[tagged[thing]]{
		rules: resource.Schema{Type: "Test::Thing", Version: 1}, action: "test:ListThings",
		pages: func(aws.Config) source[tagged[thing]] {
			return chained[tagged[thing]]{given[tagged[thing]](items[:len(items)/2]), given[tagged[thing]](items[len(items)/2:])}
		},
		details: func(aws.Config) []detail[tagged[thing]] {
			read := func(_ context.Context, v *tagged[thing]) error {
				w.asked = append(w.asked, v.It.ID)
				v.Tags = one(w.tags[v.It.ID])
				return nil
			}
			return []detail[tagged[thing]]{{
				parts: []string{resource.PartTags}, action: "test:ListTags", indexed: true, size: len(items), fetch: each(read),
			}}
		},
		arn:  thingARN + "{id}",
		read: func(v *tagged[thing]) facts { return facts{ID: &v.It.ID, Tags: v.Tags} },
	}
	enc, err := resource.NewEncoder(c.schema(), reverse)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	at := place{partition: "aws", account: "111111111111", region: "us-east-1"}
	err = c.list(t.Context(), at, aws.Config{}, enc, &tagIndex{get: w.get, same: w.same, turn: turn}, func(rs []resource.Resource) error {
		for _, r := range rs {
			got[r.Key.ID] = r.Tags["k"]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const noTurn = tagIndexTurns // comes to no resource

// Whatever the index says, what is listed is what the service says, or what is recorded.
func TestTagIndex_SaysThatNothingChangedAndNothingElse(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException"}
	for name, test := range map[string]struct {
		*indexed
		asks  string            // for whose tags the service is asked
		wants map[string]string // nil: what the service would say of all
		calls int
	}{
		"all is as recorded": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": "2"}, recorded: map[string]string{"a": "1", "b": "2"}, index: map[string]string{"a": "1", "b": "2"}},
			calls:   2,
		},
		"tags that are gone from the index alone are still there": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": "2"}, recorded: map[string]string{"a": "1", "b": "2"}, index: map[string]string{"a": "1"}},
			asks:    "b", calls: 2,
		},
		"tags that are old in the index alone are no change": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": "2"}, recorded: map[string]string{"a": "1", "b": "2"}, index: map[string]string{"a": "0", "b": "2"}},
			asks:    "a", calls: 2,
		},
		"a change that the index tells is told by the service": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": "3"}, recorded: map[string]string{"a": "1", "b": "2"}, index: map[string]string{"a": "1", "b": "2.5"}},
			asks:    "b", calls: 2,
		},
		"a change that the index does not tell yet comes later": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": "3"}, recorded: map[string]string{"a": "1", "b": "2"}, index: map[string]string{"a": "1", "b": "2"}},
			wants:   map[string]string{"a": "1", "b": "2"}, calls: 2,
		},
		"silence about what has no tags is believed of a type that is known": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": ""}, recorded: map[string]string{"a": "1", "b": ""}, index: map[string]string{"a": "1"}},
			calls:   2,
		},
		"silence about all is not": {
			indexed: &indexed{tags: map[string]string{"a": "", "b": "9"}, recorded: map[string]string{"a": "", "b": ""}, index: map[string]string{"other": "1"}},
			asks:    "a b", calls: 2,
		},
		"what is not recorded is asked for": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": "2"}, recorded: map[string]string{"a": "1"}, index: map[string]string{"a": "1", "b": "of one before it"}},
			asks:    "b", calls: 2,
		},
		"an index that is denied is asked once, and is no failure": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": "2"}, recorded: map[string]string{"a": "1", "b": "2"}, err: denied},
			asks:    "a b", calls: 1,
		},
		"an answer in pages is an answer to something else": {
			indexed: &indexed{tags: map[string]string{"a": "1", "b": ""}, recorded: map[string]string{"a": "1", "b": ""}, index: map[string]string{"a": "1"}, token: aws.String("more")},
			asks:    "a b", calls: 1,
		},
	} {
		w := test.indexed
		got, want := w.list(t, noTurn), test.wants
		if want == nil {
			want = w.tags
		}
		if asked := strings.Join(w.asked, " "); !maps.Equal(got, want) || asked != test.asks || w.calls != test.calls {
			t.Errorf("%s: listed %v, asked for %q by %d calls of the index; want %v, %q, %d", name, got, asked, w.calls, want, test.asks, test.calls)
		}
	}
}

// After as many turns as there are, each was asked for once.
func TestTagIndex_EveryResourceHasItsTurn(t *testing.T) {
	w := indexed{tags: map[string]string{}, recorded: map[string]string{}, index: map[string]string{}}
	for i := range 500 {
		id := fmt.Sprint("t", i)
		w.tags[id], w.recorded[id], w.index[id] = "now", "before", "before"
	}
	most := 0
	for turn := range uint32(tagIndexTurns) {
		before := len(w.asked)
		w.list(t, turn)
		most = max(most, len(w.asked)-before)
	}
	slices.Sort(w.asked)
	if got := len(slices.Compact(slices.Clone(w.asked))); got != 500 || len(w.asked) != 500 || most > 50 {
		t.Errorf("%d of 500 resources were asked for, by %d calls, at most %d in one turn", got, len(w.asked), most)
	}
	if w.calls != tagIndexTurns*2*3 {
		t.Errorf("%d calls of the index for %d listings of two pages of 250", w.calls, tagIndexTurns)
	}
}

// A document must not hold the tags: they are compared by themselves.
func TestTagIndex_OfRegionalTypesOnly(t *testing.T) {
	n := 0
	for _, c := range collectors() {
		if !slices.Contains(c.actions(), actionGetResources) {
			continue
		}
		n++
		if c.accountWide() {
			t.Errorf("%s belongs to no region, and the index to one", c.schema().Type)
		}
	}
	if n < 50 {
		t.Errorf("%d types use the index", n)
	}
}
