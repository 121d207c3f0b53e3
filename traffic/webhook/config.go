package webhook

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/contract"
	"github.com/linnet-project/linnet/traffic/split"
)

// DefaultTimeout is how long one call may take where Config has no Timeout.
const DefaultTimeout = 8 * time.Second

// Config says who is asked, and what it can do.
type Config struct {
	Rules split.Rules
	// URL is where every operation is posted to.
	URL string
	// BearerTokenFile holds a token, on one line.
	BearerTokenFile string
	// Headers are sent with every request.
	Headers map[string]string
	// CAFile holds the certificates that the server's is checked against, instead
	// of the system's; CertFile and KeyFile are the client's own.
	CAFile, CertFile, KeyFile string
	// ServerName is the name to expect in the server's certificate, where it is
	// not the URL's host. Insecure checks no certificate.
	ServerName string
	Insecure   bool
	// Timeout bounds each call; 0 means DefaultTimeout.
	Timeout time.Duration
}

// New makes a router; nothing is asked yet. What is wrong with the configuration
// is release.ErrInvalid.
func New(cfg Config) (split.Router, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return nil, invalid("webhook: url must be http://… or https://…, without user and password")
	case (cfg.CertFile == "") != (cfg.KeyFile == ""):
		return nil, invalid("webhook: certFile and keyFile go together")
	case cfg.Timeout < 0:
		return nil, invalid("webhook: timeout %v must not be negative", cfg.Timeout)
	case cfg.Timeout == 0:
		cfg.Timeout = DefaultTimeout
	}
	u.Fragment = ""
	e := &endpoint{cfg: cfg, url: u}
	if cfg.BearerTokenFile != "" {
		if _, err := e.token(); err != nil {
			return nil, err
		}
	}
	config, err := tlsConfig(cfg)
	if err != nil {
		return nil, err
	}
	e.http = &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, MaxResponseHeaderBytes: contract.MaxAnswer,
			// A call every few seconds needs no connection that stays open, and none
			// may have gone stale when a weight has to fall.
			DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return contract.New(contract.Config{Name: "webhook " + e.shown(), Rules: cfg.Rules, Call: e.call}), nil
}

func tlsConfig(cfg Config) (*tls.Config, error) {
	config := &tls.Config{ServerName: cfg.ServerName, InsecureSkipVerify: cfg.Insecure}
	if cfg.CAFile != "" {
		text, err := os.ReadFile(cfg.CAFile)
		if err != nil {
			return nil, invalid("webhook: caFile: %v", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, invalid("webhook: caFile %s holds no certificate in PEM form", cfg.CAFile)
		}
	}
	if cfg.CertFile == "" {
		return config, nil
	}
	load := func() (*tls.Certificate, error) {
		pair, err := tls.LoadX509KeyPair(cfg.CertFile, cfg.KeyFile)
		if err != nil {
			return nil, invalid("webhook: certFile %s with keyFile %s: %v", cfg.CertFile, cfg.KeyFile, err)
		}
		return &pair, nil
	}
	if _, err := load(); err != nil {
		return nil, err
	}
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	return config, nil
}

// maxToken bounds a token file, in bytes.
const maxToken = 64 << 10

// token reads the bearer token.
func (e *endpoint) token() (string, error) {
	path := e.cfg.BearerTokenFile
	f, err := os.Open(path)
	if err != nil {
		return "", invalid("webhook: bearerTokenFile: %v", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxToken))
	if err != nil {
		return "", invalid("webhook: bearerTokenFile: %v", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, "\r\n") {
		return "", invalid("webhook: bearerTokenFile %s must hold a token on one line", path)
	}
	return token, nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
