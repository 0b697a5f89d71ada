package aws

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/elava-dev/elava/resource"
)

// documented is an element of which only a part is the document.
type documented interface{ document() any }

func documentOf(v any) any {
	if d, ok := v.(documented); ok {
		return d.document()
	}
	return v
}

// tagged is an element with tags that its API keeps elsewhere. They are not in its document.
type tagged[T any] struct {
	It   T
	Tags map[string]string
}

func (t *tagged[T]) document() any { return &t.It }

func asTagged[T any](v T) tagged[T] { return tagged[T]{It: v} }

func untagged[T any](items []T) []tagged[T] { return converted(items, asTagged[T]) }

func converted[A, B any](items []A, convert func(A) B) []B {
	all := make([]B, len(items))
	for i, v := range items {
		all[i] = convert(v)
	}
	return all
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

// notThere is the error code of a batch whose answer says of an element that there is no
// such one. Every collector takes it as vanished.
const notThere = "elava.NotThere"

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

// tagsBy is the detail that asks for the tags of one resource at a time.
func tagsBy[I, O, X, T any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(*T) *I,
	out func(*O) map[string]string,
) detail[tagged[T]] {
	return detail[tagged[T]]{
		parts: []string{resource.PartTags}, action: action,
		fetch: each(func(ctx context.Context, v *tagged[T]) error {
			answer, err := operation(ctx, in(&v.It))
			if err == nil {
				v.Tags = out(answer)
			}
			return err
		}),
	}
}

// tagPagesBy is tagsBy for lists of tags that have pages.
func tagPagesBy[I, O, X, T, G any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T, token *string) *I,
	out func(*O) ([]G, *string),
	pair func(G) (key, value *string),
) detail[tagged[T]] {
	return detail[tagged[T]]{
		parts: []string{resource.PartTags}, action: action,
		fetch: each(func(ctx context.Context, v *tagged[T]) error {
			tags, err := paged(operation, func(token *string) *I { return in(&v.It, token) }, out).all(ctx)
			if err == nil {
				v.Tags = tagMap(tags, pair)
			}
			return err
		}),
	}
}

// part is the detail that reads one member of documents, one resource at a time.
func part[I, O, X, T any](
	member, action string, absent []string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(*T) *I,
	take func(*T, *O),
) detail[T] {
	return detail[T]{
		parts: []string{resource.PartAttributes + member}, action: action, absent: absent,
		fetch: each(func(ctx context.Context, v *T) error {
			answer, err := operation(ctx, in(v))
			if err == nil {
				take(v, answer)
			}
			return err
		}),
	}
}

// converting makes the elements of a list of those of another, often of names.
func converting[A, B any](list pager[A], convert func(A) B) pager[B] {
	return func(ctx context.Context, token *string) ([]B, *string, error) {
		items, next, err := list(ctx, token)
		if err != nil {
			return nil, nil, err
		}
		return converted(items, convert), next, nil
	}
}

// lastColon returns what follows the last colon, in most ARNs the name or the id.
func lastColon(s string) string { return s[strings.LastIndexByte(s, ':')+1:] }

// within is the id of what has a name that is unique within something else: the names from
// the outermost to its own. It is nil where one is missing.
func within(names ...*string) *string {
	parts := converted(names, aws.ToString)
	if slices.Contains(parts, "") {
		return nil
	}
	return aws.String(strings.Join(parts, "/"))
}

// last returns the last one, nil where there is none.
func last[T any](items []T) *T {
	if len(items) == 0 {
		return nil
	}
	return &items[len(items)-1]
}
