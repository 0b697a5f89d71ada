package aws

import "github.com/aws/aws-sdk-go-v2/aws"

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
