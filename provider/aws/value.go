package aws

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

func converted[A, B any](items []A, convert func(A) B) []B {
	all := make([]B, len(items))
	for i, v := range items {
		all[i] = convert(v)
	}
	return all
}

// last returns the last one, nil where there is none.
func last[T any](items []T) *T {
	if len(items) == 0 {
		return nil
	}
	return &items[len(items)-1]
}

// after returns what follows the last sep in s, and s where there is none: behind the last
// colon or slash most ARNs have the name or the id.
func after(s, sep string) string { return s[strings.LastIndex(s, sep)+1:] }

// within is the id of what has a name that is unique within something else: the names from
// the outermost to its own. It is nil where one is missing.
func within(names ...*string) *string {
	parts := converted(names, aws.ToString)
	if slices.Contains(parts, "") {
		return nil
	}
	return aws.String(strings.Join(parts, "/"))
}
