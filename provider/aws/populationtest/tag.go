package populationtest

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Tags are those that rows give their resources, where the service takes some as it makes
// one. They are the caller's.
func Tags() map[string]string { return map[string]string{"Name": "first", "env": "prod", "empty": ""} }

// more are the tags by which rows change what moto does not change otherwise. It shows as
// tags.team.
func more() map[string]string { return map[string]string{"team": "b"} }

// tagsOf makes a service's tags, in the order of their keys.
func tagsOf[T any](tags map[string]string, tag func(k, v *string) T) []T {
	var list []T
	for _, k := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tag(aws.String(k), aws.String(tags[k])))
	}
	return list
}
