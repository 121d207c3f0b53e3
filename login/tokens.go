package login

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/login/token"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// mostListed bounds lists of tokens and accounts, usedEvery how often it is
// written down that one was used.
const (
	mostListed = 1000
	usedEvery  = time.Minute
	// keptEnded is how long a token that has ended is known, and whoever shows it is
	// told so; after that it is one that nobody knows.
	keptEnded = 30 * 24 * time.Hour
)

// Narrowing is what a token is for; nil for whatever its owner may.
type Narrowing struct {
	Actions  []access.Action `json:"actions,omitempty"`
	Services []string        `json:"services,omitempty"`
	Teams    []string        `json:"teams,omitempty"`
}

// Token is what is known of a token. The secret is not.
type Token struct {
	ID, Name, Owner string
	For             Narrowing
	Made            time.Time
	MadeBy          string
	Ends            time.Time
	// Used is when it was used last, to the minute; zero for never.
	Used time.Time
	// Revoked is since when it is not taken any more; zero for not revoked.
	Revoked time.Time
}

// Wish is a token that somebody wants to have made.
type Wish struct {
	// Name is what people call it. Owner is whose it is; empty for who asks.
	Name, Owner string
	For         Narrowing
	// Life is how long it lives; 0 for as long as any may.
	Life time.Duration
}

// CreateToken makes a token. Its text is told once, here. Who asks for a token
// of somebody else, or for one that may do more than their own, needs to be
// allowed to, else the error is a *Refused; what cannot be is release.ErrInvalid.
func (l *Login) CreateToken(ctx context.Context, by access.Actor, w Wish) (t Token, text string, err error) {
	if w.Owner == "" {
		w.Owner = by.Name
	}
	w.Owner = spec.ActorName(w.Owner)
	if err := l.checkWish(w); err != nil {
		return Token{}, "", err
	}
	const what = "token.create"
	if w.Owner != by.Name {
		if err := l.mayForOthers(ctx, by, what, w.Owner); err != nil {
			return Token{}, "", err
		}
	}
	if why := wider(by, w.For); why != "" {
		return Token{}, "", l.denied(ctx, control.Entry{Who: by, What: what, Object: w.Owner, Denied: why})
	}
	return l.makeToken(ctx, by, w)
}

func (l *Login) checkWish(w Wish) error {
	kind := kindOf(w.Owner)
	if err := checkName(strings.TrimPrefix(w.Owner, "local:"), kind); err != nil {
		return fmt.Errorf("owner: %w", err)
	}
	if err := checkName(w.Name, access.Person); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	if longest := l.longest(); w.Life < 0 || w.Life > longest {
		return fmt.Errorf("a token lives for %s at most (spec.login.tokens.longest): %w", longest, release.ErrInvalid)
	}
	for _, a := range w.For.Actions {
		if !slices.Contains(access.Actions(), a) {
			return fmt.Errorf("%q is no action; there are %v: %w", a, access.Actions(), release.ErrInvalid)
		}
	}
	const most = 100
	if len(w.For.Services) > most || len(w.For.Teams) > most || len(w.For.Actions) > most {
		return fmt.Errorf("a token is for at most %d services and teams: %w", most, release.ErrInvalid)
	}
	for _, s := range slices.Concat(w.For.Services, w.For.Teams) {
		if s == "" || len(s) > mostName {
			return fmt.Errorf("a service or team has a name of 1 to %d bytes: %w", mostName, release.ErrInvalid)
		}
	}
	return nil
}

func kindOf(name string) access.Kind {
	if strings.HasPrefix(name, servicePrefix) {
		return access.Service
	}
	return access.Person
}

// longest is how long a token may live where no settings say it.
func (l *Login) longest() time.Duration {
	if l.cfg.Settings == nil {
		return 90 * 24 * time.Hour
	}
	return l.cfg.Settings.Tokens.Longest
}

// wider tells why a token may not make another: what it cannot do itself, it
// could have done by what it makes. Empty where it may.
func wider(by access.Actor, wanted Narrowing) string {
	if why := by.Beyond(access.Tokens, access.Resource{}); why != "" {
		return why
	}
	if by.Scopes == nil {
		return ""
	}
	if wanted.Actions == nil {
		return "a token that is for some actions alone makes no token for all of them"
	}
	for _, a := range wanted.Actions {
		if why := by.Beyond(a, access.Resource{}); why != "" {
			return why
		}
	}
	return ""
}

// makeToken makes a token for who may have it.
func (l *Login) makeToken(ctx context.Context, by access.Actor, w Wish) (t Token, text string, err error) {
	var id [token.IDSize]byte
	var secret [token.SecretSize]byte
	rand.Read(id[:])     // never fails
	rand.Read(secret[:]) // nor this
	made := token.New(id, secret)
	now := l.cfg.Now().UTC()
	if w.Life == 0 {
		w.Life = l.longest()
	}
	t = Token{ID: made.ID, Name: w.Name, Owner: w.Owner, For: w.For, Made: now, MadeBy: by.Name, Ends: now.Add(w.Life)}
	scopes, err := json.Marshal(w.For)
	if err != nil {
		return Token{}, "", err
	}
	after := fmt.Sprintf("%s, of %s, until %s, for %s", w.Name, w.Owner, t.Ends.Format(time.RFC3339), scopes)
	if err := l.audit(ctx, control.Entry{At: now, Who: by, What: "token.create", Object: "token " + t.ID, After: after}); err != nil {
		return Token{}, "", err
	}
	err = l.cfg.DB.Write(ctx, func(tx database.Tx) error {
		if _, err := l.keepAccount(ctx, tx, w.Owner, by.Name); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM login_tokens WHERE ends_at <= ?`, stamp(now.Add(-keptEnded))); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO login_tokens (id, hash, owner, name, scopes, made_at, made_by, ends_at, used_at, revoked)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0)`, t.ID, made.Hash(), t.Owner, t.Name, string(scopes), stamp(now), t.MadeBy, stamp(t.Ends))
		return err
	})
	if err != nil {
		return Token{}, "", err
	}
	return t, made.Text(), nil
}

// ListTokens lists tokens, the newest first, ended and revoked ones too: all of
// an owner, or everybody's where owner is "*".
func (l *Login) ListTokens(ctx context.Context, by access.Actor, owner string) (all []Token, err error) {
	if owner = spec.ActorName(owner); owner == "" {
		owner = by.Name
	}
	if owner != by.Name {
		if err := l.mayForOthers(ctx, by, "token.list", owner); err != nil {
			return nil, err
		}
	}
	where, args := ` WHERE owner = ?`, []any{owner, mostListed}
	if owner == "*" {
		where, args = "", args[1:]
	}
	err = l.cfg.DB.Read(ctx, func(tx database.Tx) error {
		rows, err := tx.Query(ctx, `SELECT `+tokenColumns+` FROM login_tokens`+where+` ORDER BY made_at DESC, id LIMIT ?`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			t, err := scanToken(rows)
			if err != nil {
				return err
			}
			all = append(all, t)
		}
		return rows.Err()
	})
	return all, err
}

const tokenColumns = `id, name, owner, scopes, made_at, made_by, ends_at, used_at, revoked`

func scanToken(row interface{ Scan(...any) error }) (t Token, err error) {
	var scopes string
	var made, ends, used, revoked int64
	if err := row.Scan(&t.ID, &t.Name, &t.Owner, &scopes, &made, &t.MadeBy, &ends, &used, &revoked); err != nil {
		return Token{}, err
	}
	t.Made, t.Ends, t.Used, t.Revoked = instant(made), instant(ends), instant(used), instant(revoked)
	return t, json.Unmarshal([]byte(scopes), &t.For)
}

// RevokeToken ends a token at once, on every replica. Its owner may, but not by a
// token that is for something else, and who may revoke those of others. One that is not known is release.ErrNotFound, also to
// those who may not know of it.
func (l *Login) RevokeToken(ctx context.Context, by access.Actor, id string) error {
	const what = "token.revoke"
	var t Token
	err := l.cfg.DB.Read(ctx, func(tx database.Tx) (err error) {
		t, err = scanToken(tx.QueryRow(ctx, `SELECT `+tokenColumns+` FROM login_tokens WHERE id = ?`, id))
		return err
	})
	unknown := fmt.Errorf("token %q is not known: %w", id, release.ErrNotFound)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return unknown
	case err != nil:
		return err
	}
	if t.Owner == by.Name {
		err = l.mayForOwn(ctx, by, what, "token "+id)
	} else if err = l.mayForOthers(ctx, by, what, "token "+id); errors.As(err, new(*Refused)) {
		err = unknown
	}
	if err != nil {
		return err
	}
	now := l.cfg.Now()
	if err := l.audit(ctx, control.Entry{At: now, Who: by, What: what, Object: "token " + id, Before: t.Name + ", of " + t.Owner}); err != nil {
		return err
	}
	return l.cfg.DB.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE login_tokens SET revoked = ? WHERE id = ? AND revoked = 0`, stamp(now), id)
		return err
	})
}

// tokenOwner says whose a token is. It is looked up each time, so that one
// revoked a moment ago at another replica is not taken here.
func (l *Login) tokenOwner(ctx context.Context, shown token.Token) (access.Actor, error) {
	var t Token
	var o owner
	err := l.cfg.DB.Read(ctx, func(tx database.Tx) error {
		var scopes string
		var ends, used, revoked int64
		err := tx.QueryRow(ctx, `SELECT t.hash, t.owner, t.scopes, t.ends_at, t.used_at, t.revoked, a.kind, a.groups, a.disabled
			FROM login_tokens t JOIN login_accounts a ON a.name = t.owner WHERE t.id = ?`, shown.ID).
			Scan(&o.hash, &t.Owner, &scopes, &ends, &used, &revoked, &o.kind, &o.groups, &o.disabled)
		if err != nil {
			return err
		}
		t.Ends, t.Used, t.Revoked = instant(ends), instant(used), instant(revoked)
		return json.Unmarshal([]byte(scopes), &t.For)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return access.Actor{}, errWrong
	case err != nil:
		return access.Actor{}, err
	case !shown.Matches(o.hash):
		return access.Actor{}, errWrong
	}
	now := l.cfg.Now()
	switch {
	case !t.Revoked.IsZero():
		return access.Actor{}, refuse(http.StatusUnauthorized, "the token %s was revoked on %s", shown.ID, t.Revoked.Format(time.DateOnly))
	case !now.Before(t.Ends):
		return access.Actor{}, refuse(http.StatusUnauthorized, "the token %s ended at %s: make another, or `linnet login`", shown.ID, t.Ends.Format(time.RFC3339))
	}
	who, err := o.actor(t.Owner)
	if err != nil {
		return access.Actor{}, err
	}
	who.Scopes, who.Services, who.Teams = t.For.Actions, t.For.Services, t.For.Teams
	if now.Sub(t.Used) >= usedEvery {
		l.used(ctx, `UPDATE login_tokens SET used_at = ? WHERE id = ? AND used_at < ?`, shown.ID)
	}
	return who, nil
}

// owner is what is read of an account together with a token or session.
type owner struct {
	hash         []byte
	kind, groups string
	disabled     int64
}

func (o owner) actor(name string) (access.Actor, error) {
	if o.disabled != 0 {
		return access.Actor{}, refuse(http.StatusUnauthorized, "the account %s was disabled on %s", name, instant(o.disabled).Format(time.DateOnly))
	}
	who := access.Actor{Name: name, Kind: access.Kind(o.kind)}
	return who, json.Unmarshal([]byte(o.groups), &who.Groups)
}

// used writes down that a token or session is in use. What it is for goes on
// where that fails: a database that takes no writes can still be read.
func (l *Login) used(ctx context.Context, statement string, key any) {
	now := l.cfg.Now()
	err := l.cfg.DB.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, statement, stamp(now), key, stamp(now.Add(-usedEvery)))
		return err
	})
	if err != nil {
		l.cfg.Log.Warn("the last use of a token or session is not written", "error", err)
	}
}
