package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/linnet-project/linnet/api/client"
	"github.com/linnet-project/linnet/release"
)

// play is a transport that answers as a script says, in the virtual time of a
// test.
type play struct {
	mu    sync.Mutex
	steps []func(*http.Request) (*http.Response, error)
	asked []*http.Request
}

func (p *play) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	p.asked = append(p.asked, r)
	step := p.steps[min(len(p.asked), len(p.steps))-1]
	return step(r)
}

func says(code int, kind, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", kind)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
		resp := w.Result()
		resp.Request = r
		return resp, nil
	}
}

func breaks(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }

func asking(t *testing.T, steps ...func(*http.Request) (*http.Response, error)) (*client.Client, *play) {
	t.Helper()
	p := &play{steps: steps}
	c, err := client.New(client.Config{Server: "https://linnet.example.com/", Transport: p, Token: func() (string, error) { return "lnt_x", nil }})
	if err != nil {
		t.Fatal(err)
	}
	return c, p
}

const aRelease = `{"created":true,"release":{"name":"checkout","attempt":1,"outcome":"running"}}`

func TestWhoStopsWaitingIsToldOfNoFurtherTry(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	p := &play{steps: []func(*http.Request) (*http.Response, error){func(r *http.Request) (*http.Response, error) {
		stop()
		return nil, context.Cause(r.Context())
	}}}
	c, err := client.New(client.Config{Server: "https://linnet.example.com/", Transport: p, Token: func() (string, error) { return "lnt_x", nil },
		Trouble: func(err error) { t.Errorf("told that %v is tried again", err) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Create(ctx, client.Creation{File: "x"}); err == nil || len(p.asked) != 1 {
		t.Errorf("%v after %d requests", err, len(p.asked))
	}
}

func TestWhatPassesIsBorne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := asking(t, breaks, says(503, "application/problem+json", `{"detail":"busy"}`, "Retry-After", "3"),
			says(502, "text/html", "<html>"), says(429, "application/problem+json", `{"detail":"slower"}`), says(201, "application/json", aRelease))
		began := time.Now()
		made, err := c.Create(t.Context(), client.Creation{File: "x"})
		if err != nil || !made.Created || made.Release.ID().String() != "checkout/1" || len(p.asked) != 5 {
			t.Fatalf("%+v, %v after %d requests", made, err, len(p.asked))
		}
		key := p.asked[0].Header.Get("Idempotency-Key")
		for _, r := range p.asked {
			if r.Header.Get("Idempotency-Key") != key || key == "" || r.Header.Get("Authorization") != "Bearer lnt_x" {
				t.Errorf("headers %v", r.Header)
			}
		}
		if took := time.Since(began); took < 3*time.Second || took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		if _, err := c.Create(t.Context(), client.Creation{File: "x"}); err != nil || p.asked[5].Header.Get("Idempotency-Key") == key {
			t.Errorf("another request has the same key (%v)", err)
		}
	})
}

// An answer that was lost is asked for again under the same key: a request to break
// the glass is used up by the first.
func TestConfirmingTwiceIsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := asking(t, breaks, says(200, "application/json", `{"taken":true}`))
		made, err := c.Confirm(t.Context(), "abc")
		if err != nil || !made.Taken || len(p.asked) != 2 {
			t.Fatalf("%+v, %v", made, err)
		}
		if key := p.asked[0].Header.Get("Idempotency-Key"); key == "" || key != p.asked[1].Header.Get("Idempotency-Key") {
			t.Errorf("headers %v and %v", p.asked[0].Header, p.asked[1].Header)
		}
	})
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := asking(t, breaks)
		began := time.Now()
		_, err := c.Get(t.Context(), client.ID{Name: "checkout"})
		if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "https://linnet.example.com: connection reset") ||
			time.Since(began) != 30*time.Second || len(p.asked) > 20 {
			t.Errorf("%v after %s and %d requests", err, time.Since(began), len(p.asked))
		}
	})
}

func TestMeanings(t *testing.T) {
	for status, want := range map[int]error{404: release.ErrNotFound, 409: release.ErrConflict, 412: release.ErrConflict, 422: release.ErrInvalid, 400: release.ErrInvalid} {
		c, p := asking(t, says(status, "application/problem+json", `{"detail":"so it is","errors":[{"problem":"a","line":1,"column":2,"path":"spec"},{"problem":"b","hint":"c"}]}`))
		_, err := c.Get(t.Context(), client.ID{Name: "a b/c", Attempt: 2})
		if !errors.Is(err, want) || !strings.Contains(err.Error(), "so it is\n1:2: spec: a\nb; c") || len(p.asked) != 1 {
			t.Errorf("%d: %v", status, err)
		}
		if got := p.asked[0].URL.EscapedPath(); got != "/v1/releases/a%20b%2Fc/2" {
			t.Errorf("asked for %s", got)
		}
	}
	c, _ := asking(t, says(401, "application/problem+json", `{"detail":"who are you?"}`))
	if _, err := c.Get(t.Context(), client.ID{Name: "a"}); err == nil || errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "LINNET_TOKEN") {
		t.Error(err)
	}
	c, _ = asking(t, says(200, "text/html", "<html>Welcome to nginx"))
	if _, err := c.Get(t.Context(), client.ID{Name: "a"}); err == nil || !strings.Contains(err.Error(), "is this its address?") {
		t.Error(err)
	}
	// A redirection does not get the token.
	c, p := asking(t, says(302, "text/html", "", "Location", "https://evil.example.com/"))
	if _, err := c.Get(t.Context(), client.ID{Name: "a"}); err == nil || len(p.asked) != 1 {
		t.Errorf("%v, %d requests", err, len(p.asked))
	}
}

func TestATokenStaysSecret(t *testing.T) {
	p := &play{steps: []func(*http.Request) (*http.Response, error){says(200, "application/json", "{}")}}
	for server, fine := range map[string]bool{"http://linnet.example.com": false, "http://127.0.0.1:8440": true, "http://localhost": true, "http://127.evil.example.com": false} {
		c, err := client.New(client.Config{Server: server, Transport: p, Token: func() (string, error) { return "lnt_secret", nil }})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(t.Context(), client.ID{Name: "a"}); (err == nil) != fine || err != nil && strings.Contains(err.Error(), "lnt_secret") {
			t.Errorf("%s: %v", server, err)
		}
	}
	for _, server := range []string{"", "linnet.example.com", "ftp://x", "https://u:p@x", "https://x?y"} {
		if _, err := client.New(client.Config{Server: server}); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%q: %v", server, err)
		}
	}
}

func event(seq int) string {
	return fmt.Sprintf("id: %d\nevent: stay\ndata: {\"seq\":%d,\ndata: \"phase\":\"observing\"}\n\n", seq, seq)
}

func TestFollowingGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := "text/event-stream"
		c, p := asking(t, says(200, stream, ": hello\n\n"+event(1)+event(2)+"data: {\"seq\":3"), breaks, says(503, "text/plain", ""),
			says(200, stream, event(2)+event(3)), says(200, stream, event(4)+event(5)))
		var got []uint64
		enough := errors.New("enough")
		err := c.Follow(t.Context(), client.ID{Name: "a", Attempt: 1}, 0, func(e client.Event) error {
			if got = append(got, e.Seq); e.Seq == 5 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || fmt.Sprint(got) != "[1 2 3 4 5]" {
			t.Errorf("%v: %v", got, err)
		}
		var from []string
		for _, r := range p.asked {
			from = append(from, r.Header.Get("Last-Event-Id"))
		}
		if fmt.Sprint(from) != "[0 2 2 2 3]" {
			t.Errorf("asked to go on after %v", from)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		c, _ = asking(t, breaks)
		if err := c.Follow(ctx, client.ID{Name: "a"}, 0, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		c, _ = asking(t, says(404, "application/problem+json", `{"detail":"nothing"}`))
		if err := c.Follow(t.Context(), client.ID{Name: "a"}, 0, nil); !errors.Is(err, release.ErrNotFound) {
			t.Error(err)
		}
	})
}

// A server that lost its last events goes on with others under their sequences.
func TestEventsInThePlaceOfLostOnesAreHandedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := func(seq, second int) string {
			return fmt.Sprintf("id: %d\nevent: stay\ndata: {\"seq\":%d,\"time\":\"2026-01-02T15:04:%02dZ\"}\n\n", seq, seq, second)
		}
		c, _ := asking(t, says(200, "text/event-stream", at(7, 0)+at(8, 1)+at(9, 2)), breaks, says(200, "text/event-stream", at(9, 2)+at(8, 10)+at(9, 11)))
		var got []string
		enough := errors.New("enough")
		err := c.Follow(t.Context(), client.ID{Name: "a", Attempt: 1}, 6, func(e client.Event) error {
			if got = append(got, fmt.Sprintf("%d@%d", e.Seq, e.Time.Second())); e.Time.Second() == 11 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || fmt.Sprint(got) != "[7@0 8@1 9@2 8@10 9@11]" {
			t.Errorf("%v: %v", got, err)
		}
	})
}

// A stream that falls silent is left, and another is opened.
func TestASilentStreamIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hangs := func(r *http.Request) (*http.Response, error) {
			in, out := io.Pipe()
			context.AfterFunc(r.Context(), func() { _ = out.CloseWithError(r.Context().Err()) })
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: in, Request: r}, nil
		}
		c, p := asking(t, hangs, says(200, "text/event-stream", event(1)))
		enough := errors.New("enough")
		if err := c.Follow(t.Context(), client.ID{Name: "a"}, 0, func(client.Event) error { return enough }); !errors.Is(err, enough) || len(p.asked) != 2 {
			t.Errorf("%v after %d requests", err, len(p.asked))
		}
	})
}

// Whatever a stream says, each event is handed over once and in order.
func FuzzStream(f *testing.F) {
	f.Add([]byte(event(1) + event(2)))
	f.Add([]byte("data:\n\ndata: {}\r\n\r\n: x\nid\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		synctest.Test(t, func(t *testing.T) {
			last, when := uint64(0), time.Time{}
			c, _ := asking(t, says(200, "text/event-stream", string(text)), says(422, "application/problem+json", `{"detail":"enough"}`))
			err := c.Follow(t.Context(), client.ID{Name: "a"}, 0, func(e client.Event) error {
				if e.Seq <= last && !e.Time.After(when) {
					t.Fatalf("%d after %d", e.Seq, last)
				}
				last, when = e.Seq, e.Time
				return nil
			})
			if !errors.Is(err, release.ErrInvalid) {
				t.Fatal(err)
			}
		})
	})
}
