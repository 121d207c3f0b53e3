package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/testdb"
)

// Two processes serve from one PostgreSQL. One is killed, and the other goes on
// with its releases; a person's word to the one that is left is heard at once, and
// one that is told to stop hands over.
func TestServeOnSeveralMachines(t *testing.T) {
	t.Parallel()
	at := testdb.Postgres(t).URL("postgres")
	s := openShop(t, "several", demo.None)
	s.split()
	file := s.write(story{
		traffic: fmt.Sprintf("{ admin: %q, lease: 1m }", s.admin), source: "{ prometheus: { url: 'http://127.0.0.1:1' } }",
		metrics: []string{ownErrors}, steps: "[ { weight: 30%, atLeast: 30m, atMost: 1h } ]",
	})
	folder := t.TempDir()
	if err := os.Rename(file, filepath.Join(folder, "several.yaml")); err != nil {
		t.Fatal(err)
	}
	one, _ := serve(t, t.TempDir(), "--db", at, "--releases", folder, "--name", "one")
	other, page := serve(t, t.TempDir(), "--db", at, "--releases", folder, "--name", "other")

	db, err := database.OpenURL(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	store, err := journal.On(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	id := journal.ID{Name: "several", Attempt: 1}
	now := func() journal.Summary {
		found, _ := store.Find(t.Context(), id) // it may not have begun
		return found
	}
	eventually(t, "the release to be looked at", func() bool { return now().Seq > 8 })
	if all, err := store.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("two replicas with one folder began %d releases (%v)", len(all), err)
	}

	eventually(t, "both replicas to be listed", func() bool {
		var told api.Replicas
		_, text := fetch(t, page+"/v1/replicas")
		return json.Unmarshal([]byte(text), &told) == nil && told.Several && len(told.Items) == 2 && told.Items[0].Leader != told.Items[1].Leader &&
			strings.HasPrefix(told.Items[0].Name, "other-") && told.Items[0].Self && strings.HasPrefix(told.Items[1].Name, "one-")
	})

	one.kill()
	seq, at0 := now().Seq, time.Now()
	eventually(t, "the release to go on elsewhere", func() bool { return now().Seq > seq+3 })
	t.Logf("three more records %s after one of two replicas was killed", time.Since(at0).Round(time.Millisecond))
	eventually(t, "the one that is left to be ready", func() bool { status, _ := fetch(t, page+"/readyz"); return status == http.StatusOK })
	_, metrics := fetch(t, page+"/metrics")
	matches(t, metrics, `(?m)^linnet_queue_up 1$`, `(?m)^linnet_queue_jobs\{state="scheduled"\}`, `(?m)^linnet_clock_correction_seconds 0$`)

	_, text := fetch(t, page+"/v1/sources")
	matches(t, text, `"kind":"prometheus","url":"http://127.0.0.1:1","services":\["several"\],"releases":1,"state":"fails"`)

	asked, err := http.Post(page+"/v1/releases/several/1/pause", "application/json", strings.NewReader(`{"reason":"to see"}`))
	if err != nil || asked.StatusCode >= 300 {
		t.Fatalf("pause: %v %v", asked, err)
	}
	asked.Body.Close()
	eventually(t, "the pause", func() bool { return now().Phase == engine.Paused })
	other.signal(syscall.SIGTERM)
	other.exits(0)
}
