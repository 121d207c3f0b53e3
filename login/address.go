package login

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// way is how a request came here.
type way struct {
	// from is the address of who asks; of the proxies in front, those that are
	// trusted are believed whom they pass on, and nobody else is believed anything.
	from netip.Addr
	// tls says that nobody could read along: here or at a trusted proxy.
	tls bool
	// near says that it came from this machine or through a trusted proxy.
	near bool
}

// mostHops bounds how many proxies are believed in a row.
const mostHops = 10

// wayOf finds out how a request came.
func wayOf(r *http.Request, trusted []netip.Prefix) way {
	w := way{from: peer(r.RemoteAddr), tls: r.TLS != nil}
	w.near = w.from.IsLoopback()
	if !within(w.from, trusted) {
		return w
	}
	w.near = true
	// The proxy that speaks to us has the last word of each header. One before it
	// may be whatever the client wrote.
	if scheme := last(r.Header.Values("X-Forwarded-Proto")); scheme != "" {
		w.tls = scheme == "https"
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i, hop := range slices.Backward(hops) {
		a, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil || len(hops)-i > mostHops {
			break
		}
		w.from = a.Unmap().WithZone("")
		if !within(w.from, trusted) {
			break
		}
	}
	return w
}

// From is the address that a request comes from, past the proxies that are
// trusted: for what goes into the audit of those who prove themselves otherwise.
func (l *Login) From(r *http.Request) string { return wayOf(r, l.cfg.TrustedProxies).from.String() }

func last(values []string) string {
	if len(values) == 0 {
		return ""
	}
	all := strings.Split(values[len(values)-1], ",")
	return strings.ToLower(strings.TrimSpace(all[len(all)-1]))
}

func peer(address string) netip.Addr {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap().WithZone("")
}

func within(a netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

// key is what limits count an address by. Whoever has one IPv6 address has its
// network of 2^64.
func (w way) key() string {
	if w.from.Is6() {
		if p, err := w.from.Prefix(64); err == nil {
			return p.String()
		}
	}
	return w.from.String()
}

// ofThisMachine tells whether a host, as a browser names it, can be no other
// than the machine that the browser runs on. A name of somebody else's that
// leads to 127.0.0.1 (DNS rebinding) is none.
func ofThisMachine(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}
