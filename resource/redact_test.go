package resource_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/url"
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

// The shapes in which APIs tell secrets: a container's environment is a list of names and
// values, user data is base64, parameters are maps, and people put passwords into URLs
// wherever there is room.
func TestEncoder_NoShapeOfASecretGetsThrough(t *testing.T) {
	const password = `hunter2"<&>\\'~x`
	type variable struct {
		Name, Value *string
		Type        string
	}
	type container struct {
		Environment []variable
		Secrets     []variable
		Command     []string
	}
	type document struct {
		ContainerDefinitions []container
		LaunchTemplateData   *struct{ UserData *string }
		EnvironmentVariables []*variable
		Credentials          struct{ AccessKeyId, SecretAccessKey *string }
		Parameters           map[string][]string
		Options              []map[string]string
		Policy, Encoded      *string
		NoPolicy             *string
		Raw                  freeForm
		Endpoints            []string
	}
	inURL := "postgres://app:" + url.QueryEscape(password) + "@db/x"
	quoted, err := json.Marshal("see " + inURL)
	if err != nil {
		t.Fatal(err)
	}
	policy := `{"Statement":[{"Sid":"a","Resource":[` + string(quoted) + `]}]}`
	script := base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\nexport TOKEN=" + password))
	v := document{
		ContainerDefinitions: []container{{
			Environment: []variable{{Name: ptr("PASSWORD"), Value: ptr(password)}, {Name: ptr("LEVEL"), Value: ptr("info")}},
			Secrets:     []variable{{Name: ptr("TOKEN"), Value: ptr("arn:aws:ssm:parameter/token")}},
			Command:     []string{"migrate", "--url", inURL},
		}},
		LaunchTemplateData:   &struct{ UserData *string }{&script},
		EnvironmentVariables: []*variable{{Name: ptr("TOKEN"), Value: ptr(password), Type: "PLAINTEXT"}},
		Parameters:           map[string][]string{"url": {inURL}},
		Options:              []map[string]string{{"url": inURL}},
		Policy:               &policy, Encoded: ptr(url.PathEscape(policy)), NoPolicy: ptr("%22" + url.PathEscape(inURL)),
		Raw: freeForm{raw: `{"url":[` + string(quoted) + `]}`}, Endpoints: []string{inURL, "https://example.com"},
	}
	v.Credentials.AccessKeyId, v.Credentials.SecretAccessKey = ptr("AKIA1"), ptr(password)
	e, err := resource.NewEncoder(&resource.Schema{
		Type: "T",
		Sets: map[string]string{"ContainerDefinitions.Environment": "{Name}", "EnvironmentVariables": "{Name}", "Endpoints": ""},
		Secrets: []string{
			"ContainerDefinitions.Environment.Value", "LaunchTemplateData.UserData", "EnvironmentVariables.Value", "Credentials.SecretAccessKey",
		},
		Policies: []string{"Policy", "Encoded", "NoPolicy"},
	}, func(s string) string { return fmt.Sprintf("digest-%x", crc32.ChecksumIEEE([]byte(s))) })
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Check(v); err != nil {
		t.Error(err)
	}
	got := encode(t, e, v)
	leaks := []string{password, url.QueryEscape(password), script}
	for i := range 3 { // base64 of a text depends on where in its groups of three it begins
		b := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", i) + password))
		leaks = append(leaks, b[4*((i+2)/3):len(b)-4])
	}
	for _, secret := range leaks {
		escaped, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got, secret) || strings.Contains(got, strings.Trim(string(escaped), `"`)) {
			t.Errorf("%q is in the document: %s", secret, got)
		}
	}
	for _, kept := range []string{
		`"Name":"PASSWORD"`, `"Name":"LEVEL"`, `"AccessKeyId":"AKIA1"`, `"arn:aws:ssm:parameter/token"`, "postgres://app:digest-", `"https://example.com"`,
	} {
		if !strings.Contains(got, kept) {
			t.Errorf("%s is not in the document: %s", kept, got)
		}
	}
	if n := strings.Count(got, "postgres://app:digest-"); n != 8 {
		t.Errorf("%d of 8 URLs are left with their digests: %s", n, got)
	}
}
