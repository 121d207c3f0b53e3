package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/secret"
)

// OAuth2 gets tokens by the grant of client credentials. A token is kept until
// it runs out, or the server refuses it.
type OAuth2 struct {
	TokenURL         string
	ClientID         string
	ClientSecretFile string
	Scopes           []string
	// Params go along in the request for a token, such as audience.
	Params map[string]string
}

// Tokens gives the tokens of another way to log in.
type Tokens interface {
	// Token gets a token. An error wraps a meaning of release.
	Token(context.Context) (*oauth2.Token, error)
	// String names what tokens are got with, for errors.
	fmt.Stringer
}

// tokens keeps the last token.
type tokens struct {
	Tokens
	one  chan struct{} // held while a token is read or got
	last *oauth2.Token
}

// grant gets tokens for one client.
type grant struct {
	config OAuth2
	url    string // without parameters, for errors
	client *http.Client
}

// newGrant takes over the client certificate of config, which is for another
// server, but no exception from checking. Authorities are the system's and those
// of caFile.
func newGrant(c OAuth2, config *tls.Config, caFile string) (*grant, error) {
	u, err := url.Parse(c.TokenURL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return nil, invalid("oauth2.tokenURL is not an http or https address")
	}
	if c.ClientID == "" || c.ClientSecretFile == "" {
		return nil, invalid("oauth2 needs clientID and clientSecretFile")
	}
	mine := &tls.Config{GetClientCertificate: config.GetClientCertificate}
	if caFile != "" {
		if mine.RootCAs, err = x509.SystemCertPool(); err != nil {
			mine.RootCAs = x509.NewCertPool() // of a system that has none
		}
		if err := addCertificates(mine.RootCAs, caFile); err != nil {
			return nil, err
		}
	}
	u.RawQuery, u.Fragment = "", ""
	return &grant{config: c, url: u.String(), client: httpClient(mine)}, nil
}

// String implements fmt.Stringer.
func (g *grant) String() string {
	return fmt.Sprintf("the token that client %s got from %s", g.config.ClientID, g.url)
}

// get gives a token that holds for now.
func (t *tokens) get(ctx context.Context) (string, error) {
	select {
	case t.one <- struct{}{}:
	case <-ctx.Done():
		return "", fmt.Errorf("%s: %w: %w", t, context.Cause(ctx), release.ErrUnavailable)
	}
	defer func() { <-t.one }()
	if t.last.Valid() {
		return t.last.AccessToken, nil
	}
	got, err := t.Token(ctx)
	if err != nil {
		return "", err
	}
	t.last = got
	return got.AccessToken, nil
}

// Token implements Tokens.
func (g *grant) Token(ctx context.Context) (*oauth2.Token, error) {
	key, err := oneLine("clientSecretFile", g.config.ClientSecretFile)
	if err != nil {
		return nil, err
	}
	params := url.Values{}
	for name, value := range g.config.Params {
		params.Set(name, value)
	}
	c := clientcredentials.Config{
		ClientID: g.config.ClientID, ClientSecret: key, TokenURL: g.config.TokenURL,
		Scopes: g.config.Scopes, EndpointParams: params,
	}
	got, err := c.Token(context.WithValue(ctx, oauth2.HTTPClient, g.client))
	if err != nil {
		return nil, g.refused(ctx, err, key)
	}
	return got, nil
}

// drop forgets a token that the server refused; false where it has none to
// forget, or another one already.
func (t *tokens) drop(ctx context.Context, token string) bool {
	select {
	case t.one <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-t.one }()
	if t.last == nil || t.last.AccessToken != token {
		return false
	}
	t.last = nil
	return true
}

func (g *grant) refused(ctx context.Context, err error, key string) error {
	var said *oauth2.RetrieveError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	secrets := []string{key}
	cause := context.Cause(ctx)
	switch {
	case cause != nil:
		return fmt.Errorf("%s: %w: %w", g.url, cause, release.ErrUnavailable)
	case errors.As(err, &certificate), errors.As(err, &authority):
		return invalid("%s: its certificate is not to be trusted (caFile changes what is)", g.url)
	case !errors.As(err, &said):
		return refusal{error: fmt.Errorf("%s gives no token: %s: %w", g.url, Clip(secret.Told(unaddressed(err).Error(), secrets)), release.ErrUnavailable), again: true}
	}
	status := said.Response.StatusCode
	words := strings.TrimSpace(said.ErrorCode + " " + said.ErrorDescription)
	if words == "" && !strings.Contains(said.Response.Header.Get("Content-Type"), "html") {
		words = strings.TrimSpace(string(said.Body))
	}
	text := fmt.Sprintf("%s refuses client %s with the secret of %s: %d", g.url, g.config.ClientID, g.config.ClientSecretFile, status)
	if words != "" {
		text += ": " + Clip(secret.Told(words, secrets))
	}
	if status == http.StatusTooManyRequests || status >= 500 {
		return refusal{error: fmt.Errorf("%s: %w", text, release.ErrUnavailable), again: true, pause: retryAfter(said.Response.Header, "")}
	}
	return invalid("%s", text)
}
