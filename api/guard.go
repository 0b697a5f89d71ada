package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// Guard admits loopback clients, and others by a bearer token; an inventory is
// sensitive. token is asked at every request; "" means that none is configured.
//
// A request with the right token is always admitted. Without it:
//
//   - A peer that is not on loopback is refused: 403 where no token is configured, else
//     401.
//   - A peer on loopback is admitted, unless the request comes through somebody else who
//     happens to be there (403): through a proxy, which a Forwarded or X-Forwarded-For
//     header shows; through a browser, on behalf of a page from elsewhere (Sec-Fetch-Site
//     or Origin), also one whose name was made to resolve to loopback (Host).
//
// The rule trusts the address of the peer. A proxy on the same machine that says nothing
// of its clients makes all of them loopback clients: it must add X-Forwarded-For, as
// proxies do, or ask for credentials itself.
func Guard(token func() string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := admit(r, token()); err != nil {
				p := newProblem(err)
				if p.Status == http.StatusUnauthorized {
					w.Header().Set("WWW-Authenticate", `Bearer realm="elava"`)
				}
				writeProblem(w, p)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// Admits returns the rule of Guard as a question.
func Admits(token func() string) func(*http.Request) bool {
	return func(r *http.Request) bool { return admit(r, token()) == nil }
}

func admit(r *http.Request, token string) error {
	if token != "" && sameToken(bearer(r), token) {
		return nil
	}
	if peerOnLoopback(r.RemoteAddr) {
		return onBehalf(r)
	}
	if token == "" {
		return fmt.Errorf("%w: only clients on the loopback interface are answered; configure api.token_file to admit others", errForbidden)
	}
	return fmt.Errorf(`%w: send "Authorization: Bearer" with the token of the file that the daemon's api.token_file names (elava: --token-file)`, errNoToken)
}

// onBehalf refuses requests that reach loopback on behalf of somebody elsewhere.
func onBehalf(r *http.Request) error {
	for _, name := range [...]string{"Forwarded", "X-Forwarded-For"} {
		if len(r.Header.Values(name)) > 0 {
			return fmt.Errorf("%w: the request came through a proxy (%s) and has no valid token", errForbidden, name)
		}
	}
	if r.Host != "" && !loopbackHost(r.Host) {
		return fmt.Errorf("%w: host %q is no name of the loopback interface; without a token use localhost, 127.0.0.1 or [::1]", errForbidden, r.Host)
	}
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return fmt.Errorf("%w: the request comes from a page of another site", errForbidden)
	}
	for _, origin := range r.Header.Values("Origin") {
		if u, err := url.Parse(origin); err != nil || !loopbackHost(u.Host) {
			return fmt.Errorf("%w: the request comes from a page of %q", errForbidden, origin)
		}
	}
	return nil
}

func bearer(r *http.Request) string {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(credentials)
}

// sameToken takes the same time for all tokens of any length.
func sameToken(got, want string) bool {
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func peerOnLoopback(remoteAddr string) bool {
	a, err := netip.ParseAddrPort(remoteAddr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// loopbackHost reports whether a host, with or without a port, names the loopback
// interface whatever a name server says.
func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
