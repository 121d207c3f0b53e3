package otlp

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// nested is a request with an attribute of a resource that is a list in a list in
// a list …, for metrics and traces alike.
func nested(levels int) []byte {
	b := make([]byte, 12*(levels+1)+64)
	at := len(b)
	around := func(number protowire.Number) {
		head := protowire.AppendTag(nil, number, protowire.BytesType)
		head = protowire.AppendVarint(head, uint64(len(b)-at))
		at -= len(head)
		copy(b[at:], head)
	}
	for range levels {
		around(1) // ArrayValue.values
		around(5) // AnyValue.array_value
	}
	around(2) // KeyValue.value
	for range 3 {
		around(1) // Resource.attributes, ResourceSpans.resource, and the request's first field
	}
	return b[at:]
}

// What is nested as deep as a batch can be is refused, and does not end the
// process by filling a stack.
func TestNestedTooDeep(t *testing.T) {
	decoders := map[string]func(item.Batch) (item.Decoded, error){"metrics": Metrics, "traces": Spans{}.Decode}
	for name, decode := range decoders {
		for levels, fine := range map[int]bool{0: true, 20: true, 1_300_000: false} {
			_, err := decode(item.Batch{Body: nested(levels)})
			if fine && err != nil || !fine && !errors.Is(err, release.ErrInvalid) {
				t.Errorf("%s of %d levels: %v", name, levels, err)
			}
		}
		long := wrapped(1, wrapped(1, wrapped(1, wrapped(2, wrapped(1, []byte(strings.Repeat("\n\x7e a text ", 5000)))))))
		if _, err := decode(item.Batch{Body: long}); err != nil {
			t.Errorf("%s with a long text: %v", name, err)
		}
	}
}

func wrapped(number protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), b)
}

func TestNestedTooDeepInJSON(t *testing.T) {
	text := func(levels int) []byte {
		return []byte(`{"resourceSpans":[{"resource":{"attributes":[{"key":"a","value":` + strings.Repeat(`{"arrayValue":{"values":[`, levels) +
			`{"stringValue":"]]]\"[[["}` + strings.Repeat(`]}}`, levels) + `}]}}]}`)
	}
	for _, s := range signals {
		if _, err := s.fromJSON(text(20)); err != nil {
			t.Errorf("%s: %v", s.path, err)
		}
		if _, err := s.fromJSON(text(100_000)); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%s takes lists as deep as can be: %v", s.path, err)
		}
	}
}
