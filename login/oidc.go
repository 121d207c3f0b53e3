package login

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Bounds on what the identity provider does.
const (
	providerWait   = 10 * time.Second
	providerAnswer = 1 << 20 // bytes
	// discoveredFor is how long what it says of itself is believed, tryAgain how
	// long it is left alone after it could not be reached.
	discoveredFor = time.Hour
	tryAgain      = 5 * time.Second
	// clocksApart is how far its clock may be from ours.
	clocksApart = 2 * time.Minute
	mostGroups  = 500
)

// provider is the identity provider, as far as it is known.
type provider struct {
	settings *spec.OIDC // nil where there is none
	mu       sync.Mutex
	known    *discovered
	at       time.Time // when it was asked last
	err      error     // what came of it
}

// discovered is what a provider says of itself.
type discovered struct {
	*oidc.Provider
	style oauth2.AuthStyle
	// endSession is where people log out; empty where they cannot.
	endSession string
	// tellsIssuer says that its answers name it, so that one without is another's.
	tellsIssuer bool
}

// bounded reads no more of an answer than is sane.
type bounded struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, providerAnswer), resp.Body}
	}
	return resp, err
}

func providerClient() *http.Client {
	return &http.Client{Timeout: providerWait, Transport: bounded{http.DefaultTransport}}
}

var errNoProvider = fmt.Errorf("no identity provider is configured (spec.login.oidc): use a token: %w", release.ErrNotFound)

// get gives the provider, asking it when it was not asked for a while. One that
// cannot be reached is release.ErrUnavailable, unless it is known from before.
func (p *provider) get(ctx context.Context, now time.Time) (*discovered, error) {
	if p.settings == nil {
		return nil, errNoProvider
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	age := now.Sub(p.at)
	if p.known != nil && age < discoveredFor || p.err != nil && age < tryAgain {
		return p.known, p.err
	}
	// What is learned is for all: a browser that goes away does not end the asking.
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), providerClient()), providerWait)
	defer cancel()
	found, err := oidc.NewProvider(ctx, p.settings.Issuer)
	p.at, p.err = now, nil
	switch {
	case err != nil && p.known != nil: // what it said before goes on to hold
	case err != nil:
		p.err = unreachable(p.settings.Issuer, err)
	default:
		p.known, p.err = describe(found)
	}
	return p.known, p.err
}

// Ask asks a provider once what it says of itself, and tells whether devices can
// log in there. One that cannot be reached, or calls itself otherwise, is
// release.ErrUnavailable.
func Ask(ctx context.Context, settings *spec.OIDC) (devices bool, err error) {
	p := &provider{settings: settings}
	d, err := p.get(ctx, time.Time{})
	if err != nil {
		return false, err
	}
	return d.Endpoint().DeviceAuthURL != "", nil
}

func unreachable(issuer string, err error) error {
	var other *oidc.IssuerMismatchError
	if errors.As(err, &other) {
		return fmt.Errorf("identity provider %s calls itself %q: write spec.login.oidc.issuer as it does: %w", issuer, other.Discovered, release.ErrUnavailable)
	}
	return fmt.Errorf("identity provider %s cannot be asked: %w: %w", issuer, told(err), release.ErrUnavailable)
}

// told is an error without the parameters of URLs and the texts of answers, which
// may hold codes and secrets.
func told(err error) error {
	var at *url.Error
	var no *oauth2.RetrieveError
	switch {
	case errors.As(err, &no):
		return fmt.Errorf("it answered %q (%d)", no.ErrorCode, no.Response.StatusCode)
	case errors.As(err, &at):
		return at.Err
	}
	return err
}

func describe(p *oidc.Provider) (*discovered, error) {
	var said struct {
		Methods     []string `json:"token_endpoint_auth_methods_supported"`
		EndSession  string   `json:"end_session_endpoint"`
		TellsIssuer bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := p.Claims(&said); err != nil {
		return nil, fmt.Errorf("identity provider: what it says of itself: %w: %w", err, release.ErrUnavailable)
	}
	d := &discovered{Provider: p, endSession: said.EndSession, tellsIssuer: said.TellsIssuer, style: oauth2.AuthStyleInHeader}
	if len(said.Methods) > 0 && !slices.Contains(said.Methods, "client_secret_basic") {
		d.style = oauth2.AuthStyleInParams
	}
	return d, nil
}

const callbackPath = "/v1/login/callback"

// client is Linnet at the provider. The secret is read each time, so that it can
// be changed while the server runs.
func (l *Login) client(d *discovered) (*oauth2.Config, error) {
	s := l.provider.settings
	c := &oauth2.Config{ClientID: s.ClientID, Endpoint: d.Endpoint(), Scopes: s.Scopes,
		RedirectURL: strings.TrimSuffix(l.cfg.PublicURL, "/") + callbackPath}
	c.Endpoint.AuthStyle = d.style
	if s.ClientSecretFile == "" {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams // a public client says its name alone
		return c, nil
	}
	secret, err := l.cfg.OIDCSecret()
	if err != nil {
		return nil, err
	}
	c.ClientSecret = secret
	return c, nil
}

// identify checks what the provider says of a person, and takes their name and
// groups from it. A nonce of "" is for a flow that has none.
func (l *Login) identify(ctx context.Context, d *discovered, t *oauth2.Token, nonce string) (access.Actor, error) {
	raw, _ := t.Extra("id_token").(string)
	if raw == "" {
		return access.Actor{}, refuse(http.StatusForbidden, "the identity provider sent no ID token: is the scope openid allowed there?")
	}
	s := l.provider.settings
	// A token that ended a moment ago by our clock may be one of a provider whose
	// clock is behind; go-oidc forgives the other direction itself.
	id, err := d.Verifier(&oidc.Config{ClientID: s.ClientID, Now: func() time.Time { return l.cfg.Now().Add(-clocksApart) }}).Verify(ctx, raw)
	if err != nil {
		var expired *oidc.TokenExpiredError
		if errors.As(err, &expired) {
			return access.Actor{}, refuse(http.StatusForbidden, "the ID token ended at %s: are the clocks right?", expired.Expiry.UTC().Format(time.RFC3339))
		}
		return access.Actor{}, refuse(http.StatusForbidden, "the ID token is not accepted: %s", told(err))
	}
	if id.Nonce != nonce {
		return access.Actor{}, refuse(http.StatusForbidden, "the ID token is of another login: begin again")
	}
	claims, err := claimsOf(id.Claims)
	if err != nil {
		return access.Actor{}, err
	}
	if azp, ok := claims["azp"].(string); len(id.Audience) > 1 && (!ok || azp != s.ClientID) {
		return access.Actor{}, refuse(http.StatusForbidden, "the ID token was made for another program")
	}
	// Many providers tell names and groups only when asked.
	if (claims[s.NameClaim] == nil || claims[s.GroupsClaim] == nil) && d.UserInfoEndpoint() != "" {
		more, err := l.userInfo(ctx, d, t, id.Subject)
		if err != nil {
			return access.Actor{}, err
		}
		for k, v := range more {
			if claims[k] == nil {
				claims[k] = v
			}
		}
	}
	return person(claims, *s)
}

func claimsOf(read func(any) error) (map[string]any, error) {
	var raw json.RawMessage
	if err := read(&raw); err != nil {
		return nil, refuse(http.StatusForbidden, "what the identity provider says of you cannot be read")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var claims map[string]any
	if err := d.Decode(&claims); err != nil || claims == nil {
		return nil, refuse(http.StatusForbidden, "what the identity provider says of you cannot be read")
	}
	return claims, nil
}

func (l *Login) userInfo(ctx context.Context, d *discovered, t *oauth2.Token, subject string) (map[string]any, error) {
	info, err := d.UserInfo(ctx, oauth2.StaticTokenSource(t))
	if err != nil {
		return nil, unreachable(l.provider.settings.Issuer, err)
	}
	if info.Subject != subject {
		return nil, refuse(http.StatusForbidden, "the identity provider told of another person than the one who logged in")
	}
	return claimsOf(info.Claims)
}

// person is who the claims are of.
func person(claims map[string]any, s spec.OIDC) (access.Actor, error) {
	name, _ := claims[s.NameClaim].(string)
	if name == "" {
		return access.Actor{}, refuse(http.StatusForbidden, "the identity provider does not tell your %s (spec.login.oidc.nameClaim): is the scope for it asked for and allowed?", s.NameClaim)
	}
	if strings.Contains(name, "@") {
		// Whoever could choose an address freely could be anybody.
		if email, _ := claims["email"].(string); !strings.EqualFold(email, name) || !verified(claims["email_verified"]) {
			return access.Actor{}, refuse(http.StatusForbidden, "the identity provider has not verified that the address is yours")
		}
		name = spec.ActorName(name)
	}
	if err := checkName(name, access.Person); err != nil {
		return access.Actor{}, refuse(http.StatusForbidden, "your name at the identity provider cannot be one here: %s", release.Plain(err))
	}
	_, domain, _ := strings.Cut(name, "@")
	if len(s.AllowedDomains) > 0 && !slices.ContainsFunc(s.AllowedDomains, func(d string) bool { return strings.EqualFold(d, domain) }) {
		return access.Actor{}, refuse(http.StatusForbidden, "addresses of your domain may not log in here (spec.login.oidc.allowedDomains)")
	}
	groups, err := groupsOf(claims[s.GroupsClaim])
	return access.Actor{Name: name, Kind: access.Person, Groups: groups}, err
}

// verified reads email_verified, which some providers write as a text.
func verified(v any) bool { return v == true || v == "true" }

// groupsOf reads a claim with groups: a list, or one alone. What is neither, or
// too much, is refused: half of somebody's groups would be a riddle.
func groupsOf(v any) ([]string, error) {
	bad := refuse(http.StatusForbidden, "the identity provider's list of your groups cannot be read: texts of up to %d bytes, at most %d, are expected", mostName, mostGroups)
	var list []any
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		list = []any{v}
	case []any:
		list = v
	default:
		return nil, bad
	}
	groups := make([]string, 0, len(list))
	for _, g := range list {
		s, ok := g.(string)
		if !ok || s == "" || len(s) > mostName || len(list) > mostGroups {
			return nil, bad
		}
		groups = append(groups, s)
	}
	slices.Sort(groups)
	return slices.Compact(groups), nil
}
