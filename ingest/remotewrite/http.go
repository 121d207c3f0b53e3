package remotewrite

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/post"
)

// Receiver takes batches: the front door. Receive returns once a batch is
// durable; its error is item.Busy where the batch may come again, and
// release.ErrInvalid where nothing of it can be read.
type Receiver interface {
	Receive(ctx context.Context, b item.Batch) (item.Receipt, error)
}

// Config says where what comes in goes to.
type Config struct {
	Receiver Receiver
	// Most bounds a request, uncompressed, in bytes; 0 stands for post.Most.
	Most int64
}

// versions are the messages that are taken, as the parameter proto of the
// content type names them; without one it is version 1.
var versions = map[string]item.Format{
	"":                               item.RemoteWrite,
	"prometheus.WriteRequest":        item.RemoteWrite,
	"io.prometheus.write.v2.Request": item.RemoteTwo,
}

// Handler takes what is posted to it, at whatever path it is served.
func Handler(c Config) http.Handler {
	return http.HandlerFunc(c.serve)
}

func (c Config) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "remote write is posted", http.StatusMethodNotAllowed)
		return
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	format, known := versions[params["proto"]]
	if err != nil || kind != "application/x-protobuf" || !known {
		http.Error(w, fmt.Sprintf("content-type %q is not application/x-protobuf with proto=prometheus.WriteRequest or io.prometheus.write.v2.Request",
			r.Header.Get("Content-Type")), http.StatusUnsupportedMediaType)
		return
	}
	if r.Header.Get("Content-Encoding") == "" {
		r.Header.Set("Content-Encoding", "snappy") // the protocol knows no other
	}
	body, err := post.Read(w, r, c.Most)
	if err != nil {
		failed(w, err)
		return
	}
	tenant, err := post.Tenant(r.Header.Get(post.TenantHeader))
	if err != nil {
		failed(w, err)
		return
	}
	receipt, err := c.Receiver.Receive(r.Context(), item.Batch{
		Tenant: tenant, Sender: post.Sender(string(format), r.RemoteAddr), Format: format, Body: body,
	})
	if err != nil {
		failed(w, err)
		return
	}
	if format == item.RemoteTwo {
		written(body, receipt).say(w.Header())
	}
	w.WriteHeader(http.StatusNoContent)
}

// failed answers with an error. A full door is 503 rather than 429, since a
// Prometheus throws away what is answered with 429 unless it is told not to
// (retry_on_http_429), and sends again what is answered with 503.
func failed(w http.ResponseWriter, err error) {
	code, after := post.Status(err)
	if errors.As(err, new(item.Busy)) {
		code = http.StatusServiceUnavailable
	}
	if after != "" {
		w.Header().Set("Retry-After", after)
	}
	http.Error(w, err.Error(), code)
}

// tally is what of a request of version 2 was written.
type tally struct {
	samples, histograms, exemplars int
}

// written counts what was sent, less what was refused: samples first, since a
// receipt does not tell them from histograms.
func written(body []byte, r item.Receipt) (t tally) {
	for len(body) > 0 {
		f, rest, err := next(body)
		if err != nil {
			return t
		}
		body = rest
		for message := f.bytes; f.is(5, protowire.BytesType) && len(message) > 0; {
			one, after, err := next(message)
			if err != nil {
				return t
			}
			message = after
			switch one.number {
			case 2:
				t.samples++
			case 3:
				t.histograms++
			case 4:
				t.exemplars++
			}
		}
	}
	refused := min(r.Refused, t.samples)
	t.samples -= refused
	t.histograms -= min(r.Refused-refused, t.histograms)
	return t
}

func (t tally) say(h http.Header) {
	for name, n := range map[string]int{"Samples": t.samples, "Histograms": t.histograms, "Exemplars": t.exemplars} {
		h.Set("X-Prometheus-Remote-Write-"+name+"-Written", strconv.Itoa(n))
	}
}
