package calm

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// logged is what comes of what a library says.
func logged(level slog.Level, say func(*slog.Logger)) string {
	var out bytes.Buffer
	say(Log(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))))
	return out.String()
}

func TestWhatIsSaidAgainAndAgainIsSaidSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := logged(slog.LevelInfo, func(log *slog.Logger) {
			one, other := log.With("target", "a"), log.With("target", "b")
			for range 300 { // a minute and a half
				one.Error("no answer", "err", "refused")
				other.Error("no answer")
				log.Info("as always")
				<-time.After(300 * time.Millisecond)
			}
			log.Warn("something else")
		})
		for text, want := range map[string]int{`msg="no answer" target=a`: 2, `msg="no answer" target=b`: 2, "left_out=199": 2, "as always": 0, "something else": 1} {
			if n := strings.Count(got, text); n != want {
				t.Errorf("%q is said %d times, expected %d:\n%s", text, n, want, got)
			}
		}
	})
}

func TestDebuggingSaysEverything(t *testing.T) {
	t.Parallel()
	got := logged(slog.LevelDebug, func(log *slog.Logger) {
		for range 3 {
			log.Info("as always")
			log.Error("no answer")
		}
	})
	if n := strings.Count(got, "\n"); n != 6 {
		t.Errorf("%d lines of 6:\n%s", n, got)
	}
}
