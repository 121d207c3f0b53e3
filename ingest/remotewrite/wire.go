package remotewrite

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is a field of a protobuf message: bytes, or a number.
type field struct {
	number protowire.Number
	kind   protowire.Type
	bytes  []byte
	bits   uint64
}

// next takes a field off a message.
func next(b []byte) (f field, rest []byte, err error) {
	number, kind, n := protowire.ConsumeTag(b)
	if n < 0 {
		return f, nil, protowire.ParseError(n)
	}
	f.number, f.kind, b = number, kind, b[n:]
	switch kind {
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(b)
	case protowire.VarintType:
		f.bits, n = protowire.ConsumeVarint(b)
	case protowire.Fixed64Type:
		f.bits, n = protowire.ConsumeFixed64(b)
	default:
		n = protowire.ConsumeFieldValue(number, kind, b)
	}
	if n < 0 {
		return f, nil, fmt.Errorf("field %d: %w", number, protowire.ParseError(n))
	}
	return f, b[n:], nil
}

// is tells whether a field has a number and a kind; a known number of another
// kind is skipped, as protobuf has it of fields that are not known.
func (f field) is(number protowire.Number, kind protowire.Type) bool {
	return f.number == number && f.kind == kind
}

// count is how many fields of a number a message has.
func count(b []byte, number protowire.Number) (n int, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = next(b); err != nil {
			return 0, err
		}
		if f.number == number {
			n++
		}
	}
	return n, nil
}
