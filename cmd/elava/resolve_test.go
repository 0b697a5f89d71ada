package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/api"
	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
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

// At the later point, at the earlier one, and then what is gone; several that fit are an
// error wherever they are met first.
func TestDiff_FindsTheResourceAtItsPoints(t *testing.T) {
	s := storagetest.NewModel()
	named := func(id, name string) resource.Resource {
		return resource.Resource{Key: inScope(instanceScope, id), Name: name}
	}
	gone := func(id, name string) storage.Mutation {
		r := named(id, name)
		return storage.Mutation{Type: change.Disappeared, Resource: &r}
	}
	recordScan(t, s, nil, // 1
		found(change.Created, named("i-old", "web")), found(change.Created, named("i-before", "pair")), found(change.Created, named("i-ago", "pair")),
		found(change.Created, named("i-first", "later")))
	recordScan(t, s, nil, gone("i-old", "web"), gone("i-first", "later")) // 2
	recordScan(t, s, nil,                                                 // 3
		found(change.Created, named("i-new", "web")), found(change.Created, named("i-a", "later")), found(change.Created, named("i-b", "later")))
	recordScan(t, s, nil, // 4
		found(change.Modified, named("i-new", "renamed")), gone("i-before", "pair"), found(change.Modified, named("i-ago", "other")), found(change.Created, named("i-c", "pair")))
	recordScan(t, s, nil, gone("i-c", "pair")) // 5
	for line, want := range map[string]string{
		"diff 3 4 --resource web -o csv":   "i-new",        // not i-old, which disappeared long before
		"diff 3 5 --resource pair -o csv":  "fits several", // two at 3, none at 5, and i-c is gone
		"diff 1 4 --resource pair -o csv":  "i-c",          // the one at 4
		"diff 1 3 --resource later -o csv": "fits several", // two at 3, although there was one at 1
		"diff 1 2 --resource later -o csv": "i-first",
		"diff 3 4 --resource none -o csv":  "no resource has",
		"diff 3 9 --resource web -o csv":   "the newest is 5",
	} {
		got := runReading(t, readingEnv(s), append(strings.Fields(line), "--storage-path", "x")...)
		if text := got.stdout + fmt.Sprint(got.err); !strings.Contains(text, want) || (got.err == nil) != strings.HasPrefix(want, "i-") {
			t.Errorf("elava %s: %v, %q; want %q", line, got.err, got.stdout, want)
		}
		if _, usage := errors.AsType[*usageError](got.err); usage {
			t.Errorf("elava %s: %v is a usage error", line, got.err)
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
