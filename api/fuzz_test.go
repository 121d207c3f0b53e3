package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/database/databasetest"
)

// FuzzRequests: whatever is asked, the answer is one: no panic, nothing of the
// server's own fault, and what is wrong comes as a problem.
func FuzzRequests(f *testing.F) {
	w := newWorld(f, databasetest.Folder(f))
	w.begin("checkout-1", "red")
	good := body(map[string]any{"file": file("checkout-1", "red", 5)})
	for _, c := range calls {
		text := c.body
		if text == "FILE" {
			text = good
		}
		f.Add(c.method, strings.ReplaceAll(c.path, "TEAM", "checkout-1"), "Accept", "text/event-stream", text)
	}
	f.Add("GET", "/v1/releases?limit=5&cursor=cjEuMQ&q=%00&state=ended", "If-None-Match", `"1"`, "")
	f.Add("POST", "/v1/releases/checkout-1/latest/pause?wait=0s", "Idempotency-Key", "k", `{"reason":"x"}`)
	f.Add("POST", "/v1/releases/checkout-1/1/abort?wait=1ns", "If-Match", `"1"`, `{"reason":1e999}`)
	f.Add("GET", "/v1/releases/checkout-1/1/events?after=1", "Last-Event-ID", "18446744073709551615", "")
	f.Add("GET", "/v1/events", "Last-Event-ID", "0.1", "")
	f.Add("OPTIONS", "/v1/../openapi.json", "Host", "x", "{}")
	f.Fuzz(func(t *testing.T, method, path, name, value, text string) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, method, "http://127.0.0.1"+path, strings.NewReader(text))
		if err != nil || r.URL.Path == "" {
			return // no request that a server gets
		}
		r.Header.Set(name, value)
		got := httptest.NewRecorder()
		w.server.Config.Handler.ServeHTTP(got, r)
		if ctx.Err() != nil {
			w.forgets() // on a busy machine what was broken off is told
		}
		if got.Code >= 500 && ctx.Err() == nil {
			t.Fatalf("%s %q: %d %s", method, path, got.Code, got.Body)
		}
		if got.Code < 400 {
			return
		}
		var p api.Problem
		if err := json.Unmarshal(got.Body.Bytes(), &p); err != nil || p.Status != got.Code || p.Detail == "" || got.Header().Get("Content-Type") != "application/problem+json" {
			t.Fatalf("%s %q: %d %v: %s", method, path, got.Code, err, got.Body)
		}
	})
}
