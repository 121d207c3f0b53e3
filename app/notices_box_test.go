package app_test

import (
	"os/user"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/release"
)

// What is done to notices straight on the database is in the audit, as what is
// done at a server.
func TestNoticesOfThisMachineAreAudited(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	db, err := database.OpenFolder(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.On(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	box, err := outbox.New(t.Context(), outbox.Config{DB: db})
	if err == nil {
		err = box.Notify(t.Context(), release.Notice{ID: "shop/1/3/1", Release: "shop", Attempt: 1, Service: "shop", Urgency: release.Page, Happening: release.ToldRollback, At: time.Now()})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	expect(t, 0, []string{"notices", "ack", "shop/1/3/1", "--data", data})
	expect(t, 0, []string{"notices", "list", "--data", data}, "acknowledged by local:"+me.Username)
	expect(t, 1, []string{"notices", "ack", "shop/1/9/9", "--data", data}, "no notice")
	expect(t, 1, []string{"notices", "retry", "gone", "--data", data}, "gone")
	expect(t, 0, []string{"audit", "show", "--data", data}, `local:`+me.Username+` +notice.acknowledge shop/1/3/1`, `notice.retry gone`, `from: command line`)
	expect(t, 0, []string{"audit", "export", "--data", data}, `"seq":2`)
}
