package alb

import (
	"bytes"
	"context"
	"encoding/xml"
	"net/http"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// AWS adds parts to actions over the years. The client leaves out those that it
// does not know, and an action that is written back would lose them; so the text
// of an answer is kept beside what the client made of it.

// textKey is where the context of a call has the buffer for its answer.
type textKey struct{}

// keeping is a context whose call leaves its answer in the buffer.
func keeping(ctx context.Context, text *bytes.Buffer) context.Context {
	return context.WithValue(ctx, textKey{}, text)
}

// kept is the buffer for the answer to a request, empty; nil where nobody wants it.
func kept(r *http.Request) *bytes.Buffer {
	text, ok := r.Context().Value(textKey{}).(*bytes.Buffer)
	if ok {
		text.Reset() // another try
	}
	return text
}

// unknownPart names the first part of the actions in an answer that the client
// does not know; "" where it knows them all. What cannot be read is not its
// business: the client has read it.
func unknownPart(text []byte) string {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		start, ok := token.(xml.StartElement)
		if ok && (start.Name.Local == "Actions" || start.Name.Local == "DefaultActions") {
			if name := unknownIn(d, reflect.TypeFor[[]types.Action]()); name != "" {
				return name
			}
		}
	}
}

// unknownIn looks through one element, whose start has been read, for what the
// type of it does not have.
func unknownIn(d *xml.Decoder, t reflect.Type) string {
	for {
		token, err := d.Token()
		if err != nil {
			return ""
		}
		switch token := token.(type) {
		case xml.EndElement:
			return ""
		case xml.StartElement:
			part, known := partOf(t, token.Name.Local)
			if !known {
				return token.Name.Local
			}
			if part == nil {
				if d.Skip() != nil {
					return ""
				}
				continue
			}
			if name := unknownIn(d, part); name != "" {
				return name
			}
		}
	}
}

// partOf is the type of an element within another; nil where nothing below it
// matters.
func partOf(t reflect.Type, name string) (part reflect.Type, known bool) {
	switch t.Kind() {
	case reflect.Slice:
		part, known = t.Elem(), name == "member"
	case reflect.Struct:
		f, ok := t.FieldByName(name)
		if part, known = f.Type, ok; !ok {
			return nil, false
		}
	case reflect.Map:
		return nil, name == "entry"
	default:
		return nil, false
	}
	if part.Kind() == reflect.Pointer {
		part = part.Elem()
	}
	return part, known
}
