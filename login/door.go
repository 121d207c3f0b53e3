package login

import (
	"net/http"
	"strings"
)

// policyOfPages is what a page of ours may do: load what comes from here, and
// nothing else; nobody may put it into a frame.
const policyOfPages = "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"

// Wrap puts around all handlers what holds for each request, whoever sends it:
// headers that keep browsers safe, the rate of strangers, and no requests that a
// browser sends for a page of somebody else. Where no login is configured, the
// browser must have asked this machine by its own name.
func (l *Login) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := wayOf(r, l.cfg.TrustedProxies)
		l.headers(rw, r, w)
		if err := l.welcome(r, w); err != nil {
			l.problem(rw, err)
			return
		}
		if r.URL.Path == tokensPath {
			// An answer that is given again to the same key would have to be kept, and
			// this one holds a secret.
			r.Header.Del("Idempotency-Key")
		}
		next.ServeHTTP(rw, r)
	})
}

func (l *Login) headers(rw http.ResponseWriter, r *http.Request, w way) {
	h := rw.Header()
	h.Set("Content-Security-Policy", policyOfPages)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if w.tls {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if strings.HasPrefix(r.URL.Path, "/v1/") || r.URL.Path == measuresPath {
		h.Set("Cache-Control", "no-store")
	}
}

// tokensPath is where tokens are made, measuresPath where measures are: of all
// services, and so for those alone who have logged in. What is below loginPaths is
// for those who have not.
const (
	loginPaths   = "/v1/login/"
	tokensPath   = "/v1/tokens"
	measuresPath = "/metrics"
)

// welcome refuses what nobody should send.
func (l *Login) welcome(r *http.Request, w way) error {
	if l.cfg.Settings == nil {
		if _, err := l.local(r, w); err != nil {
			return err
		}
	}
	if r.URL.Path == measuresPath {
		_, err := l.Authenticate(r)
		return err
	}
	_, kind := credential(r)
	// What is shown where nobody looks at it is as good as nothing.
	if kind == nothing || strings.HasPrefix(r.URL.Path, loginPaths) {
		if wait := l.anybody.Wait(w.key(), l.cfg.Now()); wait > 0 {
			return tooFast(wait)
		}
	}
	if kind == bearer {
		return nil // a program, which no page can make send it; Authenticate counts it
	}
	return l.sameOrigin(r)
}
