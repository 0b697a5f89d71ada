package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/elava-dev/elava/resource"
)

// tagMap turns a service's list of tags into a map. pair returns key and value of one
// tag; a tag without a value has the empty one.
func tagMap[T any](tags []T, pair func(T) (key, value *string)) map[string]string {
	if len(tags) == 0 {
		return nil
	}
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		k, v := pair(t)
		m[aws.ToString(k)] = aws.ToString(v)
	}
	return m
}

// tagged is an element with tags that its API keeps elsewhere. They are not in its document.
type tagged[T any] struct {
	It   T
	Tags map[string]string
}

func (t *tagged[T]) document() any { return &t.It }

func asTagged[T any](v T) tagged[T] { return tagged[T]{It: v} }

func untagged[T any](items []T) []tagged[T] { return converted(items, asTagged[T]) }

// tagging is the detail that reads the tags, by one call for each element.
func tagging[I, O, X, T any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T) *I,
	take func(v *T, o *O),
) detail[T] {
	d := describing(action, operation, in, func(v *T, o *O) bool { take(v, o); return true }).only(resource.PartTags)
	d.indexed = true
	return d
}

// pagedTagging is tagging where the operation gives the tags page by page.
func pagedTagging[I, O, X, T, E any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T, token *string) *I,
	out func(*O) ([]E, *string),
	take func(v *T, tags []E),
) detail[T] {
	read := func(ctx context.Context, v *T) error {
		tags, err := paged(operation, func(token *string) *I { return in(v, token) }, out).all(ctx)
		if err == nil {
			take(v, tags)
		}
		return err
	}
	return detail[T]{parts: []string{resource.PartTags}, action: action, indexed: true, fetch: each(read)}
}

// tagsBy is tagging of what is kept as tagged.
func tagsBy[I, O, X, T any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(*T) *I,
	out func(*O) map[string]string,
) detail[tagged[T]] {
	return tagging(action, operation,
		func(v *tagged[T]) *I { return in(&v.It) },
		func(v *tagged[T], o *O) { v.Tags = out(o) })
}

// tagPagesBy is pagedTagging of what is kept as tagged.
func tagPagesBy[I, O, X, T, G any](
	action string,
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(v *T, token *string) *I,
	out func(*O) ([]G, *string),
	pair func(G) (key, value *string),
) detail[tagged[T]] {
	return pagedTagging(action, operation,
		func(v *tagged[T], token *string) *I { return in(&v.It, token) }, out,
		func(v *tagged[T], tags []G) { v.Tags = tagMap(tags, pair) })
}

// batchTags makes a fetch that reads the tags of a batch in one call. name tells what the
// call knows an element by, tags where its tags go. An answer that leaves out an element
// says nothing about its tags.
func batchTags[T any](
	name func(*T) *string,
	tags func(*T) *map[string]string,
	read func(ctx context.Context, names []string) (map[string]map[string]string, error),
) func(context.Context, []*T) error {
	return func(ctx context.Context, batch []*T) error {
		names := converted(batch, func(v *T) string { return aws.ToString(name(v)) })
		byName, err := read(ctx, names)
		if err != nil {
			return err
		}
		for _, n := range names {
			if _, ok := byName[n]; !ok {
				return badAnswer("the answer does not have the tags of everything asked for")
			}
		}
		for i, v := range batch {
			*tags(v) = byName[names[i]]
		}
		return nil
	}
}

// redacted takes passwords out of tags.
func redacted(tags map[string]string, enc *resource.Encoder) map[string]string {
	for k, v := range tags {
		tags[k] = enc.Redact(v)
	}
	return tags
}
