package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

// maxCandidates is how many resources are listed where a name fits several.
const maxCandidates = 20

// resolve returns the key of the resource that a user names: by its key, or by its id,
// ARN or name, in this order, among those that are live at the first of the points, then
// at the next one; where there is none, among those that have disappeared at any time.
// Where several fit, what comes later does not decide.
func resolve(ctx context.Context, client *api.Client, what string, points ...string) (string, error) {
	if looksLikeKey(what) {
		return what, nil
	}
	var searches []iter.Seq2[string, error]
	for _, at := range points {
		searches = append(searches, searchLive(ctx, client, what, at)...)
	}
	for _, search := range append(searches, searchGone(ctx, client, what)...) {
		keys, err := distinct(search)
		if err != nil {
			return "", err
		}
		if len(keys) == 1 {
			return keys[0], nil
		}
		if len(keys) > 1 {
			return "", ambiguous(what, keys)
		}
	}
	return "", fmt.Errorf("no resource has the key, id, ARN or name %q; elava resources lists what there is", what)
}

// searchLive looks among the resources that are live at a point.
func searchLive(ctx context.Context, client *api.Client, what, at string) []iter.Seq2[string, error] {
	by := func(q api.ResourceQuery) iter.Seq2[string, error] {
		q.At = at
		return keysOf(client.Resources(ctx, q), func(r *api.Resource) string { return r.Key })
	}
	searches := []iter.Seq2[string, error]{by(api.ResourceQuery{ID: what})}
	if isARN(what) {
		searches = append(searches, by(api.ResourceQuery{ARN: what}))
	}
	return append(searches, by(api.ResourceQuery{Name: what}))
}

// searchGone looks among the resources that have disappeared.
func searchGone(ctx context.Context, client *api.Client, what string) []iter.Seq2[string, error] {
	by := func(q api.ChangeQuery) iter.Seq2[string, error] {
		q.ChangeTypes = []string{"disappeared"}
		return keysOf(client.Changes(ctx, q), func(e *storage.ChangeEvent) string { return e.Key })
	}
	searches := []iter.Seq2[string, error]{by(api.ChangeQuery{ID: what})}
	if isARN(what) {
		searches = append(searches, goneByARN(ctx, client, what, by))
	}
	return append(searches, by(api.ChangeQuery{Name: what}))
}

// looksLikeKey tells a key from an id that has as many slashes: types have colons.
func looksLikeKey(s string) bool {
	k, err := resource.ParseKey(s)
	return err == nil && !isARN(s) && strings.Contains(k.Type, "::")
}

func isARN(s string) bool { return strings.HasPrefix(s, "arn:") }

// goneByARN yields the disappeared resources with an ARN. The change feed does not know
// ARNs: it is asked for ids that the ARN may hold, and the versions tell.
func goneByARN(ctx context.Context, client *api.Client, arn string, gone func(api.ChangeQuery) iter.Seq2[string, error]) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range idsWithin(arn) {
			for key, err := range gone(api.ChangeQuery{ID: id}) {
				if err != nil {
					yield("", err)
					return
				}
				for v, err := range client.History(ctx, key, "", 1) {
					if err != nil && !yield("", err) || err == nil && v.ARN == arn && !yield(key, nil) {
						return
					}
				}
			}
		}
	}
}

// idsWithin returns the parts of an ARN that may be an id, the shortest last: of
// arn:aws:ec2:us-east-1:123456789012:instance/i-0abc they are instance/i-0abc and i-0abc.
func idsWithin(arn string) []string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return nil
	}
	ids := []string{parts[5]}
	for rest := parts[5]; ; {
		i := strings.IndexAny(rest, ":/")
		if i < 0 {
			return ids
		}
		if rest = rest[i+1:]; rest != "" {
			ids = append(ids, rest)
		}
	}
}

func keysOf[T any](items iter.Seq2[*T, error], key func(*T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for item, err := range items {
			k := ""
			if err == nil {
				k = key(item)
			}
			if !yield(k, err) {
				return
			}
		}
	}
}

// distinct returns the keys that are found, each once, and one more than maxCandidates at
// most.
func distinct(search iter.Seq2[string, error]) ([]string, error) {
	var keys []string
	for key, err := range search {
		if err != nil {
			return nil, err
		}
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
		if len(keys) > maxCandidates {
			break
		}
	}
	return keys, nil
}

func ambiguous(what string, keys []string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%q fits several resources; give one of these keys:", what)
	for i, k := range keys {
		if i == maxCandidates {
			b.WriteString("\n  ...")
			break
		}
		b.WriteString("\n  " + printable(k))
	}
	return fmt.Errorf("%s", b.String())
}
