package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

// DeviceCode is a login that a person finishes in a browser anywhere: RFC 8628.
// The server asks the provider for it and hands it on, and keeps nothing: the
// code is the secret of whoever began, and only this server can turn it into a
// token, since the client's secret goes with it.
type DeviceCode struct {
	Device          string `json:"device_code"`
	User            string `json:"user_code"`
	Verify          string `json:"verification_uri"`
	VerifyCompleted string `json:"verification_uri_complete,omitempty"`
	// Interval and Expires are seconds.
	Interval int64 `json:"interval"`
	Expires  int64 `json:"expires_in"`
}

// DeviceAnswer is what came of a login with a code: a token, or what to wait for.
type DeviceAnswer struct {
	// Pending is empty when there is a token; else authorization_pending, or
	// slow_down: then the interval grows by five seconds.
	Pending string `json:"pending,omitempty"`
	Token   string `json:"token,omitempty"`
	Name    string `json:"name,omitempty"`
	// Ends is when the token does, as RFC 3339 has it.
	Ends string `json:"ends,omitempty"`
}

// wayIn checks whether a device may log in this way: what it gets is a secret.
func (l *Login) wayIn(r *http.Request) (way, *discovered, error) {
	w := wayOf(r, l.cfg.TrustedProxies)
	if !w.tls && !w.near {
		return w, nil, refuse(http.StatusForbidden, "tokens go over https only: ask there")
	}
	d, err := l.provider.get(r.Context(), l.cfg.Now())
	if err == nil && d.Endpoint().DeviceAuthURL == "" {
		err = fmt.Errorf("the identity provider has no login for devices: make a token in the browser, and use that: %w", release.ErrNotFound)
	}
	return w, d, err
}

// deviceStart begins a login: POST /v1/login/device.
func (l *Login) deviceStart(rw http.ResponseWriter, r *http.Request) error {
	_, d, err := l.wayIn(r)
	if err != nil {
		return err
	}
	c, err := l.client(d)
	if err != nil {
		return err
	}
	// oauth2 does not say here who the client is, which the provider asks of one
	// with a secret.
	client := providerClient()
	var with []oauth2.AuthCodeOption
	switch {
	case c.ClientSecret == "":
	case d.style == oauth2.AuthStyleInHeader:
		client.Transport = signing{client.Transport, c}
	default:
		with = append(with, oauth2.SetAuthURLParam("client_secret", c.ClientSecret))
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), client), providerWait)
	defer cancel()
	got, err := c.DeviceAuth(ctx, with...)
	if err != nil {
		return l.notExchanged(err)
	}
	rw.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(rw).Encode(DeviceCode{
		Device: got.DeviceCode, User: got.UserCode, Verify: got.VerificationURI, VerifyCompleted: got.VerificationURIComplete,
		Interval: max(1, got.Interval), Expires: int64(got.Expiry.Sub(l.cfg.Now()).Seconds()),
	})
}

// signing says who the client is in the header of each request.
type signing struct {
	http.RoundTripper
	client *oauth2.Config
}

// RoundTrip implements http.RoundTripper.
func (s signing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(url.QueryEscape(s.client.ClientID), url.QueryEscape(s.client.ClientSecret))
	return s.RoundTripper.RoundTrip(r)
}

// mostCode bounds what a device sends, in bytes.
const mostCode = 4 << 10

// deviceToken asks once whether a login is finished: POST /v1/login/device/token
// with {"device_code": …}.
func (l *Login) deviceToken(rw http.ResponseWriter, r *http.Request) error {
	w, d, err := l.wayIn(r)
	if err != nil {
		return err
	}
	var sent struct {
		Device string `json:"device_code"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, mostCode)).Decode(&sent); err != nil || sent.Device == "" {
		return fmt.Errorf(`a body such as {"device_code": "…"} is expected: %w`, release.ErrInvalid)
	}
	c, err := l.client(d)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(r.Context(), providerClient()), providerWait)
	defer cancel()
	answer, err := l.deviceAsk(ctx, d, c, sent.Device, w)
	if err != nil {
		return err
	}
	rw.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(rw).Encode(answer)
}

func (l *Login) deviceAsk(ctx context.Context, d *discovered, c *oauth2.Config, code string, w way) (DeviceAnswer, error) {
	t, err := exchangeDevice(ctx, c, code)
	var no *oauth2.RetrieveError
	if errors.As(err, &no) && (no.ErrorCode == "authorization_pending" || no.ErrorCode == "slow_down") {
		return DeviceAnswer{Pending: no.ErrorCode}, nil
	}
	var who access.Actor
	if err != nil {
		err = l.notExchanged(err)
	} else {
		who, err = l.identify(ctx, d, t, "")
	}
	who.From = w.from.String()
	if err == nil {
		err = l.cfg.DB.Write(ctx, func(tx database.Tx) error { return l.saw(ctx, tx, who.Name, who.Groups) })
	}
	if err := l.loginAudit(ctx, who, "device", err); err != nil {
		return DeviceAnswer{}, err
	}
	if err != nil {
		return DeviceAnswer{}, err
	}
	made, text, err := l.makeToken(ctx, who, Wish{Name: "linnet login from " + strings.ReplaceAll(who.From, ":", "."), Owner: who.Name, Life: l.cfg.Settings.Tokens.Login})
	return DeviceAnswer{Token: text, Name: who.Name, Ends: made.Ends.Format(time.RFC3339)}, err
}

// exchangeDevice asks the provider once; oauth2 would go on until the code ends,
// and that waiting is the device's. A parameter without a value is none (RFC
// 6749, 3.2).
func exchangeDevice(ctx context.Context, c *oauth2.Config, code string) (*oauth2.Token, error) {
	const grant = "urn:ietf:params:oauth:grant-type:device_code"
	return c.Exchange(ctx, code, oauth2.SetAuthURLParam("grant_type", grant), oauth2.SetAuthURLParam("device_code", code),
		oauth2.SetAuthURLParam("code", ""), oauth2.SetAuthURLParam("redirect_uri", ""))
}
