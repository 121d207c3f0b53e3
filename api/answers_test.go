package api

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linnet-project/linnet/database"
)

// What a request came to is kept, or let go of, however long it was worked on: who
// waits for a release may do so for longer than a request waits for itself.
func TestALongAnswerIsSettled(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db, err := database.OpenFolder(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		a := &API{cfg: Config{Log: slog.New(slog.DiscardHandler)}, answers: answers{db: db, now: time.Now}}
		worked := 0
		ask := func(key string, status int) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			a.once(w, httptest.NewRequest(http.MethodPost, "/v1/x", nil), asked{who: "ann", key: key}, func(w http.ResponseWriter, _ *http.Request) {
				worked++
				<-time.After(longestWait)
				w.WriteHeader(status)
			})
			return w
		}
		ask("1", http.StatusOK)
		if again := ask("1", http.StatusOK); again.Code != http.StatusOK || again.Header().Get("Idempotency-Replayed") != "true" {
			t.Errorf("the second time it answers %d %s", again.Code, again.Body)
		}
		ask("2", http.StatusAccepted)
		if again := ask("2", http.StatusOK); again.Code != http.StatusOK || worked != 3 {
			t.Errorf("what waited is answered %d %s; %d were worked on", again.Code, again.Body, worked)
		}
	})
}

// Every order looks for what nobody works on any more: not among all that was
// answered in a day.
func TestTidyingReadsNoAnswers(t *testing.T) {
	db, err := database.OpenFolder(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	err = db.Read(t.Context(), func(tx database.Tx) error {
		rows, err := tx.Query(t.Context(), "EXPLAIN QUERY PLAN "+tidying, 0, 0)
		if err != nil {
			return err
		}
		defer rows.Close()
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			plan += detail + "\n"
		}
		if strings.Contains(plan, "SCAN") || !strings.Contains(plan, "api_answers_by_time") || !strings.Contains(plan, "api_answers_open") {
			t.Errorf("it is planned as\n%s", plan)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
