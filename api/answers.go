package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/linnet-project/linnet/database"
)

// set names the tables of this package.
const set = "api"

var migrations = []database.Migration{{
	SQLite: `CREATE TABLE api_answers (
		who     TEXT NOT NULL,
		key     TEXT NOT NULL,    -- as the client chose it
		request TEXT NOT NULL,    -- SHA-256 of method, path, query and body, in hex
		at      INTEGER NOT NULL, -- when the request came, nanoseconds since 1970, UTC
		status  INTEGER NOT NULL, -- 0 while it is worked on
		etag    TEXT NOT NULL,
		place   TEXT NOT NULL,    -- the header Location
		body    BLOB NOT NULL,
		PRIMARY KEY (who, key)
	) STRICT;
	CREATE INDEX api_answers_by_time ON api_answers (at)`,
	Postgres: `CREATE TABLE api_answers (
		who     TEXT NOT NULL,
		key     TEXT NOT NULL,
		request TEXT NOT NULL,
		at      BIGINT NOT NULL,
		status  INTEGER NOT NULL,
		etag    TEXT NOT NULL,
		place   TEXT NOT NULL,
		body    BYTEA NOT NULL,
		PRIMARY KEY (who, key)
	);
	CREATE INDEX api_answers_by_time ON api_answers (at)`,
}, {
	SQLite: openIndex, Postgres: openIndex,
}}

// openIndex finds those that nobody works on any more among thousands that are
// answered.
const openIndex = `CREATE INDEX api_answers_open ON api_answers (at) WHERE status = 0`

const (
	// answersKept is how long a request that comes again gets its first answer.
	answersKept = 24 * time.Hour
	// workedOn is how long a request may be worked on; whoever worked on it for
	// longer is gone.
	workedOn = 2 * time.Minute
	// sameWait is how long a request waits for the answer to itself, which it
	// looks for every sameAgain.
	sameWait  = 5 * time.Second
	sameAgain = 50 * time.Millisecond
	// Bounds of a key, in bytes, and of an answer that is kept.
	maxKey    = 200
	maxAnswer = 256 << 10
)

// asked is a request that may come twice.
type asked struct {
	who, key string
	body     []byte
}

// answer is what was answered to it.
type answer struct {
	request     string
	at          int64
	status      int
	etag, place string
	body        []byte
}

// answers keeps what was answered.
type answers struct {
	db  *database.DB
	now func() time.Time
}

// once works on a request, or gives the answer that was given to it before.
// Answers to what failed are not kept: nothing has happened, and it may be tried
// again under the same key.
func (a *API) once(w http.ResponseWriter, r *http.Request, q asked, handler http.HandlerFunc) {
	if len(q.key) > maxKey || !utf8.ValidString(q.key) || strings.ContainsRune(q.key, 0) {
		a.fail(w, r, problem(http.StatusBadRequest, "Idempotency-Key: expected at most %d bytes of text", maxKey))
		return
	}
	sum := sha256.New()
	for _, part := range []string{r.Method, r.URL.Path, r.URL.RawQuery, string(q.body)} {
		sum.Write([]byte(part + "\x00"))
	}
	request := hex.EncodeToString(sum.Sum(nil))
	earlier, mine, err := a.answers.claim(r.Context(), q, request)
	switch {
	case err != nil:
		a.fail(w, r, err)
		return
	case !mine:
		replay(w, earlier)
		return
	}
	kept := &keeper{ResponseWriter: w, status: http.StatusOK}
	defer a.settle(r, q, earlier.at, kept) // also after a panic: otherwise the next try waits
	handler(kept, r)
	kept.whole = true
}

// settle keeps what was answered, or lets the request be worked on again, whatever
// becomes of whoever asked.
func (a *API) settle(r *http.Request, q asked, at int64, kept *keeper) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), sameWait)
	defer cancel()
	var err error
	if kept.keep() {
		h := kept.Header()
		err = a.answers.put(ctx, q, at, answer{status: kept.status, etag: h.Get("ETag"), place: h.Get("Location"),
			body: append([]byte{}, kept.body.Bytes()...)}) // never nil: no answer at all is one, too
	} else {
		err = a.answers.forget(ctx, q, at)
	}
	if err != nil {
		a.cfg.Log.Error("answer not kept", "key", q.key, "error", err)
	}
}

func replay(w http.ResponseWriter, earlier answer) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Idempotency-Replayed", "true")
	for name, value := range map[string]string{"ETag": earlier.etag, "Location": earlier.place} {
		if value != "" {
			h.Set(name, value)
		}
	}
	w.WriteHeader(earlier.status)
	_, _ = w.Write(earlier.body) // whoever asked may be gone
}

// claim makes a request ours to work on, or finds the answer to it.
func (s *answers) claim(ctx context.Context, q asked, request string) (answer, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, sameWait)
	defer cancel()
	tick := time.NewTicker(sameAgain)
	defer tick.Stop()
	for {
		found, mine, err := s.try(ctx, q, request)
		switch {
		case err != nil:
			return answer{}, false, err
		case mine || found.status != 0:
			return found, mine, nil
		}
		select {
		case <-ctx.Done():
			return answer{}, false, problem(http.StatusConflict, "a request with this Idempotency-Key is still worked on; ask again with the same key")
		case <-tick.C:
		}
	}
}

// tidying removes what is too old to be asked for again, and what nobody works on.
const tidying = `DELETE FROM api_answers WHERE at < ? OR status = 0 AND at < ?`

// try tries to claim a request once.
func (s *answers) try(ctx context.Context, q asked, request string) (found answer, mine bool, err error) {
	now := s.now().UnixNano()
	err = s.db.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, tidying,
			now-answersKept.Nanoseconds(), now-workedOn.Nanoseconds())
		if err != nil {
			return err
		}
		made, err := tx.Exec(ctx, `INSERT INTO api_answers (who, key, request, at, status, etag, place, body)
			VALUES (?, ?, ?, ?, 0, '', '', ?) ON CONFLICT DO NOTHING`, q.who, q.key, request, now, []byte{})
		if err != nil {
			return err
		}
		if n, err := made.RowsAffected(); err != nil || n == 1 {
			found, mine = answer{request: request, at: now}, true
			return err
		}
		err = tx.QueryRow(ctx, `SELECT request, at, status, etag, place, body FROM api_answers WHERE who = ? AND key = ?`, q.who, q.key).
			Scan(&found.request, &found.at, &found.status, &found.etag, &found.place, &found.body)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // it failed in this moment; the next try claims it
		}
		if err == nil && found.request != request {
			return problem(http.StatusUnprocessableEntity, "this Idempotency-Key was sent with another request; every request has a key of its own").called("key-reused")
		}
		return err
	})
	return found, mine, err
}

// put keeps the answer to a request that was claimed.
func (s *answers) put(ctx context.Context, q asked, at int64, with answer) error {
	return s.db.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE api_answers SET status = ?, etag = ?, place = ?, body = ? WHERE who = ? AND key = ? AND at = ?`,
			with.status, with.etag, with.place, with.body, q.who, q.key, at)
		return err
	})
}

// forget lets a request that failed be claimed again.
func (s *answers) forget(ctx context.Context, q asked, at int64) error {
	return s.db.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM api_answers WHERE who = ? AND key = ? AND at = ? AND status = 0`, q.who, q.key, at)
		return err
	})
}

// keeper passes an answer on and keeps it.
type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
	whole  bool // the handler came to its end
}

// WriteHeader implements http.ResponseWriter.
func (k *keeper) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (k *keeper) Write(b []byte) (int, error) {
	if k.body.Len() <= maxAnswer {
		k.body.Write(b)
	}
	return k.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// keep tells an answer that says what happened: it worked, and is not to come.
func (k *keeper) keep() bool {
	return k.whole && k.status < http.StatusMultipleChoices && k.status != http.StatusAccepted && k.body.Len() <= maxAnswer
}

// Migrate makes the tables of this package, or brings them to the present schema.
func Migrate(ctx context.Context, db *database.DB) error { return db.Migrate(ctx, set, migrations) }
