package resource_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/elava-dev/elava/resource"
)

func TestAppendJSON(t *testing.T) {
	for _, c := range []struct{ in, want string }{ // "" stands for absent
		{`{"b":1,"a":2}`, `{"a":2,"b":1}`},
		{`{"a":{"d":1,"c":[{"f":1,"e":2}]}}`, `{"a":{"c":[{"e":2,"f":1}],"d":1}}`},
		{` [ 1 , 2 ] `, `[1,2]`},
		{`[3,1,2]`, `[3,1,2]`}, // no set: order stays
		{`{"a":null,"b":1}`, `{"b":1}`},
		{`{"a":{},"b":[],"c":{"d":{"e":null}},"f":[null,[],{}]}`, ""},
		{`[1,null,2]`, `[1,2]`},
		{`{"a":"","b":false,"c":0}`, `{"a":"","b":false,"c":0}`},
		{`"x"`, `"x"`}, {`""`, `""`}, {`1`, `1`}, {`true`, `true`}, {`false`, `false`},
		{`null`, ""}, {`{}`, ""}, {`[]`, ""},
		{`12345678901234567890`, `12345678901234567890`},
		{`-0`, `-0`}, {`1E400`, `1E400`}, {`0.10`, `0.10`},
		{`"\u003c\u00fc\/\u2028"`, "\"<ü/\u2028\""},
		{`"\u0000\u001f\u007f\n\r\t\b"`, `"\u0000\u001f` + "\x7f" + `\n\r\t\u0008"`},
		{`"\ud83e\udd8a"`, `"🦊"`},
		{`{"ü":1,"z":2,"A":3,"":4}`, `{"":4,"A":3,"z":2,"ü":1}`},
	} {
		out, absent, err := resource.AppendJSON([]byte("before "), []byte(c.in), nil)
		if err != nil || absent != (c.want == "") || string(out) != "before "+c.want {
			t.Errorf("%s: got %q, absent %v, %v; want %q", c.in, out, absent, err, c.want)
		}
	}
	for _, in := range []string{"", "{", "1 2", "{} x", `{"a"}`, "nul", "\xff"} {
		if out, _, err := resource.AppendJSON([]byte("before"), []byte(in), nil); err == nil || string(out) != "before" {
			t.Errorf("%q: got %q, %v; want an error and nothing appended", in, out, err)
		}
	}
}

func TestAppendJSON_DigestsEveryText(t *testing.T) {
	digest := func(s string) string { return "D(" + s + ")" }
	out, absent, err := resource.AppendJSON(nil, []byte(`{"a":"x","b":["y",{"c":""}],"n":1,"t":true}`), digest)
	if err != nil || absent {
		t.Fatal(absent, err)
	}
	if want := `{"a":"D(x)","b":["D(y)",{"c":"D()"}],"n":1,"t":true}`; string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
}

func TestAppendPolicy(t *testing.T) {
	const canonical = `{"Statement":[{"Action":["s3:GetObject","s3:ListBucket"],"Condition":{"Bool":{"aws:SecureTransport":["false"]}},"Effect":"Allow","Principal":{"AWS":["arn:a","arn:b"]},"Resource":["*"],"Sid":"a"},{"Effect":"Deny","Sid":"b"}],"Version":"2012-10-17"}`
	same := []string{
		canonical,
		`{"Version":"2012-10-17","Statement":[
			{"Sid":"b","Effect":"Deny"},
			{"Sid":"a","Effect":"Allow","Principal":{"AWS":["arn:b","arn:a","arn:b"]},"Resource":"*",
			 "Action":["s3:ListBucket","s3:GetObject"],"Condition":{"Bool":{"aws:SecureTransport":false}}}]}`,
	}
	same = append(same, url.PathEscape(same[1])) // as IAM sends it
	for _, in := range same {
		if got := string(resource.AppendPolicy(nil, in, nil)); got != canonical {
			t.Errorf("%.40s...: got\n%s\nwant\n%s", in, got, canonical)
		}
	}
	for _, c := range []struct{ in, want string }{
		{`{"Statement":{"Effect":"Allow"}}`, `{"Statement":[{"Effect":"Allow"}]}`}, // one alone is a list of one
		{`{"Statement":[{"Action":"x"}]}`, `{"Statement":[{"Action":["x"]}]}`},
		{`{"Statement":[{"NotAction":"x","NotResource":["b","a"],"NotPrincipal":{"AWS":"1"}}]}`,
			`{"Statement":[{"NotAction":["x"],"NotPrincipal":{"AWS":["1"]},"NotResource":["a","b"]}]}`},
		{`{"Statement":[{"Principal":"*"}]}`, `{"Statement":[{"Principal":"*"}]}`},
		{`{"Statement":[{"Condition":{"NumericLessThan":{"x":[10,9]}}}]}`, `{"Statement":[{"Condition":{"NumericLessThan":{"x":["10","9"]}}}]}`},
		{`{"Statement":[{"Action":["a",{"odd":1}]}]}`, `{"Statement":[{"Action":["a",{"odd":1}]}]}`}, // what IAM does not know stays as it is
		{`{"Statement":["odd",{"Sid":"a"}]}`, `{"Statement":["odd",{"Sid":"a"}]}`},
		{`{"Statement":[{"Effect":"Deny"},{"Effect":"Allow"}]}`, `{"Statement":[{"Effect":"Allow"},{"Effect":"Deny"}]}`},
		{`{"maxReceiveCount":3,"deadLetterTargetArn":"arn:x"}`, `{"deadLetterTargetArn":"arn:x","maxReceiveCount":3}`},
		{`{"list":["b","a"]}`, `{"list":["b","a"]}`}, // no policy: nothing is known of its lists
		{`{}`, `{}`}, {`null`, `{}`},
		{`not JSON`, `"not JSON"`},
		{`%7Bnot JSON`, `"%7Bnot JSON"`},
		{`%zz`, `"%zz"`},
		{`{"a":1} {"b":2}`, `"{\"a\":1} {\"b\":2}"`},
		{`"text"`, `"text"`},
		{``, `""`},
	} {
		if got := string(resource.AppendPolicy([]byte("before "), c.in, nil)); got != "before "+c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestAppendString_LeavesHTMLAlone(t *testing.T) {
	if got := string(resource.AppendString(nil, "<a>&\u2028ü\x00\"\\\xff")); got != "\"<a>&\u2028ü\\u0000\\\"\\\\\uFFFD\"" {
		t.Errorf("got %s", got)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "a", "<>&\"\\\n\r\t\x00\x1f\x7f", "ü日本🦊\u2028", "\xff\xc3\x28\xed\xa0\x80", "\uFFFD", "a\xf0\x9f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		out := resource.AppendString([]byte("x"), s)
		var back string
		if err := json.Unmarshal(out[1:], &back); err != nil {
			t.Fatalf("%q gave %s: %v", s, out, err)
		}
		if want := string([]rune(s)); back != want { // runes turn every bad byte into U+FFFD
			t.Errorf("%q gave %s, which is %q, want %q", s, out, back, want)
		}
		again, _, err := resource.AppendJSON(nil, out[1:], nil)
		if err != nil || string(again) != string(out[1:]) {
			t.Errorf("%s is not canonical: %s, %v", out[1:], again, err)
		}
	})
}

func FuzzAppendJSON(f *testing.F) {
	for _, s := range []string{`{"b":[1,null,{}],"a":{"c":""}}`, `[[],[[]]]`, `"\ud800"`, `{"a":1,"a":2}`, `1e5`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, absent, err := resource.AppendJSON(nil, in, nil)
		if err != nil || absent {
			if len(out) > 0 {
				t.Errorf("%q left %q behind", in, out)
			}
			return
		}
		if !json.Valid(out) {
			t.Fatalf("%q gave %q, which is no JSON", in, out)
		}
		again, absent, err := resource.AppendJSON(nil, out, nil)
		if err != nil || absent || string(again) != string(out) {
			t.Errorf("%q gave %s, and that gave %s, %v, %v", in, out, again, absent, err)
		}
	})
}

func FuzzAppendPolicy(f *testing.F) {
	for _, s := range []string{
		`{"Statement":[{"Sid":1,"Action":"x","Principal":"*","Condition":{"a":{"b":"c"}}}]}`, `{"Statement":"x"}`, `{"Statement":[[],null,1]}`,
		`{"Statement":{"Condition":[],"Principal":[],"Action":{}}}`, "%7B%7D", "%", "[]", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, policy string) {
		out := resource.AppendPolicy(nil, policy, nil)
		if !json.Valid(out) {
			t.Fatalf("%q gave %q, which is no JSON", policy, out)
		}
		if out[0] != '{' { // a text; what is stored for it is the text itself
			return
		}
		if again := resource.AppendPolicy(nil, string(out), nil); string(again) != string(out) {
			t.Errorf("%q gave %s, and that gave %s", policy, out, again)
		}
	})
}
