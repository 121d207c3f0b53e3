package app

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTraces: a tick's spans reach the endpoint that is configured, before the
// process ends.
func TestTraces(t *testing.T) {
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(body)
	}))
	defer server.Close()
	tracer, flush, err := tracing(t.Context(), server.URL+"/v1/traces", io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracer.Start(t.Context(), "linnet.turn")
	span.End()
	flush()
	select {
	case request := <-got:
		if !strings.HasPrefix(request, "/v1/traces ") || !strings.Contains(request, "linnet.turn") {
			t.Errorf("got %.80q", request)
		}
	default:
		t.Error("no traces were sent")
	}
}

// TestNoTraces: nothing is set up without an endpoint.
func TestNoTraces(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")
	if tracer, _, err := tracing(t.Context(), "", io.Discard); tracer != nil || err != nil {
		t.Errorf("got %v, %v", tracer, err)
	}
}
