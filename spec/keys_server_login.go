package spec

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Login is how people and programs prove to a server who they are.
type Login struct {
	// OIDC is the identity provider that people log in with; nil where there
	// are API tokens alone.
	OIDC     *OIDC
	Sessions Sessions
	Tokens   TokenLives
	Rates    LoginRates
}

// OIDC is an identity provider that speaks OpenID Connect, and what Linnet is
// to it.
type OIDC struct {
	Issuer, ClientID string
	// ClientSecretFile holds the client's secret; empty for a public client.
	ClientSecretFile string
	Scopes           []string
	// NameClaim and GroupsClaim are the claims that a person's name and groups
	// are taken from.
	NameClaim, GroupsClaim string
	// AllowedDomains are the ends of the addresses that may log in; empty for all.
	AllowedDomains []string
}

// Sessions bounds how long a browser stays logged in.
type Sessions struct{ Idle, Longest time.Duration }

// TokenLives bounds how long API tokens live.
type TokenLives struct {
	// Longest is for all of them, Login for those that `linnet login` gets.
	Longest, Login time.Duration
}

// LoginRates are requests a second; 0 for no bound.
type LoginRates struct {
	// Anonymous is for each address that shows nothing, Actor for each one who
	// has logged in.
	Anonymous, Actor int64
}

// Certificate is what a server shows; both files are read again when they change.
type Certificate struct{ CertFile, KeyFile string }

// loginServerKeys are the settings of who gets in.
var loginServerKeys = []key[Server]{
	{name: "login", doc: "How people and programs prove who they are. Empty (`{}`) for API tokens alone.",
		words: "none; only this machine is listened to, and whoever reaches it may do everything",
		bind:  at(func(s *Server) **Login { return &s.Login }, optional[Login]{loginSettingKeys})},
	{name: "tls", doc: "The certificate to show, read again when it changes.", words: "plain HTTP",
		bind: at(func(s *Server) **Certificate { return &s.TLS }, optional[Certificate]{certificateKeys})},
	{name: "trustedProxies", doc: "The addresses of proxies in front, as networks, whose X-Forwarded-For and X-Forwarded-Proto are believed. Nobody else's are.", words: "none",
		bind: at(func(s *Server) *[]netip.Prefix { return &s.TrustedProxies }, &listOf[netip.Prefix]{item: networks})},
}

var loginSettingKeys = &object[Login]{keys: []key[Login]{
	{name: "oidc", doc: "The identity provider that people log in with, by OpenID Connect.", words: "API tokens alone",
		bind: at(func(l *Login) **OIDC { return &l.OIDC }, optional[OIDC]{oidcKeys})},
	grouped("sessions", "How long a browser stays logged in.", at(func(l *Login) *Sessions { return &l.Sessions }, sessionKeys)),
	grouped("tokens", "How long API tokens live.", at(func(l *Login) *TokenLives { return &l.Tokens }, tokenLifeKeys)),
	grouped("rates", "How fast anybody may ask, on each replica; five seconds' worth at once.", at(func(l *Login) *LoginRates { return &l.Rates }, rateKeys)),
}}

var oidcKeys = &object[OIDC]{keys: []key[OIDC]{
	{name: "issuer", doc: "The provider's URL, as it calls itself.", need: true, sample: "https://login.example.com",
		bind: at(func(o *OIDC) *string { return &o.Issuer }, httpURL)},
	{name: "clientID", doc: "Linnet's name at the provider.", need: true, sample: "linnet",
		bind: at(func(o *OIDC) *string { return &o.ClientID }, freeText)},
	{name: "clientSecretFile", doc: "The file that holds the client's secret, read whenever it is needed.", words: "a public client",
		bind: at(func(o *OIDC) *string { return &o.ClientSecretFile }, filePath)},
	{name: "scopes", doc: "The scopes to ask for.", def: "[openid, profile, email]",
		bind: at(func(o *OIDC) *[]string { return &o.Scopes }, &listOf[string]{item: freeText, min: 1})},
	{name: "nameClaim", doc: "The claim that a person is called by. An address must be verified by the provider.", def: "email",
		bind: at(func(o *OIDC) *string { return &o.NameClaim }, freeText)},
	{name: "groupsClaim", doc: "The claim with a person's groups, a list of texts.", def: "groups",
		bind: at(func(o *OIDC) *string { return &o.GroupsClaim }, freeText)},
	{name: "allowedDomains", doc: "What may stand behind the @ of an address.", words: "any",
		bind: at(func(o *OIDC) *[]string { return &o.AllowedDomains }, &listOf[string]{item: hostName})},
}}

var sessionKeys = &object[Sessions]{keys: []key[Sessions]{
	{name: "idle", doc: "How long a session lives without a request.", def: "8h",
		bind: at(func(s *Sessions) *time.Duration { return &s.Idle }, between(durations, 5*time.Minute, 30*day))},
	{name: "longest", doc: "How long it lives at most; then the provider is asked again, for groups too.", def: "24h",
		bind: at(func(s *Sessions) *time.Duration { return &s.Longest }, between(durations, 5*time.Minute, 30*day))},
}}

var tokenLifeKeys = &object[TokenLives]{keys: []key[TokenLives]{
	{name: "longest", doc: "How long any token lives at most.", def: "90d",
		bind: at(func(t *TokenLives) *time.Duration { return &t.Longest }, between(durations, time.Minute, 366*day))},
	{name: "login", doc: "How long the token lives that `linnet login` gets.", def: "12h",
		bind: at(func(t *TokenLives) *time.Duration { return &t.Login }, between(durations, time.Minute, 90*day))},
}}

var rateKeys = &object[LoginRates]{keys: []key[LoginRates]{
	{name: "anonymous", doc: "Requests a second of an address that shows no token and no session; 0 for no bound.", def: "20",
		bind: at(func(r *LoginRates) *int64 { return &r.Anonymous }, between(wholes, 0, 1_000_000))},
	{name: "actor", doc: "Requests a second of one person or service account; 0 for no bound.", def: "200",
		bind: at(func(r *LoginRates) *int64 { return &r.Actor }, between(wholes, 0, 1_000_000))},
}}

var certificateKeys = &object[Certificate]{keys: []key[Certificate]{
	{name: "certFile", doc: "The certificate, and those that lead to the one clients trust.", need: true, sample: "/etc/linnet/tls.crt",
		bind: at(func(c *Certificate) *string { return &c.CertFile }, filePath)},
	{name: "keyFile", doc: "Its key.", need: true, sample: "/etc/linnet/tls.key",
		bind: at(func(c *Certificate) *string { return &c.KeyFile }, filePath)},
}}

var networks = &kind[netip.Prefix]{noun: "a network", pattern: `^[0-9a-fA-F.:]+(/[0-9]{1,3})?$`,
	parse: parseNetwork, format: netip.Prefix.String}

// parseNetwork reads a network, or one address.
func parseNetwork(s string) (netip.Prefix, fault) {
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), fault{}
	}
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, fault{"is not a network", "write one such as 10.0.0.0/8, or one address"}
	case p != p.Masked():
		return netip.Prefix{}, fault{"is not where a network begins", "write " + p.Masked().String()}
	}
	return p, fault{}
}

// loginRules checks the settings of who gets in.
func loginRules(c *checker, s Server) {
	if s.Login == nil {
		return
	}
	l := s.Login
	if c.fine("spec.login.sessions") && l.Sessions.Idle > l.Sessions.Longest {
		c.fail("spec.login.sessions.idle", "is longer than longest, "+formatDuration(l.Sessions.Longest), "write at most that")
	}
	if c.fine("spec.login.tokens") && l.Tokens.Login > l.Tokens.Longest {
		c.fail("spec.login.tokens.login", "is longer than longest, "+formatDuration(l.Tokens.Longest), "write at most that")
	}
	if l.OIDC == nil {
		return
	}
	if !c.fine("spec.login.oidc", "spec.publicURL") {
		return
	}
	const readable = "would send what proves who somebody is over the network for all to read"
	if !private(l.OIDC.Issuer) {
		c.fail("spec.login.oidc.issuer", readable, "write https://")
	}
	switch {
	case s.PublicURL == "":
		c.fail("spec.login.oidc", "needs publicURL: the provider sends people back there", "write publicURL: https://linnet.example.com")
	case !private(s.PublicURL):
		c.fail("spec.publicURL", readable, "write https://")
	}
	if !slices.Contains(l.OIDC.Scopes, "openid") {
		c.fail("spec.login.oidc.scopes", "has no openid, without which a provider does not say who somebody is", "add it")
	}
}

// private tells whether nobody can read along on the way to a URL: it is of
// HTTPS, or of this machine.
func private(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Scheme == "https" || u.Hostname() == "localhost" || strings.HasSuffix(u.Hostname(), ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a.IsLoopback()
}
