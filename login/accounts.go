package login

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// servicePrefix begins the name of each service account.
const servicePrefix = "service:"

// mostName bounds a name, in bytes.
const mostName = 200

// Account is a service account: a pipeline or a script that owns tokens.
type Account struct {
	Name   string
	Made   time.Time
	MadeBy string
	// Disabled is since when none of its tokens is taken; zero for never.
	Disabled time.Time
}

// stamp and instant turn times into what the database keeps and back.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// checkName refuses a name that could not be anybody's. Kinds of actors are told
// apart by what stands before a colon, so that a person's name has none: else
// somebody called "service:ci" at the identity provider would be that account.
func checkName(name string, kind access.Kind) error {
	rest := name
	if kind == access.Service {
		rest = strings.TrimPrefix(name, servicePrefix)
	}
	switch {
	case rest == "" || rest != strings.TrimSpace(rest) || len(name) > mostName:
		return fmt.Errorf("a name of 1 to %d bytes is needed, without blanks around it: %w", mostName, release.ErrInvalid)
	case strings.ContainsFunc(rest, func(r rune) bool { return r == ':' || !unicode.IsPrint(r) }):
		return fmt.Errorf("a name has no colon and no control characters: %w", release.ErrInvalid)
	}
	return nil
}

// mayForOthers refuses who may not make and revoke tokens of others.
func (l *Login) mayForOthers(ctx context.Context, by access.Actor, what, object string) error {
	d := l.cfg.Policy.Decide(by, access.Tokens, access.Resource{})
	if d.Allowed {
		return nil
	}
	return l.denied(ctx, control.Entry{Who: by, What: what, Object: object, Denied: d.Why})
}

// mayForOwn refuses a token that is not for what its owner may always do: to end
// their own tokens and sessions.
func (l *Login) mayForOwn(ctx context.Context, by access.Actor, what, object string) error {
	why := by.Beyond(access.Tokens, access.Resource{})
	if why == "" {
		return nil
	}
	return l.denied(ctx, control.Entry{Who: by, What: what, Object: object, Denied: why})
}

// denied keeps a try that was not allowed, and returns why.
func (l *Login) denied(ctx context.Context, e control.Entry) error {
	e.At = l.cfg.Now()
	if err := l.audit(ctx, e); err != nil {
		return err
	}
	return refuse(http.StatusForbidden, "%s", e.Denied)
}

// keepAccount makes an account where there is none; known is whether there was.
func (l *Login) keepAccount(ctx context.Context, tx database.Tx, name, by string) (known bool, err error) {
	res, err := tx.Exec(ctx, `INSERT INTO login_accounts (name, kind, groups, made_at, made_by, seen_at, disabled)
		VALUES (?, ?, '[]', ?, ?, 0, 0) ON CONFLICT (name) DO NOTHING`, name, string(kindOf(name)), stamp(l.cfg.Now()), by)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 0, err
}

// CreateAccount makes a service account; name is with or without "service:".
// One that exists is release.ErrConflict; who may not is a *Refused.
func (l *Login) CreateAccount(ctx context.Context, by access.Actor, name string) (Account, error) {
	a := Account{Name: servicePrefix + strings.TrimPrefix(name, servicePrefix), Made: l.cfg.Now(), MadeBy: by.Name}
	const what = "service-account.create"
	if err := checkName(a.Name, access.Service); err != nil {
		return Account{}, err
	}
	if err := l.mayForOthers(ctx, by, what, a.Name); err != nil {
		return Account{}, err
	}
	if err := l.audit(ctx, control.Entry{At: a.Made, Who: by, What: what, Object: a.Name}); err != nil {
		return Account{}, err
	}
	err := l.cfg.DB.Write(ctx, func(tx database.Tx) error {
		known, err := l.keepAccount(ctx, tx, a.Name, by.Name)
		if err == nil && known {
			return fmt.Errorf("service account %s exists: %w", a.Name, release.ErrConflict)
		}
		return err
	})
	return a, err
}

// Accounts lists the service accounts, for who may make them.
func (l *Login) Accounts(ctx context.Context, by access.Actor) (all []Account, err error) {
	if err := l.mayForOthers(ctx, by, "service-account.list", ""); err != nil {
		return nil, err
	}
	err = l.cfg.DB.Read(ctx, func(tx database.Tx) error {
		rows, err := tx.Query(ctx, `SELECT name, made_at, made_by, disabled FROM login_accounts WHERE kind = ? ORDER BY name LIMIT ?`,
			string(access.Service), mostListed)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a Account
			var made, disabled int64
			if err := rows.Scan(&a.Name, &made, &a.MadeBy, &disabled); err != nil {
				return err
			}
			a.Made, a.Disabled = instant(made), instant(disabled)
			all = append(all, a)
		}
		return rows.Err()
	})
	return all, err
}

// Disable stops all tokens and sessions of somebody at once, a service account's
// or a person's, on every replica; enabled, the tokens that have not ended are
// taken again, and people have to log in.
func (l *Login) Disable(ctx context.Context, by access.Actor, name string, disabled bool) error {
	name = spec.ActorName(name)
	what, at := "account.enable", int64(0)
	if disabled {
		what, at = "account.disable", stamp(l.cfg.Now())
	}
	if err := l.mayForOthers(ctx, by, what, name); err != nil {
		return err
	}
	if err := l.audit(ctx, control.Entry{At: l.cfg.Now(), Who: by, What: what, Object: name}); err != nil {
		return err
	}
	return l.cfg.DB.Write(ctx, func(tx database.Tx) error {
		res, err := tx.Exec(ctx, `UPDATE login_accounts SET disabled = ? WHERE name = ?`, at, name)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return found(err, "account %q is not known: %w", name)
		}
		_, err = tx.Exec(ctx, `DELETE FROM login_sessions WHERE owner = ?`, name)
		return err
	})
}

// found is an error, or release.ErrNotFound where there is none.
func found(err error, format, name string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf(format, name, release.ErrNotFound)
}

// saw keeps what the identity provider says of a person: the groups are those of
// the last login, for sessions and tokens that are there already, too.
func (l *Login) saw(ctx context.Context, tx database.Tx, name string, groups []string) error {
	now := l.cfg.Now()
	if _, err := l.keepAccount(ctx, tx, name, "the identity provider"); err != nil {
		return err
	}
	text, err := json.Marshal(append([]string{}, groups...))
	if err != nil {
		return err
	}
	var disabled int64
	if err := tx.QueryRow(ctx, `SELECT disabled FROM login_accounts WHERE name = ?`+tx.Lock(), name).Scan(&disabled); err != nil {
		return err
	}
	if disabled != 0 {
		return refuse(http.StatusForbidden, "the account %s was disabled on %s", name, instant(disabled).Format(time.DateOnly))
	}
	_, err = tx.Exec(ctx, `UPDATE login_accounts SET groups = ?, seen_at = ? WHERE name = ?`, string(text), stamp(now), name)
	return err
}

// Vouched is a person whom another system names, a chat that knows who pressed a
// button: with the groups of their last login. One whose account was disabled is a
// *Refused.
func (l *Login) Vouched(ctx context.Context, name, from string) (access.Actor, error) {
	who := access.Actor{Name: name, Kind: access.Person, From: from}
	var o owner
	err := l.cfg.DB.Read(ctx, func(tx database.Tx) error {
		return tx.QueryRow(ctx, `SELECT kind, groups, disabled FROM login_accounts WHERE name = ?`, database.Text(name)).Scan(&o.kind, &o.groups, &o.disabled)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return who, nil // they have never logged in
	case err != nil:
		return access.Actor{}, err
	}
	who, err = o.actor(name)
	who.From = from
	return who, err
}
