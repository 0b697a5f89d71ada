package notify

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

var errForbidden = errors.New("link-local addresses and those of cloud metadata are not connected to")

// metadata are the addresses of services that hand out credentials to whoever can reach
// them, and that are not link-local: of AWS over IPv6 (EC2 User Guide, "Instance metadata"),
// Google Cloud over IPv6 (Compute Engine, "About VM metadata"), Azure's WireServer, Alibaba
// Cloud and Oracle Cloud. All others are link-local.
var metadata = []netip.Addr{
	netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("fd20:ce::254"),
	netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("192.0.0.192"),
}

// Prefixes of IPv6 addresses whose last four bytes are an IPv4 address: RFC 6052, RFC 8215
// (as networks use it, with 96 bits in front), the IPv4-translated ones of RFC 2765 and the
// IPv4-compatible ones of RFC 4291.
var embedding = []netip.Prefix{
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("::ffff:0:0:0/96"), netip.MustParsePrefix("::/96"),
}

// sixToFour is RFC 3056: its bytes from the third on are an IPv4 address.
var sixToFour = netip.MustParsePrefix("2002::/16")

// Forbidden reports whether an address is none that a webhook may be at: link-local,
// multicast, unspecified, or of cloud metadata, also as an IPv4 address within an IPv6
// one. Loopback and private addresses are allowed: receivers in the same network are
// usual.
func Forbidden(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if inner, ok := embedded(a); ok && !a.IsLoopback() && Forbidden(inner) {
		return true
	}
	for _, m := range metadata {
		if a == m {
			return true
		}
	}
	return !a.IsValid() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified()
}

func embedded(a netip.Addr) (netip.Addr, bool) {
	if !a.Is6() {
		return netip.Addr{}, false
	}
	b := a.As16()
	if sixToFour.Contains(a) {
		return netip.AddrFrom4([4]byte(b[2:6])), true
	}
	for _, p := range embedding {
		if p.Contains(a) {
			return netip.AddrFrom4([4]byte(b[12:])), true
		}
	}
	return netip.Addr{}, false
}

// newClient returns a client that connects only to addresses that are allowed, which is
// decided about the address itself, after its name was resolved.
func newClient(allowed func(netip.Addr) bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: attemptTimeout,
		Control: func(_, address string, _ syscall.RawConn) error {
			a, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("address %q: %w", address, err)
			}
			if !allowed(a.Addr()) {
				return fmt.Errorf("%s: %w", a.Addr(), errForbidden)
			}
			return nil
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: attemptTimeout,
			MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
