package otlp

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/storage/remote/otlptranslator/prometheusremotewrite"
	"go.opentelemetry.io/collector/pdata/pmetric"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// leastScale is the coarsest exponential histogram that the store can hold.
const leastScale = -4

// Metrics decodes a batch of item.OTLPMetrics. Data points that cannot be taken
// are refused one metric at a time; the others stand. Its error, where nothing
// can be read, is release.ErrInvalid.
func Metrics(b item.Batch) (item.Decoded, error) {
	if !shallow(b.Body, mostNested) {
		return item.Decoded{}, unreadable("ExportMetricsServiceRequest", errNested)
	}
	if err := bounded(b); err != nil {
		return item.Decoded{}, err
	}
	metrics, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(b.Body)
	if err != nil {
		return item.Decoded{}, unreadable("ExportMetricsServiceRequest", err)
	}
	var taken samples
	for i, resource := range metrics.ResourceMetrics().All() {
		promote(resource.Resource().Attributes())
		for _, scope := range resource.ScopeMetrics().All() {
			scope.Metrics().RemoveIf(func(m pmetric.Metric) bool {
				code, text := wrong(m)
				if code != "" {
					taken.refuse(m, fmt.Sprintf("resource %d, metric %q", i+1, m.Name()), code, text)
				}
				return code != ""
			})
		}
	}
	taken.decoded.Samples = make([]item.Sample, 0, metrics.DataPointCount())
	converter := prometheusremotewrite.NewPrometheusConverter(&taken)
	_, err = converter.FromMetrics(context.Background(), metrics, prometheusremotewrite.Settings{
		AddMetricSuffixes: true,
		// It repeats a sample for all the time that a batch claims to span.
		DisableTargetInfo: true,
		PromoteResourceAttributes: prometheusremotewrite.NewPromoteResourceAttributes(config.OTLPConfig{
			PromoteResourceAttributes: []string{serviceLabel, versionLabel, environmentLabel, regionLabel},
		}),
	})
	for _, err := range each(err) {
		taken.decoded.Refused = append(taken.decoded.Refused, item.Refusal{
			Code: item.OutOfRange, Text: fmt.Sprintf("a metric cannot be translated: %v", err), Place: "metrics",
		})
	}
	return taken.decoded, nil
}

// wrong says why a metric cannot be taken; no code if it can.
func wrong(m pmetric.Metric) (item.Code, string) {
	if m.Name() == "" {
		return item.MissingTag, "the metric has no name"
	}
	temporality := pmetric.AggregationTemporalityCumulative
	switch m.Type() {
	case pmetric.MetricTypeEmpty:
		return item.UnknownForm, "the metric has no data, or data of a kind that is not known"
	case pmetric.MetricTypeSum:
		temporality = m.Sum().AggregationTemporality()
	case pmetric.MetricTypeHistogram:
		temporality = m.Histogram().AggregationTemporality()
	case pmetric.MetricTypeExponentialHistogram:
		temporality = m.ExponentialHistogram().AggregationTemporality()
		for _, point := range m.ExponentialHistogram().DataPoints().All() {
			if point.Scale() < leastScale {
				return item.OutOfRange, fmt.Sprintf("an exponential histogram of scale %d is too coarse; %d is the least", point.Scale(), leastScale)
			}
		}
	}
	switch temporality {
	case pmetric.AggregationTemporalityCumulative:
		return "", ""
	case pmetric.AggregationTemporalityDelta:
		return item.UnknownForm, "delta temporality is not taken: let the SDK export cumulative sums " +
			"(OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative), or the collector (processor deltatocumulative)"
	}
	return item.UnknownForm, "the aggregation temporality is missing; it must be cumulative"
}

// each takes joined errors apart.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, each(one)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// samples is where Prometheus' translator puts what it makes of data points.
type samples struct {
	decoded item.Decoded
}

// Append implements storage.AppenderV2. It takes everything.
func (s *samples) Append(_ storage.SeriesRef, ls labels.Labels, _, t int64, v float64, h *histogram.Histogram, fh *histogram.FloatHistogram, o storage.AOptions) (storage.SeriesRef, error) {
	s.decoded.Samples = append(s.decoded.Samples, item.Sample{Labels: ls, T: t, V: v, H: h, FH: fh})
	for _, e := range o.Exemplars {
		s.decoded.Exemplars = append(s.decoded.Exemplars, item.Exemplar{Labels: ls, Exemplar: e})
	}
	return 0, nil
}

// Commit implements storage.AppenderTransaction; there is nothing to be done.
func (s *samples) Commit() error { return nil }

// Rollback implements storage.AppenderTransaction; there is nothing to be done.
func (s *samples) Rollback() error { return nil }

// refuse refuses each data point of a metric, with the metric as JSON.
func (s *samples) refuse(m pmetric.Metric, place string, code item.Code, text string) {
	raw := rawOf(m)
	for n := range max(1, points(m)) {
		at := place
		if n > 0 {
			at = fmt.Sprintf("%s, data point %d", place, n+1)
			raw = nil // it is with the first
		}
		s.decoded.Refused = append(s.decoded.Refused, item.Refusal{Code: code, Text: text, Place: at, Raw: raw})
	}
}

func points(m pmetric.Metric) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return m.Gauge().DataPoints().Len()
	case pmetric.MetricTypeSum:
		return m.Sum().DataPoints().Len()
	case pmetric.MetricTypeHistogram:
		return m.Histogram().DataPoints().Len()
	case pmetric.MetricTypeExponentialHistogram:
		return m.ExponentialHistogram().DataPoints().Len()
	case pmetric.MetricTypeSummary:
		return m.Summary().DataPoints().Len()
	}
	return 0
}

// rawOf is a metric as JSON, as the protocol has it.
func rawOf(m pmetric.Metric) []byte {
	alone := pmetric.NewMetrics()
	m.CopyTo(alone.ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty())
	text, err := (&pmetric.JSONMarshaler{}).MarshalMetrics(alone)
	if err != nil {
		return nil
	}
	return text[:min(len(text), item.MaxRaw)]
}

// unreadable is the error of a batch nothing of which can be read.
func unreadable(message string, err error) error {
	return fmt.Errorf("this is no %s (%w): %w", message, err, release.ErrInvalid)
}
