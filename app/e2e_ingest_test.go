package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/testprogram"
)

// door is linnet ingest serve at a fixed address, which is started again after
// each kill.
type door struct {
	t       *testing.T
	address string
	args    []string
	program *program
}

func newDoor(t *testing.T, rules string, args ...string) *door {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "ingest.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: linnet/v1\nkind: Ingest\nspec:\n"+rules), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &door{t: t, address: testprogram.Address(t)}
	d.args = append([]string{"ingest", "serve", "--listen", d.address, "--rules", file, "--data", filepath.Join(dir, "data")}, args...)
	return d
}

func (d *door) start() {
	d.t.Helper()
	d.program = linnet(d.t, d.args...)
	d.program.says("ingest on http://")
}

func (d *door) url(path string) string { return "http://" + d.address + path }

// post posts NDJSON under an id, and tells how the door answered.
func (d *door) post(ctx context.Context, id string, body []byte) (code int, r receipt, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url("/v1/events"), bytes.NewReader(body))
	if err != nil {
		return 0, r, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Idempotency-Key", id)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, r, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, r, err
	}
	return resp.StatusCode, r, json.Unmarshal(text, &r)
}

// receipt is what the door answers, as far as tests look at it.
type receipt struct {
	Accepted, Refused, Repeated int
	Refusals                    []any
}

// value is what an instant query comes to; false where it has no value.
func (d *door) value(query string) (float64, bool) {
	d.t.Helper()
	resp, err := http.Get(d.url("/api/v1/query?query=" + url.QueryEscape(query)))
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	var said struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(resp.Body).Decode(&said); err != nil {
		d.t.Fatal(err)
	}
	if len(said.Data.Result) == 0 {
		return 0, false
	}
	v, err := strconv.ParseFloat(said.Data.Result[0].Value[1].(string), 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return v, true
}

// Senders post 20,000 events a second, each with an id of its own, while the door
// is killed again and again. What was not acknowledged they send again under the
// same ids, and some of what was, too. In the end every event is counted once.
func TestIngestIsKilledAndCountsEachEventOnce(t *testing.T) {
	const (
		rate    = 20_000 // events a second
		senders = 4
		size    = 500 // events a batch
		batches = 100 // of each sender: 200,000 events, ten seconds
		kills   = 4
		every   = time.Second * senders * size / rate
	)
	d := newDoor(t, "  time: { window: 1s, lateness: 20s }\n")
	d.start()
	var acknowledged, accepted, repeated, tries atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var group sync.WaitGroup
	begun := time.Now()
	for s := range senders {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(s)))
			for b := range batches {
				// What was held up by a kill comes all at once after it.
				select {
				case <-time.After(time.Until(begun.Add(time.Duration(b) * every))):
				case <-ctx.Done():
				}
				id := fmt.Sprintf("%d-%d", s, b)
				body := eventsOf(id, size)
				for again := rng.IntN(10) == 0; ; {
					tries.Add(1)
					code, r, err := d.post(ctx, id, body)
					if ctx.Err() != nil {
						return
					}
					if err != nil || code != http.StatusOK {
						select { // it is being killed, or full
						case <-time.After(50 * time.Millisecond):
						case <-ctx.Done():
						}
						continue
					}
					if r.Accepted+r.Repeated != size || r.Refused != 0 {
						t.Errorf("batch %s: %+v", id, r)
					}
					accepted.Add(int64(r.Accepted))
					repeated.Add(int64(r.Repeated))
					if !again {
						break
					}
					again = false
				}
				acknowledged.Add(size)
			}
		})
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for range kills {
		select {
		case <-time.After(500*time.Millisecond + time.Duration(rng.Int64N(int64(time.Second)))):
		case <-ctx.Done():
		}
		if !d.program.kill() {
			t.Fatal("the door ended by itself")
		}
		d.start()
	}
	group.Wait()
	took := time.Since(begun)
	want := float64(acknowledged.Load())
	if want != senders*batches*size {
		t.Fatalf("only %v events were acknowledged", want)
	}
	t.Logf("%v events in %s (%.0f/s) with %d kills: %d requests, %d events accepted and %d repeated in answers",
		want, took.Round(time.Millisecond), want/took.Seconds(), kills, tries.Load(), accepted.Load(), repeated.Load())
	eventually(t, "every event to be counted", func() bool {
		got, _ := d.value(`sum(linnet_requests_total)`)
		if got > want {
			t.Fatalf("%v events are counted, of %v that were sent", got, want)
		}
		return got == want
	})
	if got, _ := d.value(`sum(histogram_count(linnet_request_duration_seconds))`); got != want {
		t.Errorf("the histograms count %v events, not %v", got, want)
	}
	if got, _ := d.value(`sum(linnet_requests_total{version="2", outcome="error"})`); got != want/10 {
		t.Errorf("%v errors of version 2 are counted, not %v", got, want/10)
	}
	d.program.signal(syscall.SIGTERM)
	d.program.exits(0)
}

// eventsOf is a batch of events with ids of their own, of now: every second one of
// version 2, of which every fifth failed.
func eventsOf(id string, n int) []byte {
	var b bytes.Buffer
	now := time.Now().UTC().Format(time.RFC3339Nano)
	for i := range n {
		version, outcome := "1", "ok"
		if i%2 == 0 {
			version = "2"
			if i%10 == 0 {
				outcome = "error"
			}
		}
		fmt.Fprintf(&b, `{"schema":"linnet.event/1","id":"%s-%d","time":%q,"service":"shop","version":%q,"outcome":%q,"duration_ms":%d}`+"\n",
			id, i, now, version, outcome, 10+i%50)
	}
	return b.Bytes()
}

// A release that asks nobody: what its arms do is sent to it, as events.
func TestReleasesOnWhatIsSent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		failing int // of a hundred of the candidate's requests
		exclude string
		exit    int
	}{{"sent-good", 1, "", 0}, {"sent-bad", 30, "2x", 3}} { // a bad version must not pass on a busy machine
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t, c.name, "")
			d := &door{t: t, address: testprogram.Address(t)}
			rules := filepath.Join(t.TempDir(), "ingest.yaml")
			if err := os.WriteFile(rules, []byte("apiVersion: linnet/v1\nkind: Ingest\nspec: { time: { window: 1s, lateness: 1s } }\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			file := s.write(story{
				traffic: s.embedded("127.0.0.1:0"), delay: "4s", exclude: c.exclude,
				source: fmt.Sprintf("{ embedded: { receive: { listen: %q, rules: %q } } }", d.address, rules),
				metrics: []string{
					`{ name: errors, ratio: { bad: 'linnet_requests_total{outcome="error"}', of: linnet_requests_total }, exclude: EXCLUDE }`,
					`{ name: latency, histogram: linnet_request_duration_seconds, exclude: EXCLUDE }`,
				},
			})
			d.program = linnet(t, "run", "--exit", "-f", file, "--data", s.data)
			d.program.says("ingest on http://")
			users := d.program.says(`traffic on (http://\S+)`)[1]
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			late := time.After(patience)
			for n := 0; !d.program.over(); n++ {
				select {
				case <-late:
					t.Fatal("the release does not end")
				case <-tick.C:
				}
				served := answers(t, users, 40) // as the splitter splits them
				body := armEvents("baseline", n, served["1.0.0"], 1) + armEvents("candidate", n, served["1.1.0"], c.failing)
				_, _, _ = d.post(t.Context(), fmt.Sprint(n), []byte(body)) // it may have ended
			}
			d.program.exits(c.exit)
			s.sound(journal.ID{Name: c.name, Attempt: 1})
		})
	}
}

// armEvents are requests of an arm, of which some of a hundred failed.
func armEvents(arm string, n, requests, failing int) string {
	var b bytes.Buffer
	for i := range requests {
		outcome := "ok"
		if (i*37+n*13)%100 < failing {
			outcome = "error"
		}
		fmt.Fprintf(&b, `{"id":"%s-%d-%d","time":%q,"service":"shop","arm":%q,"outcome":%q,"duration_ms":%d}`+"\n",
			arm, n, i, time.Now().UTC().Format(time.RFC3339Nano), arm, outcome, 10+i%50)
	}
	return b.String()
}

func TestReceiveMustBeWaitedFor(t *testing.T) {
	t.Parallel()
	s := &shop{t: t, name: "shop", data: filepath.Join(t.TempDir(), "data"), baseURL: "http://127.0.0.1:1", nextURL: "http://127.0.0.1:2"}
	rules := filepath.Join(t.TempDir(), "ingest.yaml")
	if err := os.WriteFile(rules, []byte("apiVersion: linnet/v1\nkind: Ingest\nspec: { time: { lateness: 1m } }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{
		"{ embedded: { interval: 1s } }":                                                      `neither scrapes nor receives anything`,
		"{ embedded: { receive: { listen: '127.0.0.1:0' } } }":                                `spec.analysis.delay: 500ms is shorter than its sources need`,
		fmt.Sprintf("{ embedded: { receive: { listen: '127.0.0.1:0', rules: %q } } }", rules): `write delay: 1m7s`,
	} {
		file := s.write(story{traffic: s.embedded("127.0.0.1:0"), source: source, metrics: []string{ownErrors}})
		expect(t, 2, []string{"run", "-f", file, "--data", s.data}, want)
	}
}
