package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage/storagetest"
)

func TestResolve(t *testing.T) {
	client := api.NewLocalClient(api.NewServer(api.Options{Store: readingStore(t)}).Handler())
	web, twin := inScope(instanceScope, "i-0web").String(), inScope(instanceScope, "i-0twin").String()
	group := inScope(logScope, "/aws/lambda/a/b/twin").String()
	for _, tt := range []struct{ what, at, want string }{
		{web, "", web},
		{"aws/1/2/X::Y/never", "", "aws/1/2/X::Y/never"}, // a key is taken at its word
		{"i-0web", "", web},
		{"arn:aws:ec2:us-east-1:111122223333:instance/i-0web", "", web},
		{"arn:aws:iam::111122223333:role/path/admin", "", inScope(roleScope, "admin").String()},
		{"web & <shop>", "", web},
		{"/aws/lambda/a/b/twin", "", group},
		{"twin", "", group},   // the live one
		{"i-0twin", "", twin}, // gone
		{"i-0twin", "2", twin},
		{"arn:aws:ec2:us-east-1:111122223333:instance/i-0twin", "", twin}, // gone
		{"group", "", "no resource has"},
		{"twin", "2", "fits several"},
		{"arn:aws:ec2:us-east-1:111122223333:instance/i-0web", "9", "the newest is 4"},
		{"arn:aws:ec2:eu-west-1:111122223333:instance/i-0twin", "", "no resource has"}, // another region
		{"arn:", "", "no resource has"},
	} {
		got, err := resolve(t.Context(), client, tt.what, tt.at)
		if got != tt.want && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s at %q: %q, %v; want %q", tt.what, tt.at, got, err, tt.want)
		}
	}
}

func TestResolve_ListsCandidates(t *testing.T) {
	s := storagetest.NewModel()
	recordScan(t, s, nil,
		found(change.Created, resource.Resource{Key: inScope(instanceScope, "same")}),
		found(change.Created, resource.Resource{Key: inScope(logScope, "same")}))
	client := api.NewLocalClient(api.NewServer(api.Options{Store: s}).Handler())
	_, err := resolve(t.Context(), client, "same", "")
	for _, key := range []string{inScope(instanceScope, "same").String(), inScope(logScope, "same").String()} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v does not list %s", err, key)
		}
	}
	for i := range maxCandidates + 5 {
		recordScan(t, s, nil, found(change.Created, resource.Resource{Key: inScope(instanceScope, fmt.Sprint("i-", i)), Name: "fleet"}))
	}
	_, err = resolve(t.Context(), client, "fleet", "")
	if n := strings.Count(fmt.Sprint(err), "\n"); n != maxCandidates+1 || !strings.HasSuffix(err.Error(), "...") {
		t.Errorf("%d lines: %v", n, err)
	}
}

func TestIDsWithin(t *testing.T) {
	for arn, want := range map[string][]string{
		"arn:aws:ec2:r:1:instance/i-0":   {"instance/i-0", "i-0"},
		"arn:aws:s3:::bucket":            {"bucket"},
		"arn:aws:lambda:r:1:function:f":  {"function:f", "f"},
		"arn:aws:iam::1:role/a/b":        {"role/a/b", "a/b", "b"},
		"arn:aws:logs:r:1:log-group:/x:": {"log-group:/x:", "/x:", "x:"},
		"arn:aws":                        nil,
	} {
		if got := idsWithin(arn); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}
