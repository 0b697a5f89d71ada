package resource_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/elava-dev/elava/resource"
)

func observation() *resource.Resource {
	return &resource.Resource{
		Key:        resource.Key{Provider: "aws", Account: "1", Region: "r", Type: "T", ID: "i"},
		ARN:        "arn:aws:x",
		Name:       "web",
		Status:     "running",
		UID:        "AROA",
		CreatedAt:  time.Unix(1, 0),
		Tags:       map[string]string{"env": "prod", "empty": ""},
		Attributes: []byte(`{"A":1,"B":["x"]}`),
	}
}

func sum(r *resource.Resource) resource.Fingerprint {
	var h resource.Hasher
	return h.Sum(r)
}

// Fingerprints are stored: another value for the same resource would make every resource
// of every user look modified after an upgrade.
func TestFingerprint_IsFrozen(t *testing.T) {
	const want = "42252a34c4323ee0e6d38927b12b0653"
	if got := sum(observation()).String(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	const wantEmpty = "c94d58084a4bdcce30023f0970ace53f"
	if got := sum(&resource.Resource{}).String(); got != wantEmpty {
		t.Errorf("of an empty resource: got %s, want %s", got, wantEmpty)
	}
}

func TestFingerprint_CoversContentsOnly(t *testing.T) {
	base := sum(observation())
	for name, c := range map[string]struct {
		change func(*resource.Resource)
		same   bool
	}{
		"name":            {func(r *resource.Resource) { r.Name = "www" }, false},
		"status":          {func(r *resource.Resource) { r.Status = "" }, false},
		"value of a tag":  {func(r *resource.Resource) { r.Tags["env"] = "dev" }, false},
		"tag added":       {func(r *resource.Resource) { r.Tags["x"] = "" }, false},
		"empty tag gone":  {func(r *resource.Resource) { delete(r.Tags, "empty") }, false},
		"attributes":      {func(r *resource.Resource) { r.Attributes = []byte(`{"A":1,"B":["y"]}`) }, false},
		"name and status": {func(r *resource.Resource) { r.Name, r.Status = "webr", "unning" }, false},
		"tag key, value":  {func(r *resource.Resource) { r.Tags = map[string]string{"envp": "rod", "empty": ""} }, false},
		"tags to status":  {func(r *resource.Resource) { r.Status, r.Tags = r.Status+"\x00", nil }, false},
		"ARN":             {func(r *resource.Resource) { r.ARN = "" }, true},
		"UID":             {func(r *resource.Resource) { r.UID = "" }, true},
		"created":         {func(r *resource.Resource) { r.CreatedAt = time.Time{} }, true},
		"key":             {func(r *resource.Resource) { r.Key.ID = "j" }, true},
		"unknown parts":   {func(r *resource.Resource) { r.Unknown = []resource.Unknown{{Part: "tags"}} }, true},
	} {
		r := observation()
		c.change(r)
		if (sum(r) == base) != c.same {
			t.Errorf("%s: same fingerprint is %v, want %v", name, !c.same, c.same)
		}
	}
}

func TestFingerprint_NothingInItsForms(t *testing.T) {
	none := resource.Resource{Name: "x"}
	for name, r := range map[string]resource.Resource{
		"empty tags":       {Name: "x", Tags: map[string]string{}},
		"empty attributes": {Name: "x", Attributes: []byte{}},
		"empty object":     {Name: "x", Attributes: []byte("{}")},
	} {
		if sum(&r) != sum(&none) {
			t.Errorf("%s differ from none", name)
		}
	}
	if sum(&resource.Resource{}) == (resource.Fingerprint{}) {
		t.Error("an empty resource has the zero fingerprint, which is that of no resource")
	}
}

func TestHasher_CanBeUsedAgain(t *testing.T) {
	var h resource.Hasher
	first := h.Sum(observation())
	h.Sum(&resource.Resource{Name: strings.Repeat("x", 10_000), Tags: map[string]string{"a": "b", "c": "d", "e": "f"}})
	if h.Sum(observation()) != first || sum(observation()) != first {
		t.Error("what was summed before changes the sum")
	}
}

func unknown(parts ...string) []resource.Unknown {
	var u []resource.Unknown
	for _, p := range parts {
		u = append(u, resource.Unknown{Part: p, Err: errors.New("denied")})
	}
	return u
}

func TestInherit(t *testing.T) {
	type want struct {
		tags       map[string]string
		attributes string
		unknown    string
	}
	for name, c := range map[string]struct {
		unknown    []resource.Unknown
		attributes string // of the new observation
		prev       string // attributes of the one before
		incomplete []string
		want       want
	}{
		"nothing unknown": {nil, `{"A":2}`, `{"A":1,"B":1}`, nil,
			want{map[string]string{"new": "1"}, `{"A":2}`, ""}},
		"tags": {unknown("tags"), `{"A":2}`, `{"A":1}`, nil,
			want{map[string]string{"old": "1"}, `{"A":2}`, ""}},
		"an attribute": {unknown("attributes.B"), `{"A":2,"C":3}`, `{"A":1,"B":{"x":[1,2]},"C":1}`, nil,
			want{map[string]string{"new": "1"}, `{"A":2,"B":{"x":[1,2]},"C":3}`, ""}},
		"attributes before and behind all": {unknown("attributes.A", "attributes.Z"), `{"M":2}`, `{"A":1,"M":1,"Z":9007199254740993}`, nil,
			want{map[string]string{"new": "1"}, `{"A":1,"M":2,"Z":9007199254740993}`, ""}},
		"an attribute that was absent": {unknown("attributes.B"), `{"A":2,"B":"half"}`, `{"A":1}`, nil,
			want{map[string]string{"new": "1"}, `{"A":2}`, ""}},
		"of empty attributes": {unknown("attributes.B"), ``, `{"A":1,"B":"<&>ü"}`, nil,
			want{map[string]string{"new": "1"}, `{"B":"<&>ü"}`, ""}},
		"from empty attributes": {unknown("attributes.B"), `{"A":1}`, ``, nil,
			want{map[string]string{"new": "1"}, `{"A":1}`, ""}},
		"everything": {unknown("tags", "attributes.A"), `{}`, `{"A":1}`, nil,
			want{map[string]string{"old": "1"}, `{"A":1}`, ""}},
		"a part that was never known": {unknown("tags", "attributes.B"), `{"A":2}`, `{"A":1}`, []string{"attributes.B"},
			want{map[string]string{"old": "1"}, `{"A":2}`, "attributes.B"}},
		"a part that is known now": {unknown("tags"), `{"B":2}`, `{}`, []string{"attributes.B"},
			want{map[string]string{"old": "1"}, `{"B":2}`, ""}},
	} {
		r := observation()
		r.Tags, r.Attributes, r.Unknown = map[string]string{"new": "1"}, []byte(c.attributes), c.unknown
		prev := observation()
		prev.Tags, prev.Attributes = map[string]string{"old": "1"}, []byte(c.prev)
		if err := r.Inherit(prev, c.incomplete); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var left []string
		for _, u := range r.Unknown {
			left = append(left, u.Part)
		}
		if !maps.Equal(r.Tags, c.want.tags) || string(r.Attributes) != c.want.attributes || strings.Join(left, " ") != c.want.unknown {
			t.Errorf("%s: got %v %s %q, want %+v", name, r.Tags, r.Attributes, left, c.want)
		}
		if string(prev.Attributes) != c.prev {
			t.Errorf("%s: the previous observation was changed: %s", name, prev.Attributes)
		}
	}
}

func TestInherit_TagsAreACopy(t *testing.T) {
	r, prev := observation(), observation()
	r.Unknown = unknown("tags")
	if err := r.Inherit(prev, nil); err != nil {
		t.Fatal(err)
	}
	r.Tags["env"] = "changed"
	if prev.Tags["env"] != "prod" {
		t.Error("tags are shared with the previous observation")
	}
}

func TestInherit_StatusAndCreationAreThoseBefore(t *testing.T) {
	made := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		unknown    []resource.Unknown
		incomplete []string
		status     string
		left       int
	}{
		"unknown":                {unknown("status"), nil, "Enabled", 0},
		"never known":            {unknown("status"), []string{"status"}, "Enabled", 1},
		"known, and tags not":    {unknown("tags"), nil, "Disabled", 0},
		"known for the 1st time": {unknown("tags"), []string{"status"}, "Disabled", 0},
	} {
		r, prev := observation(), observation()
		r.Status, r.CreatedAt, r.Unknown = "Disabled", time.Time{}, c.unknown
		prev.Status, prev.CreatedAt = "Enabled", made
		if err := r.Inherit(prev, c.incomplete); err != nil {
			t.Fatal(err)
		}
		if r.Status != c.status || !r.CreatedAt.Equal(made) || len(r.Unknown) != c.left {
			t.Errorf("%s: got %q, made %s, %v; want %q, %d unknown", name, r.Status, r.CreatedAt, r.Unknown, c.status, c.left)
		}
	}
	r, prev := observation(), observation()
	r.CreatedAt, r.Unknown = made.Add(time.Hour), unknown("status")
	prev.CreatedAt = made
	if err := r.Inherit(prev, nil); err != nil || r.CreatedAt.Equal(made) {
		t.Errorf("made %s, %v; want what the observation says itself", r.CreatedAt, err)
	}
}

func TestInherit_FailsOnAttributesThatAreNoObject(t *testing.T) {
	for _, bad := range []string{"null", "[]", "{", `"x"`, "1"} {
		r, prev := observation(), observation()
		r.Unknown = unknown("attributes.A")
		prev.Attributes = []byte(bad)
		if err := r.Inherit(prev, nil); err == nil {
			t.Errorf("previous attributes %s: no error", bad)
		}
		r, prev = observation(), observation()
		r.Unknown = unknown("attributes.A")
		r.Attributes = []byte(bad)
		if err := r.Inherit(prev, nil); err == nil || !strings.Contains(err.Error(), r.Key.String()) {
			t.Errorf("new attributes %s: %v, want an error that names the resource", bad, err)
		}
	}
}
