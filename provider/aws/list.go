package aws

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"
)

// source is a list that is read to its end, page by page. An error of each ends it and
// comes back unchanged.
type source[T any] interface {
	walk(ctx context.Context, each func([]T) error) error
}

// pager reads one page: the first for a nil token. It returns the token of the next
// page, nil or empty after the last one.
type pager[T any] func(ctx context.Context, token *string) (items []T, next *string, err error)

// paged adapts an operation of an SDK client, given as a method value, to a pager.
// in makes the request for a token, out takes the elements and the next token from the
// answer.
func paged[I, O, X, T any](
	operation func(context.Context, *I, ...func(*X)) (*O, error),
	in func(token *string) *I,
	out func(*O) ([]T, *string),
) pager[T] {
	return func(ctx context.Context, token *string) ([]T, *string, error) {
		answer, err := operation(ctx, in(token))
		if err != nil {
			return nil, nil, err
		}
		items, next := out(answer)
		return items, next, nil
	}
}

// whole adapts an operation that answers with everything at once to a pager.
func whole[I, O, X, T any](
	operation func(context.Context, *I, ...func(*X)) (*O, error), in *I, out func(*O) []T,
) pager[T] {
	return paged(operation, func(*string) *I { return in }, func(o *O) ([]T, *string) { return out(o), nil })
}

// tokenMissing stands for the token of an answer that says there is more and not where.
const tokenMissing = "(missing)"

// marker is the next token of APIs that say in a member of its own whether there is
// more (IAM, for example).
func marker(truncated bool, token *string) *string {
	switch {
	case !truncated:
		return nil
	case aws.ToString(token) == "":
		return aws.String(tokenMissing)
	default:
		return token
	}
}

// walk reads all pages. It refuses to walk in circles: a token that was there before
// would repeat its pages for ever, or, in a reader that stops there, cut the list.
func (p pager[T]) walk(ctx context.Context, each func([]T) error) error {
	seen := map[string]struct{}{}
	var token *string
	for {
		items, next, err := p(ctx, token)
		if err != nil {
			return err
		}
		if err := each(items); err != nil {
			return err
		}
		t := aws.ToString(next)
		if t == "" {
			return nil
		}
		if t == tokenMissing {
			return badAnswer("the list is cut and the answer has no token for the rest")
		}
		if _, again := seen[t]; again {
			return badAnswer("the list has no end: its token for the next page came a second time")
		}
		seen[t] = struct{}{}
		token = next
	}
}

// all reads all pages of a short list, such as the tags of one resource.
func (p pager[T]) all(ctx context.Context) ([]T, error) {
	var all []T
	err := p.walk(ctx, func(items []T) error {
		all = append(all, items...)
		return nil
	})
	return all, err
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

// under is the list of what stands below the elements of another list, such as the
// listeners of every load balancer: children is asked for each of parents. gone are the
// error codes by which the list of children says that the parent was deleted after it was
// listed; action is the IAM action that parents needs.
func under[P, T any](parents source[P], action string, gone []string, children func(parent *P) source[T]) source[T] {
	return nested[P, T]{parents, action, gone, children}
}

type nested[P, T any] struct {
	parents  source[P]
	action   string
	gone     []string
	children func(*P) source[T]
}

// walk reads the children of several parents at a time, and hands pages on one by one.
func (n nested[P, T]) walk(ctx context.Context, each func([]T) error) error {
	var handing sync.Mutex
	var refused error
	hand := func(items []T) error {
		handing.Lock()
		defer handing.Unlock()
		if refused == nil {
			refused = each(items)
		}
		return refused
	}
	err := n.parents.walk(ctx, func(parents []P) error {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(detailCalls)
		for i := range parents {
			group.Go(func() error {
				err := n.children(&parents[i]).walk(ctx, hand)
				if slices.Contains(n.gone, errorCode(err)) {
					return nil
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			refused = cmp.Or(refused, err) // it is no failure of the list of parents
		}
		return refused
	})
	if err != nil && refused == nil {
		return classify(err, n.action)
	}
	return err
}
