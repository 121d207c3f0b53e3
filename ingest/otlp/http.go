package otlp

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/post"
	"github.com/linnet-project/linnet/release"
)

// The types of content that are taken; the answer has the same.
const (
	protobufType = "application/x-protobuf"
	jsonType     = "application/json"
)

// Config says where what comes in goes to.
type Config struct {
	Receiver Receiver
	// Most bounds a request, uncompressed, in bytes; 0 stands for post.Most.
	Most int64
	// AtOnce bounds the requests over gRPC that are under way at once, each of which
	// takes the memory of a batch, and Timeout how long one may take; 0 stands for
	// no bound.
	AtOnce  int
	Timeout time.Duration
	// Reading bounds how many of those are read at the same time, each of which may
	// be as long as the longest; the others wait for their turn. Room is where a
	// body finds its place once it is read. 0 and nil stand for no bound.
	Reading int
	Room    *post.Room
}

// Handler serves /v1/metrics and /v1/traces.
func Handler(c Config) http.Handler {
	mux := http.NewServeMux()
	for _, s := range signals {
		mux.HandleFunc("POST "+s.path, func(w http.ResponseWriter, r *http.Request) { c.serve(w, r, s) })
	}
	return mux
}

func (c Config) serve(w http.ResponseWriter, r *http.Request, s signal) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != protobufType && kind != jsonType {
		w.Header().Set("Accept", protobufType+", "+jsonType)
		http.Error(w, fmt.Sprintf("content-type %q is neither %s nor %s", r.Header.Get("Content-Type"), protobufType, jsonType), http.StatusUnsupportedMediaType)
		return
	}
	w.Header().Set("Content-Type", kind)
	body, err := post.Read(w, r, c.Most)
	if err == nil && kind == jsonType {
		body, err = s.fromJSON(body)
	}
	if err != nil {
		failed(w, kind, err)
		return
	}
	tenant, err := post.Tenant(r.Header.Get(post.TenantHeader))
	if err != nil {
		failed(w, kind, err)
		return
	}
	receipt, err := c.Receiver.Receive(r.Context(), item.Batch{
		Tenant: tenant, Sender: post.Sender("otlp/http", r.RemoteAddr), Format: s.format, Body: body,
	})
	if err != nil {
		failed(w, kind, err)
		return
	}
	answer := response(receipt)
	if kind == jsonType {
		answer = s.asJSON(receipt)
	}
	_, _ = w.Write(answer) // who went away needs no answer
}

// fromJSON is a request as protobuf. Its error is release.ErrInvalid.
func (s signal) fromJSON(text []byte) (body []byte, err error) {
	if err := boundedJSON(text); err != nil {
		return nil, err
	}
	switch {
	case !shallowJSON(text):
		err = errNested
	case s.format == item.OTLPMetrics:
		var metrics pmetric.Metrics
		if metrics, err = (&pmetric.JSONUnmarshaler{}).UnmarshalMetrics(text); err == nil {
			body, err = (&pmetric.ProtoMarshaler{}).MarshalMetrics(metrics)
		}
	default:
		var traces ptrace.Traces
		if traces, err = (&ptrace.JSONUnmarshaler{}).UnmarshalTraces(text); err == nil {
			body, err = (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("the JSON is no request for %s (%w): %w", s.path, err, release.ErrInvalid)
	}
	return body, nil
}

// asJSON is a receipt as the response's JSON.
func (s signal) asJSON(r item.Receipt) []byte {
	said := map[string]any{}
	if text := problem(r); text != "" {
		said["partialSuccess"] = map[string]any{s.rejected: strconv.Itoa(r.Refused), "errorMessage": text}
	}
	text, err := json.Marshal(said)
	if err != nil {
		return []byte("{}")
	}
	return text
}

// failed answers with an error: a google.rpc.Status, as the protocol asks.
func failed(w http.ResponseWriter, kind string, err error) {
	code, after := post.Status(err)
	said := &status.Status{Code: int32(codes.Unavailable), Message: strings.ToValidUTF8(err.Error(), "\uFFFD")}
	switch {
	case code == http.StatusTooManyRequests:
		said.Code = int32(codes.ResourceExhausted)
	case code < http.StatusInternalServerError:
		said.Code = int32(codes.InvalidArgument)
	}
	if after != "" {
		w.Header().Set("Retry-After", after)
	}
	marshal := proto.Marshal
	if kind == jsonType {
		marshal = protojson.Marshal
	}
	text, err := marshal(said)
	if err != nil {
		text = nil
	}
	w.WriteHeader(code)
	_, _ = w.Write(text)
}
