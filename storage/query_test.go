package storage_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
)

func TestParseTagFilter(t *testing.T) {
	for in, want := range map[string]storage.TagFilter{
		"env":          {Key: "env", AnyValue: true},
		"env=prod":     {Key: "env", Value: "prod"},
		"env=":         {Key: "env"}, // the tag with an empty value, not with any
		"a=b=c":        {Key: "a", Value: "b=c"},
		"aws:name= x ": {Key: "aws:name", Value: " x "},
	} {
		got, err := storage.ParseTagFilter(in)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "=", "=prod"} {
		if got, err := storage.ParseTagFilter(in); err == nil {
			t.Errorf("%q: got %+v, want an error", in, got)
		}
	}
}

func TestFilter_ValidateNamesMalformedPatterns(t *testing.T) {
	good := storage.Filter{Types: []string{"aws::ec2::*", "AWS::S3::Bucket", "*[ab]*", "?"}}
	if err := good.Validate(); err != nil {
		t.Errorf("good patterns: %v", err)
	}
	for _, g := range []string{"[", "[a", `a\`} {
		if err := (&storage.Filter{Types: []string{"ok", g}}).Validate(); err == nil {
			t.Errorf("%q: no error", g)
		}
	}
}

func TestMatchType(t *testing.T) {
	for _, c := range []struct {
		globs []string
		t     string
		want  bool
	}{
		{nil, "AWS::EC2::Instance", true},
		{[]string{}, "AWS::EC2::Instance", true},
		{[]string{"AWS::EC2::Instance"}, "AWS::EC2::Instance", true},
		{[]string{"aws::ec2::instance"}, "AWS::EC2::Instance", true},
		{[]string{"AWS::EC2::*"}, "AWS::EC2::Instance", true},
		{[]string{"aws::ec2"}, "AWS::EC2::Instance", false},
		{[]string{"*instance"}, "AWS::EC2::Instance", true},
		{[]string{"*::Instance*"}, "AWS::EC2::InstanceConnectEndpoint", true},
		{[]string{"AWS::EC2::Instance"}, "AWS::EC2::InstanceConnectEndpoint", false},
		{[]string{"x", "*bucket"}, "AWS::S3::Bucket", true},
		{[]string{"aws::s?::*"}, "AWS::S3::Bucket", true},
		{[]string{"["}, "[", false}, // malformed ones select nothing
		{[]string{""}, "AWS::S3::Bucket", false},
	} {
		if got := storage.MatchType(c.globs, c.t); got != c.want {
			t.Errorf("MatchType(%q, %q) = %v", c.globs, c.t, got)
		}
	}
}

func TestFilter_Match(t *testing.T) {
	r := resource.Resource{
		Key:  resource.Key{Provider: "aws", Account: "1", Region: "us-east-1", Type: "AWS::EC2::Instance", ID: "i-1"},
		Name: "web", Tags: map[string]string{"env": "prod", "empty": ""},
	}
	tags := func(tags ...storage.TagFilter) storage.Filter { return storage.Filter{Tags: tags} }
	for name, c := range map[string]struct {
		filter storage.Filter
		want   bool
	}{
		"nothing asked":      {storage.Filter{}, true},
		"type":               {storage.Filter{Types: []string{"*instance"}}, true},
		"other type":         {storage.Filter{Types: []string{"*bucket"}}, false},
		"region":             {storage.Filter{Regions: []string{"eu-west-1", "us-east-1"}}, true},
		"other region":       {storage.Filter{Regions: []string{"global"}}, false},
		"region's beginning": {storage.Filter{Regions: []string{"us-east"}}, false},
		"account":            {storage.Filter{Accounts: []string{"1"}}, true},
		"other account":      {storage.Filter{Accounts: []string{"12"}}, false},
		"name":               {storage.Filter{Name: "web"}, true},
		"name in other case": {storage.Filter{Name: "Web"}, false},
		"id":                 {storage.Filter{ID: "i-1"}, true},
		"id's beginning":     {storage.Filter{ID: "i-"}, false},
		"tag":                {tags(storage.TagFilter{Key: "env", Value: "prod"}), true},
		"other value":        {tags(storage.TagFilter{Key: "env", Value: "dev"}), false},
		"any value":          {tags(storage.TagFilter{Key: "env", AnyValue: true}), true},
		"no such tag":        {tags(storage.TagFilter{Key: "Env", AnyValue: true}), false},
		"empty value":        {tags(storage.TagFilter{Key: "empty"}), true},
		"empty is absent":    {tags(storage.TagFilter{Key: "absent"}), false},
		"both tags":          {tags(storage.TagFilter{Key: "env", Value: "prod"}, storage.TagFilter{Key: "empty", AnyValue: true}), true},
		"one of two tags":    {tags(storage.TagFilter{Key: "env", Value: "prod"}, storage.TagFilter{Key: "absent", AnyValue: true}), false},
		"all but one":        {storage.Filter{Types: []string{"*"}, Name: "web", ID: "i-1", Accounts: []string{"2"}}, false},
	} {
		if got := c.filter.Match(&r); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// What a filter selects lies in a scope that MatchScope admits: engines skip the others.
func TestFilter_MatchScopeAdmitsWhateverMatchKeySelects(t *testing.T) {
	var keys []resource.Key
	for _, account := range []string{"1", "2"} {
		for _, region := range []string{"us-east-1", resource.Global} {
			for _, typ := range []string{"AWS::EC2::Instance", "AWS::S3::Bucket"} {
				keys = append(keys, resource.Key{Provider: "aws", Account: account, Region: region, Type: typ, ID: "x"})
			}
		}
	}
	for _, f := range []storage.Filter{
		{}, {Types: []string{"*bucket"}}, {Regions: []string{"us-east-1"}}, {Regions: []string{"global"}},
		{Accounts: []string{"2"}}, {Accounts: []string{"1"}, Regions: []string{"us-east-1"}, Types: []string{"AWS::*"}},
	} {
		for _, k := range keys {
			if !f.MatchKey(k) {
				continue
			}
			if !f.MatchScope(k.Scope()) || !f.MatchScope(k.Scope().AccountWide()) {
				t.Errorf("%+v selects %s but not its scope, or not the account-wide one", f, k)
			}
		}
	}
	f := storage.Filter{Regions: []string{"us-east-1"}, Types: []string{"*bucket"}, Accounts: []string{"1"}}
	for _, s := range []resource.Scope{
		{Provider: "aws", Account: "1", Region: "eu-west-1", Type: "AWS::S3::Bucket"},
		{Provider: "aws", Account: "2", Region: "us-east-1", Type: "AWS::S3::Bucket"},
		{Provider: "aws", Account: "1", Region: "us-east-1", Type: "AWS::EC2::Instance"},
	} {
		if f.MatchScope(s) {
			t.Errorf("%s can hold nothing that %+v selects", s, f)
		}
	}
}

func TestChangeQuery_Match(t *testing.T) {
	key := resource.Key{Provider: "aws", Account: "1", Region: "us-east-1", Type: "AWS::EC2::Instance", ID: "i-1"}
	other := key
	other.ID = "i-2"
	e := storage.ChangeEvent{
		ID: "5-2", Revision: 5, ChangeType: change.Modified, Key: key.String(), Provider: "aws", Account: "1",
		Region: "us-east-1", Type: "AWS::EC2::Instance", ResourceID: "i-1", Name: "web",
	}
	filter := func(f storage.Filter) storage.ChangeQuery { return storage.ChangeQuery{Filter: f} }
	for name, c := range map[string]struct {
		query storage.ChangeQuery
		want  bool
	}{
		"nothing asked":          {storage.ChangeQuery{}, true},
		"above the one before":   {storage.ChangeQuery{Above: 4}, true},
		"above its own revision": {storage.ChangeQuery{Above: 5}, false},
		"up to its revision":     {storage.ChangeQuery{UpTo: 5}, true},
		"up to the one before":   {storage.ChangeQuery{UpTo: 4}, false},
		"change type":            {storage.ChangeQuery{ChangeTypes: []change.Type{change.Created, change.Modified}}, true},
		"other change type":      {storage.ChangeQuery{ChangeTypes: []change.Type{change.Created}}, false},
		"key":                    {storage.ChangeQuery{Key: &key}, true},
		"other key":              {storage.ChangeQuery{Key: &other}, false},
		"where it begins":        {storage.ChangeQuery{After: storage.EventID{Revision: 1, Number: 1}}, true},
		"type":                   {filter(storage.Filter{Types: []string{"aws::ec2::*"}}), true},
		"other type":             {filter(storage.Filter{Types: []string{"aws::ec2"}}), false},
		"region":                 {filter(storage.Filter{Regions: []string{"us-east-1"}}), true},
		"other region":           {filter(storage.Filter{Regions: []string{"us-east-2"}}), false},
		"account":                {filter(storage.Filter{Accounts: []string{"1"}}), true},
		"other account":          {filter(storage.Filter{Accounts: []string{"11"}}), false},
		"id":                     {filter(storage.Filter{ID: "i-1"}), true},
		"other id":               {filter(storage.Filter{ID: "i-"}), false},
		"name":                   {filter(storage.Filter{Name: "web"}), true},
		"other name":             {filter(storage.Filter{Name: "we"}), false},
	} {
		if got := c.query.Match(&e); got != c.want {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestEventID_RoundTrip(t *testing.T) {
	for s, want := range map[string]storage.EventID{
		"12-3":                           {Revision: 12, Number: 3},
		"1-0":                            {Revision: 1}, // before the first event of a revision
		"9223372036854775807-2147483647": {Revision: 1<<63 - 1, Number: 1<<31 - 1},
	} {
		got, err := storage.ParseEventID(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("%q: got %+v, %v, written as %q", s, got, err, got)
		}
	}
	for _, s := range []string{"", "-", "1", "1-", "-1", "0-1", "-1-1", "1--1", "1-2-3", "a-1", "1-a", " 1-1", "1-1 ", "9223372036854775808-1", "1-2147483648", "1.0-1"} {
		if got, err := storage.ParseEventID(s); !errors.Is(err, storage.ErrBadCursor) {
			t.Errorf("%q: got %+v, %v; want ErrBadCursor", s, got, err)
		}
	}
}

func TestEventID_OrderIsOldestFirst(t *testing.T) {
	id := func(r int64, n int) storage.EventID { return storage.EventID{Revision: r, Number: n} }
	want := []storage.EventID{{}, id(1, 0), id(1, 1), id(1, 2), id(1, 10), id(2, 1), id(10, 1), id(1<<40, 1)}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, storage.EventID.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzParseEventID(f *testing.F) {
	for _, s := range []string{"12-3", "", "+1-1", "01-1", "1-+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := storage.ParseEventID(s)
		if err != nil {
			return
		}
		again, err := storage.ParseEventID(id.String())
		if err != nil || again != id {
			t.Errorf("%q gave %v, which gave %v, %v", s, id, again, err)
		}
	})
}
