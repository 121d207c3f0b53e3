package remotewrite

import (
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

// odd is a histogram that cannot be, and why.
type odd struct {
	sample item.Sample
	err    error
}

// native takes a native histogram, or keeps why it cannot.
func (b *batch) native(t int64, n native) {
	s, err := histogramSample(t, n)
	if err != nil {
		b.odd = append(b.odd, odd{s, err})
		return
	}
	b.result.Samples = append(b.result.Samples, s)
}

// opened is where a series begins in the result.
type opened struct {
	place, samples, exemplars int
}

func (b *batch) open(place int) opened {
	b.odd = b.odd[:0]
	return opened{place, len(b.result.Samples), len(b.result.Exemplars)}
}

// close gives everything that came of a series its labels, or refuses it.
func (b *batch) close(at opened, s series) {
	r := &b.result
	for i := range r.Samples[at.samples:] {
		r.Samples[at.samples+i].Labels = s.labels
	}
	for i := range r.Exemplars[at.exemplars:] {
		r.Exemplars[at.exemplars+i].Labels = s.labels
	}
	for _, o := range b.odd {
		o.sample.Labels = s.labels
		b.refuse(at, o.sample, item.OutOfRange, fmt.Sprintf("the histogram of %.200s cannot be: %v", s.labels, o.err))
	}
	if s.code == "" {
		return
	}
	for _, one := range r.Samples[at.samples:] {
		b.refuse(at, one, s.code, s.text)
	}
	r.Samples, r.Exemplars = r.Samples[:at.samples], r.Exemplars[:at.exemplars]
}

func (b *batch) refuse(at opened, one item.Sample, code item.Code, text string) {
	b.result.Refused = append(b.result.Refused, item.Refusal{
		Code: code, Text: text, Place: fmt.Sprintf("series %d", at.place+1), Raw: item.SampleLine(one),
	})
}

// exemplarAt is an exemplar without its labels.
func exemplarAt(v float64, t int64) item.Exemplar {
	return item.Exemplar{Exemplar: exemplar.Exemplar{Value: v, Ts: t, HasTs: t != 0}}
}

// unreadable is the error of a batch nothing of which can be read.
func unreadable(message string, err error) error {
	return fmt.Errorf("this is no %s (%w): %w", message, err, release.ErrInvalid)
}
