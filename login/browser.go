package login

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
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
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/release"
)

// attemptLife is how long somebody may take to log in at the provider.
const attemptLife = 10 * time.Minute

// attempt is a login that has begun. It lies in a cookie of the browser that
// began it: whoever follows a link to the end of somebody else's login has none,
// or another.
type attempt struct {
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	// To is where the browser goes afterwards, a path here.
	To string `json:"t"`
}

func (a attempt) text() string {
	b, _ := json.Marshal(a) // texts alone cannot fail
	return base64.RawURLEncoding.EncodeToString(b)
}

// readAttempt reads the cookie; false where there is none that a login began.
func readAttempt(s string) (a attempt, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(b, &a) != nil || a.State == "" || a.Nonce == "" || a.Verifier == "" {
		return attempt{}, false
	}
	a.To = localPath(a.To)
	return a, true
}

// localPath is a path of this server's, where somebody asks to be sent to one
// after a login; "/" for anything else. A link to the login must not lead to
// somebody else's page, however a browser may read it.
func localPath(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") || len(s) > 1000 ||
		strings.ContainsFunc(s, func(r rune) bool { return r == '\\' || r <= ' ' || r >= 0x7f }) ||
		strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, "\\") {
		return "/"
	}
	return s
}

// Register puts what a browser and `linnet login` do before they are anybody
// into a mux.
func (l *Login) Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/login/start", l.handle(l.start))
	mux.HandleFunc("GET "+callbackPath, l.handle(l.callback))
	mux.HandleFunc("POST /v1/login/logout", l.handle(l.logout))
	mux.HandleFunc("POST /v1/login/device", l.handle(l.deviceStart))
	mux.HandleFunc("POST /v1/login/device/token", l.handle(l.deviceToken))
}

// handle answers with a problem where a handler fails.
func (l *Login) handle(do func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if err := do(rw, r); err != nil {
			l.problem(rw, err)
		}
	}
}

// problem answers with an error. Of what cannot be reached, or went wrong here,
// strangers are told no more than that; the rest is in the log.
func (l *Login) problem(rw http.ResponseWriter, err error) {
	var no *Refused
	switch {
	case errors.As(err, &no), errors.Is(err, release.ErrInvalid), errors.Is(err, release.ErrNotFound):
	case errors.Is(err, release.ErrUnavailable):
		l.cfg.Log.Warn("login", "error", err)
		err = fmt.Errorf("what a login needs cannot be reached at the moment; the log of the server says what: %w", release.ErrUnavailable)
	default:
		l.cfg.Log.Error("login", "error", err)
	}
	api.Fail(rw, err)
}

// start sends a browser to the identity provider: GET /v1/login/start?to=/path.
func (l *Login) start(rw http.ResponseWriter, r *http.Request) error {
	w := wayOf(r, l.cfg.TrustedProxies)
	d, err := l.provider.get(r.Context(), l.cfg.Now())
	if err != nil {
		return err
	}
	if err := readable(r, w); err != nil {
		return err
	}
	c, err := l.client(d)
	if err != nil {
		return err
	}
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), To: localPath(r.URL.Query().Get("to"))}
	setCookie(rw, w, attemptName, a.text(), attemptLife)
	http.Redirect(rw, r, c.AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier)), http.StatusFound)
	return nil
}

// callback is where the provider sends the browser back to.
func (l *Login) callback(rw http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	w := wayOf(r, l.cfg.TrustedProxies)
	if err := readable(r, w); err != nil {
		return err
	}
	a, begun := readAttempt(ownCookie(r, w, attemptName))
	setCookie(rw, w, attemptName, "", 0) // an attempt has one end
	who, err := l.finish(ctx, r.URL.Query(), a, begun)
	who.From = w.from.String()
	var session string
	if err == nil {
		session, err = l.begin(ctx, ownCookie(r, w, sessionName), who)
	}
	if err := l.loginAudit(ctx, who, "browser", err); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	setCookie(rw, w, sessionName, session, l.cfg.Settings.Sessions.Longest)
	http.Redirect(rw, r, a.To, http.StatusSeeOther)
	return nil
}

// finish takes a person from what the provider sent back by their browser.
func (l *Login) finish(ctx context.Context, q url.Values, a attempt, begun bool) (access.Actor, error) {
	if !begun || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.State)) != 1 {
		return access.Actor{}, refuse(http.StatusForbidden, "this login did not begin in this browser, or more than %s ago: begin at %s", attemptLife, l.cfg.PublicURL)
	}
	d, err := l.provider.get(ctx, l.cfg.Now())
	if err != nil {
		return access.Actor{}, err
	}
	if iss := q.Get("iss"); iss != l.provider.settings.Issuer && (iss != "" || d.tellsIssuer) {
		return access.Actor{}, refuse(http.StatusForbidden, "another identity provider answered than the one that was asked")
	}
	if code := q.Get("error"); code != "" {
		return access.Actor{}, refuse(http.StatusForbidden, "the identity provider refused: %.100q", code)
	}
	c, err := l.client(d)
	if err != nil {
		return access.Actor{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, providerClient()), providerWait)
	defer cancel()
	t, err := c.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return access.Actor{}, l.notExchanged(err)
	}
	return l.identify(ctx, d, t, a.Nonce)
}

// notExchanged tells a code that the provider refuses from a provider that
// cannot be asked.
func (l *Login) notExchanged(err error) error {
	var no *oauth2.RetrieveError
	if errors.As(err, &no) && no.Response.StatusCode < http.StatusInternalServerError {
		if no.ErrorCode == "invalid_client" {
			l.cfg.Log.Error("the identity provider does not take the client's secret", "client", l.provider.settings.ClientID)
		}
		return refuse(http.StatusForbidden, "the identity provider refused: %.100q; begin again", no.ErrorCode)
	}
	return unreachable(l.provider.settings.Issuer, err)
}

// loginAudit writes a login, or one that failed, and why.
func (l *Login) loginAudit(ctx context.Context, who access.Actor, how string, failed error) error {
	e := control.Entry{At: l.cfg.Now(), Who: who, What: "login", Object: how}
	if failed != nil {
		var no *Refused
		if !errors.As(failed, &no) {
			return nil // nobody was refused
		}
		e.What, e.Denied = "login.failed", no.Why
	}
	return l.audit(ctx, e)
}

// logout ends the session that the request comes with, and says where the
// browser can log out of the identity provider, too.
func (l *Login) logout(rw http.ResponseWriter, r *http.Request) error {
	who, err := l.Authenticate(r)
	if err != nil {
		return err
	}
	w := wayOf(r, l.cfg.TrustedProxies)
	if id := ownCookie(r, w, sessionName); id != "" {
		if err := l.audit(r.Context(), control.Entry{At: l.cfg.Now(), Who: who, What: "logout", Object: "browser"}); err != nil {
			return err
		}
		if err := l.endSession(r.Context(), id); err != nil {
			return err
		}
	}
	setCookie(rw, w, sessionName, "", 0)
	rw.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(rw).Encode(map[string]string{"provider": l.logoutURL(r.Context())})
}

// logoutURL is where a browser logs out of the provider; empty where it cannot.
func (l *Login) logoutURL(ctx context.Context) string {
	d, err := l.provider.get(ctx, l.cfg.Now())
	if err != nil || d.endSession == "" {
		return ""
	}
	u, err := url.Parse(d.endSession)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	q := u.Query()
	q.Set("client_id", l.provider.settings.ClientID)
	q.Set("post_logout_redirect_uri", strings.TrimSuffix(l.cfg.PublicURL, "/")+"/")
	u.RawQuery = q.Encode()
	return u.String()
}
