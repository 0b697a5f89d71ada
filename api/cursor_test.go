package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/elava-dev/elava/change"
	"github.com/elava-dev/elava/resource"
	"github.com/elava-dev/elava/storage"
	"github.com/elava-dev/elava/storage/storagetest"
)

// fleet returns the mutations that create n instances, the first of which has the number
// from.
func fleet(typ change.Type, from, n int) []storage.Mutation {
	var all []storage.Mutation
	for i := range n {
		all = append(all, mutation(typ, resource.Resource{Key: keyIn(instances, fmt.Sprintf("i-%03d", from+i))}))
	}
	return all
}

// follow reads all pages and calls between after each but the last.
func follow[T any](t *testing.T, h http.Handler, target string, between func()) []T {
	t.Helper()
	var all []T
	next := ""
	for {
		answer := answerTo[list[T]](t, h, target+next)
		all = append(all, answer.Items...)
		if answer.NextCursor == "" {
			return all
		}
		if len(all) > 1000 {
			t.Fatal("the pages have no end")
		}
		next = "&cursor=" + answer.NextCursor
		between()
	}
}

func TestCursor_PagesSeeOneRevision(t *testing.T) {
	for _, limit := range []int{1, 3, 10} {
		s := storagetest.NewModel()
		commit(t, s, scan{mutations: fleet(change.Created, 100, 10), scopes: []storage.ScopeState{complete(instances, 10)}})
		n := 0
		// Every page is followed by a scan that takes away what is still to be read, and
		// puts something new in front and behind.
		disturb := func() {
			n++
			commit(t, s, scan{mutations: append(
				fleet(change.Disappeared, 100+10-n, 1), append(fleet(change.Created, n, 1), fleet(change.Created, 900+n, 1)...)...)})
		}
		h := newTestServer(s).Handler()
		var ids []string
		for _, r := range follow[Resource](t, h, fmt.Sprint("resources?limit=", limit), disturb) {
			ids = append(ids, r.ID)
			if r.Revision != 1 {
				t.Errorf("limit %d: %s is of revision %d", limit, r.ID, r.Revision)
			}
		}
		if got := strings.Join(ids, " "); got != "i-100 i-101 i-102 i-103 i-104 i-105 i-106 i-107 i-108 i-109" {
			t.Errorf("limit %d: %s", limit, got)
		}
	}
}

func TestCursor_PagesOfChangesEndWhereTheFirstBegan(t *testing.T) {
	for target, want := range map[string]string{
		"changes?limit=2":                    "2-3 2-2 2-1 1-2 1-1",
		"changes?limit=2&order=asc":          "1-1 1-2 2-1 2-2 2-3",
		"changes?limit=1&since=1&order=asc":  "2-1 2-2 2-3",
		"changes?limit=1&since=110m&until=2": "2-3 2-2 2-1",
	} {
		s := storagetest.NewModel()
		commit(t, s, scan{mutations: fleet(change.Created, 100, 2)})
		commit(t, s, scan{mutations: fleet(change.Created, 200, 3)})
		n := 0
		var ids []string
		for _, e := range follow[storage.ChangeEvent](t, newTestServer(s).Handler(), target, func() {
			n++
			commit(t, s, scan{mutations: fleet(change.Created, 300+n, 1)})
		}) {
			ids = append(ids, e.ID)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestCursor_PagesOfHistoryAndScans(t *testing.T) {
	s := newWorld(t)
	h := newTestServer(s).Handler()
	n := 0
	disturb := func() {
		n++
		commit(t, s, scan{mutations: []storage.Mutation{mutation(change.Modified, webServer(fmt.Sprint("t", n)))}})
	}
	var revisions []int64
	for _, v := range follow[Version](t, h, "history/"+web.String()+"?limit=1", disturb) {
		revisions = append(revisions, v.Revision)
	}
	if fmt.Sprint(revisions) != "[2 1]" {
		t.Errorf("history: %v", revisions)
	}
	revisions = nil
	for _, m := range follow[storage.ScanMetadata](t, h, "scans?limit=2", disturb) {
		revisions = append(revisions, m.Revision)
	}
	if fmt.Sprint(revisions) != "[5 4 3 2 1]" {
		t.Errorf("scans: %v", revisions)
	}
}

func TestCursor_WhatIsNotOursIsRefused(t *testing.T) {
	s := storagetest.NewModel()
	commit(t, s, scan{mutations: fleet(change.Created, 100, 5)})
	h := newTestServer(s).Handler()
	good := answerTo[page[Resource]](t, h, "resources?limit=2").NextCursor
	raw, err := base64.RawURLEncoding.DecodeString(good)
	check(t, err)
	tampered := func(old, new string) string {
		changed := strings.Replace(string(raw), old, new, 1)
		if changed == string(raw) {
			t.Fatalf("%s has no %s", raw, old)
		}
		return base64.RawURLEncoding.EncodeToString([]byte(changed))
	}
	for name, target := range map[string]string{
		"other parameters": "resources?limit=2&type=AWS::*&cursor=" + good,
		"other path":       "changes?limit=2&cursor=" + good,
		"other revision":   "resources?limit=2&cursor=" + tampered(`"r":1`, `"r":2`),
		"other position":   "resources?limit=2&cursor=" + tampered("i-101", "i-103"),
		"more members":     "resources?limit=2&cursor=" + tampered(`"r":1`, `"r":1,"x":1`),
		"cut short":        "resources?limit=2&cursor=" + good[:len(good)-4],
		"not base64":       "resources?limit=2&cursor=%21" + good,
		"not JSON":         "resources?limit=2&cursor=" + base64.RawURLEncoding.EncodeToString([]byte("x")),
		"no key":           "resources?cursor=" + cursor{Revision: 1, After: "x"}.encode("resources", ""),
		"no event":         "changes?cursor=" + cursor{Revision: 1, After: "x"}.encode("changes", ""),
		"no number":        "history/" + web.String() + "?cursor=" + cursor{Revision: 1, After: "x"}.encode("history/"+web.String(), ""),
		"negative":         "resources?cursor=" + cursor{Revision: -1, After: "x"}.encode("resources", ""),
		"zero":             "resources?cursor=" + cursor{After: "x"}.encode("resources", ""),
		"too long":         "resources?cursor=" + strings.Repeat("A", maxCursor+1),
	} {
		if w := ask(t, h, target); w.Code != http.StatusBadRequest || problemOf(t, w).Kind() != KindBadCursor {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := ask(t, h, "resources?limit=1000&cursor="+good); w.Code != http.StatusOK {
		t.Errorf("another limit: %d %s", w.Code, w.Body)
	}
	future := cursor{Revision: 9, After: web.String()}.encode("resources", "")
	if w := ask(t, h, "resources?cursor="+future); problemOf(t, w).Kind() != KindFutureRevision {
		t.Errorf("future: %d %s", w.Code, w.Body)
	}
}

// A filter that selects few does not have one page read everything.
func TestCursor_PagesEndWhereEnoughWasLookedAt(t *testing.T) {
	const resources, selected = 9500, 3
	s := storagetest.NewModel()
	var all []storage.Mutation
	for i := range resources {
		r := resource.Resource{Key: keyIn(instances, fmt.Sprintf("i-%05d", i))}
		if i%(resources/selected) == 1 {
			r.Tags = map[string]string{"rare": "yes"}
		}
		all = append(all, mutation(change.Created, r))
	}
	commit(t, s, scan{mutations: all})
	h := newTestServer(s).Handler()
	for target, want := range map[string]struct{ items, pages int }{
		"resources?tag=rare":              {items: 4, pages: 3},
		"resources?tag=rare&limit=1":      {items: 4, pages: 4},
		"resources?tag=nothing":           {items: 0, pages: 3},
		"resources?name=nothing":          {items: 0, pages: 3}, // the model has no index
		"resources?region=nowhere":        {items: 0, pages: 3},
		"resources?limit=1000&type=*inst": {items: 0, pages: 3},
	} {
		pages := 1
		found := follow[Resource](t, h, target, func() { pages++ })
		if len(found) != want.items || pages < want.pages || pages > want.pages+1 {
			t.Errorf("%s: %d resources on %d pages, want %d on %d", target, len(found), pages, want.items, want.pages)
		}
		for _, r := range found {
			if r.Tags["rare"] != "yes" {
				t.Errorf("%s: %s is not selected", target, r.Key)
			}
		}
	}
}
