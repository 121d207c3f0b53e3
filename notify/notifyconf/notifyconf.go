// Package notifyconf is the suite that every channel over HTTP must pass: it
// sends what a channel may be given, to a server that checks what comes as the
// vendor documents it, and breaks that server in every way.
package notifyconf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Channel is what is tested.
type Channel interface {
	Send(ctx context.Context, m release.Message) (release.Sent, error)
}

// Harness is a channel and what its vendor would say.
type Harness struct {
	// New makes the channel, to a server, with its secret in a file.
	New func(server *httptest.Server, secretFile string, timeout time.Duration) Channel
	// Secret is a secret of the channel's form.
	Secret string
	// Accept holds a request against the vendor's documentation, and answers it.
	// What is wrong with it is an error.
	Accept func(w http.ResponseWriter, r *http.Request, body []byte) error
	// Key gives the key that the vendor deduplicates by; nil where it has none.
	Key func(r *http.Request, body []byte) string
	// Cannot names tests that do not fit, and why.
	Cannot map[string]string
}

// timeout is how long the channels of the suite wait for a server that hangs,
// patience for one that answers, also on a machine that has much to do.
const (
	timeout  = 300 * time.Millisecond
	patience = 30 * time.Second
)

// Message is a message as a release leads to it.
func Message() release.Message {
	return release.Message{
		ID: "chat checkout-1.5.0/1/42/1", Title: "checkout-1.5.0 is rolled back", Text: "errors: 8.18x the baseline's\nNext: linnet release show checkout-1.5.0",
		Page: "https://linnet.example.com/releases/checkout-1.5.0/1",
		Notices: []release.Notice{{
			ID: "checkout-1.5.0/1/42/1", Release: "checkout-1.5.0", Attempt: 1, Urgency: release.Page, Title: "checkout-1.5.0 is rolled back",
			Text: "errors: 8.18x the baseline's", Happening: release.ToldRollback, Topic: "checkout-1.5.0/1/rollback", Service: "checkout",
			Team: "payments", Environment: "production", Step: 2, At: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Next: "linnet release show checkout-1.5.0",
			Runbook: "Look first.", Links: []release.Link{{Name: "dash boards", URL: "https://grafana.example.com/checkout?a=1&b=2"}},
		}},
	}
}

// Hostile is a message that somebody wrote to break things.
func Hostile() release.Message {
	m := Message()
	evil := "<!channel> <@U1|x> *b* `c` [l](http://evil) \u202e &amp; \"q\" \\ 💥 \r\nBcc: x@example.com"
	m.Title, m.Text = strings.Repeat(evil, 200), strings.Repeat(evil+"\n", 1000)
	n := &m.Notices[0]
	n.Title, n.Text, n.Service, n.Runbook, n.Next = m.Title, m.Text, evil, m.Text, m.Text
	n.Topic, n.Release = strings.Repeat("t", 400)+"/rollback", evil
	return m
}

// server counts what comes, and answers as it is told.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests int
	keys     []string
	wrong    error
}

func start(t *testing.T, h Harness, answer func(w http.ResponseWriter, r *http.Request, body []byte) error) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests++
		if h.Key != nil {
			s.keys = append(s.keys, h.Key(r, body))
		}
		s.wrong = errors.Join(s.wrong, err, answer(w, r, body))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) seen() (requests int, keys []string, wrong error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, s.keys, s.wrong
}

// Exercise holds a channel to all that is asked of one.
func Exercise(t *testing.T, h Harness) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(h.Secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(*testing.T, Harness, string){
		"sends": sends, "sends twice": twice, "hostile texts": hostile, "refusals": refusals, "later": later, "hangs": hangs,
		"secrets": secrets, "redirects": redirects, "gone": gone, "no secret": noSecret, "cancelled": cancelled,
	} {
		t.Run(name, func(t *testing.T) {
			if why := h.Cannot[name]; why != "" {
				t.Skip(why)
			}
			test(t, h, file)
		})
	}
}

func sends(t *testing.T, h Harness, file string) {
	s := start(t, h, h.Accept)
	for _, m := range variants() {
		if _, err := h.New(s.Server, file, patience).Send(t.Context(), m); err != nil {
			t.Errorf("%s: %v", m.ID, err)
		}
	}
	if n, _, wrong := s.seen(); n < len(variants()) || wrong != nil {
		t.Errorf("%d requests; %v", n, wrong)
	}
}

// variants are a message alone, the end of what it told, several, and a digest.
func variants() []release.Message {
	over, several, digest := Message(), Message(), Message()
	over.Notices[0].Over, over.Notices[0].Urgency = true, release.Inform
	several.Notices = append(several.Notices, over.Notices[0])
	digest.Digest = true
	digest.Notices = append(digest.Notices, several.Notices...)
	all := []release.Message{Message(), over, several, digest}
	for i := range all {
		all[i].ID = fmt.Sprint("chat n/", i)
	}
	return all
}

func twice(t *testing.T, h Harness, file string) {
	if h.Key == nil {
		t.Skip("the vendor has no key against doubles")
	}
	s := start(t, h, h.Accept)
	for range 2 {
		if _, err := h.New(s.Server, file, patience).Send(t.Context(), Message()); err != nil {
			t.Fatal(err)
		}
	}
	if _, keys, _ := s.seen(); len(keys) != 2 || keys[0] == "" || keys[0] != keys[1] {
		t.Errorf("the keys of one message are %q", keys)
	}
}

func hostile(t *testing.T, h Harness, file string) {
	s := start(t, h, h.Accept)
	if _, err := h.New(s.Server, file, patience).Send(t.Context(), Hostile()); err != nil {
		t.Error(err)
	}
	if _, _, wrong := s.seen(); wrong != nil {
		t.Error(wrong)
	}
}

func refusals(t *testing.T, h Harness, file string) {
	for _, status := range []int{400, 401, 403, 404, 413} {
		s := start(t, h, func(w http.ResponseWriter, _ *http.Request, _ []byte) error { w.WriteHeader(status); return nil })
		_, err := h.New(s.Server, file, patience).Send(t.Context(), Message())
		if n, _, _ := s.seen(); !errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrUnavailable) || n != 1 {
			t.Errorf("%d, asked %d times: %v", status, n, err)
		}
	}
}

func later(t *testing.T, h Harness, file string) {
	for _, status := range []int{429, 500, 502, 503} {
		s := start(t, h, func(w http.ResponseWriter, _ *http.Request, _ []byte) error {
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(status)
			return nil
		})
		sent, err := h.New(s.Server, file, patience).Send(t.Context(), Message())
		if !errors.Is(err, release.ErrUnavailable) || h.Cannot["waits"] == "" && sent.Wait != 7*time.Second {
			t.Errorf("%d: %v, to be tried again in %s", status, err, sent.Wait)
		}
	}
}

func hangs(t *testing.T, h Harness, file string) {
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-done
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(done) })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := h.New(s, file, timeout).Send(ctx, Message())
	if !errors.Is(err, release.ErrUnavailable) || ctx.Err() != nil {
		t.Error(err)
	}
}

func cancelled(t *testing.T, h Harness, file string) {
	s := start(t, h, h.Accept)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.New(s.Server, file, patience).Send(ctx, Message()); !errors.Is(err, release.ErrUnavailable) {
		t.Error(err)
	}
}

// secrets: a server that repeats all that it was sent does not get it into an
// error.
func secrets(t *testing.T, h Harness, file string) {
	for _, status := range []int{400, 503} {
		s := start(t, h, func(w http.ResponseWriter, r *http.Request, body []byte) error {
			w.WriteHeader(status)
			_, err := fmt.Fprintf(w, "%s %s %v %s", r.URL, h.Secret, r.Header, body)
			return err
		})
		_, err := h.New(s.Server, file, patience).Send(t.Context(), Message())
		if err == nil || strings.Contains(err.Error(), h.Secret) || len(err.Error()) > 1000 {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func redirects(t *testing.T, h Harness, file string) {
	other := start(t, h, h.Accept)
	s := start(t, h, func(w http.ResponseWriter, r *http.Request, _ []byte) error {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		return nil
	})
	_, err := h.New(s.Server, file, patience).Send(t.Context(), Message())
	if n, _, _ := other.seen(); !errors.Is(err, release.ErrInvalid) || n != 0 {
		t.Errorf("%v; the other host was asked %d times", err, n)
	}
}

func gone(t *testing.T, h Harness, file string) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := h.New(s, file, patience).Send(t.Context(), Message())
	if !errors.Is(err, release.ErrUnavailable) || strings.Contains(err.Error(), h.Secret) {
		t.Error(err)
	}
}

// noSecret: a file that is missing may be there again at the next try, so that no
// page is given up while a secret is being changed.
func noSecret(t *testing.T, h Harness, _ string) {
	s := start(t, h, h.Accept)
	missing := filepath.Join(t.TempDir(), "missing")
	_, err := h.New(s.Server, missing, timeout).Send(t.Context(), Message())
	if n, _, _ := s.seen(); !errors.Is(err, release.ErrUnavailable) || errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), missing) || n > 0 {
		t.Errorf("%v; asked %d times", err, n)
	}
}
