package send_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/send"
	"github.com/linnet-project/linnet/release"
)

// door is a front door that counts batches once, and is busy as often as it is
// told.
type door struct {
	mu     sync.Mutex
	busy   int
	broken error
	seen   map[string]bool
	events []item.Event
	last   item.Batch
}

func (d *door) Receive(_ context.Context, b item.Batch) (item.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = b
	if d.broken != nil {
		return item.Receipt{}, d.broken
	}
	if d.busy > 0 {
		d.busy--
		return item.Receipt{}, item.Busy{After: time.Second}
	}
	decode := event.NDJSON
	if b.Format == item.EventsCSV {
		decode = event.CSV
	}
	got, err := decode(b)
	if d.seen[b.ID] {
		return item.Receipt{Repeated: len(got.Events)}, nil
	}
	d.seen[b.ID] = true
	d.events = append(d.events, got.Events...)
	return item.Receipt{Accepted: len(got.Events), Refused: len(got.Refused), Refusals: got.Refused[:min(10, len(got.Refused))]}, err
}

func start(t *testing.T) (*door, *send.Client) {
	t.Helper()
	d := &door{seen: map[string]bool{}}
	server := httptest.NewServer(event.Handler(d, 0))
	t.Cleanup(server.Close)
	return d, &send.Client{URL: server.URL + "/"}
}

// csv is a file of so many lines, some of which are no good.
func csv(lines int, bad ...int) string {
	var b strings.Builder
	b.WriteString("\n\xef\xbb\xbf"[1:] + "service,version,outcome,note\n")
	for i := range lines {
		if len(bad) > 0 && i == bad[0] {
			bad = bad[1:]
			b.WriteString("checkout,1\n")
			continue
		}
		fmt.Fprintf(&b, "checkout,1,ok,%d %s\n", i, strings.Repeat("x", 80))
	}
	return b.String()
}

func TestALargeFileGoesInBatches(t *testing.T) {
	d, c := start(t)
	const lines = 40_000
	text := csv(lines, 3, 20_000, 39_999)
	progress := 0
	sum, err := c.Send(t.Context(), send.File{Reader: strings.NewReader(text), Name: "events.csv", Tenant: "shop"}, func(send.Sum) { progress++ })
	if err != nil || sum.Accepted != lines-3 || sum.Refused != 3 || len(d.events) != lines-3 || d.last.Tenant != "shop" {
		t.Fatalf("%+v, %v", sum, err)
	}
	if sum.Batches < 3 || progress != sum.Batches {
		t.Errorf("%d batches, %d times progress", sum.Batches, progress)
	}
	var got []string
	for _, r := range sum.Refusals {
		got = append(got, r.String())
	}
	const why = ": unreadable: it has 2 cells, and the first line names 4 columns; put the line right"
	if want := []string{"events.csv:5" + why, "events.csv:20002" + why, "events.csv:40001" + why}; strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	again, err := c.Send(t.Context(), send.File{Reader: strings.NewReader(text), Name: "other.csv"}, nil)
	if err != nil || again.Repeated != lines-3 || again.Accepted != 0 {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	other, err := c.Send(t.Context(), send.File{Reader: strings.NewReader(text), Name: "events.csv", ID: "mine"}, nil)
	if err != nil || other.Accepted != lines-3 || d.last.ID != fmt.Sprintf("mine-%d", other.Batches) {
		t.Errorf("sent under another id: %+v, %v, %s", other, err, d.last.ID)
	}
}

// A file of nothing but the same line counts whole, and once when it is sent again.
func TestAFileOfEqualLines(t *testing.T) {
	d, c := start(t)
	line := `{"time":1767366245,"name":"order","service":"shop","version":"1","route":"/` + strings.Repeat("x", 941) + `"}` + "\n"
	text := strings.Repeat(line, 4096)
	for i, want := range [][2]int{{4096, 0}, {0, 4096}} {
		sum, err := c.Send(t.Context(), send.File{Reader: strings.NewReader(text), Name: "a.ndjson"}, nil)
		if err != nil || sum.Batches < 3 || sum.Accepted != want[0] || sum.Repeated != want[1] {
			t.Errorf("time %d: %+v, %v", i, sum, err)
		}
	}
	if len(d.events) != 4096 {
		t.Errorf("%d events of lines of %d bytes", len(d.events), len(line))
	}
}

func TestFormats(t *testing.T) {
	ndjson := `{"service":"a","version":"1","outcome":"ok"}` + "\n"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(ndjson))
	_ = z.Close()
	for name, c := range map[string]struct {
		text string
		want item.Format
	}{
		"a.csv": {csv(1), item.EventsCSV}, "a.CSV.gz": {csv(1), item.EventsCSV}, "a.ndjson": {ndjson, item.EventsJSON},
		"a.jsonl.gz": {zipped.String(), item.EventsJSON}, "-": {ndjson, item.EventsJSON}, "export": {csv(1), item.EventsCSV},
		"a.log": {zipped.String(), item.EventsJSON}, "a.json": {"", item.EventsJSON}, "no end": {strings.TrimSpace(ndjson), item.EventsJSON},
	} {
		d, client := start(t)
		sum, err := client.Send(t.Context(), send.File{Reader: strings.NewReader(c.text), Name: name}, nil)
		if err != nil || d.last.Format != c.want || c.text != "" && sum.Accepted != 1 {
			t.Errorf("%s: %+v, %v, as %s", name, sum, err, d.last.Format)
		}
	}
}

func TestAFullDoorIsWaitedFor(t *testing.T) {
	d, c := start(t)
	d.busy = 2
	sum, err := c.Send(t.Context(), send.File{Reader: strings.NewReader(csv(5)), Name: "a.csv"}, nil)
	if err != nil || sum.Accepted != 5 {
		t.Errorf("%+v, %v", sum, err)
	}
	d.busy = 1000
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Send(ctx, send.File{Reader: strings.NewReader(csv(6)), Name: "a.csv"}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	d, c := start(t)
	file := func() send.File { return send.File{Reader: strings.NewReader(csv(5)), Name: "a.csv"} }
	d.broken = fmt.Errorf("the batch is no good: %w", release.ErrInvalid)
	if _, err := c.Send(t.Context(), file(), nil); !errors.Is(err, release.ErrInvalid) || err.Error() != "a.csv: the batch is no good: invalid" {
		t.Errorf("a batch that is refused: %v", err)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, c := range map[string]struct {
		url, want string
		meaning   error
	}{
		"no door":     {other.URL, "and not as a front door does", release.ErrInvalid},
		"nobody":      {closed.URL, "start `linnet ingest serve`", release.ErrUnavailable},
		"no URL":      {"localhost:4318", "no URL such as", release.ErrInvalid},
		"with secret": {"http://me:hunter2@localhost", "no URL such as", release.ErrInvalid},
	} {
		_, err := (&send.Client{URL: c.url}).Send(t.Context(), file(), nil)
		if !errors.Is(err, c.meaning) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	long := send.File{Reader: strings.NewReader(strings.Repeat("x", 10<<20)), Name: "image"}
	if _, err := c.Send(t.Context(), long, nil); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "image:1: the line is longer") {
		t.Errorf("no lines: %v", err)
	}
	broken := send.File{Reader: strings.NewReader("\x1f\x8bxx"), Name: "a.gz"}
	if _, err := c.Send(t.Context(), broken, nil); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("no gzip: %v", err)
	}
}
