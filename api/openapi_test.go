package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// document is what the tests read of the OpenAPI document.
type openAPIDocument struct {
	OpenAPI    string
	Paths      map[string]map[string]describedOperation // by path and method, of which each has one
	Components struct {
		Schemas   map[string]map[string]any
		Responses map[string]json.RawMessage
	}
}

type describedOperation struct {
	Parameters []struct{ Name, In string }
	Responses  map[string]json.RawMessage
}

func openAPIOf(t *testing.T, h http.Handler) openAPIDocument {
	t.Helper()
	d := answerTo[openAPIDocument](t, h, "openapi.json")
	if d.OpenAPI != "3.1.0" {
		t.Fatalf("OpenAPI %q", d.OpenAPI)
	}
	return d
}

// concrete are paths of the test world with which every operation can be asked.
func concrete(path string) []string {
	switch path = strings.TrimPrefix(path, Prefix); path {
	case "resource/{key}":
		return []string{"resource/" + web.String(), "resource/" + assets.String() + "?at=1"}
	case "history/{key}":
		return []string{"history/" + web.String(), "history/" + batch.String() + "?limit=1"}
	case "diff":
		return []string{"diff?from=1", "diff?from=1&to=3&limit=1"}
	case "resources", "changes", "scans", "scopes":
		return []string{path, path + "?limit=1"}
	default:
		return []string{path}
	}
}

// Every answer has the members that the document says, and no others.
func TestOpenAPI_AnswersAreAsDescribed(t *testing.T) {
	h := newTestServer(newWorld(t)).Handler()
	d := openAPIOf(t, h)
	for path, methods := range d.Paths {
		var ok struct {
			Content map[string]struct{ Schema map[string]any }
		}
		if raw := methods["get"].Responses["200"]; raw != nil {
			check(t, json.Unmarshal(raw, &ok))
		}
		body, isJSON := ok.Content["application/json"]
		if !isJSON { // or asked in another way
			continue
		}
		for _, target := range concrete(path) {
			v := answerTo[any](t, h, target)
			if err := d.matches(body.Schema, v, path); err != nil {
				t.Errorf("%s: %v", target, err)
			}
		}
	}
	gone := ask(t, h, "resource/"+batch.String())
	var problem any
	check(t, json.Unmarshal(gone.Body.Bytes(), &problem))
	if err := d.matches(d.Components.Schemas["Problem"], problem, "problem"); err != nil {
		t.Error(err)
	}
}

// matches holds a value against as much of JSON Schema as the document uses.
func (d *openAPIDocument) matches(schema map[string]any, v any, at string) error {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/components/schemas/")
		if d.Components.Schemas[name] == nil {
			return fmt.Errorf("%s: there is no schema %q", at, ref)
		}
		return d.matches(d.Components.Schemas[name], v, at)
	}
	types := []any{schema["type"]}
	if several, ok := schema["type"].([]any); ok {
		types = several
	}
	if got := any(typeOf(v)); types[0] != nil && !slices.Contains(types, got) && (got != "integer" || !slices.Contains(types, any("number"))) {
		return fmt.Errorf("%s: is of type %v, described as %v", at, got, types)
	}
	switch v := v.(type) {
	case string:
		if schema["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339Nano, v); err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
		}
	case []any:
		items, ok := schema["items"].(map[string]any)
		for i, item := range v {
			if err := d.matches(items, item, fmt.Sprintf("%s[%d]", at, i)); ok && err != nil {
				return err
			}
		}
	case map[string]any:
		return d.matchesObject(schema, v, at)
	}
	return nil
}

func (d *openAPIDocument) matchesObject(schema map[string]any, v map[string]any, at string) error {
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			return fmt.Errorf("%s: lacks %s", at, name)
		}
	}
	properties, described := schema["properties"].(map[string]any)
	rest, open := schema["additionalProperties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(v)) {
		member, ok := properties[name].(map[string]any)
		if !ok && described {
			return fmt.Errorf("%s: has %s, which is not described", at, name)
		}
		if !ok && open {
			member = rest
		}
		if err := d.matches(member, v[name], at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func typeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	default:
		return "object"
	}
}

// only returns the one method of a path.
func only(t *testing.T, path string, methods map[string]describedOperation) (string, describedOperation) {
	t.Helper()
	for method, o := range methods {
		if len(methods) == 1 {
			return method, o
		}
	}
	t.Fatalf("%s has %d methods", path, len(methods))
	return "", describedOperation{}
}

// What the document knows is what the handlers take: no path and no parameter more or less.
func TestOpenAPI_PathsAndParametersAreThoseOfTheHandlers(t *testing.T) {
	s := newTestServer(newWorld(t))
	d := openAPIOf(t, s.Handler())
	for path, methods := range d.Paths {
		method, o := only(t, path, methods)
		takes := map[string]bool{}
		for _, p := range o.Parameters {
			if p.In == "query" {
				takes[p.Name] = true
			}
		}
		for _, name := range []string{
			"at", "since", "until", "from", "to", "type", "region", "account", "tag", "name", "id", "arn", "key", "change_type", "format", "order", "limit", "cursor", "other",
		} {
			// A value that no parameter can have: it is refused for its value, or unknown.
			target := strings.Replace(path, "{key}", web.String(), 1) + "?" + name + "="
			r := httptest.NewRequestWithContext(t.Context(), strings.ToUpper(method), "http://localhost"+target, nil)
			r.RemoteAddr = "127.0.0.1:1"
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			p := problemOf(t, w)
			unknown := strings.Contains(p.Detail, "unknown here") || strings.Contains(p.Detail, "no parameters here")
			if w.Code != http.StatusBadRequest || unknown == takes[name] {
				t.Errorf("%s?%s: described %v; %d %s", path, name, takes[name], w.Code, p.Detail)
			}
		}
	}
	for heading := range docs(t) {
		if path, ok := strings.CutPrefix(heading, Prefix); ok && d.Paths[Prefix+path] == nil {
			t.Errorf("docs/api.md describes %s, and the OpenAPI document does not", heading)
		}
	}
}

// Every status of a problem is described on every path that can have it.
func TestOpenAPI_DescribesEveryStatus(t *testing.T) {
	d := openAPIOf(t, newTestServer(newWorld(t)).Handler())
	for path, methods := range d.Paths {
		_, o := only(t, path, methods)
		for _, status := range []string{"200", "400", "401", "403", "405", "500", "503"} {
			if o.Responses[status] == nil {
				t.Errorf("%s: status %s is not described", path, status)
			}
		}
	}
	for _, k := range problemKinds {
		found := false
		for path, methods := range d.Paths {
			_, o := only(t, path, methods)
			found = found || o.Responses[fmt.Sprint(k.status)] != nil
		}
		if !found {
			t.Errorf("no path describes status %d (%s)", k.status, k.name)
		}
	}
}
