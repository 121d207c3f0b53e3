// Package link makes links that lead from a notice to the approval that it asks
// for. A link says which question of which release it answers, until when, and is
// signed, so that nobody makes one up or turns one into another. It gives no right:
// whoever opens it has to be logged in, and to send a form; a program that looks at
// links in messages approves nothing.
package link

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

const (
	// goodFor is how long a link can be used, keyFor how long a key signs.
	goodFor = 24 * time.Hour
	keyFor  = 7 * 24 * time.Hour
	// mostText bounds a link's text, in bytes.
	mostText = 1 << 10
)

var tables = []database.Migration{{
	SQLite:   `CREATE TABLE link_keys (id TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, secret BLOB NOT NULL) STRICT, WITHOUT ROWID`,
	Postgres: `CREATE TABLE link_keys (id TEXT NOT NULL PRIMARY KEY, at BIGINT NOT NULL, secret BYTEA NOT NULL)`,
}}

// Question is what a link answers: the approval that a release asked for with one
// record.
type Question struct {
	ID    journal.ID
	Seq   uint64
	Until time.Time
}

// payload is a question as it is signed.
type payload struct {
	Key     string `json:"k"`
	Release string `json:"r"`
	Attempt int    `json:"a"`
	Seq     uint64 `json:"s"`
	Until   int64  `json:"u"` // seconds since 1970
}

// Keys sign links. They lie in the database, so that every replica knows them, and
// are changed each week. It is safe for use by several goroutines.
type Keys struct {
	db  *database.DB
	now func() time.Time
}

// NewKeys makes the table where it is missing.
func NewKeys(ctx context.Context, db *database.DB, now func() time.Time) (*Keys, error) {
	return &Keys{db, now}, db.Migrate(ctx, "link", tables)
}

// Sign gives a link's text, good for a day.
func (k *Keys) Sign(ctx context.Context, id journal.ID, seq uint64) (string, error) {
	name, secret, err := k.newest(ctx)
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(payload{name, id.Name, id.Attempt, seq, k.now().Add(goodFor).Unix()})
	if err != nil {
		return "", err
	}
	return encode(body) + "." + encode(mac(secret, "link", string(body))), nil
}

// Verify reads a link's text. One that was not signed here, or is too old, is
// release.ErrInvalid.
func (k *Keys) Verify(ctx context.Context, text string) (Question, error) {
	bad := fmt.Errorf("this link is not one of Linnet's, or it was cut off: %w", release.ErrInvalid)
	first, second, ok := strings.Cut(text, ".")
	if !ok || len(text) > mostText {
		return Question{}, bad
	}
	body, err := base64.RawURLEncoding.Strict().DecodeString(first)
	given, err2 := base64.RawURLEncoding.Strict().DecodeString(second)
	var p payload
	if errors.Join(err, err2) != nil || json.Unmarshal(body, &p) != nil {
		return Question{}, bad
	}
	secret, err := k.secret(ctx, p.Key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return Question{}, bad
	case err != nil:
		return Question{}, err
	case !hmac.Equal(given, mac(secret, "link", string(body))):
		return Question{}, bad
	}
	q := Question{ID: journal.ID{Name: p.Release, Attempt: p.Attempt}, Seq: p.Seq, Until: time.Unix(p.Until, 0).UTC()}
	if !k.now().Before(q.Until) {
		return Question{}, fmt.Errorf("this link was good until %s; `linnet release show %s` tells how it stands: %w", q.Until.Format(time.RFC3339), p.Release, release.ErrInvalid)
	}
	return q, nil
}

// Ticket is what a form must bring along that was made for somebody: another site
// cannot know it.
func (k *Keys) Ticket(ctx context.Context, link, who string) (string, error) {
	first, _, _ := strings.Cut(link, ".")
	body, err := base64.RawURLEncoding.DecodeString(first)
	var p payload
	if err != nil || json.Unmarshal(body, &p) != nil {
		return "", fmt.Errorf("this link is not one of Linnet's: %w", release.ErrInvalid)
	}
	secret, err := k.secret(ctx, p.Key)
	if err != nil {
		return "", err
	}
	return encode(mac(secret, "form", link+"\n"+who)), nil
}

// newest gives the key that signs now, and makes one where it is a week old.
// Those that no link can need any more go.
func (k *Keys) newest(ctx context.Context) (name string, secret []byte, err error) {
	now := k.now()
	err = k.db.Write(ctx, func(tx database.Tx) error {
		err := tx.QueryRow(ctx, `SELECT id, secret FROM link_keys WHERE at > ? ORDER BY at DESC, id LIMIT 1`, now.Add(-keyFor).UnixNano()).Scan(&name, &secret)
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM link_keys WHERE at < ?`, now.Add(-keyFor-2*goodFor).UnixNano()); err != nil {
			return err
		}
		name, secret = rand.Text(), make([]byte, 32)
		_, _ = rand.Read(secret) // it never fails
		_, err = tx.Exec(ctx, `INSERT INTO link_keys (id, at, secret) VALUES (?, ?, ?)`, name, now.UnixNano(), secret)
		return err
	})
	return name, secret, err
}

func (k *Keys) secret(ctx context.Context, name string) (secret []byte, err error) {
	err = k.db.Glance(ctx, func(tx database.Tx) error {
		return tx.QueryRow(ctx, `SELECT secret FROM link_keys WHERE id = ?`, database.Text(name)).Scan(&secret)
	})
	return secret, err
}

func mac(secret []byte, use, text string) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte(use + "\n" + text))
	return m.Sum(nil)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
