package otlp_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/otlp"
)

// in is a message within others, one in each.
func in(message []byte, fields ...protowire.Number) []byte {
	for _, field := range fields {
		message = protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), message)
	}
	return message
}

// Empty messages are two bytes each, and would take the memory of whole spans.
func TestARequestOfTooManyMessagesIsNotReadToItsEnd(t *testing.T) {
	many := func(field protowire.Number) []byte {
		return bytes.Repeat(in(nil, field), 2*item.MostItems+1)
	}
	for name, c := range map[string]struct {
		format item.Format
		body   []byte
	}{
		"resources":                {item.OTLPMetrics, many(1)},
		"spans":                    {item.OTLPTraces, in(many(2), 2, 1)},
		"attributes of a span":     {item.OTLPTraces, in(many(9), 2, 2, 1)},
		"points of a gauge":        {item.OTLPMetrics, in(many(1), 5, 2, 2, 1)},
		"attributes of a point":    {item.OTLPMetrics, in(many(9), 1, 9, 2, 2, 1)},
		"attributes of a resource": {item.OTLPTraces, in(many(1), 1, 1)},
	} {
		decode := otlp.Spans{}.Decode
		if c.format == item.OTLPMetrics {
			decode = otlp.Metrics
		}
		if _, err := decode(item.Batch{Format: c.format, Body: c.body}); !errors.Is(err, item.ErrMany) {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := []byte(`{"resourceSpans":[` + string(bytes.Repeat([]byte("{},"), 2*item.MostItems)) + `{}]}`)
	request := httptest.NewRequest(http.MethodPost, "/v1/traces", bytes.NewReader(text))
	request.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	otlp.Handler(otlp.Config{Receiver: &door{}}).ServeHTTP(answer, request)
	if answer.Code != http.StatusBadRequest || !strings.Contains(answer.Body.String(), "smaller ones") {
		t.Errorf("JSON: %d, %.200q", answer.Code, answer.Body)
	}
}
