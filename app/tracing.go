package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// flushTime is how long traces may take to be sent when the process ends.
const flushTime = 5 * time.Second

// tracing sets up traces where an endpoint is given, by flag or by the
// standard variables; a nil tracer otherwise.
func tracing(ctx context.Context, url string, errs io.Writer) (trace.Tracer, func(), error) {
	var options []otlptracehttp.Option
	switch {
	case url != "":
		options = append(options, otlptracehttp.WithEndpointURL(url))
	case os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "":
		return nil, func() {}, nil
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("traces: %w", err)
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(exporter),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "linnet"), attribute.String("service.version", Version))))
	flush := func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTime)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			fmt.Fprintf(errs, "linnet: traces not sent: %v\n", err)
		}
	}
	return provider.Tracer("linnet"), flush, nil
}
