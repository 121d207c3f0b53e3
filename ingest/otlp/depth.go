package otlp

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
)

// mostNested bounds how deep values may lie in each other: an attribute may hold a
// list of lists, and what decodes them calls itself for each. A goroutine whose
// stack is full takes the process with it, and a batch that does that to ours is
// some kilobytes when it is packed.
const mostNested = 1000

var errNested = errors.New("values are nested too deep")

// shallow tells whether no message within b is nested deeper than left. It knows
// no schema: a text that happens to look like a message is gone into, too, and
// found to be none. Of two bytes at least for each level, what is short cannot be
// deep, so that hardly anything of a usual batch is looked at twice.
func shallow(b []byte, left int) bool {
	for len(b) > 0 {
		tag, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return true // the decoder stops here as well, with an error
		}
		b = b[n:]
		switch protowire.Type(tag & 7) {
		case protowire.VarintType:
			_, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			_, n = protowire.ConsumeFixed32(b)
		case protowire.Fixed64Type:
			_, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			var inner []byte
			if inner, n = protowire.ConsumeBytes(b); len(inner) > 2*left && (left == 0 || !shallow(inner, left-1)) {
				return false
			}
		case protowire.StartGroupType, protowire.EndGroupType:
			n = 0 // what is in a group is looked at as if it lay beside it
		default:
			return true
		}
		if n < 0 {
			return true
		}
		b = b[n:]
	}
	return true
}

// shallowJSON does the same to JSON, where each level of protobuf is three at most.
func shallowJSON(text []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > 3*mostNested {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}
