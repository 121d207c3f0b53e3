package event

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/post"
	"github.com/linnet-project/linnet/release"
)

// Receiver takes batches: the front door. Receive returns once a batch is
// durable. An error wraps release.ErrInvalid where it will be no better another
// time, release.ErrUnavailable where it may; item.Busy says when.
type Receiver interface {
	Receive(ctx context.Context, b item.Batch) (item.Receipt, error)
}

// Path is where events are posted to.
const Path = "/v1/events"

// Types are the types of content that are taken at Path, and the formats they
// stand for.
var Types = map[string]item.Format{
	"application/x-ndjson": item.EventsJSON,
	"application/ndjson":   item.EventsJSON,
	"application/jsonl":    item.EventsJSON,
	"text/csv":             item.EventsCSV,
	"application/x-statsd": item.StatsD,
}

// maxID bounds the name that a sender gives a batch.
const maxID = 256

// Handler takes events posted to Path. most bounds a batch, unpacked, in bytes; 0
// stands for post.Most.
func Handler(door Receiver, most int64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		receipt, err := receive(door, most, w, r)
		code, after := http.StatusOK, ""
		if err != nil {
			if code, after = post.Status(err); after != "" {
				w.Header().Set("Retry-After", after)
			}
		}
		text, problem := json.Marshal(Answered(receipt, err))
		if problem != nil {
			http.Error(w, problem.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_, _ = w.Write(append(text, '\n')) // who went away needs no answer
	})
	return mux
}

func receive(door Receiver, most int64, w http.ResponseWriter, r *http.Request) (item.Receipt, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	format, ok := Types[kind]
	if err != nil || !ok {
		return item.Receipt{}, fmt.Errorf("content-type %.80q; send application/x-ndjson, text/csv or application/x-statsd: %w",
			r.Header.Get("Content-Type"), post.ErrType)
	}
	b := item.Batch{ID: r.Header.Get("Idempotency-Key"), Sender: post.Sender("http", r.RemoteAddr), Format: format}
	if len(b.ID) > maxID {
		return item.Receipt{}, fmt.Errorf("the Idempotency-Key has %d bytes, more than %d: %w", len(b.ID), maxID, release.ErrInvalid)
	}
	if b.Tenant, err = post.Tenant(r.Header.Get(post.TenantHeader)); err != nil {
		return item.Receipt{}, err
	}
	if b.Body, err = post.Read(w, r, most); err != nil {
		return item.Receipt{}, err
	}
	return door.Receive(r.Context(), b)
}

// Answer is what is answered to a batch, as JSON.
type Answer struct {
	// Accepted, Refused and Repeated are how many were taken, put into the
	// quarantine, and known already.
	Accepted int `json:"accepted"`
	Refused  int `json:"refused"`
	Repeated int `json:"repeated"`
	// Refusals are the first few of those refused.
	Refusals []Refused `json:"refusals,omitempty"`
	// Error says why nothing was taken.
	Error string `json:"error,omitempty"`
}

// Refused is one thing that was refused.
type Refused struct {
	Code  item.Code `json:"code"`
	Text  string    `json:"text"`
	Place string    `json:"place,omitempty"`
}

// Answered is the answer to what became of a batch.
func Answered(r item.Receipt, err error) Answer {
	a := Answer{Accepted: r.Accepted, Refused: r.Refused, Repeated: r.Repeated}
	for _, one := range r.Refusals {
		a.Refusals = append(a.Refusals, Refused{Code: one.Code, Text: one.Text, Place: one.Place})
	}
	if err != nil {
		a.Error = err.Error()
	}
	return a
}
