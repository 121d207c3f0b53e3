package event_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// door is a front door that answers as it is told.
type door struct {
	got     item.Batch
	receipt item.Receipt
	err     error
}

func (d *door) Receive(_ context.Context, b item.Batch) (item.Receipt, error) {
	d.got = b
	return d.receipt, d.err
}

func zipped(text string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.Bytes()
}

func TestEventsArePosted(t *testing.T) {
	d := &door{receipt: item.Receipt{Accepted: 2, Refused: 1, Repeated: 3, Refusals: []item.Refusal{{Code: item.MissingTag, Text: "the tag service is missing", Place: "line 3"}}}}
	server := httptest.NewServer(event.Handler(d, 1000))
	defer server.Close()
	post := func(body []byte, headers ...string) (int, http.Header, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+event.Path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, answer.Header, strings.TrimSpace(string(text))
	}

	code, _, said := post(zipped("service\n"), "Content-Type", "text/csv; charset=utf-8", "Content-Encoding", "gzip", "X-Scope-OrgID", "shop", "Idempotency-Key", "b-1")
	want := `{"accepted":2,"refused":1,"repeated":3,"refusals":[{"code":"missing-tag","text":"the tag service is missing","place":"line 3"}]}`
	if code != 200 || said != want {
		t.Errorf("got %d %s, want %s", code, said, want)
	}
	if g := d.got; g.ID != "b-1" || g.Tenant != "shop" || g.Sender != "http 127.0.0.1" || g.Format != item.EventsCSV || string(g.Body) != "service\n" {
		t.Errorf("the door got %+v", g)
	}

	const ndjson = "application/x-ndjson"
	for name, c := range map[string]struct {
		err     error
		body    []byte
		headers []string
		code    int
		said    string
	}{
		"the type":      {nil, nil, []string{"Content-Type", "application/xml"}, 415, `content-type \"application/xml\"; send application/x-ndjson`},
		"no type":       {nil, nil, nil, 415, "send application/x-ndjson"},
		"the packing":   {nil, nil, []string{"Content-Type", ndjson, "Content-Encoding", "br"}, 415, "br"},
		"no gzip":       {nil, []byte("x"), []string{"Content-Type", ndjson, "Content-Encoding", "gzip"}, 400, "cannot be read"},
		"too large":     {nil, zipped(strings.Repeat("x", 2000)), []string{"Content-Type", ndjson, "Content-Encoding", "gzip"}, 413, "more than 1000 bytes"},
		"tenant":        {nil, nil, []string{"Content-Type", ndjson, "X-Scope-OrgID", "a b"}, 400, "no tenant"},
		"id":            {nil, nil, []string{"Content-Type", ndjson, "Idempotency-Key", strings.Repeat("x", 300)}, 400, "300 bytes"},
		"a full door":   {item.Busy{After: 1500 * time.Millisecond}, nil, []string{"Content-Type", ndjson}, 429, "try again in 1.5s"},
		"an ill door":   {fmt.Errorf("the disk is full: %w", release.ErrUnavailable), nil, []string{"Content-Type", ndjson}, 503, "the disk is full"},
		"an unreadable": {fmt.Errorf("the batch is a JSON array: %w", release.ErrInvalid), nil, []string{"Content-Type", ndjson}, 400, "a JSON array"},
	} {
		d.err = c.err
		code, headers, said := post(c.body, c.headers...)
		if code != c.code || !strings.Contains(said, c.said) {
			t.Errorf("%s: got %d %s, want %d %s", name, code, said, c.code, c.said)
		}
		if after := headers.Get("Retry-After"); code == 429 && after != "2" {
			t.Errorf("%s: Retry-After is %q", name, after)
		}
	}
}
