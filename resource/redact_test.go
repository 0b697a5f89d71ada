package resource_test

import (
	"strings"
	"testing"

	"github.com/elava-dev/elava/resource"
)

func TestRedactURLs_ReplacesPasswordsAndNothingElse(t *testing.T) {
	digest := func(s string) string { return "D(" + s + ")" }
	for in, want := range map[string]string{
		"":                                   "",
		"no url: a:b@c":                      "no url: a:b@c",
		"https://example.com/a:b@c":          "https://example.com/a:b@c",
		"https://user@example.com":           "https://user@example.com",
		"https://user:@example.com":          "https://user:@example.com",
		"postgres://app:hunter2@db:5432/x":   "postgres://app:D(hunter2)@db:5432/x",
		"redis://:s3cret@cache":              "redis://:D(s3cret)@cache",
		"amqp://a:p@ss@mq/":                  "amqp://a:D(p@ss)@mq/",
		`{"u":"mysql://r:x@h","v":"m://h"}`:  `{"u":"mysql://r:D(x)@h","v":"m://h"}`,
		"see http://a:b@c and ftp://d:e@f/?": "see http://a:D(b)@c and ftp://d:D(e)@f/?",
		"a://b://c:d@e":                      "a://b://c:D(d)@e",
		"://:@":                              "://:@",
	} {
		if got := resource.RedactURLs(in, digest); got != want {
			t.Errorf("RedactURLs(%q) = %q, want %q", in, got, want)
		}
		if got := resource.RedactURLs(in, nil); got != in {
			t.Errorf("RedactURLs(%q) without a digest = %q", in, got)
		}
	}
}

func TestEncoder_TakesPasswordsOutOfURLsInAnyString(t *testing.T) {
	type document struct {
		Text   string
		Values map[string]*string
		List   []string
		Policy *string
	}
	secret := "https://u:hunter2@h/"
	policy := `{"Statement":[{"Resource":"` + secret + `"}]}`
	e, err := resource.NewEncoder(&resource.Schema{Type: "T", Policies: []string{"Policy"}}, func(s string) string { return "D" })
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Append(nil, document{secret, map[string]*string{"a": &secret}, []string{secret}, &policy})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(got), "hunter2") || strings.Count(string(got), "https://u:D@h/") != 4 {
		t.Errorf("document is %s", got)
	}
}
