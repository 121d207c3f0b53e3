package remotewrite

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// native is a native histogram of either version.
type native interface {
	IsFloatHistogram() bool
	ToIntHistogram() *histogram.Histogram
	ToFloatHistogram() *histogram.FloatHistogram
}

// sample reads a sample: value = 1, timestamp = 2, the same in both versions.
func sample(b []byte) (s item.Sample, err error) {
	for len(b) > 0 {
		var f field
		if f, b, err = next(b); err != nil {
			return s, err
		}
		switch {
		case f.is(1, protowire.Fixed64Type):
			s.V = math.Float64frombits(f.bits)
		case f.is(2, protowire.VarintType):
			s.T = int64(f.bits)
		}
	}
	return s, nil
}

// histogramSample is a native histogram at a time, or why it is none.
func histogramSample(t int64, n native) (s item.Sample, err error) {
	s.T = t
	if n.IsFloatHistogram() {
		s.FH = n.ToFloatHistogram()
		return s, s.FH.Validate()
	}
	s.H = n.ToIntHistogram()
	return s, s.H.Validate()
}

// close gives everything of a series that came since its beginning its labels,
// or refuses it.
func (b *batch) close(s series, samples, exemplars int, place int) {
	r := &b.result
	if s.code == "" {
		for i := range r.Samples[samples:] {
			r.Samples[samples+i].Labels = s.labels
		}
		for i := range r.Exemplars[exemplars:] {
			r.Exemplars[exemplars+i].Labels = s.labels
		}
		return
	}
	for _, one := range r.Samples[samples:] {
		b.refuse(s, one, place)
	}
	r.Samples, r.Exemplars = r.Samples[:samples], r.Exemplars[:exemplars]
}

func (b *batch) refuse(s series, one item.Sample, place int) {
	b.result.Refused = append(b.result.Refused, item.Refusal{
		Code: s.code, Text: s.text, Place: fmt.Sprintf("series %d", place+1), Raw: raw(s, one),
	})
}

// raw is a sample as JSON; a histogram as its fields, since one that cannot be
// cannot be written in buckets either.
func raw(s series, one item.Sample) []byte {
	value := fmt.Sprint(one.V)
	switch {
	case one.H != nil:
		value = fmt.Sprintf("%+v", *one.H)
	case one.FH != nil:
		value = fmt.Sprintf("%+v", *one.FH)
	}
	text, err := json.Marshal(struct {
		Labels map[string]string `json:"labels"`
		Time   int64             `json:"time"`
		Value  string            `json:"value"`
	}{s.labels.Map(), one.T, value})
	if err != nil {
		return nil
	}
	return text[:min(len(text), item.MaxRaw)]
}

// exemplarAt is an exemplar without its labels.
func exemplarAt(v float64, t int64) item.Exemplar {
	return item.Exemplar{Exemplar: exemplar.Exemplar{Value: v, Ts: t, HasTs: t != 0}}
}

// unreadable is the error of a batch nothing of which can be read.
func unreadable(message string, err error) error {
	return fmt.Errorf("this is no %s (%w): %w", message, err, release.ErrInvalid)
}
