package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/storage"
)

// operation is what the OpenAPI document says of a path beside its parameters, which are
// those of the endpoint.
type operation struct {
	path    string // below Prefix; one that ends in a slash is followed by a key
	method  string // empty: get
	id      string
	summary string
	params  []string     // of a path that is no endpoint
	body    reflect.Type // of the request in JSON; nil: none
	media   []string     // of the answer; none: JSON
	shape   reflect.Type // of the answer in JSON
	headers []string     // of the answer, beside those that all have
	errors  []int        // statuses that only some paths have
}

// operations are all paths. A test holds them against the handlers.
func operations() []operation {
	return []operation{
		{path: "resources", id: "listResources", summary: "The resources that exist at a point, by key", shape: reflect.TypeFor[page[Resource]](), errors: []int{404, 410}},
		{path: "resource/", id: "getResource", summary: "One resource at a point", shape: reflect.TypeFor[Resource](), errors: []int{404, 410}},
		{path: "history/", id: "getHistory", summary: "All versions of one resource up to a point, newest first", shape: reflect.TypeFor[list[Version]](), errors: []int{404, 410}},
		{path: "diff", id: "diff", summary: "What is different between two points, by key", shape: reflect.TypeFor[diffPage](), errors: []int{404, 410}},
		{path: "changes", id: "listChanges", summary: "The change feed", shape: reflect.TypeFor[list[storage.ChangeEvent]](), errors: []int{404, 410}},
		{path: "changes/stream", id: "streamChanges", summary: "The change feed as Server-Sent Events, without an end", params: streamParams[:], media: []string{streamType}, errors: []int{404, 410}},
		{path: "scans", id: "listScans", summary: "Committed scans, newest first", shape: reflect.TypeFor[list[storage.ScanMetadata]]()},
		{path: "scopes", id: "listScopes", summary: "What is listed, how fresh it is, and what fails", shape: reflect.TypeFor[list[Scope]](), errors: []int{404, 410}},
		{path: "query", method: "post", id: "query", summary: "SQL over the inventory and its changes", body: reflect.TypeFor[QueryRequest](), shape: reflect.TypeFor[QueryResult](), errors: []int{404, 408, 410, 415, 422, 429}},
		{path: "export/resources", id: "exportResources", summary: "The resources that exist at a point, by key, as a stream of any length", params: exportParams("resources"), media: exportMedia(), headers: []string{revisionHeader, "Content-Disposition"}, errors: []int{404, 410}},
		{path: "export/changes", id: "exportChanges", summary: "The change feed between two points, oldest first, as a stream of any length", params: exportParams("changes"), media: exportMedia(), headers: []string{revisionHeader, "Content-Disposition"}, errors: []int{404, 410}},
		{path: "storage", id: "getStorage", summary: "What the store holds and takes", shape: reflect.TypeFor[storage.Stats]()},
		{path: "storage/backup", id: "getBackup", summary: "Everything the store holds", media: []string{backupType}, headers: []string{"Content-Disposition"}},
		{path: "openapi.json", id: "getOpenAPI", summary: "This document", shape: reflect.TypeFor[map[string]any]()},
	}
}

// object is a JSON object of the document.
type object = map[string]any

// openAPI answers /openapi.json.
func (s *Server) openAPI(context.Context, string, *params) (any, error) { return s.document(), nil }

// document describes the API as OpenAPI 3.1.
func (s *Server) document() object {
	schemas := shapes{}
	paths := object{}
	for _, o := range operations() {
		path := Prefix + o.path
		if strings.HasSuffix(path, "/") {
			path += "{key}"
		}
		method := "get"
		if o.method != "" {
			method = o.method
		}
		paths[path] = object{method: s.describe(o, schemas)}
	}
	return object{
		"openapi": "3.1.0",
		"info": object{
			"title":       "Elava",
			"version":     "1",
			"description": "What a cloud account looks like, what it looked like, and what changed. It reads and changes nothing.",
			"license":     object{"name": "Apache 2.0", "identifier": "Apache-2.0"},
		},
		"servers":  []any{object{"url": "http://127.0.0.1:2112"}},
		"security": []any{object{}, object{"token": []any{}}},
		"paths":    paths,
		"components": object{
			"schemas":         schemas,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer", "description": "For clients that are not on loopback."}},
			"responses":       problemResponses(schemas.of(reflect.TypeFor[Problem]())),
		},
	}
}

// problemHeaders are the headers that errors of a status have.
func problemHeaders(status int) []string {
	switch status {
	case http.StatusUnauthorized:
		return []string{"WWW-Authenticate"}
	case http.StatusMethodNotAllowed:
		return []string{"Allow"}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return []string{"Retry-After"}
	}
	return nil
}

// problemName is what the document calls errors of a status: those that differ by their
// headers.
func problemName(status int) string { return "Problem" + strings.Join(problemHeaders(status), "") }

func problemResponses(problem object) object {
	all := object{}
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusMethodNotAllowed, http.StatusServiceUnavailable} {
		response := object{
			"description": "An error (RFC 9457)",
			"content":     object{"application/problem+json": object{"schema": problem}},
		}
		if headers := headersOf(problemHeaders(status)); len(headers) > 0 {
			response["headers"] = headers
		}
		all[problemName(status)] = response
	}
	return all
}

// headersOf describes headers of answers.
func headersOf(names []string) object {
	all := object{}
	for _, name := range names {
		description := map[string]string{
			"ETag":                "Names the revision; absent where a point is how long ago",
			noticeHeader:          "What a reader should know, such as that the resources are synthetic; may be absent, and may be there several times",
			revisionHeader:        "The revision that is shown",
			"Content-Disposition": "A name for a file",
			"Retry-After":         "In how many seconds to try again",
			"Allow":               "The methods that there are",
			"WWW-Authenticate":    "The scheme of the token",
		}[name]
		all[name] = object{"description": description, "schema": object{"type": "string"}}
	}
	return all
}

func (s *Server) describe(o operation, schemas shapes) object {
	content := object{}
	for _, media := range o.media {
		content[media] = object{"schema": object{"type": "string"}}
	}
	if len(o.media) == 0 {
		content["application/json"] = object{"schema": schemas.of(o.shape)}
	}
	headers := append([]string{noticeHeader}, o.headers...)
	responses := object{}
	if e, exists := s.endpoint(o.path); exists && !e.unversioned {
		headers = append(headers, "ETag")
		responses["304"] = object{"description": "The client has the answer already (If-None-Match)", "headers": headersOf(headers)}
	}
	responses["200"] = object{"description": o.summary, "headers": headersOf(headers), "content": content}
	for _, status := range append([]int{400, 401, 403, 405, 500, 503}, o.errors...) {
		responses[strconv.Itoa(status)] = object{"$ref": "#/components/responses/" + problemName(status)}
	}
	described := object{
		"operationId": o.id, "summary": o.summary, "parameters": s.parameters(o), "responses": responses,
	}
	if o.body != nil {
		described["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": schemas.of(o.body)}}}
	}
	return described
}

func (s *Server) parameters(o operation) []any {
	all := []any{}
	if strings.HasSuffix(o.path, "/") {
		all = append(all, object{
			"name": "key", "in": "path", "required": true, "schema": object{"type": "string"},
			"description": "provider/account/region/type/id, escaped as one segment",
		})
	}
	names := o.params
	if e, ok := s.endpoint(o.path); ok {
		names = e.params
	}
	if Prefix+o.path == streamPath {
		all = append(all, object{
			"name": "Last-Event-ID", "in": "header", "schema": object{"type": "string"},
			"description": "Id of the last event that was received: go on behind it",
		})
	}
	for _, name := range names {
		p := parameter(name)
		p["name"], p["in"] = name, "query"
		if o.path == "diff" && name == "from" {
			p["required"] = true
		}
		all = append(all, p)
	}
	return all
}

// parameter describes a query parameter, which means the same on every path.
func parameter(name string) object {
	text := object{"type": "string"}
	texts := object{"type": "array", "items": text, "maxItems": maxValues}
	switch name {
	case "at", "since", "until", "from", "to":
		return object{"schema": text, "description": "A point in time: RFC 3339, how long ago (2h, 3d), or a revision"}
	case "type":
		return object{"schema": texts, "description": "Globs, without regard to case; any of them"}
	case "region", "account":
		return object{"schema": texts, "description": "Any of them"}
	case "change_type":
		reported := object{"type": "string", "enum": []any{change.Created, change.Modified, change.Disappeared}}
		return object{"schema": object{"type": "array", "items": reported, "maxItems": maxValues}, "description": "Any of them"}
	case "tag":
		return object{"schema": texts, "description": "key or key=value; all of them"}
	case "format":
		return object{"schema": object{"type": "string", "enum": slices.Sorted(maps.Keys(exportTypes)), "default": "jsonl"}, "description": "Form of the export"}
	case "order":
		return object{"schema": object{"type": "string", "enum": []any{"asc", "desc"}, "default": "desc"}, "description": "Oldest or newest first"}
	case "limit":
		return object{"schema": object{"type": "integer", "minimum": 1, "maximum": maxLimit}, "description": "Items on a page"}
	case "cursor":
		return object{"schema": text, "description": "next_cursor of the page before, with the same parameters"}
	default:
		return object{"schema": text, "description": "Exact"}
	}
}

// shapes are the JSON Schemas of Go types, by name.
type shapes map[string]any

// of returns the schema of a type. A named struct is a reference, so that it is described
// once.
func (s shapes) of(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return object{} // any value
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return object{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.Struct:
		return s.structure(t)
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return object{"type": "integer"}
	default:
		return object{}
	}
}

func (s shapes) structure(t reflect.Type) object {
	name := t.Name()
	if strings.Contains(name, "[") || name == "diffPage" {
		return s.members(t) // an envelope
	}
	if _, known := s[name]; !known {
		s[name] = object{} // ends recursion
		s[name] = s.members(t)
	}
	return object{"$ref": "#/components/schemas/" + name}
}

func (s shapes) members(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || f.Anonymous {
			continue
		}
		schema := s.of(f.Type)
		if f.Type == reflect.TypeFor[*time.Time]() {
			schema["type"] = []string{"string", "null"}
		}
		properties[name] = schema
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return object{"type": "object", "properties": properties, "required": required}
}
