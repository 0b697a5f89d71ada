package aws

import (
	"encoding/base64"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	dms "github.com/aws/aws-sdk-go-v2/service/databasemigrationservice/types"
	elbv2 "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/wafv2"
	waf "github.com/aws/aws-sdk-go-v2/service/wafv2/types"

	"github.com/elava-dev/elava/resource"
)

func encoded(t *testing.T, c lister, v any) string {
	t.Helper()
	enc, err := resource.NewEncoder(c.schema(), func(secret string) string { return "<" + strings.ToUpper(secret) + ">" })
	if err != nil {
		t.Fatal(err)
	}
	document, err := enc.Append(nil, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

// plant puts a secret into every statement within v that a rule can have, to a depth of statements, and
// returns how many it put.
func plant(v reflect.Value, depth int) int {
	switch v.Kind() {
	case reflect.Pointer:
		if !reaches(v.Type(), map[reflect.Type]bool{}) {
			return 0
		}
		v.Set(reflect.New(v.Type().Elem()))
		return plant(v.Elem(), depth)
	case reflect.Slice:
		if !reaches(v.Type(), map[reflect.Type]bool{}) {
			return 0
		}
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		return plant(v.Index(0), depth) + plant(v.Index(1), depth)
	case reflect.Struct:
		n := 0
		if v.Type() == statementType {
			if depth == 0 {
				return 0
			}
			depth--
			v.FieldByName("ByteMatchStatement").Set(reflect.ValueOf(&waf.ByteMatchStatement{
				FieldToMatch: &waf.FieldToMatch{SingleHeader: &waf.SingleHeader{Name: aws.String("x")}}, SearchString: []byte("hunter2"),
			}))
			n++
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "ByteMatchStatement" {
				n += plant(v.Field(i), depth)
			}
		}
		if name := v.FieldByName("Name"); name.IsValid() && name.Type() == reflect.TypeFor[*string]() {
			name.Set(reflect.ValueOf(aws.String("n")))
		}
		return n
	}
	return 0
}

var statementType = reflect.TypeFor[waf.Statement]()

// reaches reports whether values of a type can hold statements.
func reaches(t reflect.Type, seen map[reflect.Type]bool) bool {
	if t == statementType {
		return true
	}
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		return reaches(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if reaches(t.Field(i).Type, seen) {
				return true
			}
		}
	}
	return false
}

// Wherever the SDK lets a statement stand, also in a newer one, what it looks for in a header is found.
func TestWAF_HeadersAreFoundInEveryPlaceOfAStatement(t *testing.T) {
	var acl waf.WebACL
	var group waf.RuleGroup
	inACL, inGroup := plant(reflect.ValueOf(&acl).Elem(), 3), plant(reflect.ValueOf(&group).Elem(), 3)
	if inACL < 50 || inGroup < 50 {
		t.Fatalf("%d and %d secrets were planted", inACL, inGroup)
	}
	var w webACL
	var g wafRuleGroup
	if !w.take(&wafv2.GetWebACLOutput{WebACL: &acl}) || !g.take(&wafv2.GetRuleGroupOutput{RuleGroup: &group}) {
		t.Fatal("refused")
	}
	for _, document := range []string{encoded(t, wafWebACLs(), &w), encoded(t, wafRuleGroups(), &g)} {
		if n := strings.Count(document, base64.StdEncoding.EncodeToString([]byte("hunter2"))); n != 0 {
			t.Errorf("%d are left in a document of %d bytes", n, len(document))
		}
		if !strings.Contains(document, "<HUNTER2>") {
			t.Error("there is no digest")
		}
	}
}

func TestELBv2_ValuesOfHeadersAreSecretAndSorted(t *testing.T) {
	r := rule{Rule: elbv2.Rule{Conditions: []elbv2.RuleCondition{
		{HttpHeaderConfig: &elbv2.HttpHeaderConditionConfig{HttpHeaderName: aws.String("X-Origin"), Values: []string{"hunter3", "hunter2"}}},
		{HostHeaderConfig: &elbv2.HostHeaderConditionConfig{Values: []string{"b", "a"}}},
	}}}
	want := `{"Conditions":[{"HostHeaderConfig":{"Values":["a","b"]}},{"HttpHeaderConfig":{"HttpHeaderName":"X-Origin","Values":["<HUNTER2>","<HUNTER3>"]}}]}`
	if got := encoded(t, elbv2Rules(), &r); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestDMS_PasswordsOfOracleAreSecret(t *testing.T) {
	secret := aws.String("hunter2")
	e := asTagged(dms.Endpoint{OracleSettings: &dms.OracleSettings{Password: secret, AsmPassword: secret, SecurityDbEncryption: secret, SecurityDbEncryptionName: aws.String("key")}})
	want := `"OracleSettings":{"AsmPassword":"<HUNTER2>","Password":"<HUNTER2>","SecurityDbEncryption":"<HUNTER2>","SecurityDbEncryptionName":"key"}`
	if got := encoded(t, dmsEndpoints(), documentOf(&e)); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSNS_WhatIsHiddenOfAnEndpoint(t *testing.T) {
	digest := func(s string) string { return "<" + s + ">" }
	for endpoint, want := range map[string]string{
		"https://a.example.com":         "https://a.example.com",
		"https://a.example.com/":        "https://a.example.com/",
		"https://a.example.com/x":       "https://a.example.com/<https://a.example.com/x>",
		"https://a.example.com?x=1":     "https://a.example.com/<https://a.example.com?x=1>",
		"https://a.example.com/#x":      "https://a.example.com/<https://a.example.com/#x>",
		"http://u:p@a.example.com:80/":  "http://a.example.com:80/<http://u:p@a.example.com:80/>",
		"https://a.example.com/%zz?k=1": "<https://a.example.com/%zz?k=1>",
		"secret":                        "<secret>",
	} {
		if got := snsHidden(endpoint, digest); got != want {
			t.Errorf("%s: got %s, want %s", endpoint, got, want)
		}
	}
}
