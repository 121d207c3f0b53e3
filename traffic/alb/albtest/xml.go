package albtest

import (
	"encoding/xml"
	"maps"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// write writes a value as an element, in the order of its shape's members.
func write(b *strings.Builder, name string, n *node, s *shape) {
	b.WriteString("<" + name + ">")
	switch s.kind {
	case structure:
		for _, m := range s.members {
			if f := n.get(m.name); f != nil && !m.secret {
				write(b, m.name, f, m.shape)
			}
		}
	case list:
		for _, item := range n.items {
			write(b, "member", item, s.of)
		}
	case mapping:
		for _, key := range slices.Sorted(maps.Keys(n.fields)) {
			b.WriteString("<entry>")
			writeText(b, "key", key)
			writeText(b, "value", n.fields[key].words)
			b.WriteString("</entry>")
		}
	default:
		escape(b, n.words)
	}
	b.WriteString("</" + name + ">")
}

func writeText(b *strings.Builder, name, value string) {
	b.WriteString("<" + name + ">")
	escape(b, value)
	b.WriteString("</" + name + ">")
}

func escape(b *strings.Builder, value string) {
	// A strings.Builder takes everything.
	_ = xml.EscapeText(b, []byte(value))
}

// answerXML is a whole answer.
func answerXML(operation, namespace string, result *node, of *shape, request string) string {
	b := &strings.Builder{}
	b.WriteString("<" + operation + `Response xmlns="` + namespace + `">`)
	write(b, operation+"Result", result, of)
	b.WriteString("<ResponseMetadata>")
	writeText(b, "RequestId", request)
	b.WriteString("</ResponseMetadata></" + operation + "Response>")
	return b.String()
}

// errorXML is a refusal.
func errorXML(r *awstest.Refusal, namespace, request string) string {
	b := &strings.Builder{}
	b.WriteString(`<ErrorResponse xmlns="` + namespace + `"><Error>`)
	side := "Sender"
	if r.Status >= 500 {
		side = "Receiver"
	}
	writeText(b, "Type", side)
	writeText(b, "Code", r.Code)
	writeText(b, "Message", r.Message)
	b.WriteString("</Error>")
	writeText(b, "RequestId", request)
	b.WriteString("</ErrorResponse>")
	return b.String()
}
