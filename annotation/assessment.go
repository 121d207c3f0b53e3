package annotation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// Judgement is what a person says of how Linnet decided a release.
type Judgement string

// The judgements.
const (
	FalseAlarm Judgement = "false-alarm" // it was stopped, and nothing was wrong with it
	Right      Judgement = "right"
	MissedHarm Judgement = "missed-harm" // it was promoted, and did harm
)

// Judgements lists them.
func Judgements() []Judgement { return []Judgement{FalseAlarm, Right, MissedHarm} }

// Assessment is what a person says of a release that has ended. The last one
// counts; the audit has those before it.
type Assessment struct {
	Judgement Judgement
	Reason    string
	By        string
	At        time.Time
}

// maxReason bounds why, in bytes.
const maxReason = 1_000

// Check says what does not go with how a release ended.
func (a Assessment) Check(of journal.Summary) error {
	switch {
	case !slices.Contains(Judgements(), a.Judgement):
		return fmt.Errorf("judgement %q: expected one of %v: %w", a.Judgement, Judgements(), release.ErrInvalid)
	case len(a.Reason) > maxReason || strings.TrimSpace(a.Reason) == "":
		return fmt.Errorf("reason: expected one, of at most %d bytes: others will read it: %w", maxReason, release.ErrInvalid)
	case !of.Ended():
		return fmt.Errorf("release %s has not ended; say what it was once it has: %w", of.ID, release.ErrConflict)
	case a.Judgement == FalseAlarm && of.Outcome == journal.Promoted:
		return fmt.Errorf("release %s was promoted, which is no alarm: %w", of.ID, release.ErrConflict)
	case a.Judgement == MissedHarm && of.Outcome == journal.RolledBack:
		return fmt.Errorf("release %s was rolled back, so that nothing was missed: %w", of.ID, release.ErrConflict)
	}
	return nil
}

// Assess keeps what somebody says of a release, in place of what was said before.
// What does not go with how it stands is release.ErrConflict.
func (s *Store) Assess(ctx context.Context, of journal.Summary, a Assessment) error {
	if err := a.Check(of); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO annotation_assessments (name, attempt, service, team, environment, judgement, reason, who, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name, attempt) DO UPDATE SET
			judgement = excluded.judgement, reason = excluded.reason, who = excluded.who, at = excluded.at`,
			of.ID.Name, of.ID.Attempt, of.Service, of.Team, of.Environment, string(a.Judgement), database.Text(a.Reason), database.Text(a.By), a.At.UnixNano())
		return err
	})
}

// Assessment gives what was said of a release, and whether anything was.
func (s *Store) Assessment(ctx context.Context, id journal.ID) (a Assessment, said bool, err error) {
	var at int64
	err = s.db.Glance(ctx, func(tx database.Tx) error {
		return tx.QueryRow(ctx, `SELECT judgement, reason, who, at FROM annotation_assessments WHERE name = ? AND attempt = ?`,
			database.Text(id.Name), id.Attempt).Scan(&a.Judgement, &a.Reason, &a.By, &at)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Assessment{}, false, nil
	}
	a.At = time.Unix(0, at).UTC()
	return a, err == nil, err
}

// Of is a service in a team and an environment.
type Of struct{ Service, Team, Environment string }

// Counts tells how often each judgement was given, by service.
func (s *Store) Counts(ctx context.Context) (map[Of]map[Judgement]int, error) {
	all := map[Of]map[Judgement]int{}
	err := s.db.Glance(ctx, func(tx database.Tx) error {
		clear(all)
		rows, err := tx.Query(ctx, `SELECT service, team, environment, judgement, count(*) FROM annotation_assessments
			GROUP BY service, team, environment, judgement`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var of Of
			var j Judgement
			var n int
			if err := rows.Scan(&of.Service, &of.Team, &of.Environment, &j, &n); err != nil {
				return err
			}
			if all[of] == nil {
				all[of] = map[Judgement]int{}
			}
			all[of][j] = n
		}
		return rows.Err()
	})
	return all, err
}
