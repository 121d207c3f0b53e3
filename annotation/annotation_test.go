package annotation_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/annotation"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testdb"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// suite is run on both kinds of database.
var suite = []struct {
	name string
	test func(*testing.T, *annotation.Store, *database.DB)
}{
	{"marks", marks},
	{"refused", refused},
	{"bounded", bounded},
	{"judgements", judgements},
}

func TestSQLite(t *testing.T) {
	for _, s := range suite {
		t.Run(s.name, func(t *testing.T) {
			db, err := database.OpenFolder(t.Context(), t.TempDir())
			s.test(t, open(t, db, err), db)
		})
	}
}

func TestPostgres(t *testing.T) {
	server := testdb.Postgres(t)
	admin := server.Postgres(t, "postgres")
	for n, s := range suite {
		t.Run(s.name, func(t *testing.T) {
			name := fmt.Sprintf("annotation%d", n)
			testdb.Exec(t, admin, "CREATE DATABASE "+name)
			at := url.URL{Scheme: "postgres", User: url.UserPassword(server.User, server.Password), Host: server.Address(), Path: name}
			db, err := database.OpenURL(t.Context(), at.String())
			s.test(t, open(t, db, err), db)
		})
	}
}

func open(t *testing.T, db *database.DB, err error) *annotation.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	s, err := annotation.On(t.Context(), db)
	if err == nil {
		_, err = annotation.On(context.WithoutCancel(t.Context()), db) // another process
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t *testing.T, s *annotation.Store, m annotation.Mark) annotation.Mark {
	t.Helper()
	if m.Kind == "" {
		m.Kind = annotation.Note
	}
	m, err := s.Put(t.Context(), m, noon)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// titles tells the titles of a choice.
func titles(t *testing.T, s *annotation.Store, c annotation.Choice) string {
	t.Helper()
	found, err := s.List(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, m := range found {
		all = append(all, m.Title)
	}
	return strings.Join(all, " ")
}

func marks(t *testing.T, s *annotation.Store, _ *database.DB) {
	put(t, s, annotation.Mark{Title: "everywhere", At: noon})
	put(t, s, annotation.Mark{Title: "checkout", Service: "checkout", At: noon.Add(time.Minute)})
	put(t, s, annotation.Mark{Title: "production", Service: "checkout", Environment: "production", At: noon.Add(time.Minute)})
	put(t, s, annotation.Mark{Title: "cart", Service: "cart", Team: "red", At: noon.Add(2 * time.Minute)})
	want := put(t, s, annotation.Mark{Kind: annotation.Incident, Title: "outage", Text: "of the «database»", URL: "https://status.example.com/42", By: "ann",
		Service: "checkout", Team: "red", Environment: "staging", At: noon.Add(-time.Hour), Until: noon.Add(time.Hour)})
	for _, c := range []struct {
		choice annotation.Choice
		want   string
	}{
		{annotation.Choice{Most: 10}, "cart production checkout everywhere outage"},
		{annotation.Choice{Most: 2}, "cart production"},
		{annotation.Choice{Most: 10, Service: "checkout"}, "production checkout everywhere outage"},
		{annotation.Choice{Most: 10, Service: "checkout", Environment: "production"}, "production checkout everywhere"},
		{annotation.Choice{Most: 10, Service: "cart", Team: "blue"}, "everywhere"},
		{annotation.Choice{Most: 10, From: noon.Add(time.Minute), To: noon.Add(2 * time.Minute)}, "production checkout outage"},
		{annotation.Choice{Most: 10, To: noon}, "outage"},
		{annotation.Choice{Most: 10, From: noon.AddDate(-1000, 0, 0), To: noon.AddDate(7000, 0, 0)}, "cart production checkout everywhere outage"},
		{annotation.Choice{Most: 10, From: noon.Add(3 * time.Hour)}, ""},
	} {
		if got := titles(t, s, c.choice); got != c.want {
			t.Errorf("%+v: %q, want %q", c.choice, got, c.want)
		}
	}
	found, err := s.List(t.Context(), annotation.Choice{Most: 10, To: noon})
	if err != nil || len(found) != 1 || found[0] != want {
		t.Errorf("came back as %+v, %v; want %+v", found, err, want)
	}
	// Pages meet, although two marks have one time.
	paged, next := "", annotation.Choice{Most: 1}
	for {
		found, err := s.List(t.Context(), next)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			break
		}
		paged, next.Before = paged+found[0].Title+" ", found[0].Place()
	}
	if paged != "cart production checkout everywhere outage " {
		t.Errorf("by pages: %s", paged)
	}
}

func refused(t *testing.T, s *annotation.Store, _ *database.DB) {
	fine := annotation.Mark{Kind: annotation.Deploy, Title: "x", At: noon}
	for says, change := range map[string]func(*annotation.Mark){
		"kind":    func(m *annotation.Mark) { m.Kind = "party" },
		"title":   func(m *annotation.Mark) { m.Title = " " },
		"line":    func(m *annotation.Mark) { m.Title = "two\nlines" },
		"text":    func(m *annotation.Mark) { m.Text = strings.Repeat("x", 4001) },
		"bytes":   func(m *annotation.Mark) { m.Service = "a\x00b" },
		"url":     func(m *annotation.Mark) { m.URL = "javascript:alert(1)" },
		"http":    func(m *annotation.Mark) { m.URL = "https:///nowhere" },
		"without": func(m *annotation.Mark) { m.URL = "https://ann:secret@example.com" },
		"1970":    func(m *annotation.Mark) { m.At = time.Time{} },
		"ahead":   func(m *annotation.Mark) { m.At = noon.AddDate(2, 0, 0) },
		"until":   func(m *annotation.Mark) { m.Until = noon.Add(-time.Second) },
	} {
		m := fine
		change(&m)
		_, err := s.Put(t.Context(), m, noon)
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", says, err)
		}
	}
	if got := titles(t, s, annotation.Choice{Most: 10}); got != "" {
		t.Errorf("kept all the same: %s", got)
	}
}

func bounded(t *testing.T, s *annotation.Store, db *database.DB) {
	put(t, s, annotation.Mark{Title: "other", Service: "cart", At: noon.Add(-100 * time.Hour)})
	// One by one they would take a minute.
	err := db.Write(t.Context(), func(tx database.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO annotation_marks (at, ends, kind, title, body, url, service, team, environment, who)
			WITH RECURSIVE many (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM many WHERE n < 5001)
			SELECT CAST(? AS BIGINT) + n * CAST(60000000000 AS BIGINT), CAST(? AS BIGINT) + n * CAST(60000000000 AS BIGINT), 'note', CAST(n AS TEXT), '', '', 'checkout', '', '', '' FROM many`,
			noon.Add(-6_000*time.Minute).UnixNano(), noon.Add(-6_000*time.Minute).UnixNano())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, annotation.Mark{Title: "5002", Service: "checkout", At: noon.Add((5_002 - 6_000) * time.Minute)})
	if got := titles(t, s, annotation.Choice{Most: 10, Service: "checkout", To: noon.Add(-5_995 * time.Minute)}); got != "4 3" {
		t.Errorf("the oldest that are kept: %s", got)
	}
	removed := 0
	for {
		n, err := s.Prune(t.Context(), noon.Add(-2_000*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		removed += n
	}
	// 3 … 3999 are over, and what is older of another service.
	if got := titles(t, s, annotation.Choice{Most: 2, To: noon.Add(-1_998 * time.Minute)}); removed != 3_998 || got != "4001 4000" {
		t.Errorf("removed %d; the oldest that are left: %s", removed, got)
	}
}

func judgements(t *testing.T, s *annotation.Store, _ *database.DB) {
	of := func(name string, outcome journal.Outcome) journal.Summary {
		return journal.Summary{ID: journal.ID{Name: name, Attempt: 1}, Service: "checkout", Team: "red", Outcome: outcome}
	}
	say := func(s *annotation.Store, about journal.Summary, j annotation.Judgement, why string) error {
		return s.Assess(t.Context(), about, annotation.Assessment{Judgement: j, Reason: why, By: "ann", At: noon})
	}
	back, promoted := of("checkout-1", journal.RolledBack), of("checkout-2", journal.Promoted)
	for _, c := range []struct {
		about journal.Summary
		is    annotation.Judgement
		why   string
		want  error
	}{
		{back, "great", "x", release.ErrInvalid},
		{back, annotation.FalseAlarm, " ", release.ErrInvalid},
		{of("checkout-3", ""), annotation.Right, "x", release.ErrConflict},
		{promoted, annotation.FalseAlarm, "x", release.ErrConflict},
		{back, annotation.MissedHarm, "x", release.ErrConflict},
		{back, annotation.Right, "it was", nil},
		{back, annotation.FalseAlarm, "the load test ran", nil},
		{promoted, annotation.MissedHarm, "carts were empty", nil},
		{of("checkout-4", journal.Aborted), annotation.FalseAlarm, "nothing was wrong", nil},
	} {
		if err := say(s, c.about, c.is, c.why); !errors.Is(err, c.want) {
			t.Errorf("%s of %s: %v", c.is, c.about.ID, err)
		}
	}
	got, said, err := s.Assessment(t.Context(), back.ID)
	if want := (annotation.Assessment{Judgement: annotation.FalseAlarm, Reason: "the load test ran", By: "ann", At: noon}); err != nil || !said || got != want {
		t.Errorf("%+v, %v, %v", got, said, err)
	}
	if _, said, err := s.Assessment(t.Context(), journal.ID{Name: "checkout-1", Attempt: 2}); said || err != nil {
		t.Errorf("of another attempt: %v, %v", said, err)
	}
	counts, err := s.Counts(t.Context())
	if n := counts[annotation.Of{Service: "checkout", Team: "red"}]; err != nil || len(counts) != 1 || n[annotation.FalseAlarm] != 2 || n[annotation.MissedHarm] != 1 || n[annotation.Right] != 0 {
		t.Errorf("%v, %v", counts, err)
	}
}
