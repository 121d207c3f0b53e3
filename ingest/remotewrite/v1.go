package remotewrite

import (
	"errors"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/prompb"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
)

// V1 decodes a batch of item.RemoteWrite. Series that cannot be stored are
// refused one sample at a time; the others stand. Its error, where nothing can
// be read, is release.ErrInvalid.
func (d *Decoder) V1(b item.Batch) (item.Decoded, error) {
	decoded, err := d.decode(func(into *batch) error { return into.v1(b.Body) })
	switch {
	case errors.Is(err, item.ErrMany):
		return item.Decoded{}, err
	case err != nil:
		return item.Decoded{}, unreadable("prometheus.WriteRequest", err)
	}
	return decoded, nil
}

func (b *batch) v1(body []byte) error {
	n, err := count(body, 1)
	if err != nil {
		return err
	}
	b.result.Samples = make([]item.Sample, 0, min(n, item.MostItems))
	for place := 0; len(body) > 0; {
		var f field
		if f, body, err = next(body); err != nil {
			return err
		}
		if f.is(1, protowire.BytesType) {
			if err := b.seriesV1(f.bytes, place); err != nil {
				return fmt.Errorf("series %d: %w", place+1, err)
			}
			place++
		}
	}
	return nil
}

// seriesV1 reads a series: labels = 1, samples = 2, exemplars = 3, histograms =
// 4. The labels come first and as one piece, which is the key that they are
// known by; where they do not, the pieces are put together.
func (b *batch) seriesV1(message []byte, place int) error {
	at := b.open(place)
	rest, ends := message, 0
	var key []byte
	for len(rest) > 0 {
		from := len(message) - len(rest)
		f, after, err := next(rest)
		if err != nil {
			return err
		}
		rest = after
		if b.result.Many() || len(b.odd) > item.MostItems {
			return item.ErrMany
		}
		end := len(message) - len(rest)
		switch {
		case f.is(1, protowire.BytesType) && ends == from:
			key, ends = message[:end:end], end
		case f.is(1, protowire.BytesType):
			key = append(key, message[from:end]...)
		case f.is(2, protowire.BytesType):
			s, err := sample(f.bytes)
			if err != nil {
				return err
			}
			b.result.Samples = append(b.result.Samples, s)
		case f.is(3, protowire.BytesType):
			if err := b.exemplarV1(f.bytes); err != nil {
				return err
			}
		case f.is(4, protowire.BytesType):
			var h prompb.Histogram
			if err := h.Unmarshal(f.bytes); err != nil {
				return err
			}
			b.native(h.Timestamp, h)
		}
	}
	s, err := b.find(key, func(build *labels.ScratchBuilder) error { return labelsV1(build, key) })
	if err != nil {
		return err
	}
	b.close(at, s)
	return nil
}

// exemplarV1 reads an exemplar: labels = 1, and a sample's fields shifted by
// one.
func (b *batch) exemplarV1(message []byte) error {
	var e prompb.Exemplar
	if err := e.Unmarshal(message); err != nil {
		return err
	}
	b.build.Reset()
	for _, l := range e.Labels {
		b.build.Add(l.Name, l.Value)
	}
	b.build.Sort()
	one := exemplarAt(e.Value, e.Timestamp)
	one.Exemplar.Labels = b.build.Labels()
	b.result.Exemplars = append(b.result.Exemplars, one)
	return nil
}

// labelsV1 reads the labels of a series, each name = 1, value = 2. One without a
// value is none.
func labelsV1(build *labels.ScratchBuilder, fields []byte) error {
	for len(fields) > 0 {
		outer, after, err := next(fields)
		if err != nil {
			return err
		}
		fields = after
		var name, value []byte
		for rest := outer.bytes; len(rest) > 0; {
			var f field
			if f, rest, err = next(rest); err != nil {
				return err
			}
			switch {
			case f.is(1, protowire.BytesType):
				name = f.bytes
			case f.is(2, protowire.BytesType):
				value = f.bytes
			}
		}
		if len(value) > 0 {
			build.Add(string(name), string(value))
		}
	}
	return nil
}
