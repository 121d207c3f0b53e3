package app

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/linnet-project/linnet/notify/slack"
)

// Whoever presses a button over a slow line is told so, and not that it is too long.
func TestAPressThatCannotBeRead(t *testing.T) {
	t.Parallel()
	s := &serving{log: slog.New(slog.DiscardHandler)}
	for want, body := range map[int]io.Reader{
		http.StatusRequestEntityTooLarge: strings.NewReader(strings.Repeat("x", slack.MaxBody+1)),
		http.StatusRequestTimeout:        iotest.ErrReader(fmt.Errorf("read tcp: %w", os.ErrDeadlineExceeded)),
		http.StatusBadRequest:            iotest.ErrReader(io.ErrUnexpectedEOF),
	} {
		w := httptest.NewRecorder()
		s.pressed(w, httptest.NewRequest(http.MethodPost, "/v1/slack/actions", body))
		if w.Code != want {
			t.Errorf("%d %s, want %d", w.Code, w.Body, want)
		}
	}
}
