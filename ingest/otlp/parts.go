package otlp

import (
	"bytes"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
)

// mostParts bounds the messages that a request is made of. A message without
// content takes two bytes on the wire and a hundred times that in memory; those
// that say something take more than the 8 bytes each that this leaves to the
// largest request by default.
const mostParts = 2 * item.MostItems

// path leads from a message to those that may be in it many times: the numbers of
// fields, level by level.
type path [][]protowire.Number

// paths go down to data points and spans, and to resources and scopes, which have
// attributes too.
var paths = map[item.Format]path{
	item.OTLPMetrics: {{1}, {1, 2}, {1, 2}, {5, 7, 9, 10, 11}, {1}},
	item.OTLPTraces:  {{1}, {1, 2}, {1, 2}},
}

// bounded is item.ErrMany where a request is made of too many messages. What
// cannot be read at all is left to whoever reads it.
func bounded(b item.Batch) error {
	if _, few := parts(b.Body, paths[b.Format], mostParts); !few {
		return item.ErrMany
	}
	return nil
}

// parts takes the messages along a path, and those directly in them, from how
// many are left.
func parts(message []byte, along path, left int) (int, bool) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return left, true
		}
		message = message[n:]
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return left, true
		}
		value := message[:n]
		message = message[n:]
		if kind != protowire.BytesType {
			continue
		}
		if left--; left < 0 {
			return left, false
		}
		if len(along) == 0 || !slices.Contains(along[0], number) {
			continue
		}
		inner, _ := protowire.ConsumeBytes(value)
		few := false
		if left, few = parts(inner, along[1:], left); !few {
			return left, false
		}
	}
	return left, true
}

// boundedJSON is the same of a request that is still JSON.
func boundedJSON(text []byte) error {
	if bytes.Count(text, []byte("{")) > mostParts {
		return item.ErrMany
	}
	return nil
}
