package login

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/linnet-project/linnet/release"
)

// certificateLook is how often the files of a certificate are looked at.
const certificateLook = 10 * time.Second

// Certificate is the certificate that a server shows, read again when its files
// change. It is safe for use by several goroutines.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	mu     sync.Mutex
	shown  *tls.Certificate
	looked time.Time
	stamps [2]time.Time
}

// NewCertificate reads a certificate; one that cannot be used is
// release.ErrInvalid. One that cannot be used later is left, and the log says so.
func NewCertificate(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log, now: now}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("tls: %w: %w", err, release.ErrInvalid)
	}
	return c, nil
}

// Config is for a server that shows the certificate.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil }}
}

func (c *Certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now().Sub(c.looked) < certificateLook {
		return c.shown
	}
	if err := c.read(); err != nil {
		c.log.Error("the new certificate cannot be used; the old one is shown on", "certFile", c.certFile, "error", err)
	}
	return c.shown
}

// read reads the files where they have changed.
func (c *Certificate) read() error {
	c.looked = c.now()
	var stamps [2]time.Time
	for i, name := range []string{c.certFile, c.keyFile} {
		about, err := os.Stat(name)
		if err != nil {
			return err
		}
		stamps[i] = about.ModTime()
	}
	if c.shown != nil && stamps == c.stamps {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("%s and %s: %w", c.certFile, c.keyFile, err)
	}
	c.shown, c.stamps = &pair, stamps
	return nil
}
