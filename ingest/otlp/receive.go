package otlp

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
)

// Receiver takes batches: the front door. Receive returns once a batch is
// durable; its error is item.Busy where the batch may come again, and
// release.ErrInvalid where nothing of it can be read.
type Receiver interface {
	Receive(ctx context.Context, b item.Batch) (item.Receipt, error)
}

// signal is one of the kinds of data of the protocol.
type signal struct {
	path     string // over HTTP
	service  string // over gRPC
	format   item.Format
	rejected string // the JSON name of how many were not taken
}

// signals are those that are taken.
var signals = []signal{
	{"/v1/metrics", "opentelemetry.proto.collector.metrics.v1.MetricsService", item.OTLPMetrics, "rejectedDataPoints"},
	{"/v1/traces", "opentelemetry.proto.collector.trace.v1.TraceService", item.OTLPTraces, "rejectedSpans"},
}

// problem says in a sentence what of a batch was refused; "" if nothing was.
func problem(r item.Receipt) string {
	if r.Refused == 0 {
		return ""
	}
	text := fmt.Sprintf("%d refused and quarantined, %d taken", r.Refused, r.Accepted)
	if len(r.Refusals) > 0 {
		text += fmt.Sprintf("; the first: %s (%s)", r.Refusals[0].Text, r.Refusals[0].Code)
	}
	return text
}

// response is a receipt as an Export…ServiceResponse, which looks the same for
// all signals: in field 1 a partial success, with the number rejected and why.
func response(r item.Receipt) []byte {
	text := problem(r)
	if text == "" {
		return nil
	}
	var partial, message []byte
	partial = protowire.AppendTag(partial, 1, protowire.VarintType)
	partial = protowire.AppendVarint(partial, uint64(r.Refused))
	partial = protowire.AppendTag(partial, 2, protowire.BytesType)
	partial = protowire.AppendString(partial, text)
	message = protowire.AppendTag(message, 1, protowire.BytesType)
	return protowire.AppendBytes(message, partial)
}
