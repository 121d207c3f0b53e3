package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

// MostListed bounds a page of List.
const MostListed = 200

// Filter chooses among notices.
type Filter struct {
	// Release is a release's name, or name/attempt; "" for all.
	Release string
	// Dead chooses those with a delivery that was given up, Unacked the pages that
	// nobody acknowledged.
	Dead, Unacked bool
	// Before continues a list: the notices before that one; "" from the newest.
	Before string
	// Limit is how many, at most MostListed; 0 for 50.
	Limit int
}

// Entry is a notice and what became of it.
type Entry struct {
	Notice release.Notice
	At     time.Time
	// Dropped says why it was not told on some way; "" where nothing was dropped.
	Dropped    string
	AckedBy    string
	AckedAt    time.Time
	Deliveries []Delivery
}

// Delivery is how a notice goes out on a channel.
type Delivery struct {
	ID, Channel string
	// State is waiting, sent or dead. Due is when it is sent, or tried again.
	State   string
	Due     time.Time
	Tries   int
	SentAt  time.Time
	Failure string
	Digest  bool
	// Escalated says that it went out because nobody acknowledged.
	Escalated bool
}

// List gives notices, the newest first.
func (o *Outbox) List(ctx context.Context, f Filter) (entries []Entry, err error) {
	err = o.cfg.DB.Read(ctx, func(tx database.Tx) error {
		query, args, err := choose(ctx, tx, f)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, body string
			var at, ackedAt int64
			var e Entry
			if err := rows.Scan(&id, &body, &at, &e.Dropped, &e.AckedBy, &ackedAt); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(body), &e.Notice); err != nil {
				e.Notice = release.Notice{ID: id, Title: "a notice that is damaged", Text: clip(err.Error())}
			}
			e.At, e.AckedAt = instant(at), instant(ackedAt)
			entries = append(entries, e)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		_ = rows.Close()
		for i := range entries {
			if entries[i].Deliveries, err = deliveries(ctx, tx, entries[i].Notice.ID); err != nil {
				return err
			}
		}
		return nil
	})
	return entries, err
}

// Find gives a notice by its id; release.ErrNotFound where none is known.
func (o *Outbox) Find(ctx context.Context, id string) (n release.Notice, err error) {
	err = o.cfg.DB.Read(ctx, func(tx database.Tx) error {
		var body string
		err := tx.QueryRow(ctx, `SELECT body FROM notices_told WHERE id = ?`, id).Scan(&body)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("no notice %q is known; `linnet notices list` shows them: %w", id, release.ErrNotFound)
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(body), &n); err != nil {
			return fmt.Errorf("notice %q is damaged: %w: %w", id, err, release.ErrInvalid)
		}
		return nil
	})
	return n, err
}

// choose puts a filter into SQL.
func choose(ctx context.Context, tx database.Tx, f Filter) (query string, args []any, err error) {
	where, by := []string{"1 = 1"}, tx.ByBytes("n.release")
	if name, _, attempt := strings.Cut(f.Release, "/"); attempt {
		where, args = append(where, by+" = ?"), append(args, f.Release)
	} else if name != "" {
		where, args = append(where, "("+by+" = ? OR "+by+" >= ? AND "+by+" < ?)"), append(args, name, name+"/", name+"0")
	}
	if f.Dead {
		where = append(where, `EXISTS (SELECT 1 FROM notices_parts p JOIN notices_deliveries d ON d.id = p.delivery WHERE p.notice = n.id AND d.state = 'dead')`)
	}
	if f.Unacked {
		where = append(where, `n.urgency = 'page' AND n.acked_by = ''`)
	}
	if f.Before != "" {
		var at int64
		err := tx.QueryRow(ctx, `SELECT at FROM notices_told WHERE id = ?`, f.Before).Scan(&at)
		if errors.Is(err, sql.ErrNoRows) {
			return "", nil, fmt.Errorf("no notice %q is known to go on from; begin from the newest: %w", f.Before, release.ErrInvalid)
		}
		if err != nil {
			return "", nil, err
		}
		where, args = append(where, `(n.at < ? OR n.at = ? AND n.id < ?)`), append(args, at, at, f.Before)
	}
	limit := f.Limit
	if limit <= 0 {
		limit = 50
	}
	return `SELECT n.id, n.body, n.at, n.dropped, n.acked_by, n.acked_at FROM notices_told n WHERE ` + strings.Join(where, " AND ") +
		` ORDER BY n.at DESC, n.id DESC LIMIT ?`, append(args, min(limit, MostListed)), nil
}

func deliveries(ctx context.Context, tx database.Tx, notice string) (all []Delivery, err error) {
	rows, err := tx.Query(ctx, `SELECT d.id, d.channel, d.state, d.due, d.tries, d.sent_at, d.failure, d.digest, d.escalated
		FROM notices_parts p JOIN notices_deliveries d ON d.id = p.delivery WHERE p.notice = ? ORDER BY d.due, d.id`, notice)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Delivery
		var due, sent, digest, escalated int64
		if err := rows.Scan(&d.ID, &d.Channel, &d.State, &due, &d.Tries, &sent, &d.Failure, &digest, &escalated); err != nil {
			return nil, err
		}
		d.Due, d.SentAt, d.Digest, d.Escalated = instant(due), instant(sent), digest == 1, escalated == 1
		all = append(all, d)
	}
	return all, rows.Err()
}

// Counts are how many deliveries wait, and how many were given up.
type Counts struct{ Waiting, Dead int64 }

// Count counts deliveries.
func (o *Outbox) Count(ctx context.Context) (c Counts, err error) {
	err = o.cfg.DB.Read(ctx, func(tx database.Tx) error {
		return tx.QueryRow(ctx, `SELECT COALESCE(SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), 0)
			FROM notices_deliveries WHERE state IN ('waiting', 'dead')`).Scan(&c.Waiting, &c.Dead)
	})
	return c, err
}

func instant(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}
