package aws_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// checkFound lists the types that want names, twice. Each must hold exactly the ids that
// want has for it, know all of them, and be the same both times; nothing but reading
// operations may be called.
func checkFound(t *testing.T, c *cloud, want map[string][]string) inventory {
	t.Helper()
	seen := &cloud{url: c.url, account: c.account} // records what the provider calls, and nothing else
	p := seen.provider(t, only(slices.Sorted(maps.Keys(want))...))
	inv := list(t, p)
	for typ, ids := range want {
		slices.Sort(ids)
		if got := inv.ids(typ); !slices.Equal(got, ids) {
			t.Errorf("%s: listed %q, want %q", typ, got, ids)
		}
	}
	for _, r := range inv {
		for _, u := range r.Unknown {
			t.Errorf("%s: %s is unknown: %v", r.Key, u.Part, u.Err)
		}
	}
	checkUnchanged(t, inv, list(t, p))
	checkReadOnly(t, seen, p.Actions())
	return inv
}

// answers serves answers made by hand, in the wire format of their service. They are named
// "ListThings" after the operation of services that name it in a header or in a form, and
// "GET /things" after the request line of all others. A request without an answer fails the
// test.
func answers(t *testing.T, made map[string]string) *cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := requestName(t, r)
		if name == "GetCallerIdentity" {
			writeIdentity(w)
			return
		}
		answer, ok := made[name]
		if !ok {
			t.Errorf("a request for %q, and there is no answer to it", name)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return &cloud{url: s.URL}
}

func requestName(t *testing.T, r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		_, operation, _ := strings.Cut(target, ".")
		return operation
	}
	if r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		_, _ = io.Copy(io.Discard, r.Body)
		return r.Method + " " + strings.TrimSuffix(r.URL.Path, "/")
	}
	if err := r.ParseForm(); err != nil {
		t.Errorf("reading a request: %v", err)
	}
	return r.PostForm.Get("Action")
}
