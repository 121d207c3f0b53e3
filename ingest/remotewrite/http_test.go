package remotewrite_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	remoteapi "github.com/prometheus/client_golang/exp/api/remote"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/remotewrite"
	"github.com/linnet-project/linnet/release"
)

// door decodes what comes in and keeps it, unless it is to fail.
type door struct {
	mu      sync.Mutex
	decoder remotewrite.Decoder
	batches []item.Batch
	samples []item.Sample
	marks   []item.Exemplar
	refused []item.Refusal
	fail    []error // for as many batches
}

func (d *door) Receive(_ context.Context, b item.Batch) (item.Receipt, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.batches = append(d.batches, b)
	if len(d.fail) > 0 {
		err := d.fail[0]
		d.fail = d.fail[1:]
		return item.Receipt{}, err
	}
	decode := d.decoder.V1
	if b.Format == item.RemoteTwo {
		decode = d.decoder.V2
	}
	got, err := decode(b)
	if err != nil {
		return item.Receipt{}, err
	}
	d.samples = append(d.samples, got.Samples...)
	d.marks = append(d.marks, got.Exemplars...)
	d.refused = append(d.refused, got.Refused...)
	return item.Receipt{Accepted: len(got.Samples), Refused: len(got.Refused), Refusals: got.Refused}, nil
}

// latest is the last sample of each series of a metric that has come in.
func (d *door) latest(name string) map[string]item.Sample {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := map[string]item.Sample{}
	for _, s := range d.samples {
		if s.Labels.Get("__name__") == name {
			last[s.Labels.String()] = s
		}
	}
	return last
}

func send(t *testing.T, d *door, kind string, body []byte) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/api/v1/write", bytes.NewReader(s2.EncodeSnappy(nil, body)))
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Content-Encoding", "snappy")
	remotewrite.Handler(remotewrite.Config{Receiver: d, Most: 1 << 20}).ServeHTTP(w, r)
	return w.Result()
}

const (
	typeV1 = "application/x-protobuf;proto=prometheus.WriteRequest"
	typeV2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
)

func TestTheContentTypeTellsTheVersion(t *testing.T) {
	one := v1(t, prompb.TimeSeries{Labels: pairs("__name__", "a"), Samples: []prompb.Sample{{Value: 1}}}).Body
	for kind, want := range map[string]int{
		"application/x-protobuf": 204, typeV1: 204, typeV2: 204,
		"application/x-protobuf;proto=other": 415, "application/json": 415, "": 415,
	} {
		d := &door{}
		if resp := send(t, d, kind, nil); resp.StatusCode != want {
			t.Errorf("%q: %s, want %d", kind, resp.Status, want)
		}
		if want == 204 && (d.batches[0].Format == item.RemoteTwo) != (kind == typeV2) {
			t.Errorf("%q came in as %s", kind, d.batches[0].Format)
		}
	}
	d := &door{}
	if resp := send(t, d, "application/x-protobuf", one); resp.StatusCode != 204 || len(d.samples) != 1 {
		t.Errorf("%s, %d samples", resp.Status, len(d.samples))
	}
}

func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		body []byte
		want int
	}{
		"no protobuf": {nil, []byte("hello"), 400},
		"too large":   {nil, make([]byte, 2<<20), 413},
		"a full door, which a Prometheus must not take for a reason to drop": {item.Busy{After: 2 * time.Second}, nil, 503},
		"down": {fmt.Errorf("no: %w", release.ErrUnavailable), nil, 503},
	} {
		d := &door{}
		if c.err != nil {
			d.fail = []error{c.err}
		}
		resp := send(t, d, typeV1, c.body)
		if resp.StatusCode != c.want || (c.want == 503) != (resp.Header.Get("Retry-After") != "") {
			t.Errorf("%s: %s, Retry-After %q, want %d", name, resp.Status, resp.Header.Get("Retry-After"), c.want)
		}
	}
}

// Prometheus' own client of version 2: it sends again what a full door did not
// take, and believes only what the answer says was written.
func TestPrometheusClientOfVersion2(t *testing.T) {
	d := &door{fail: []error{item.Busy{After: time.Millisecond}}}
	s := httptest.NewServer(remotewrite.Handler(remotewrite.Config{Receiver: d}))
	defer s.Close()
	client, err := remoteapi.NewAPI(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	symbols := writev2.NewSymbolTable()
	refs := func(name string) []uint32 { return symbols.SymbolizeLabels(labels.FromStrings("__name__", name), nil) }
	request := &writev2.Request{Timeseries: []writev2.TimeSeries{
		{LabelsRefs: refs("a"), Samples: []writev2.Sample{{Value: 1, Timestamp: 1}, {Value: 2, Timestamp: 2}}},
		{LabelsRefs: refs("h"), Histograms: []writev2.Histogram{writev2.FromIntHistogram(0, 1, native())}, Exemplars: []writev2.Exemplar{{Value: 1, Timestamp: 1}}},
		{LabelsRefs: []uint32{}, Samples: []writev2.Sample{{Value: 1, Timestamp: 1}}},
	}}
	request.Symbols = symbols.Symbols()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	stats, err := client.Write(ctx, remoteapi.WriteV2MessageType, request)
	if err != nil || stats.Samples != 2 || stats.Histograms != 1 || stats.Exemplars != 1 {
		t.Errorf("written %+v, %v", stats, err)
	}
	if len(d.batches) != 2 || len(d.samples) != 3 || len(d.refused) != 1 {
		t.Errorf("%d batches, %d samples, refused %+v", len(d.batches), len(d.samples), d.refused)
	}
}
