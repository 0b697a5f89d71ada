package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/elava-dev/elava/provider"
	"github.com/elava-dev/elava/resource"
)

func reverse(s string) string { return "digest:" + strconv.Itoa(len(s)) }

// A misspelled path in a schema would silently do nothing.
func TestCollectors_SchemasNameMembersThatExist(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range collectors() {
		s := c.schema()
		if seen[s.Type] || s.Version == 0 {
			t.Errorf("%s: a second collector, or no version", s.Type)
		}
		seen[s.Type] = true
		enc, err := resource.NewEncoder(s, reverse)
		if err != nil {
			t.Errorf("%s: %v", s.Type, err)
			continue
		}
		if err := c.check(enc); err != nil {
			t.Error(err)
		}
	}
}

func TestCollectors_ActionsOnlyRead(t *testing.T) {
	for _, c := range collectors() {
		for _, a := range c.actions() {
			_, verb, ok := strings.Cut(a, ":")
			if !ok || !slices.ContainsFunc([]string{"BatchGet", "Describe", "Get", "GET", "List"}, func(p string) bool { return strings.HasPrefix(verb, p) }) {
				t.Errorf("%s: %q is no action that reads", c.schema().Type, a)
			}
		}
	}
}

func TestCollector_TerminalStatesAreAbsent(t *testing.T) {
	state := func(s types.InstanceStateName) *types.InstanceState { return &types.InstanceState{Name: s} }
	reservation := types.Reservation{OwnerId: aws.String("111111111111"), Instances: []types.Instance{
		{InstanceId: aws.String("i-1"), State: state(types.InstanceStateNameRunning)},
		{InstanceId: aws.String("i-2"), State: state(types.InstanceStateNameTerminated)},
		{InstanceId: aws.String("i-3"), State: state(types.InstanceStateNameShuttingDown)},
	}}
	c := ec2Instances().(*collector[instance])
	c.pages = func(aws.Config) source[instance] {
		return pager[instance](func(context.Context, *string) ([]instance, *string, error) {
			return instances([]types.Reservation{reservation}), nil, nil
		})
	}
	got, err := collect(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"i-1 running", "i-3 shutting-down"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

// thing is the element of collectors made by tests.
type thing struct {
	ID, Detail string
}

func things(pages ...[]thing) *collector[thing] {
	return &collector[thing]{
		rules:  resource.Schema{Type: "Test::Thing", Version: 1},
		action: "test:ListThings",
		pages: func(aws.Config) source[thing] {
			return pager[thing](func(_ context.Context, token *string) ([]thing, *string, error) {
				n, _ := strconv.Atoi(aws.ToString(token))
				if n+1 < len(pages) {
					return pages[n], aws.String(strconv.Itoa(n + 1)), nil
				}
				return pages[n], nil, nil
			})
		},
		vanished: []string{"NoSuchThing"},
		read:     func(v *thing) facts { return facts{ID: &v.ID, Status: v.Detail} },
	}
}

// collect lists a collector and returns "id status" of each resource, and its unknown
// parts.
func collect(t *testing.T, c lister) ([]string, error) {
	t.Helper()
	enc, err := resource.NewEncoder(c.schema(), reverse)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	at := place{partition: "aws", account: "111111111111", region: "us-east-1"}
	err = c.list(t.Context(), at, aws.Config{Region: "us-east-1"}, enc, nil, func(rs []resource.Resource) error {
		for _, r := range rs {
			line := r.Key.ID + " " + r.Status
			for _, u := range r.Unknown {
				line += " -" + u.Part
			}
			got = append(got, line)
		}
		return nil
	})
	return got, err
}

func TestCollector_Details(t *testing.T) {
	c := things([]thing{{ID: "a"}, {ID: "gone"}, {ID: "denied"}}, []thing{{ID: "none"}, {ID: "b"}})
	c.details = func(aws.Config) []detail[thing] {
		return []detail[thing]{{
			parts: []string{"attributes.Detail"}, action: "test:GetDetail", absent: []string{"NoSuchDetail"}, size: 2,
			fetch: func(_ context.Context, batch []*thing) error {
				for _, v := range batch {
					switch v.ID {
					case "gone":
						return &smithy.GenericAPIError{Code: "NoSuchThing"}
					case "denied":
						return &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
					case "none":
						if len(batch) == 1 {
							return &smithy.GenericAPIError{Code: "NoSuchDetail"}
						}
					}
				}
				for _, v := range batch {
					v.Detail = "read"
				}
				return nil
			},
		}}
	}
	got, err := collect(t, c)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a read", "denied  -attributes.Detail", "none read", "b read"}
	if !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}

func TestCollector_FailedDetailWithoutPartsFailsTheScope(t *testing.T) {
	c := things([]thing{{ID: "a"}, {ID: "b"}})
	c.details = func(aws.Config) []detail[thing] {
		return []detail[thing]{{action: "test:DescribeThing", fetch: each(func(_ context.Context, v *thing) error {
			if v.ID == "b" {
				return &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not allowed"}
			}
			return nil
		})}}
	}
	_, err := collect(t, c)
	if provider.ReasonOf(err) != provider.ReasonAccessDenied || !strings.Contains(err.Error(), "grant the action test:DescribeThing") {
		t.Errorf("got %v", err)
	}
}

func TestCollector_RefusesListsThatCannotBe(t *testing.T) {
	circle := things(nil)
	circle.pages = func(aws.Config) source[thing] {
		return pager[thing](func(_ context.Context, token *string) ([]thing, *string, error) {
			if aws.ToString(token) == "x" {
				return []thing{{ID: "b"}}, aws.String("y"), nil
			}
			return []thing{{ID: "a"}}, aws.String("x"), nil
		})
	}
	cut := things(nil)
	cut.pages = func(aws.Config) source[thing] {
		return pager[thing](func(context.Context, *string) ([]thing, *string, error) {
			return []thing{{ID: "a"}}, marker(true, nil), nil
		})
	}
	for name, c := range map[string]lister{
		"tokens in a circle": circle,
		"no token":           cut,
		"no id":              things([]thing{{ID: "a"}, {ID: ""}}),
	} {
		if _, err := collect(t, c); provider.ReasonOf(err) != provider.ReasonBadAnswer {
			t.Errorf("%s: got %v, want a bad answer", name, err)
		}
	}
}

// SSM, for example, ends some lists with the token "".
func TestCollector_EmptyTokenEndsTheList(t *testing.T) {
	c := things(nil)
	c.pages = func(aws.Config) source[thing] {
		return pager[thing](func(context.Context, *string) ([]thing, *string, error) {
			return []thing{{ID: "a"}}, aws.String(""), nil
		})
	}
	if got, err := collect(t, c); err != nil || len(got) != 1 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestCollector_HandsBackErrorOfReceiver(t *testing.T) {
	want := errors.New("no space left")
	c := things([]thing{{ID: "a"}}, []thing{{ID: "b"}})
	enc, _ := resource.NewEncoder(c.schema(), nil)
	calls := 0
	err := c.list(t.Context(), place{"aws", "1", "us-east-1"}, aws.Config{}, enc, nil, func([]resource.Resource) error {
		calls++
		return want
	})
	if !errors.Is(err, want) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

func TestAssign_KeepsUnknownNames(t *testing.T) {
	var q queue
	rest := assign(&q, map[string]string{"DelaySeconds": "5", "Invented": "x", "Tags": "y", "Policy": "{}"})
	if q.DelaySeconds != "5" || q.Policy != "{}" || len(rest) != 2 || rest["Invented"] != "x" || rest["Tags"] != "y" {
		t.Errorf("got %+v and %v", q, rest)
	}
}

// below is a collector of what stands below parents: of "p" the things "p/1" and "p/2", on
// two pages.
func below(children func(parent string) pager[thing], parents ...[]thing) *collector[thing] {
	c := things(nil)
	c.parentAction = "test:ListParents"
	c.pages = func(cfg aws.Config) source[thing] {
		return under(things(parents...).pages(cfg), c.parentAction, []string{"NoSuchParent"},
			func(p *thing) source[thing] { return children(p.ID) })
	}
	return c
}

func twoPages(parent string) pager[thing] {
	return func(_ context.Context, token *string) ([]thing, *string, error) {
		if token == nil {
			return []thing{{ID: parent + "/1"}}, aws.String("next"), nil
		}
		return []thing{{ID: parent + "/2"}}, nil, nil
	}
}

func fails(code string) pager[thing] {
	return func(context.Context, *string) ([]thing, *string, error) {
		return nil, nil, &smithy.GenericAPIError{Code: code, Message: "no"}
	}
}

func TestUnder_ReadsAllChildrenOfAllParents(t *testing.T) {
	c := below(func(parent string) pager[thing] {
		if parent == "gone" {
			return fails("NoSuchParent")
		}
		return twoPages(parent)
	}, []thing{{ID: "a"}, {ID: "gone"}, {ID: "b"}}, nil, []thing{{ID: "c"}})
	got, err := collect(t, c)
	slices.Sort(got)
	if want := []string{"a/1 ", "a/2 ", "b/1 ", "b/2 ", "c/1 ", "c/2 "}; err != nil || !slices.Equal(got, want) {
		t.Errorf("listed %q, %v, want %q", got, err, want)
	}
}

func TestUnder_FailureSaysWhichActionIsMissing(t *testing.T) {
	for name, c := range map[string]struct {
		c      *collector[thing]
		action string
	}{
		"of a child": {below(func(parent string) pager[thing] {
			if parent == "b" {
				return fails("AccessDenied")
			}
			return twoPages(parent)
		}, []thing{{ID: "a"}, {ID: "b"}}, []thing{{ID: "c"}}), "test:ListThings"},
		"of the parents": {func() *collector[thing] {
			c := below(twoPages)
			c.pages = func(aws.Config) source[thing] {
				return under(source[thing](fails("AccessDenied")), c.parentAction, nil, func(p *thing) source[thing] { return twoPages(p.ID) })
			}
			return c
		}(), "test:ListParents"},
	} {
		_, err := collect(t, c.c)
		if provider.ReasonOf(err) != provider.ReasonAccessDenied || !strings.Contains(err.Error(), c.action) {
			t.Errorf("%s: got %v, want a denial that names %s", name, err, c.action)
		}
	}
}

func TestUnder_HandsBackErrorOfReceiver(t *testing.T) {
	want := errors.New("no space left")
	c := below(twoPages, []thing{{ID: "a"}, {ID: "b"}, {ID: "c"}})
	handed := 0
	err := c.pages(aws.Config{}).walk(t.Context(), func([]thing) error { handed++; return want })
	if err != want || handed != 1 {
		t.Errorf("got %v after %d pages, want the receiver's error after one", err, handed)
	}
}

// told is an element with details that are read beside each other.
type told struct {
	ID, A, B, C string
}

// tellings is a collector of elements with two details beside each other and one behind them.
func tellings(a, b, c func(context.Context, *told) error, ids ...string) *collector[told] {
	return &collector[told]{
		rules:  resource.Schema{Type: "Test::Told", Version: 1},
		action: "test:List",
		pages: func(aws.Config) source[told] {
			return given[told](converted(ids, func(id string) told { return told{ID: id} }))
		},
		vanished: []string{"NoSuchThing"},
		details: func(aws.Config) []detail[told] {
			return []detail[told]{
				{parts: []string{"attributes.A", "attributes.A2"}, fetch: each(a)},
				{parts: []string{"attributes.B"}, beside: true, size: 2, fetch: each(b)},
				{parts: []string{"attributes.C"}, fetch: each(c)},
			}
		},
		read: func(v *told) facts { return facts{ID: &v.ID, Status: v.A + v.B + v.C} },
	}
}

// Each of two details waits until the other one of the same element has begun; the one behind them
// begins when both are read of all. No more are under way than one detail alone may have.
func TestCollector_DetailsBesideEachOtherAreReadAtTheSameTime(t *testing.T) {
	var ids []string
	for i := range 40 {
		ids = append(ids, strconv.Itoa(i))
	}
	var under, most, done atomic.Int32
	begun := map[string][2]chan struct{}{}
	for _, id := range ids {
		begun[id] = [2]chan struct{}{make(chan struct{}), make(chan struct{})}
	}
	meeting := func(i int, take func(*told)) func(context.Context, *told) error {
		return func(ctx context.Context, v *told) error {
			if n := under.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer under.Add(-1)
			close(begun[v.ID][i])
			if number, _ := strconv.Atoi(v.ID); number < 4 { // those of later ones need not overlap
				select {
				case <-begun[v.ID][1-i]:
				case <-time.After(10 * time.Second):
					return errors.New("the detail beside it was not begun")
				}
			}
			take(v)
			done.Add(1)
			return nil
		}
	}
	c := tellings(meeting(0, func(v *told) { v.A = "a" }), meeting(1, func(v *told) { v.B = "b" }), func(_ context.Context, v *told) error {
		if n := done.Load(); n != int32(2*len(ids)) {
			return fmt.Errorf("%d of the details before are read", n)
		}
		v.C = "c"
		return nil
	}, ids...)
	got, err := collect(t, c)
	if err != nil || len(got) != len(ids) {
		t.Fatalf("got %q, %v", got, err)
	}
	for i, line := range got {
		if want := ids[i] + " abc"; line != want {
			t.Errorf("got %q, want %q", line, want)
		}
	}
	if n := most.Load(); n > detailCalls {
		t.Errorf("%d details were under way, want %d at most", n, detailCalls)
	}
}

func TestCollector_WhatComesOfDetailsBesideEachOther(t *testing.T) {
	says := func(of map[string]string, take func(*told)) func(context.Context, *told) error {
		return func(_ context.Context, v *told) error {
			if code := of[v.ID]; code != "" {
				return &smithy.GenericAPIError{Code: code, Message: "no"}
			}
			take(v)
			return nil
		}
	}
	asked := sync.Map{}
	c := tellings(
		says(map[string]string{"gone": "NoSuchThing", "denied twice": "AccessDenied", "gone and denied": "AccessDenied"}, func(v *told) { v.A = "a" }),
		says(map[string]string{"gone later": "NoSuchThing", "denied twice": "AccessDenied", "denied": "AccessDenied", "gone and denied": "NoSuchThing"}, func(v *told) { v.B = "b" }),
		func(_ context.Context, v *told) error { asked.Store(v.ID, true); v.C = "c"; return nil },
		"fine", "gone", "gone later", "other", "denied twice", "next", "gone and denied", "last")
	got, err := collect(t, c)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"fine abc", "other abc", "denied twice c -attributes.A -attributes.A2 -attributes.B", "next ac -attributes.B", "last abc",
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed\n%q, want\n%q", got, want)
	}
	for _, id := range []string{"gone", "gone later", "gone and denied"} {
		if _, ok := asked.Load(id); ok {
			t.Errorf("%s is gone, and a further detail of it was read", id)
		}
	}
}

// A detail that fails the scope ends those beside it, and its failure is the scope's.
func TestCollector_FailureOfADetailEndsThoseBesideIt(t *testing.T) {
	c := tellings(func(ctx context.Context, _ *told) error {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Second):
			return errors.New("not ended")
		}
	}, func(context.Context, *told) error {
		return &smithy.GenericAPIError{Code: "AccessDenied", Message: "no"}
	}, nil, "1")
	details := c.details
	c.details = func(cfg aws.Config) []detail[told] {
		all := details(cfg)
		all[1].parts, all[1].action = nil, "test:DescribeThing"
		return all
	}
	if _, err := collect(t, c); provider.ReasonOf(err) != provider.ReasonAccessDenied || !strings.Contains(err.Error(), "test:DescribeThing") {
		t.Errorf("got %v", err)
	}
}

// Of 150 buckets, five details of which each has a budget of 4 calls a second are read in the time of
// one.
func TestCollector_DetailsBesideEachOtherUseTheirBudgetsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := s3Details(aws.Config{Region: fallbackRegion})[1:]
		buckets := make([]bucket, 150)
		for i := range all {
			b := newTokenBucket(4, 8)
			all[i].fetch = each(func(ctx context.Context, _ *bucket) error {
				_, err := b.take(ctx)
				return err
			})
		}
		c := &collector[bucket]{
			rules: resource.Schema{Type: "Test::Bucket", Version: 1}, action: "test:List",
			pages:   func(aws.Config) source[bucket] { return given[bucket](buckets) },
			details: func(aws.Config) []detail[bucket] { return all },
			read:    func(*bucket) facts { return facts{ID: aws.String("b")} },
		}
		begin := time.Now()
		if got, err := collect(t, c); err != nil || len(got) != len(buckets) {
			t.Fatalf("%d buckets, %v", len(got), err)
		}
		wantAbout(t, "reading", time.Since(begin), 36*time.Second)
	})
}
