package login

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/login/limit"
	"github.com/linnet-project/linnet/login/token"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Config is what a Login works with. All must be set but Settings, OIDCSecret,
// TrustedProxies and Auditor.
type Config struct {
	DB *database.DB
	// Settings say how people log in; nil where no login is configured. Then
	// whoever reaches the loopback address of this machine is Local.
	Settings *spec.Login
	// Local is the user of this machine.
	Local string
	// PublicURL is how browsers reach the server.
	PublicURL string
	// OIDCSecret reads the secret of the client at the identity provider.
	OIDCSecret     func() (string, error)
	TrustedProxies []netip.Prefix
	// Policy says who may make and revoke tokens of others.
	Policy  access.Policy
	Auditor control.Auditor
	Log     *slog.Logger
	Now     func() time.Time
}

// Login knows who somebody is. It is safe for use by several goroutines.
type Login struct {
	cfg      Config
	cross    *http.CrossOriginProtection
	anybody  *limit.Rates    // by address, of requests that show nothing
	actors   *limit.Rates    // by actor
	failures *limit.Failures // by address, and by id of a token
	right    *limit.Seen     // credentials that were right, by their hash
	provider provider
}

// New returns a Login, and makes its tables where they do not exist. An identity
// provider that cannot be reached is no error: it is asked when somebody logs in.
func New(ctx context.Context, cfg Config) (*Login, error) {
	if err := Migrate(ctx, cfg.DB); err != nil {
		return nil, err
	}
	l := &Login{
		cfg: cfg, cross: http.NewCrossOriginProtection(),
		failures: limit.NewFailures(), right: limit.NewSeen(), anybody: limit.NewRates(0), actors: limit.NewRates(0),
	}
	if s := cfg.Settings; s != nil {
		l.anybody, l.actors = limit.NewRates(int(s.Rates.Anonymous)), limit.NewRates(int(s.Rates.Actor))
		l.provider.settings = s.OIDC
	}
	if u, err := url.Parse(cfg.PublicURL); err == nil && u.Host != "" {
		// A proxy in front may pass on another Host than browsers ask for.
		if err := l.cross.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			return nil, fmt.Errorf("publicURL: %w: %w", err, release.ErrInvalid)
		}
	}
	return l, nil
}

// Refused says that a request is not let in. Its text goes to whoever asked, and
// holds nothing that they did not send.
type Refused struct {
	// Status is of HTTP: 401 not logged in, 403 not this way, 429 too fast.
	Status int
	Why    string
	// Wait is how long to wait before the next try; 0 where waiting does not help.
	Wait time.Duration
}

// Error implements error.
func (r *Refused) Error() string { return r.Why }

// Header is what goes with the answer.
func (r *Refused) Header() http.Header {
	h := http.Header{}
	switch r.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="linnet"`)
	case http.StatusTooManyRequests:
		h.Set("Retry-After", fmt.Sprint(max(1, int((r.Wait+time.Second-1)/time.Second))))
	}
	return h
}

func refuse(status int, format string, args ...any) *Refused {
	return &Refused{Status: status, Why: fmt.Sprintf(format, args...)}
}

const notLoggedIn = "not logged in: send a token (Authorization: Bearer lnt_…; `linnet login` gets one), or log in with a browser"

// Authenticate says who sends a request: by the token it carries, or by its
// session, or, where no login is configured, because it comes from this machine.
// An error is a *Refused, or release.ErrUnavailable where the database is.
func (l *Login) Authenticate(r *http.Request) (access.Actor, error) {
	w := wayOf(r, l.cfg.TrustedProxies)
	var who access.Actor
	var err error
	shown, kind := credential(r)
	switch {
	case kind == bearer:
		who, err = l.proven(r, w, shown, l.byToken)
	case kind == cookie && l.cfg.Settings != nil:
		who, err = l.proven(r, w, shown, l.bySession)
	case kind == unreadable:
		err = refuse(http.StatusUnauthorized, "the Authorization header is not one of Linnet's: write Authorization: Bearer lnt_…")
	case l.cfg.Settings == nil:
		who, err = l.local(r, w)
	default:
		err = refuse(http.StatusUnauthorized, notLoggedIn)
	}
	if err != nil {
		return access.Actor{}, l.stranger(w, err)
	}
	who.From = w.from.String()
	if wait := l.actors.Wait(who.Name, l.cfg.Now()); wait > 0 {
		return access.Actor{}, tooFast(wait)
	}
	return who, nil
}

// stranger holds a request that proved nothing to the rate of its address.
func (l *Login) stranger(w way, err error) error {
	var no *Refused
	if !errors.As(err, &no) || no.Status == http.StatusTooManyRequests {
		return err
	}
	if wait := l.anybody.Wait(w.key(), l.cfg.Now()); wait > 0 {
		return tooFast(wait)
	}
	return err
}

func tooFast(wait time.Duration) *Refused {
	r := refuse(http.StatusTooManyRequests, "too many requests: wait %s", wait.Round(time.Second))
	r.Wait = wait
	return r
}

// shown says what somebody shows to prove who they are.
type shown int

const (
	nothing shown = iota
	bearer
	cookie
	unreadable
)

// credential finds what a request shows. A token goes before a session: whoever
// sends both is a program in somebody's browser, and means the token.
func credential(r *http.Request) (string, shown) {
	if all := r.Header.Values("Authorization"); len(all) > 0 {
		scheme, value, _ := strings.Cut(all[0], " ")
		if len(all) > 1 || !strings.EqualFold(scheme, "Bearer") {
			return "", unreadable
		}
		return strings.TrimSpace(value), bearer
	}
	if value, ok := sessionCookie(r); ok {
		return value, cookie
	}
	return "", nothing
}

// errWrong is a credential that is nobody's: a guess, or a mistake. What was
// somebody's once (expired, revoked) is refused too, but is no guess.
var errWrong = errors.New("nobody's")

// proven checks a credential, unless too many from its address were wrong. Then
// only what was right before is looked at: a guesser does not lock out those who
// share the address and are at work.
func (l *Login) proven(r *http.Request, w way, credential string, check func(*http.Request, way, string) (access.Actor, error)) (access.Actor, error) {
	now := l.cfg.Now()
	hash := sha256.Sum256([]byte(credential))
	key := string(hash[:])
	if wait := l.failures.Locked(w.key(), now); wait > 0 && !l.right.Has(key) {
		return access.Actor{}, l.lockedOut(wait)
	}
	who, err := check(r, w, credential)
	switch {
	case err == nil:
		l.right.Add(key)
	case errors.Is(err, errWrong):
		err = l.failed(r.Context(), w, credential)
	}
	if err != nil && !errors.As(err, new(*Refused)) && !l.right.Has(key) {
		// Nobody can say whether it is right. At work is who was right before.
		if wait := l.anybody.Wait(w.key(), now); wait > 0 {
			return access.Actor{}, tooFast(wait)
		}
	}
	return who, err
}

// failed counts a wrong credential, of its address and of the token that it says
// to be, and writes the first ones and each that locks into the audit.
func (l *Login) failed(ctx context.Context, w way, credential string) error {
	now := l.cfg.Now()
	wait := l.failures.Fail(w.key(), now)
	object := "a token"
	if id, ok := tokenID(credential); ok {
		object = "token " + id
		// A right secret is let in all the same: the count is for guesses from
		// many addresses, which are told to wait instead of no.
		wait = max(wait, l.failures.Fail(object, now))
	}
	entry := control.Entry{At: now, Who: access.Actor{From: w.from.String()}, What: "login.failed", Object: object, Denied: "wrong"}
	if wait > 0 {
		entry.Denied = "wrong, and locked out for " + wait.Round(time.Second).String()
	}
	if err := l.audit(ctx, entry); err != nil {
		return err
	}
	if wait > 0 {
		return l.lockedOut(wait)
	}
	return refuse(http.StatusUnauthorized, "the token is not known here; %s", notLoggedIn)
}

func (l *Login) lockedOut(wait time.Duration) *Refused {
	r := refuse(http.StatusTooManyRequests, "locked out after too many wrong tokens: wait %s", wait.Round(time.Second))
	r.Wait = wait
	return r
}

// local lets in whoever uses this machine.
func (l *Login) local(r *http.Request, w way) (access.Actor, error) {
	if !w.from.IsLoopback() || !ofThisMachine(r.Host) {
		return access.Actor{}, refuse(http.StatusForbidden, "no login is configured, so only this machine is listened to, by its own name (http://127.0.0.1 or http://localhost): configure a login, or ask there")
	}
	if err := l.sameOrigin(r); err != nil {
		return access.Actor{}, err
	}
	return access.Actor{Name: "local:" + l.cfg.Local, Kind: access.Person}, nil
}

// byToken finds the owner of a token.
func (l *Login) byToken(r *http.Request, w way, credential string) (access.Actor, error) {
	if !w.tls && !w.near {
		return access.Actor{}, refuse(http.StatusForbidden, "tokens are taken over https only: this one could be read on its way, revoke it")
	}
	t, err := token.Parse(credential)
	if err != nil {
		return access.Actor{}, errWrong
	}
	return l.tokenOwner(r.Context(), t)
}

// audit writes an entry; what it tells does not happen if that fails.
func (l *Login) audit(ctx context.Context, e control.Entry) error {
	if l.cfg.Auditor == nil {
		l.cfg.Log.Info("login", "what", e.What, "who", e.Who.Name, "from", e.Who.From, "object", e.Object, "denied", e.Denied)
		return nil
	}
	return l.cfg.Auditor.Audit(ctx, e)
}

// tokenID is the id that a credential says to be of, for what people read.
func tokenID(credential string) (string, bool) {
	id, _, _ := strings.Cut(strings.TrimPrefix(credential, token.Prefix), "_")
	return id, token.ValidID(id)
}

// MayListen says whether a server may listen on an address: one of this machine
// alone, or, where a login is configured, any over which nothing secret goes
// readable. The error, release.ErrInvalid, says what to configure.
func MayListen(s spec.Server, at netip.Addr) error {
	where := cmp.Or(s.Listen, at.String())
	switch {
	case at.Unmap().IsLoopback():
		return nil
	case s.Login == nil:
		return fmt.Errorf("listen %s: no login is configured, and whoever reaches this address could do everything: listen on this machine alone, such as 127.0.0.1:8440, or configure one (spec.login; docs/login.md): %w", where, release.ErrInvalid)
	case s.TLS == nil && len(s.TrustedProxies) == 0:
		return fmt.Errorf("listen %s: tokens and sessions would go over the network for all to read: set spec.tls {certFile, keyFile}, or spec.trustedProxies where a proxy in front speaks https: %w", where, release.ErrInvalid)
	}
	return nil
}
