package app

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

// `linnet run` has no channels: a page is a warning in its log, which is shown
// unless somebody asked not to, and the rest is there for who wants it.
func TestRunTellsPeopleInItsLog(t *testing.T) {
	var b bytes.Buffer
	log := logNotifier{slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelInfo}))}
	for _, urgency := range []release.Urgency{release.Page, release.Inform} {
		n := release.Notice{ID: "shop/1/7/0", Release: "shop", Attempt: 1, Urgency: urgency, Title: "shop rolls back", Text: "errors rose"}
		if err := log.Notify(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	page, inform, _ := strings.Cut(b.String(), "\n")
	for line, level := range map[string]string{page: "level=WARN", inform: "level=INFO"} {
		if !strings.Contains(line, level) || !strings.Contains(line, "release=shop/1") || !strings.Contains(line, "seq=7") || !strings.Contains(line, "errors rose") {
			t.Errorf("it says %s", line)
		}
	}
}
