package aws

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/elava-dev/elava/resource"
)

// detail is a call that adds to listed elements what the list leaves out.
type detail[T any] struct {
	// parts that are unknown where the call fails, named as in resource.Unknown. None:
	// the call tells what the resource is, and the scope fails with it.
	parts []string

	// barred reports whether a failure is one of those by which the parts are unknown; nil:
	// every one is. With others the scope fails.
	barred func(error) bool

	// action is the IAM action that the call needs; empty: none.
	action string

	// absent are the error codes that say: there is no such part.
	absent []string

	// fetch reads the detail for one element, or for a batch of up to size elements. Where it
	// fails an element has none of the parts.
	fetch func(ctx context.Context, batch []*T) error
	size  int // 0: 1

	// beside: it needs nothing of what the detail before it tells, and is read at the same time.
	// Both change other members of an element.
	beside bool

	// indexed: they are tags, by one call for each element, which the tag index may spare.
	indexed bool
}

// each makes a fetch that takes one element at a time.
func each[T any](fetch func(ctx context.Context, v *T) error) func(context.Context, []*T) error {
	return func(ctx context.Context, batch []*T) error {
		for _, v := range batch {
			if err := fetch(ctx, v); err != nil {
				return err
			}
		}
		return nil
	}
}

// detailCalls is how many detail calls one scope has under way. Eight keep a scope of
// 1,000 functions at about 10 s with 80 ms a call.
const detailCalls = 8

// codeForeign is how details of this package say, among the codes of the service in
// collector.vanished, that an element is none of the account's own, or of another type.
const codeForeign = "(foreign)"

// leftOut is the failure of a detail that leaves its element out.
func leftOut(code string) error { return &smithy.GenericAPIError{Code: code} }

// notThere is the error code of a detail whose answer says of an element, in some other way
// than by a code, that there is no such one. Every collector takes it as vanished.
const notThere = "elava.NotThere"

// describing is a detail that tells what an element is, by one call for each. take puts
// the answer into the element; it returns false for an answer about another one.
func describing[I, O, X, T any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T) *I,
	take func(v *T, o *O) bool,
) detail[T] {
	return detail[T]{action: action, fetch: each(func(ctx context.Context, v *T) error {
		o, err := operation(ctx, in(v))
		if err != nil {
			return err
		}
		if !take(v, o) {
			return badAnswer("%s: the answer is for another resource", action)
		}
		return nil
	})}
}

// only says that a detail tells no more than these parts: they are unknown where it
// fails, and the rest of the element is not.
func (d detail[T]) only(parts ...string) detail[T] {
	d.parts = parts
	return d
}

// where has a detail of one element ask only for those that has names: what they lack
// the call needs.
func (d detail[T]) where(has func(v *T) bool) detail[T] {
	read := d.fetch
	d.fetch = func(ctx context.Context, batch []*T) error {
		if !has(batch[0]) {
			return nil
		}
		return read(ctx, batch)
	}
	return d
}

// unless has a detail of one element leave out what foreign names once it was read.
func (d detail[T]) unless(foreign func(v *T) bool) detail[T] {
	read := d.fetch
	d.fetch = func(ctx context.Context, batch []*T) error {
		if err := read(ctx, batch); err != nil {
			return err
		}
		if slices.ContainsFunc(batch, foreign) {
			return leftOut(codeForeign)
		}
		return nil
	}
	return d
}

// goneBy has a detail of one element leave out those of which the service says, in other ways than by a
// code in collector.vanished, that they were deleted after they were listed.
func (d detail[T]) goneBy(gone func(error) bool) detail[T] {
	read := d.fetch
	d.fetch = func(ctx context.Context, batch []*T) error {
		err := read(ctx, batch)
		if gone(err) {
			return leftOut(notThere)
		}
		return err
	}
	return d
}

// andBeside says that a detail is read at the same time as the one before it.
func (d detail[T]) andBeside() detail[T] {
	d.beside = true
	return d
}

// rounds splits details into those that are read at the same time, one such round after the other.
func rounds[T any](details []detail[T]) [][]detail[T] {
	var all [][]detail[T]
	for i := range details {
		if i == 0 || !details[i].beside {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], details[i])
	}
	return all
}

// adding is a detail that adds one attribute, by one call for each element. absent are
// the error codes that say: there is no such attribute.
func adding[I, O, X, T any](
	attribute, action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T) *I,
	take func(v *T, o *O),
	absent ...string,
) detail[T] {
	return detail[T]{
		parts: []string{resource.PartAttributes + attribute}, action: action, absent: absent,
		fetch: each(func(ctx context.Context, v *T) error {
			answer, err := operation(ctx, in(v))
			if err == nil {
				take(v, answer)
			}
			return err
		}),
	}
}

// describingAll is the detail that reads up to size elements by one call. out returns what
// the answer describes, missing (nil: the API has no such thing) the ids of those of which
// it says that they are gone. An answer that leaves one out without a word is none.
func describingAll[I, O, X, T any](
	action string, size int,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(batch []*T) *I,
	out func(*O) []T,
	missing func(*O) []string,
	id func(*T) *string,
) detail[T] {
	return detail[T]{action: action, size: size, fetch: func(ctx context.Context, batch []*T) error {
		answer, err := operation(ctx, in(batch))
		if err != nil {
			return err
		}
		if missing != nil {
			gone := missing(answer)
			if slices.ContainsFunc(ids(batch, id), func(asked string) bool { return slices.Contains(gone, asked) }) {
				return leftOut(notThere)
			}
		}
		described := map[string]T{}
		for _, v := range out(answer) {
			described[aws.ToString(id(&v))] = v
		}
		for _, v := range batch {
			if _, ok := described[aws.ToString(id(v))]; !ok {
				return badAnswer("%s: no answer for every resource", action)
			}
		}
		for _, v := range batch {
			*v = described[aws.ToString(id(v))]
		}
		return nil
	}}
}

// ids returns the ids of a batch, for the request.
func ids[T any](batch []*T, id func(*T) *string) []string {
	return converted(batch, func(v *T) string { return aws.ToString(id(v)) })
}

// replaced puts what was described in the place of what was listed, where they have the
// same id.
func replaced[T any](listed, described *T, id func(*T) *string) bool {
	if described == nil || aws.ToString(id(described)) != aws.ToString(id(listed)) {
		return false
	}
	*listed = *described
	return true
}
