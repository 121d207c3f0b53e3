package httpjson_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/httpjson"
	"github.com/linnet-project/linnet/release"
)

// byArm is a ratio of two questions for each arm.
var byArm = release.Metric{Name: "errors", Kind: release.Ratio, Events: "bad of {{version}}", Of: "all of {{version}}"}

// asksByArm is a source of such questions, which no single request ends.
func asksByArm(t *testing.T, url string) *httpjson.Source {
	c := asking(url, httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", TimeFormat: "s", Value: "$.n"})
	c.Access.Timeout = time.Minute
	return open(t, c)
}

// Questions of one metric are asked four at a time, and each answer counts where
// its question does.
func TestQuestionsAreAskedAtOnce(t *testing.T) {
	var now, most atomic.Int64
	four := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		if n == 4 {
			close(four)
		}
		select {
		case <-four:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/json")
		events := map[string]int{"bad of 1.4.1": 1, "all of 1.4.1": 100, "bad of 1.5.0": 2, "all of 1.5.0": 50}[r.URL.Query().Get("q")]
		fmt.Fprintf(w, `[{"t": %d, "n": %d}]`, noon.Unix(), events)
	}))
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	a, err := asksByArm(t, srv.URL).Observe(ctx, release.Query{Metric: byArm, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
	if err != nil {
		t.Fatal(err)
	}
	want(t, a, release.Baseline, "", minutes(0, 1), 1, 100)
	want(t, a, release.Candidate, "", minutes(0, 1), 2, 50)
	if n := most.Load(); n != 4 {
		t.Errorf("%d questions at once, want 4", n)
	}
}

// However many arms there are, a server is not asked more than four at once.
func TestNotMoreThanFourAtOnce(t *testing.T) {
	var now, most atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "[]")
	}))
	t.Cleanup(srv.Close)
	q := release.Query{Metric: byArm, Windows: []release.Window{minutes(0, 1)}}
	for i := range 40 {
		q.Arms = append(q.Arms, release.Arm{Name: fmt.Sprint("arm", i), Version: fmt.Sprint("1.", i)})
	}
	if _, err := asksByArm(t, srv.URL).Observe(context.Background(), q); err != nil {
		t.Fatal(err)
	}
	if n := most.Load(); n > 4 {
		t.Errorf("%d questions at once, want at most 4", n)
	}
}

// The first error ends the other questions, which would take long.
func TestTheFirstErrorEndsTheOthers(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("q") == "all of 1.5.0" {
			http.Error(w, "no such field", http.StatusBadRequest)
			return
		}
		<-r.Context().Done()
	}))
	t.Cleanup(srv.Close)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_, err := asksByArm(t, srv.URL).Observe(ctx, release.Query{Metric: byArm, Arms: arms, Windows: []release.Window{minutes(0, 1)}})
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(fmt.Sprint(err), "no such field") || ctx.Err() != nil {
		t.Errorf("error %v, want that of the question that was refused", err)
	}
}

// A gap that takes more requests than a look has time for is told, with the keys
// by which fewer will do; a shorter one is asked for whole.
func TestGapsOfManyRequests(t *testing.T) {
	srv := serve(t, func(int, request) (int, string) { return http.StatusOK, "[]" })
	c := asking(srv.URL, httpjson.Mapping{Rows: []httpjson.Level{{Each: "$[*]"}}, Time: "$.t", TimeFormat: "s", Arm: "$.v", Value: "$.n"})
	c.Most = 2
	gap := func(c httpjson.Config, length int) error {
		_, err := open(t, c).Observe(context.Background(), release.Query{Metric: perMinute, Arms: arms, Windows: []release.Window{minutes(0, length)}})
		return err
	}
	if err := gap(c, 200); err != nil || len(srv.requests()) != 100 {
		t.Errorf("a gap of 100 requests: error %v after %d requests", err, len(srv.requests()))
	}
	totals := c
	totals.Totals = true
	vendor := c
	vendor.API.Name = "datadog"
	for words, c := range map[string]httpjson.Config{
		"raise most (2) or step:":                              c,
		"raise most (2) or step, or shorten lookback (10m0s):": totals,
		"raise step:": vendor,
	} {
		err := gap(c, 201)
		if !errors.Is(err, release.ErrInvalid) {
			t.Fatalf("error %v, want it to be invalid", err)
		}
		wantText(t, "error", err.Error(), "more than 100 requests of 2m0s each", words)
	}
}
