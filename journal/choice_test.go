package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
)

// beginAs begins a release of a service that says whose it is.
func beginAs(t *testing.T, s *Store, id ID, service, team, author string) {
	t.Helper()
	rec := beginning(id)
	started := rec.Event.(engine.Started)
	sum := sha256.Sum256([]byte(fileOfCheckout))
	started.Plan.Hash, started.Plan.Service, started.By = hex.EncodeToString(sum[:]), service, author
	started.Plan.Labels = map[string]string{"team": team, "environment": "prod"}
	rec.Event = started
	if err := s.Begin(t.Context(), id, []byte(fileOfCheckout), rec, &engine.State{Seq: 1}); err != nil {
		t.Fatal(err)
	}
}

func testChoices(t *testing.T, w world) {
	s := w.open(t, quick())
	for n := range 6 {
		id := ID{Name: fmt.Sprintf("release-%d", n), Attempt: 1}
		beginAs(t, s, id, []string{"shop", "Pay_1"}[n%2], []string{"red", "blue", "red"}[n%3], "ann@example.com")
		if n < 2 {
			finish(t, s, id, []engine.Phase{engine.Promoted, engine.RolledBack}[n], day.Add(time.Hour))
		}
	}
	for name, c := range map[string]struct {
		choice Choice
		want   string
	}{
		"all":        {Choice{}, "5 4 3 2 1 0"},
		"a service":  {Choice{Service: "shop"}, "4 2 0"},
		"a team":     {Choice{Team: "blue", Environment: "prod"}, "4 1"},
		"elsewhere":  {Choice{Environment: "test"}, ""},
		"how ended":  {Choice{Outcome: RolledBack}, "1"},
		"unfinished": {Choice{Unfinished: true, Team: "red"}, "5 3 2"},
		"ended":      {Choice{Ended: true}, "1 0"},
		"text":       {Choice{Text: "pay_"}, "5 3 1"},
		"a pattern":  {Choice{Text: "%"}, ""},
	} {
		var got []string
		for pages := 0; pages < 9; pages++ { // pages of two are the whole
			c.choice.Most = 2
			page, err := s.Choose(t.Context(), c.choice)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range page {
				got = append(got, strings.TrimPrefix(one.ID.Name, "release-"))
				c.choice.Before = one.Place
			}
			if len(page) < 2 {
				break
			}
		}
		if !slices.Equal(got, strings.Fields(c.want)) {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	one, err := s.Find(t.Context(), ID{Name: "release-4", Attempt: 1})
	if err != nil || one.Team != "blue" || one.Environment != "prod" || one.Author != "ann@example.com" {
		t.Errorf("%+v, %v", one, err)
	}
}

// testPasts: the last releases of each service, and of those promoted when.
func testPasts(t *testing.T, w world) {
	s := w.open(t, quick())
	for n := range 12 {
		id := ID{Name: fmt.Sprintf("release-%d", n), Attempt: 1}
		beginAs(t, s, id, []string{"shop", "pay"}[n%2], "red", "ann@example.com")
		switch {
		case n == 0: // by an older linnet, which kept no time of it
			finish(t, s, id, engine.Promoted, day.Add(time.Hour))
		case n < 6:
			rec := Record{At: day.Add(20 * time.Minute), Event: engine.Looked{At: day}, Decision: engine.Decision{At: day, Kind: engine.Promote, Phase: engine.Promoting}}
			for seq := range uint64(2) { // what is decided once more later changes nothing
				if err := s.Append(t.Context(), id, seq+1, rec, &engine.State{Seq: seq + 2}); err != nil {
					t.Fatal(err)
				}
				rec.At = rec.At.Add(time.Minute)
			}
			finish(t, s, id, engine.Promoted, day.Add(time.Hour))
		case n < 8:
			finish(t, s, id, engine.RolledBack, day.Add(time.Hour))
		}
	}
	for _, c := range []struct{ service, want string }{
		{"shop", "10 8 4@20m0s 2@20m0s"}, // the two last of all, the two last promoted
		{"", "11 9 5@20m0s 3@20m0s 10 8 4@20m0s 2@20m0s"},
		{"nobody", ""},
	} {
		found, err := s.Pasts(t.Context(), c.service, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range found {
			text := strings.TrimPrefix(p.ID.Name, "release-")
			if !p.Promoted.IsZero() {
				text += "@" + p.Promoted.Sub(p.Started).String()
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: %v, want %s", c.service, got, c.want)
		}
	}
	if found, err := s.Pasts(t.Context(), "shop", 10, 0); err != nil || len(found) != 6 || !found[5].Promoted.IsZero() || found[5].Outcome != Promoted || found[3].Nth != 4 {
		t.Errorf("%+v, %v", found, err)
	}
}

func testWhatWasGiven(t *testing.T, w world) {
	s := w.begun(t)
	if err := s.Command(t.Context(), checkout, order(1, engine.Pause)); err != nil {
		t.Fatal(err)
	}
	if c, taken, known, err := s.Given(t.Context(), checkout, "c-1"); !known || taken != 0 || err != nil || c.Verb != engine.Pause || c.Who != "ada" {
		t.Errorf("%+v, taken by %d, %v, %v", c, taken, known, err)
	}
	if err := s.Append(t.Context(), checkout, 1, Record{At: day, Event: order(1, engine.Pause)}, &engine.State{Seq: 2}); err != nil {
		t.Fatal(err)
	}
	if _, taken, known, err := s.Given(t.Context(), checkout, "c-1"); !known || taken != 2 || err != nil {
		t.Errorf("taken by %d, %v, %v", taken, known, err)
	}
	if _, _, known, err := s.Given(t.Context(), checkout, "c-2"); known || err != nil {
		t.Errorf("an order that nobody gave: %v, %v", known, err)
	}
}
