// Package prometheus is a metric source that asks a Prometheus server, or what
// speaks its HTTP API (Thanos, Mimir, VictoriaMetrics), for raw samples.
//
// A selector is sent as an instant query over a range, which yields every
// sample as it was scraped, so that counts are exact; package series says how
// observations are made of them.
//
// A server that cannot answer now (refused connections, timeouts, 429, 5xx) is
// release.ErrUnavailable, after at most two more tries. A refused query or
// credential, an answer that is not Prometheus', and limits (10,000 series, 64
// MiB) are release.ErrInvalid. Secrets are read from files when they are used,
// so that they can be rotated, and never appear in errors.
package prometheus

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// DefaultTimeout is how long one request may take where Config has no Timeout.
const DefaultTimeout = 10 * time.Second

// Config says where the server is and how to speak to it.
type Config struct {
	// URL is the server's address, with a path prefix where it has one; the
	// API's own path (/api/v1/…) is added.
	URL string
	// BearerTokenFile holds a token; Username and PasswordFile are basic
	// authentication. Only one of the two may be set.
	BearerTokenFile string
	Username        string
	PasswordFile    string
	// Headers are sent with every request, such as X-Scope-OrgID.
	Headers map[string]string
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
}

// New makes a source; nothing is asked yet. An error wraps release.ErrInvalid
// and names the field.
func New(c Config) (*Source, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, invalid("prometheus: url is not an http or https address")
	}
	if c.BearerTokenFile != "" && (c.Username != "" || c.PasswordFile != "") {
		return nil, invalid("prometheus: bearerTokenFile and basicAuth exclude each other")
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return nil, invalid("prometheus: certFile and keyFile go together")
	}
	if c.Timeout < 0 {
		return nil, invalid("prometheus: timeout is negative")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	config, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	u.Path, u.RawPath, u.RawQuery, u.Fragment = strings.TrimSuffix(u.Path, "/"), "", "", ""
	if c.Username == "" && u.User != nil {
		c.Username = u.User.Username()
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	transport.MaxIdleConnsPerHost = 8
	transport.MaxResponseHeaderBytes = 1 << 20
	s := &Source{config: c, types: map[string]string{}}
	s.password, s.hasPassword = u.User.Password()
	u.User = nil
	s.url = u
	s.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // credentials go nowhere else, and a login page is no answer
	}}
	return s, nil
}

// Close ends idle connections.
func (s *Source) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

func tlsConfig(c Config) (*tls.Config, error) {
	config := &tls.Config{ServerName: c.ServerName, InsecureSkipVerify: c.Insecure}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, invalid("prometheus: caFile: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, invalid("prometheus: caFile %s holds no certificate in PEM form", c.CAFile)
		}
	}
	if c.CertFile == "" {
		return config, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, invalid("prometheus: certFile %s with keyFile %s: %v", c.CertFile, c.KeyFile, err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return config, nil
}

// authorize adds credentials and headers to a request.
func (s *Source) authorize(r *http.Request) error {
	for name, value := range s.config.Headers {
		r.Header.Set(name, value)
	}
	if s.config.BearerTokenFile != "" {
		token, err := secret("bearerTokenFile", s.config.BearerTokenFile)
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	if s.config.Username == "" {
		return nil
	}
	password := s.password
	if s.config.PasswordFile != "" {
		var err error
		if password, err = secret("passwordFile", s.config.PasswordFile); err != nil {
			return err
		}
	}
	r.SetBasicAuth(s.config.Username, password)
	return nil
}

// secret reads a small file of one line.
func secret(field, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", invalid("prometheus: %s: %v", field, err)
	}
	defer f.Close()
	buf := make([]byte, 64<<10)
	n, err := f.Read(buf)
	text := strings.TrimSpace(string(buf[:n]))
	if text == "" {
		return "", invalid("prometheus: %s %s is empty (%v)", field, path, err)
	}
	if strings.ContainsAny(text, "\r\n") {
		return "", invalid("prometheus: %s %s must hold one line", field, path)
	}
	return text, nil
}

// credential names what the requests are authorized with, never its value.
func (s *Source) credential() string {
	switch {
	case s.config.BearerTokenFile != "":
		return "the bearer token of " + s.config.BearerTokenFile
	case s.config.PasswordFile != "":
		return fmt.Sprintf("user %s with the password of %s", s.config.Username, s.config.PasswordFile)
	case s.hasPassword:
		return fmt.Sprintf("user %s with the password of the url", s.config.Username)
	case s.config.Username != "":
		return fmt.Sprintf("user %s without a password", s.config.Username)
	case s.config.CertFile != "":
		return "the client certificate of " + s.config.CertFile
	}
	return "no credential (bearerTokenFile or basicAuth would give one)"
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
