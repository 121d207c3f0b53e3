package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/linnet-project/linnet/login"
	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
)

// openLogin knows who somebody is: tokens, sessions, the identity provider. What
// it puts around requests comes before anything else.
func (s *serving) openLogin(ctx context.Context) (func() error, error) {
	at, ok := s.listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("listen %s: no address of TCP: %w", s.listener.Addr(), release.ErrInvalid)
	}
	if err := login.MayListen(s.settings, at.AddrPort().Addr()); err != nil {
		return nil, err
	}
	l, err := login.New(ctx, login.Config{
		DB: s.db, Settings: s.settings.Login, Local: localUser(), PublicURL: s.url, OIDCSecret: s.oidcSecret,
		TrustedProxies: s.settings.TrustedProxies, Policy: s.policy, Auditor: s.auditor, Log: s.log, Now: s.now,
	})
	if err != nil {
		return nil, err
	}
	l.Register(s.mux)
	s.around = append(s.around, l.Wrap)
	s.who = l
	return nil, nil
}

// openPeople puts what people do with their logins into the API.
func (s *serving) openPeople(context.Context) (func() error, error) {
	s.who.Operations(s.api)
	return nil, nil
}

// oidcSecret reads the secret that Linnet has at the identity provider.
func (s *serving) oidcSecret() (string, error) {
	secret, err := post.Secret(s.path(s.settings.Login.OIDC.ClientSecretFile))
	if err != nil {
		return "", fmt.Errorf("clientSecretFile: %w", err)
	}
	return secret, nil
}

// encrypted puts TLS around the listener, where the settings have a certificate.
func (s *serving) encrypted(plain net.Listener) (net.Listener, error) {
	c := s.settings.TLS
	if c == nil {
		return plain, nil
	}
	// The files are this machine's, and so is the clock: it says only when to look
	// at them again, and runs before any other part.
	shown, err := login.NewCertificate(s.path(c.CertFile), s.path(c.KeyFile), s.log, time.Now)
	if err != nil {
		return nil, err
	}
	return tls.NewListener(plain, shown.Config()), nil
}
