package resource_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elava-dev/elava/resource"
)

func fakeDigest(s string) string { return "digest of " + s }

func newEncoder(t *testing.T, s resource.Schema) *resource.Encoder {
	t.Helper()
	e, err := resource.NewEncoder(&s, fakeDigest)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// encode returns the document of v, which must be JSON in the form that AppendJSON
// gives it: what is compared must not depend on who wrote it.
func encode(t *testing.T, e *resource.Encoder, v any) string {
	t.Helper()
	out, err := e.Append([]byte("before"), v)
	if err != nil {
		t.Fatal(err)
	}
	document, ok := strings.CutPrefix(string(out), "before")
	if !ok {
		t.Fatalf("Append gave %s, without what was there before", out)
	}
	if !json.Valid([]byte(document)) {
		t.Fatalf("no JSON: %s", document)
	}
	again, absent, err := resource.AppendJSON(nil, []byte(document), nil)
	if absent {
		again = []byte("{}")
	}
	if err != nil || string(again) != document {
		t.Errorf("not canonical, %v: %s becomes %s", err, document, again)
	}
	return document
}

type mood string

type inner struct {
	Name  *string
	Count int32
}

type Embedded struct {
	Middle string
	Zebra  *bool
}

type Metadata struct{ RequestID string }

type tree struct {
	Name     string
	Children []tree
	Next     *tree
}

type kinds struct {
	B      bool
	Bytes  []byte
	Child  *inner
	F32    float32
	F64    *float64
	Int    int
	Int64  *int64
	List   []string
	Map    map[string]string
	Mood   mood
	Ptr    **string
	Str    string
	Time   time.Time
	TimeP  *time.Time
	Uint   uint8
	hidden string
}

func TestEncoder_GoTypes(t *testing.T) {
	text, empty := "x", ""
	textP := &text
	big, half := int64(math.MaxInt64), 0.5
	moment := time.Date(2025, 10, 22, 12, 0, 0, 5_000_000, time.FixedZone("", 7200))
	e := newEncoder(t, resource.Schema{Type: "T"})
	for name, c := range map[string]struct {
		v    any
		want string
	}{
		"zero values": {kinds{}, `{"B":false,"F32":0,"Int":0,"Uint":0}`},
		"all set": {&kinds{
			B: true, Bytes: []byte{0, 255}, Child: &inner{Name: &text, Count: 3}, F32: 0.1, F64: &half, Int: -1, Int64: &big,
			List: []string{"b", "a"}, Map: map[string]string{"b": "2", "a": "1"}, Mood: "good", Ptr: &textP, Str: "<ü>",
			Time: moment, TimeP: &moment, Uint: 255, hidden: "not seen",
		}, `{"B":true,"Bytes":"AP8=","Child":{"Count":3,"Name":"x"},"F32":0.1,"F64":0.5,"Int":-1,"Int64":9223372036854775807,` +
			`"List":["b","a"],"Map":{"a":"1","b":"2"},"Mood":"good","Ptr":"x","Str":"<ü>",` +
			`"Time":"2025-10-22T10:00:00.005Z","TimeP":"2025-10-22T10:00:00.005Z","Uint":255}`},
		"pointers to nothing":   {struct{ A, B *string }{&empty, nil}, `{}`},
		"empty slices and maps": {struct{ A, B, C any }{[]string{}, map[string]string{}, []byte{}}, `{}`},
		"a nil pointer":         {(*kinds)(nil), `{}`},
		"a struct with nothing left": {struct {
			A struct{ B struct{ C string } }
		}{}, `{}`},
		"numbers JSON cannot say": {struct{ A, B float64 }{math.NaN(), math.Inf(1)}, `{}`},
		"large and small numbers": {struct{ A, B float64 }{1e21, 1e-7}, `{"A":1e+21,"B":1e-07}`},
		"empty texts in a list":   {struct{ A []string }{[]string{"", "a", ""}}, `{"A":["","a",""]}`},
		"empty texts behind pointers": {struct{ A []*string }{[]*string{&empty, nil, &text}},
			`{"A":["","x"]}`},
		"empty values in a map": {struct{ A map[string]string }{map[string]string{"a": "", "": "x"}}, `{"A":{"":"x","a":""}}`},
		"nil values in a map":   {struct{ A map[string]*string }{map[string]*string{"a": nil, "b": &empty}}, `{"A":{"b":""}}`},
		"empty objects in lists and maps": {struct {
			A []struct{ X *string }
			B map[string]struct{ X *string }
		}{make([]struct{ X *string }, 2), map[string]struct{ X *string }{"a": {}}}, `{}`},
		"lists of lists":          {struct{ A [][]string }{[][]string{{"a"}, {}, nil, {"b", ""}}}, `{"A":[["a"],["b",""]]}`},
		"arrays":                  {struct{ A [2]int }{[2]int{2, 1}}, `{"A":[2,1]}`},
		"maps of lists":           {struct{ A map[mood][]int }{map[mood][]int{"x": {1}, "y": nil}}, `{"A":{"x":[1]}}`},
		"members by name":         {struct{ Ab, A, B, AB string }{"1", "2", "3", "4"}, `{"A":"2","AB":"4","Ab":"1","B":"3"}`},
		"metadata of a call":      {struct{ A, ResultMetadata string }{"x", "y"}, `{"A":"x"}`},
		"odd texts in map keys":   {struct{ M map[string]int }{map[string]int{"a\"b": 1, "ü": 2, "\n": 3}}, `{"M":{"\n":3,"a\"b":1,"ü":2}}`},
		"a type within itself":    {tree{Name: "a", Children: []tree{{Name: "b"}, {}}, Next: &tree{Next: &tree{Name: "d"}}}, `{"Children":[{"Name":"b"}],"Name":"a","Next":{"Next":{"Name":"d"}}}`},
		"a value of an interface": {struct{ A any }{inner{Name: &text}}, `{"A":{"Count":0,"Name":"x"}}`},
	} {
		if got := encode(t, e, c.v); got != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func TestEncoder_EmbeddedStructsAreFlattened(t *testing.T) {
	yes := true
	type hidden struct{ Secret string }
	type outer struct {
		Alpha string
		Embedded
		*Metadata
		hidden
		Omega string
	}
	e := newEncoder(t, resource.Schema{Type: "T"})
	v := outer{Alpha: "a", Embedded: Embedded{Middle: "m", Zebra: &yes}, hidden: hidden{"s"}, Omega: "o"}
	if got, want := encode(t, e, v), `{"Alpha":"a","Middle":"m","Omega":"o","Zebra":true}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	v.Metadata = &Metadata{RequestID: "r"}
	if got, want := encode(t, e, &v), `{"Alpha":"a","Middle":"m","Omega":"o","RequestID":"r","Zebra":true}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A union as the AWS SDK writes it.
type Filter interface{ isFilter() }

type FilterMemberPrefix struct{ Value string }

type FilterMemberAnd struct{ Value inner }

type FilterMemberTags struct{ Value []string }

type notAMember struct{ Other string }

func (*FilterMemberPrefix) isFilter() {}
func (*FilterMemberAnd) isFilter()    {}
func (*FilterMemberTags) isFilter()   {}
func (*notAMember) isFilter()         {}

func TestEncoder_Unions(t *testing.T) {
	text := "x"
	e := newEncoder(t, resource.Schema{Type: "T"})
	type rule struct {
		Filter  Filter
		Filters []Filter
	}
	for name, c := range map[string]struct {
		v    rule
		want string
	}{
		"none":           {rule{}, `{}`},
		"a text":         {rule{Filter: &FilterMemberPrefix{"logs/"}}, `{"Filter":{"Prefix":"logs/"}}`},
		"an object":      {rule{Filter: &FilterMemberAnd{inner{Name: &text, Count: 1}}}, `{"Filter":{"And":{"Count":1,"Name":"x"}}}`},
		"a list":         {rule{Filter: &FilterMemberTags{[]string{"b", "a"}}}, `{"Filter":{"Tags":["b","a"]}}`},
		"the choice":     {rule{Filter: &FilterMemberTags{}}, `{"Filter":{"Tags":""}}`},
		"a nil choice":   {rule{Filter: (*FilterMemberTags)(nil)}, `{}`},
		"several":        {rule{Filters: []Filter{&FilterMemberPrefix{"b"}, nil, &FilterMemberPrefix{""}}}, `{"Filters":[{"Prefix":"b"},{"Prefix":""}]}`},
		"something else": {rule{Filter: &notAMember{"x"}}, `{"Filter":{"Other":"x"}}`},
	} {
		if got := encode(t, e, c.v); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

type freeForm struct {
	raw string
	err error
}

func (f freeForm) MarshalSmithyDocument() ([]byte, error) { return []byte(f.raw), f.err }

func TestEncoder_ValuesOfFreeForm(t *testing.T) {
	type document interface {
		MarshalSmithyDocument() ([]byte, error)
	}
	e := newEncoder(t, resource.Schema{Type: "T"})
	type rule struct{ Doc document }
	for in, want := range map[string]string{
		`{"b":[null,1],"a":{}}`: `{"Doc":{"b":[1]}}`, `{}`: `{}`, `null`: `{}`, `"x"`: `{"Doc":"x"}`,
	} {
		if got := encode(t, e, rule{freeForm{raw: in}}); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	if got := encode(t, e, rule{}); got != `{}` {
		t.Errorf("nil: got %s", got)
	}
	failed := errors.New("failed")
	for _, f := range []freeForm{{err: failed}, {raw: "{"}} {
		out, err := e.Append([]byte("before"), rule{f})
		if err == nil || string(out) != "before" {
			t.Errorf("%+v: got %s, %v; want an error", f, out, err)
		}
	}
	if _, err := e.Append(nil, rule{freeForm{err: failed}}); !errors.Is(err, failed) {
		t.Errorf("got %v, want the document's error", err)
	}
	if got := encode(t, e, rule{freeForm{raw: `1`}}); got != `{"Doc":1}` {
		t.Errorf("after an error: got %s", got)
	}
}

type permission struct {
	IpProtocol *string
	FromPort   *int32
	ToPort     *int32
	IpRanges   []ipRange
	Plain      []string
}

type ipRange struct {
	CidrIp      *string
	Description *string
}

type group struct {
	GroupId       *string
	IpPermissions []permission
	Zones         []string
	Ordered       []string
	Pointers      []*ipRange
}

func groupSchema() resource.Schema {
	return resource.Schema{Type: "T", Sets: map[string]string{
		"IpPermissions":          "{IpProtocol}:{FromPort}-{ToPort}",
		"IpPermissions.IpRanges": "{CidrIp}",
		"IpPermissions.Plain":    "",
		"Zones":                  "",
		"Pointers":               "{CidrIp}",
	}}
}

func ptr[T any](v T) *T { return &v }

func TestEncoder_SetsAreSorted(t *testing.T) {
	e := newEncoder(t, groupSchema())
	v := group{
		IpPermissions: []permission{
			{IpProtocol: ptr("tcp"), FromPort: ptr[int32](443), ToPort: ptr[int32](443), IpRanges: []ipRange{
				{CidrIp: ptr("9.0.0.0/8")}, {CidrIp: ptr("10.0.0.0/8"), Description: ptr("b")}, {CidrIp: ptr("10.0.0.0/8"), Description: ptr("a")},
			}},
			{IpProtocol: ptr("-1"), Plain: []string{"b", "", "a"}},
			{IpProtocol: ptr("tcp"), FromPort: ptr[int32](22), ToPort: ptr[int32](22)},
		},
		Zones:    []string{"c", "a", "b", "a"},
		Ordered:  []string{"c", "a", "b"},
		Pointers: []*ipRange{{CidrIp: ptr("b")}, nil, {CidrIp: ptr("a")}, {}},
	}
	want := `{"IpPermissions":[` +
		`{"IpProtocol":"-1","Plain":["","a","b"]},` +
		`{"FromPort":22,"IpProtocol":"tcp","ToPort":22},` +
		`{"FromPort":443,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"10.0.0.0/8","Description":"a"},{"CidrIp":"10.0.0.0/8","Description":"b"},{"CidrIp":"9.0.0.0/8"}],"ToPort":443}],` +
		`"Ordered":["c","a","b"],"Pointers":[{"CidrIp":"a"},{"CidrIp":"b"}],"Zones":["a","a","b","c"]}`
	if got := encode(t, e, v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if v.Zones[0] != "c" || *v.IpPermissions[0].IpProtocol != "tcp" {
		t.Error("the value itself was sorted")
	}
}

func TestEncoder_ShufflingSetsNeverChangesTheBytes(t *testing.T) {
	const seed = 11
	random := rand.New(rand.NewPCG(seed, 0))
	pick := func(of ...string) *string {
		if s := of[random.IntN(len(of))]; s != "nil" {
			return &s
		}
		return nil
	}
	shuffle := func(v *group) {
		random.Shuffle(len(v.Zones), func(i, j int) { v.Zones[i], v.Zones[j] = v.Zones[j], v.Zones[i] })
		random.Shuffle(len(v.Pointers), func(i, j int) { v.Pointers[i], v.Pointers[j] = v.Pointers[j], v.Pointers[i] })
		p := v.IpPermissions
		random.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
		for k := range p {
			r, s := p[k].IpRanges, p[k].Plain
			random.Shuffle(len(r), func(i, j int) { r[i], r[j] = r[j], r[i] })
			random.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
		}
	}
	e := newEncoder(t, groupSchema())
	for i := range 500 {
		v := group{GroupId: pick("sg", "nil", "")}
		for range random.IntN(6) {
			v.Zones = append(v.Zones, *pick("a", "b", "", "ü", "a,b", `"`))
			v.Pointers = append(v.Pointers, &ipRange{CidrIp: pick("a", "b", "nil"), Description: pick("x", "y", "nil")})
			p := permission{IpProtocol: pick("tcp", "-1", "nil"), FromPort: ptr(int32(random.IntN(2)))}
			for range random.IntN(4) {
				p.IpRanges = append(p.IpRanges, ipRange{CidrIp: pick("a", "b", ""), Description: pick("x", "nil")})
				p.Plain = append(p.Plain, *pick("p", "q", ""))
			}
			v.IpPermissions = append(v.IpPermissions, p)
		}
		want := encode(t, e, v)
		for range 5 {
			shuffle(&v)
			if got := encode(t, e, v); got != want {
				t.Fatalf("seed %d, value %d:\n%s\n%s", seed, i, got, want)
			}
		}
	}
}

func TestEncoder_OmitsWhatTheSchemaSays(t *testing.T) {
	type usage struct{ Count, Limit int }
	type item struct {
		Name  string
		Usage usage
	}
	type thing struct {
		Clock time.Time
		Items []item
		ByKey map[string]item
		Usage *usage
	}
	e := newEncoder(t, resource.Schema{Type: "T", Omit: []string{"Clock", "Items.Usage", "ByKey.Usage.Count", "Usage"}})
	v := thing{
		Clock: time.Unix(1, 0), Items: []item{{"a", usage{1, 2}}}, Usage: &usage{3, 4},
		ByKey: map[string]item{"k": {"b", usage{5, 6}}},
	}
	if err := e.Check(v); err != nil {
		t.Error(err)
	}
	want := `{"ByKey":{"k":{"Name":"b","Usage":{"Limit":6}}},"Items":[{"Name":"a"}]}`
	if got := encode(t, e, v); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestEncoder_SetsOfSecretsAreSortedAsDigests(t *testing.T) {
	type condition struct{ Values []string }
	e := newEncoder(t, resource.Schema{Type: "T", Sets: map[string]string{"Values": ""}, Secrets: []string{"Values"}})
	if err := e.Check(condition{}); err != nil {
		t.Error(err)
	}
	a, b := encode(t, e, condition{[]string{"hunter2", "", "hunter3"}}), encode(t, e, condition{[]string{"hunter3", "hunter2", ""}})
	if want := `{"Values":["","digest of hunter2","digest of hunter3"]}`; a != want || b != want {
		t.Errorf("got %s and %s, want %s", a, b, want)
	}
}

func TestEncoder_SecretsAreReplaced(t *testing.T) {
	type environment struct {
		Variables map[string]string
		Error     *string
	}
	type function struct {
		Environment *environment
		UserData    *string
		Nested      []environment
		Bytes       []byte
		Number      int
		Open        string
	}
	e := newEncoder(t, resource.Schema{Type: "T", Secrets: []string{"Environment.Variables", "UserData", "Nested", "Bytes", "Number"}})
	v := function{
		Environment: &environment{Variables: map[string]string{"PASSWORD": "hunter2", "EMPTY": ""}, Error: ptr("seen")},
		UserData:    ptr("hunter2"), Nested: []environment{{Variables: map[string]string{"A": "hunter2"}, Error: ptr("hunter2")}},
		Bytes: []byte("hunter2"), Number: 7, Open: "open",
	}
	if err := e.Check(v); err != nil {
		t.Error(err)
	}
	want := `{"Bytes":"digest of aHVudGVyMg==",` +
		`"Environment":{"Error":"seen","Variables":{"EMPTY":"digest of ","PASSWORD":"digest of hunter2"}},` +
		`"Nested":[{"Error":"digest of hunter2","Variables":{"A":"digest of hunter2"}}],` +
		`"Number":7,"Open":"open","UserData":"digest of hunter2"}`
	if got := encode(t, e, v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := encode(t, e, function{}); got != `{"Number":0}` {
		t.Errorf("without secrets: got %s", got)
	}
	if _, err := resource.NewEncoder(&resource.Schema{Type: "T", Secrets: []string{"A"}}, nil); err == nil {
		t.Error("a schema with secrets was taken without a digest")
	}
}

func TestEncoder_PoliciesBecomeObjects(t *testing.T) {
	type inline struct {
		Name     string
		Document *string
	}
	type role struct {
		AssumeRolePolicyDocument *string
		Policies                 []inline
	}
	e := newEncoder(t, resource.Schema{
		Type: "T", Policies: []string{"AssumeRolePolicyDocument", "Policies.Document"}, Sets: map[string]string{"Policies": "{Name}"},
	})
	v := role{
		AssumeRolePolicyDocument: ptr("%7B%22Statement%22%3A%7B%22Action%22%3A%22sts%3AAssumeRole%22%7D%7D"),
		Policies: []inline{
			{"b", ptr("not JSON")},
			{"a", ptr(`{"Statement":[{"Resource":["r2","r1"],"Effect":"Allow"}]}`)},
			{"c", ptr("{}")}, {"d", nil}, {"e", ptr("")},
		},
	}
	if err := e.Check(v); err != nil {
		t.Error(err)
	}
	want := `{"AssumeRolePolicyDocument":{"Statement":[{"Action":["sts:AssumeRole"]}]},` +
		`"Policies":[{"Document":{"Statement":[{"Effect":"Allow","Resource":["r1","r2"]}]},"Name":"a"},` +
		`{"Document":"not JSON","Name":"b"},{"Name":"c"},{"Name":"d"},{"Name":"e"}]}`
	if got := encode(t, e, v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestEncoder_RefusesWhatItCannotWrite(t *testing.T) {
	e := newEncoder(t, resource.Schema{Type: "AWS::X::Y"})
	for name, v := range map[string]any{
		"no struct":     "text",
		"nil":           nil,
		"a channel":     struct{ A chan int }{},
		"a function":    struct{ A struct{ B []func() } }{},
		"map of ints":   struct{ A map[int]string }{},
		"in interfaces": struct{ A any }{struct{ B complex128 }{}},
	} {
		out, err := e.Append([]byte("before"), v)
		if err == nil || string(out) != "before" && out != nil {
			t.Errorf("%s: got %s, %v; want an error", name, out, err)
			continue
		}
		if !strings.Contains(err.Error(), "AWS::X::Y") {
			t.Errorf("%s: the error does not name the type: %v", name, err)
		}
	}
}

func TestEncoder_CheckReportsRulesThatNameNothing(t *testing.T) {
	type member struct{ Id, Name string }
	type thing struct {
		Members []member
		Policy  string
		Any     any
		Count   int
	}
	good := resource.Schema{
		Type: "T", Omit: []string{"Members.Name"}, Sets: map[string]string{"Members": "{Id}"}, Policies: []string{"Policy"}, Secrets: []string{"Count"},
	}
	if err := newEncoder(t, good).Check(&thing{}); err != nil {
		t.Errorf("a good schema: %v", err)
	}
	for name, c := range map[string]struct {
		schema resource.Schema
		says   string
	}{
		"misspelled omit":          {resource.Schema{Omit: []string{"members"}}, "no member members"},
		"misspelled below":         {resource.Schema{Omit: []string{"Members.Nam"}}, "no member Members.Nam"},
		"a set that is no list":    {resource.Schema{Sets: map[string]string{"Count": ""}}, "no member Count"},
		"a set without its key":    {resource.Schema{Sets: map[string]string{"Members": "{ID}"}}, "no member ID for its key"},
		"a policy that is no text": {resource.Schema{Policies: []string{"Members"}}, "want a string"},
		"misspelled secret":        {resource.Schema{Secrets: []string{"Secret"}}, "no member Secret"},
		"below an interface":       {resource.Schema{Secrets: []string{"Any.Password"}}, "no member Any.Password"},
		"below an omitted member":  {resource.Schema{Omit: []string{"Members"}, Secrets: []string{"Members.Name"}}, "no member Members.Name"},
	} {
		c.schema.Type = "AWS::X::Y"
		err := newEncoder(t, c.schema).Check(thing{})
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "AWS::X::Y") {
			t.Errorf("%s: got %v, want an error that says %q", name, err, c.says)
		}
	}
	unbalanced := resource.Schema{Type: "T", Sets: map[string]string{"Members": "{Id"}}
	if _, err := resource.NewEncoder(&unbalanced, nil); err == nil {
		t.Error("a template with unbalanced braces was taken")
	}
}

func TestEncoder_ServesSeveralGoroutines(t *testing.T) {
	e := newEncoder(t, groupSchema())
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				zones := []string{"z", fmt.Sprint(g), "a"}
				out, err := e.Append(nil, group{Zones: zones, GroupId: ptr(fmt.Sprint(i))})
				want := fmt.Sprintf(`{"GroupId":"%d","Zones":["%d","a","z"]}`, i, g)
				if err != nil || string(out) != want {
					t.Errorf("got %s, %v; want %s", out, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestEncoder_OneEncoderForSeveralGoTypes(t *testing.T) {
	e := newEncoder(t, resource.Schema{Type: "T", Omit: []string{"Volatile"}})
	first := struct{ A, Volatile string }{"a", "v"}
	second := struct{ B, Volatile string }{"b", "v"}
	for range 2 {
		if a, b := encode(t, e, first), encode(t, e, second); a != `{"A":"a"}` || b != `{"B":"b"}` {
			t.Errorf("got %s and %s", a, b)
		}
	}
}
