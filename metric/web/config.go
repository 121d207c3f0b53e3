// Package web asks metric sources over HTTP: with credentials from files, a
// bound on every wait and every body, and one meaning for every status.
//
// A server that cannot answer now (refused connections, timeouts, 429, 5xx) is
// release.ErrUnavailable, after at most two more tries that heed Retry-After up
// to ten seconds. A refused question or credential, a redirect, and something
// that is not the API are release.ErrInvalid; 404 is release.ErrNotFound.
// Secrets are read from files when they are used, so that they can be rotated,
// and never appear in errors, even where the server repeats them.
package web

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/release"
)

// DefaultTimeout is how long one request may take where Config has no Timeout.
const DefaultTimeout = 10 * time.Second

// Config says where a server is and how to speak to it.
type Config struct {
	// URL is the server's address, with a path prefix where it has one.
	URL string
	// BearerTokenFile holds a token; Username and PasswordFile are basic
	// authentication; OAuth2 gets tokens, and so does Tokens, in a vendor's way.
	// Only one of the four may be set.
	BearerTokenFile string
	Username        string
	PasswordFile    string
	OAuth2          *OAuth2
	Tokens          Tokens
	// Headers are sent with every request, such as X-Scope-OrgID.
	Headers map[string]string
	// SecretHeaders are sent too: the files that hold their values, by header.
	// {} in Schemes, by header, is where the value goes; without, it is all of it.
	SecretHeaders map[string]string
	Schemes       map[string]string
	// CAFile holds the certificates that the server's is checked against,
	// instead of the system's; CertFile and KeyFile are the client's own.
	CAFile   string
	CertFile string
	KeyFile  string
	// ServerName is the name to expect in the server's certificate, where it
	// is not the URL's host. Insecure checks no certificate.
	ServerName string
	Insecure   bool
	// Timeout is how long one request may take; 0 means DefaultTimeout.
	Timeout time.Duration
	// Now is our clock, which the server's is held against; nil leaves that out.
	Now func() time.Time
}

// API is what is spoken with the server.
type API struct {
	// Name is the source's key in a release file, with which errors of its
	// configuration begin.
	Name string
	// Title is the API in an error's words, such as "Prometheus' API".
	Title string
	// Reset is a header beside Retry-After that tells in how many seconds a
	// refused request may come again; "" for none.
	Reset string
}

// Client asks one server. It is safe for concurrent use.
type Client struct {
	config      Config
	api         API
	url         *url.URL // without userinfo
	password    string   // from the URL
	hasPassword bool
	client      *http.Client
	tokens      *tokens      // nil without OAuth2 and Tokens
	grant       *grant       // nil without OAuth2
	sent        atomic.Value // []string: the secrets of the last request
}

// New makes a client; nothing is asked yet. An error wraps release.ErrInvalid
// and names the field.
func New(api API, c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, invalid("%s: url is not an http or https address", api.Name)
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", api.Name, err)
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	config, err := tlsConfig(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", api.Name, err)
	}
	u.Path, u.RawPath, u.RawQuery, u.Fragment = strings.TrimSuffix(u.Path, "/"), "", "", ""
	if c.Username == "" && u.User != nil {
		c.Username = u.User.Username()
	}
	w := &Client{config: c, api: api, client: httpClient(config)}
	w.password, w.hasPassword = u.User.Password()
	u.User = nil
	w.url = u
	if c.OAuth2 != nil {
		if w.grant, err = newGrant(*c.OAuth2, config, c.CAFile); err != nil {
			return nil, fmt.Errorf("%s: %w", api.Name, err)
		}
		c.Tokens = w.grant
	}
	if c.Tokens != nil {
		w.tokens = &tokens{Tokens: c.Tokens, one: make(chan struct{}, 1)}
	}
	return w, nil
}

func (c Config) check() error {
	given := 0
	for _, is := range []bool{c.BearerTokenFile != "", c.Username != "" || c.PasswordFile != "", c.OAuth2 != nil, c.Tokens != nil} {
		if is {
			given++
		}
	}
	switch {
	case given > 1:
		return invalid("bearerTokenFile, basicAuth and oauth2 exclude each other")
	case (c.CertFile == "") != (c.KeyFile == ""):
		return invalid("certFile and keyFile go together")
	case c.Timeout < 0:
		return invalid("timeout is negative")
	}
	return nil
}

func httpClient(config *tls.Config) *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.MaxIdleConnsPerHost = 8
	transport.MaxResponseHeaderBytes = 1 << 20
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // credentials go nowhere else, and a login page is no answer
	}}
}

// URL is the server's address without secrets, for errors.
func (w *Client) URL() string { return w.url.String() }

// Timeout is how long one request may take.
func (w *Client) Timeout() time.Duration { return w.config.Timeout }

// Close ends idle connections.
func (w *Client) Close() {
	w.client.CloseIdleConnections()
	if w.grant != nil {
		w.grant.client.CloseIdleConnections()
	}
}

func tlsConfig(c Config) (*tls.Config, error) {
	config := &tls.Config{ServerName: c.ServerName, InsecureSkipVerify: c.Insecure}
	if c.CAFile != "" {
		config.RootCAs = x509.NewCertPool()
		if err := addCertificates(config.RootCAs, c.CAFile); err != nil {
			return nil, err
		}
	}
	if c.CertFile == "" {
		return config, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, invalid("certFile %s with keyFile %s: %v", c.CertFile, c.KeyFile, err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return config, nil
}

func addCertificates(to *x509.CertPool, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return invalid("caFile: %v", err)
	}
	if !to.AppendCertsFromPEM(text) {
		return invalid("caFile %s holds no certificate in PEM form", file)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
