package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/sim/stage"
)

// fillStage puts releases of the past into a data folder: one that was rolled back
// for one region, one that somebody aborted, one that was promoted.
func fillStage(t testing.TB, data string) {
	t.Helper()
	past := slices.DeleteFunc(stage.Releases(time.Now()), func(r stage.Release) bool {
		return !slices.ContainsFunc([]string{"checkout-2.14.0", "profile-1.4.0", "catalog-3.9.1"}, func(name string) bool { return strings.Contains(r.File, "name: "+name+"\n") })
	})
	playInto(t, data, past)
}

func playInto(t testing.TB, data string, all []stage.Release) {
	t.Helper()
	db, err := database.OpenFolder(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store, err := journal.On(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	if err := stage.Fill(t.Context(), store, all); err != nil {
		t.Fatal(err)
	}
}
