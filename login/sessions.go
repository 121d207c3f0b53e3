package login

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/spec"
)

// The names of cookies. With the prefix a browser takes and sends one over HTTPS
// alone, for exactly this host, so that neither a neighbouring host nor somebody
// on the way can plant one.
const (
	sessionName = "linnet_session"
	attemptName = "linnet_login"
	hostPrefix  = "__Host-"
)

// CSRFHeader must hold the session's own token (see GET /v1/me) with each
// request that changes something and comes with a session: a page of somebody
// else cannot read it, nor set the header.
const CSRFHeader = "X-Linnet-CSRF"

// setCookie sets a cookie; without a value it is taken back.
func setCookie(rw http.ResponseWriter, w way, name, value string, life time.Duration) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: w.tls, SameSite: http.SameSiteLaxMode}
	if w.tls {
		c.Name = hostPrefix + name
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(rw, c)
}

// sessionCookie finds the session that a request comes with.
func sessionCookie(r *http.Request) (string, bool) {
	for _, name := range []string{hostPrefix + sessionName, sessionName} {
		if c, err := r.Cookie(name); err == nil && c.Value != "" {
			return c.Value, true
		}
	}
	return "", false
}

// ownCookie is the value of a cookie, under the name that it has on this way: over
// HTTPS one without the prefix may have been planted.
func ownCookie(r *http.Request, w way, name string) string {
	if w.tls {
		name = hostPrefix + name
	}
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// readable refuses cookies where others could read them: over plain HTTP, but
// from a browser to its own machine.
func readable(r *http.Request, w way) error {
	if w.tls || ofThisMachine(r.Host) && w.near {
		return nil
	}
	return refuse(http.StatusForbidden, "logins and sessions go over https only: ask there")
}

// csrfOf is the token that goes with a session. It is made of the session's id,
// which no script can read, and leads nowhere back.
func csrfOf(session string) string {
	h := sha256.Sum256([]byte("linnet csrf\n" + session))
	return hex.EncodeToString(h[:])
}

func hashOf(session string) []byte {
	h := sha256.Sum256([]byte(session))
	return h[:]
}

// begin begins a session of somebody who has just logged in, and ends the one
// that their browser had: an id that somebody planted before is worth nothing.
// Nobody has the session who is not told its id.
func (l *Login) begin(ctx context.Context, before string, who access.Actor) (id string, err error) {
	id = rand.Text() + rand.Text()
	now := l.cfg.Now()
	err = l.cfg.DB.Write(ctx, func(tx database.Tx) error {
		if err := l.saw(ctx, tx, who.Name, who.Groups); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM login_sessions WHERE ends_at <= ? OR hash = ?`, stamp(now), hashOf(before)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO login_sessions (hash, owner, made_at, used_at, ends_at) VALUES (?, ?, ?, ?, ?)`,
			hashOf(id), who.Name, stamp(now), stamp(now), stamp(now.Add(l.cfg.Settings.Sessions.Longest)))
		return err
	})
	return id, err
}

// bySession finds whose a session is.
func (l *Login) bySession(r *http.Request, w way, id string) (access.Actor, error) {
	if err := readable(r, w); err != nil {
		return access.Actor{}, err
	}
	over := refuse(http.StatusUnauthorized, "the session is over: log in again")
	if ownCookie(r, w, sessionName) != id {
		return access.Actor{}, over
	}
	var name string
	var usedAt, endsAt int64
	var o owner
	ctx := r.Context()
	err := l.cfg.DB.Read(ctx, func(tx database.Tx) error {
		return tx.QueryRow(ctx, `SELECT s.owner, s.used_at, s.ends_at, a.kind, a.groups, a.disabled
			FROM login_sessions s JOIN login_accounts a ON a.name = s.owner WHERE s.hash = ?`, hashOf(id)).
			Scan(&name, &usedAt, &endsAt, &o.kind, &o.groups, &o.disabled)
	})
	now := l.cfg.Now()
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return access.Actor{}, over // a browser that does not know is no guesser
	case err != nil:
		return access.Actor{}, err
	case !now.Before(instant(endsAt)) || now.Sub(instant(usedAt)) > l.cfg.Settings.Sessions.Idle:
		return access.Actor{}, over
	}
	if err := l.meant(r, id); err != nil {
		return access.Actor{}, err
	}
	who, err := o.actor(name)
	if err == nil && now.Sub(instant(usedAt)) >= usedEvery {
		l.used(ctx, `UPDATE login_sessions SET used_at = ? WHERE hash = ? AND used_at < ?`, hashOf(id))
	}
	return who, err
}

// meant refuses a request that changes something and that the user of a browser
// did not mean, because a page of somebody else sent it.
func (l *Login) meant(r *http.Request, session string) error {
	if err := l.sameOrigin(r); err != nil || safe(r.Method) {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(CSRFHeader)), []byte(csrfOf(session))) != 1 {
		return refuse(http.StatusForbidden, "the header %s is missing or not that of this session: GET /v1/me tells it", CSRFHeader)
	}
	return nil
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// sameOrigin refuses what a browser sends for a page of somebody else.
func (l *Login) sameOrigin(r *http.Request) error {
	if l.cross.Check(r) != nil {
		return refuse(http.StatusForbidden, "a page of another origin sent this request")
	}
	return nil
}

// CSRF is the token for the header CSRFHeader, for who comes with a session;
// empty for others.
func (l *Login) CSRF(r *http.Request) string {
	w := wayOf(r, l.cfg.TrustedProxies)
	if id := ownCookie(r, w, sessionName); id != "" {
		return csrfOf(id)
	}
	return ""
}

// EndSessions ends all sessions of somebody, on every replica: one's own, or
// those of others for who may revoke their tokens.
func (l *Login) EndSessions(ctx context.Context, by access.Actor, name string) error {
	const what = "session.end"
	name = spec.ActorName(name)
	may := l.mayForOthers
	if name == by.Name {
		may = l.mayForOwn
	}
	if err := may(ctx, by, what, name); err != nil {
		return err
	}
	if err := l.audit(ctx, control.Entry{At: l.cfg.Now(), Who: by, What: what, Object: name}); err != nil {
		return err
	}
	return l.cfg.DB.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM login_sessions WHERE owner = ?`, name)
		return err
	})
}

// endSession ends one session.
func (l *Login) endSession(ctx context.Context, id string) error {
	return l.cfg.DB.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM login_sessions WHERE hash = ?`, hashOf(id))
		return err
	})
}
