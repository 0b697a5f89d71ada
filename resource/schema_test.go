package resource_test

import (
	"slices"
	"testing"

	"github.com/elava-dev/elava/resource"
)

func TestKeyTemplate_Render(t *testing.T) {
	type values map[string]string
	for _, c := range []struct {
		template string
		values   values
		want     string
	}{
		{"{GroupId}", values{"GroupId": "sg-1"}, "sg-1"},
		{"{GroupId}", values{}, ""},
		{"{Prefix}", values{"Prefix": "logs/"}, "logs/"}, // a member is never cut
		{"{Prefix}", values{"Prefix": "- "}, "- "},
		{"{IpProtocol}:{FromPort}-{ToPort}", values{"IpProtocol": "tcp", "FromPort": "443", "ToPort": "443"}, "tcp:443-443"},
		{"{IpProtocol}:{FromPort}-{ToPort}", values{"IpProtocol": "-1"}, "-1"},
		{"{IpProtocol}:{FromPort}-{ToPort}", values{"IpProtocol": "icmp", "FromPort": "-1", "ToPort": "-1"}, "icmp:-1--1"},
		{"{IpProtocol}:{FromPort}-{ToPort}", values{"IpProtocol": "icmp", "FromPort": "8"}, "icmp:8"},
		{"{A}/{B}", values{"B": "b"}, "/b"},
		{"{A}/{B}", values{}, ""},
		{"[{A}]", values{"A": "a"}, "[a]"},
		{"", values{"A": "a"}, ""},
		{"plain", values{}, ""},
	} {
		got := resource.ParseKeyTemplate(c.template).Render(func(m string) string { return c.values[m] })
		if got != c.want {
			t.Errorf("%q with %v gives %q, want %q", c.template, c.values, got, c.want)
		}
	}
}

func TestParseKeyTemplate_Members(t *testing.T) {
	for template, want := range map[string][]string{
		"": nil, "x": nil, "{A}": {"A"}, "{A}:{B}-{C}": {"A", "B", "C"},
	} {
		if got := resource.ParseKeyTemplate(template).Members(); !slices.Equal(got, want) {
			t.Errorf("%q has members %q, want %q", template, got, want)
		}
	}
}

func TestSchema_RulesByPath(t *testing.T) {
	s := &resource.Schema{Sets: map[string]string{"A.B": "{Id}", "Plain": ""}, Policies: []string{"P.Q"}}
	if k, ok := s.SetAt("A.B"); !ok || !slices.Equal(k.Members(), []string{"Id"}) {
		t.Errorf("A.B: %v, %v", k, ok)
	}
	if k, ok := s.SetAt("Plain"); !ok || len(k.Members()) != 0 {
		t.Errorf("Plain: %v, %v", k, ok)
	}
	for _, path := range []string{"", "A", "A.B.C", "a.b", "B"} {
		if _, ok := s.SetAt(path); ok {
			t.Errorf("%q is a set", path)
		}
	}
	if !s.PolicyAt("P.Q") || s.PolicyAt("P") || s.PolicyAt("Q") {
		t.Error("policies are not found by their whole path")
	}
	var none *resource.Schema
	if _, ok := none.SetAt("A"); ok || none.PolicyAt("A") {
		t.Error("no schema has rules")
	}
}
