package resource_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/elava-dev/elava/resource"
)

func TestKey_RoundTrip(t *testing.T) {
	for s, want := range map[string]resource.Key{
		"aws/123456789012/us-east-1/AWS::EC2::Instance/i-0abc": {Provider: "aws", Account: "123456789012", Region: "us-east-1", Type: "AWS::EC2::Instance", ID: "i-0abc"},
		"aws/1/global/AWS::IAM::Role/a/b//c/":                  {Provider: "aws", Account: "1", Region: resource.Global, Type: "AWS::IAM::Role", ID: "a/b//c/"},
		"aws/1/r/T//leading":                                   {Provider: "aws", Account: "1", Region: "r", Type: "T", ID: "/leading"},
		"aws/1/r/T/arn:aws:sns:eu-west-1:1:topic":              {Provider: "aws", Account: "1", Region: "r", Type: "T", ID: "arn:aws:sns:eu-west-1:1:topic"},
		"a b/1/r/T/ü 日本 🦊 %2F":                                 {Provider: "a b", Account: "1", Region: "r", Type: "T", ID: "ü 日本 🦊 %2F"},
	} {
		got, err := resource.ParseKey(s)
		if err != nil || got != want || got.String() != s {
			t.Errorf("%q: got %+v, %v, written as %q", s, got, err, got)
		}
	}
}

func TestParseKey_RefusesWhatIsNoKey(t *testing.T) {
	for _, s := range []string{
		"", "/", "////", "aws", "aws/1/r/T", "aws/1/r/T/", "/1/r/T/i", "aws//r/T/i", "aws/1//T/i", "aws/1/r//i",
		"aws/1/r/T/a\nb", "aws/1/r/T/\x00", "aws/1/r/T/\x7f", "aws\t/1/r/T/i",
		"aws/1/r/T/\xff", "aws/1/r/T/a\xc3", "\xed\xa0\x80/1/r/T/i",
	} {
		if got, err := resource.ParseKey(s); !errors.Is(err, resource.ErrBadKey) {
			t.Errorf("%q: got %+v, %v; want ErrBadKey", s, got, err)
		}
	}
}

func TestKey_ValidateRefusesSlashesOutsideTheID(t *testing.T) {
	good := resource.Key{Provider: "p", Account: "a", Region: "r", Type: "t", ID: "i/i"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*resource.Key){
		"provider": func(k *resource.Key) { k.Provider = "p/p" },
		"account":  func(k *resource.Key) { k.Account = "a/a" },
		"region":   func(k *resource.Key) { k.Region = "/r" },
		"type":     func(k *resource.Key) { k.Type = "t/" },
	} {
		k := good
		change(&k)
		err := k.Validate()
		if !errors.Is(err, resource.ErrBadKey) || !strings.Contains(err.Error(), name) {
			t.Errorf("slash in %s: %v", name, err)
		}
		if err := k.Scope().Validate(); !errors.Is(err, resource.ErrBadKey) {
			t.Errorf("slash in %s of the scope: %v", name, err)
		}
	}
	if err := (resource.Key{}).Validate(); !errors.Is(err, resource.ErrBadKey) {
		t.Errorf("the zero key: %v", err)
	}
}

func TestScope_Contains(t *testing.T) {
	k := resource.Key{Provider: "aws", Account: "1", Region: "us-east-1", Type: "T", ID: "i"}
	for name, c := range map[string]struct {
		scope resource.Scope
		want  bool
	}{
		"its own":         {k.Scope(), true},
		"account-wide":    {k.Scope().AccountWide(), true},
		"another region":  {resource.Scope{Provider: "aws", Account: "1", Region: "us-east-2", Type: "T"}, false},
		"another account": {resource.Scope{Provider: "aws", Account: "12", Region: resource.Global, Type: "T"}, false},
		"another type":    {resource.Scope{Provider: "aws", Account: "1", Region: resource.Global, Type: "TT"}, false},
		"another cloud":   {resource.Scope{Provider: "demo", Account: "1", Region: resource.Global, Type: "T"}, false},
	} {
		if got := c.scope.Contains(k); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	global := k
	global.Region = resource.Global
	if k.Scope().Contains(global) {
		t.Error("a region contains what belongs to none")
	}
	if got := k.Scope().String(); got != "aws/1/us-east-1/T" {
		t.Errorf("scope is written %q", got)
	}
}

func TestKey_OrderKeepsRegionsOfATypeTogether(t *testing.T) {
	want := []string{
		"aws/1/eu/A/b", "aws/1/us/A/a", "aws/1/eu/B/a", "aws/1/us/B/B", "aws/1/us/B/a", "aws/1/us/B/a/",
		"aws/1/us/B!/a", "aws/12/eu/A/a", "aws/2/eu/A/a", "demo/1/eu/A/a",
	}
	var keys []resource.Key
	for _, s := range want {
		k, err := resource.ParseKey(s)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	slices.Reverse(keys)
	slices.SortFunc(keys, resource.Key.Compare)
	for i, k := range keys {
		if k.String() != want[i] {
			t.Errorf("%d is %s, want %s", i, k, want[i])
		}
		if i > 0 && keys[i-1].Scope().Compare(k.Scope()) > 0 {
			t.Errorf("scopes of %s and %s are in another order than their keys", keys[i-1], k)
		}
		if k.Compare(k) != 0 {
			t.Errorf("%s is not equal to itself", k)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{"aws/1/us-east-1/AWS::EC2::Instance/i-1", "a/b/c/d/e/f//", "////", "a/b/c/d/\xff", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		k, err := resource.ParseKey(s)
		if err != nil {
			if !errors.Is(err, resource.ErrBadKey) {
				t.Errorf("%q: %v is not ErrBadKey", s, err)
			}
			return
		}
		if k.String() != s {
			t.Errorf("%q is written as %q", s, k)
		}
		if err := k.Validate(); err != nil {
			t.Errorf("%q was parsed and is not valid: %v", s, err)
		}
		if !k.Scope().Contains(k) || !k.Scope().AccountWide().Contains(k) {
			t.Errorf("%q lies outside of its scopes", s)
		}
	})
}
