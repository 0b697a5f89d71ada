package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	const (
		inside  = "127.0.0.1:5000"
		outside = "10.1.2.3:5000"
		right   = "Authorization: Bearer s3cret"
	)
	for _, tt := range []struct {
		name    string
		token   string
		peer    string
		host    string
		headers []string
		want    int
	}{
		{"loopback", "", inside, "localhost:2112", nil, 200},
		{"loopback with a token configured", "s3cret", inside, "127.0.0.1:2112", nil, 200},
		{"loopback with a wrong token", "s3cret", inside, "127.0.0.1:2112", []string{"Authorization: Bearer no"}, 200},
		{"other loopback address", "", "127.8.9.1:1", "127.8.9.1", nil, 200},
		{"IPv6 loopback", "", "[::1]:5000", "[::1]:2112", nil, 200},
		{"IPv6 loopback without port", "", "[::1]:5000", "[::1]", nil, 200},
		{"IPv4-mapped loopback", "", "[::ffff:127.0.0.1]:5000", "localhost", nil, 200},
		{"name in capitals, with a dot", "", inside, "LocalHost.:80", nil, 200},
		{"no host", "", inside, "", nil, 200},

		{"outside, none configured", "", outside, "elava:2112", nil, 403},
		{"outside, empty token", "", outside, "elava:2112", []string{"Authorization: Bearer "}, 403},
		{"outside claims to be loopback", "", outside, "localhost", []string{"X-Forwarded-For: 127.0.0.1"}, 403},
		{"outside, no token", "s3cret", outside, "elava:2112", nil, 401},
		{"outside, wrong token", "s3cret", outside, "elava:2112", []string{"Authorization: Bearer s3cre"}, 401},
		{"outside, other scheme", "s3cret", outside, "elava:2112", []string{"Authorization: Basic s3cret"}, 401},
		{"outside, no scheme", "s3cret", outside, "elava:2112", []string{"Authorization: s3cret"}, 401},
		{"outside, token", "s3cret", outside, "elava:2112", []string{right}, 200},
		{"outside, scheme in lower case", "s3cret", outside, "elava:2112", []string{"Authorization: bearer s3cret"}, 200},
		{"IPv4-mapped outside", "", "[::ffff:10.0.0.1]:1", "localhost", nil, 403},
		{"no address at all", "", "@", "localhost", nil, 403},
		{"address without port", "", "127.0.0.1", "localhost", nil, 403},

		{"rebound name", "", inside, "evil.example:2112", nil, 403},
		{"rebound name, token configured", "s3cret", inside, "evil.example", nil, 403},
		{"name that begins like loopback", "", inside, "127.0.0.1.evil.example", nil, 403},
		{"name that ends like loopback", "", inside, "evil-localhost", nil, 403},
		{"name below localhost", "", inside, "a.localhost", nil, 403},
		{"unspecified address", "", inside, "0.0.0.0:2112", nil, 403},
		{"other name with token", "s3cret", inside, "elava.internal", []string{right}, 200},

		{"proxy", "", inside, "localhost", []string{"X-Forwarded-For: 10.0.0.1"}, 403},
		{"proxy, RFC 7239", "", inside, "localhost", []string{"Forwarded: for=10.0.0.1"}, 403},
		{"proxy without a client", "", inside, "localhost", []string{"X-Forwarded-For: "}, 403},
		{"proxy, wrong token", "s3cret", inside, "localhost", []string{"X-Forwarded-For: 10.0.0.1", "Authorization: Bearer no"}, 403},
		{"proxy with token", "s3cret", inside, "localhost", []string{"X-Forwarded-For: 10.0.0.1", right}, 200},

		{"page of another site", "", inside, "localhost:2112", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"page of another origin", "", inside, "localhost:2112", []string{"Origin: https://evil.example"}, 403},
		{"page without an origin", "", inside, "localhost:2112", []string{"Origin: null"}, 403},
		{"page of a file", "", inside, "localhost:2112", []string{"Origin: file://"}, 403},
		{"malformed origin", "", inside, "localhost:2112", []string{"Origin: http://[::1"}, 403},
		{"second origin", "", inside, "localhost:2112", []string{"Origin: http://localhost", "Origin: https://evil.example"}, 403},
		{"own page", "", inside, "localhost:2112", []string{"Origin: http://localhost:2112", "Sec-Fetch-Site: same-origin"}, 200},
		{"page of another local program", "", inside, "localhost:2112", []string{"Origin: http://127.0.0.1:3000"}, 200},
		{"typed by the user", "", inside, "localhost:2112", []string{"Sec-Fetch-Site: none"}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			passed := false
			h := Guard(func() string { return tt.token })(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }))
			r := httptest.NewRequest(http.MethodGet, "http://x/api/v1/resources", nil)
			r.RemoteAddr, r.Host = tt.peer, tt.host
			for _, line := range tt.headers {
				name, value, _ := strings.Cut(line, ": ")
				r.Header.Add(name, value)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want || passed != (tt.want == http.StatusOK) {
				t.Fatalf("%d %s, passed %v; want %d", w.Code, w.Body, passed, tt.want)
			}
			if asks := w.Header().Get("WWW-Authenticate") != ""; asks != (tt.want == http.StatusUnauthorized) {
				t.Errorf("WWW-Authenticate %q", w.Header().Get("WWW-Authenticate"))
			}
			if !passed {
				problemOf(t, w)
			}
			if strings.Contains(w.Body.String(), "s3cret") {
				t.Errorf("tells the token: %s", w.Body)
			}
		})
	}
}

func TestGuard_TokenIsAskedForAtEveryRequest(t *testing.T) {
	token := "old"
	h := Guard(func() string { return token })(http.NotFoundHandler())
	status := func() int {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer old")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	if got := status(); got != http.StatusNotFound {
		t.Errorf("before: %d", got)
	}
	token = "new"
	if got := status(); got != http.StatusUnauthorized {
		t.Errorf("after the token was replaced: %d", got)
	}
}

func TestServer_IsGuarded(t *testing.T) {
	s := NewServer(Options{Store: newWorld(t), Token: func() string { return "s3cret" }})
	r := httptest.NewRequest(http.MethodGet, Prefix+"resources", nil)
	r.RemoteAddr = "192.0.2.1:1"
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
