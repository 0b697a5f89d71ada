package aws

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/elava-dev/elava/resource"
)

// codeForeign is how details of this package say, among the codes of the service in
// collector.vanished, that an element is none of the account's own, or of another type.
const codeForeign = "(foreign)"

// leftOut is the failure of a detail that leaves its element out.
func leftOut(code string) error { return &smithy.GenericAPIError{Code: code} }

// given is a list that is known without a call.
type given[T any] []T

func (g given[T]) walk(_ context.Context, each func([]T) error) error { return each(g) }

// chained is one list after the other.
type chained[T any] []source[T]

func (c chained[T]) walk(ctx context.Context, each func([]T) error) error {
	for _, s := range c {
		if err := s.walk(ctx, each); err != nil {
			return err
		}
	}
	return nil
}

// orNone is a list that has no elements where it fails with one of the codes from the
// beginning.
func (p pager[T]) orNone(codes ...string) pager[T] {
	return func(ctx context.Context, token *string) ([]T, *string, error) {
		page, next, err := p(ctx, token)
		if token == nil && slices.Contains(codes, errorCode(err)) {
			return nil, nil, nil
		}
		return page, next, err
	}
}

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

// adding is a detail that adds one attribute, by one call for each element. absent are
// the error codes that say: there is no such attribute.
func adding[I, O, X, T any](
	attribute, action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T) *I,
	take func(v *T, o *O),
	absent ...string,
) detail[T] {
	return part(attribute, action, absent, operation, in, take)
}

// tagging is a detail that reads the tags, by one call for each element.
func tagging[I, O, X, T any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T) *I,
	take func(v *T, o *O),
) detail[T] {
	return describing(action, operation, in, func(v *T, o *O) bool { take(v, o); return true }).only(resource.PartTags)
}

// pagedTagging is tagging where the operation gives the tags page by page.
func pagedTagging[I, O, X, T, E any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T, token *string) *I,
	out func(*O) ([]E, *string),
	take func(v *T, tags []E),
) detail[T] {
	return detail[T]{parts: []string{resource.PartTags}, action: action, fetch: each(func(ctx context.Context, v *T) error {
		tags, err := paged(operation, func(token *string) *I { return in(v, token) }, out).all(ctx)
		if err == nil {
			take(v, tags)
		}
		return err
	})}
}

// after returns what follows the last sep in s, and s where there is none.
func after(s, sep string) string { return s[strings.LastIndex(s, sep)+1:] }
