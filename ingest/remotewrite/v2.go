package remotewrite

import (
	"errors"
	"fmt"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	writev2 "github.com/prometheus/prometheus/prompb/io/prometheus/write/v2"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/linnet-project/linnet/ingest/item"
)

// Bounds of what references stand for, in bytes: a symbol is sent once, and a
// reference of a byte may stand for all of it, again and again. mostOfLabels bounds
// the labels of one series, mostOfSymbols those of all of a batch that were not
// known; an exemplar's are mostOfExemplar, more than which no store keeps.
const (
	mostOfLabels   = 1 << 20
	mostOfSymbols  = 64 << 20
	mostOfExemplar = 1 << 10
)

// errReference is what a reference into the symbols that leads nowhere is.
var errReference = errors.New("its labels refer to symbols that are not there")

// V2 decodes a batch of item.RemoteTwo. Series that cannot be stored are refused
// one sample at a time; the others stand. Its error, where nothing can be read,
// is release.ErrInvalid.
func (d *Decoder) V2(b item.Batch) (item.Decoded, error) {
	decoded, err := d.decode(func(into *batch) error { return into.v2(b.Body) })
	switch {
	case errors.Is(err, item.ErrMany):
		return item.Decoded{}, err
	case err != nil:
		return item.Decoded{}, unreadable("io.prometheus.write.v2.Request", err)
	}
	return decoded, nil
}

// v2 reads a request: symbols = 4, series = 5.
func (b *batch) v2(body []byte) error {
	var symbols [][]byte
	n := 0
	for rest := body; len(rest) > 0; {
		var f field
		var err error
		if f, rest, err = next(rest); err != nil {
			return err
		}
		switch {
		case f.is(4, protowire.BytesType):
			symbols = append(symbols, f.bytes)
		case f.is(5, protowire.BytesType):
			n++
		}
	}
	b.result.Samples = make([]item.Sample, 0, min(n, item.MostItems))
	for place := 0; len(body) > 0; {
		f, rest, err := next(body)
		if err != nil {
			return err
		}
		body = rest
		if f.is(5, protowire.BytesType) {
			if err := b.seriesV2(f.bytes, symbols, place); err != nil {
				return fmt.Errorf("series %d: %w", place+1, err)
			}
			place++
		}
	}
	return nil
}

// seriesV2 reads a series: references to its labels = 1, samples = 2, histograms
// = 3, exemplars = 4.
func (b *batch) seriesV2(message []byte, symbols [][]byte, place int) error {
	at := b.open(place)
	var refs []byte
	for rest := message; len(rest) > 0; {
		f, after, err := next(rest)
		if err != nil {
			return err
		}
		rest = after
		if b.result.Many() || len(b.odd) > item.MostItems {
			return item.ErrMany
		}
		switch {
		case f.is(1, protowire.BytesType) && refs == nil:
			refs = f.bytes
		case f.is(1, protowire.BytesType): // a packed field may come in pieces
			refs = slices.Concat(refs, f.bytes)
		case f.is(1, protowire.VarintType):
			refs = protowire.AppendVarint(slices.Clip(refs), f.bits)
		case f.is(2, protowire.BytesType):
			s, err := sample(f.bytes)
			if err != nil {
				return err
			}
			b.result.Samples = append(b.result.Samples, s)
		case f.is(3, protowire.BytesType):
			var h writev2.Histogram
			if err := h.Unmarshal(f.bytes); err != nil {
				return err
			}
			b.native(h.Timestamp, h)
		case f.is(4, protowire.BytesType):
			if err := b.exemplarV2(f.bytes, symbols); err != nil {
				return err
			}
		}
	}
	s, err := b.named(refs, symbols)
	if errors.Is(err, errReference) {
		s, err = series{code: item.UnknownForm, text: err.Error()}, nil
	}
	if err != nil {
		return err
	}
	b.close(at, s)
	return nil
}

// named is the series of references. Its key are the symbols that they stand
// for, behind a byte that no key of version 1 begins with.
func (b *batch) named(refs []byte, symbols [][]byte) (series, error) {
	b.key = append(b.key[:0], 0xff)
	size := 0
	if err := resolve(refs, symbols, func(name, value []byte) {
		if size += len(name) + len(value); size <= mostOfLabels {
			b.key = protowire.AppendBytes(protowire.AppendBytes(b.key, name), value)
		}
	}); err != nil {
		return series{}, err
	}
	if size > mostOfLabels || b.fromSymbols+size > mostOfSymbols {
		return series{code: item.TooLarge, text: "its labels come to too many bytes; send shorter ones, or fewer series at once"}, nil
	}
	return b.find(b.key, func(build *labels.ScratchBuilder) error {
		b.fromSymbols += size
		return resolve(refs, symbols, func(name, value []byte) {
			if len(value) > 0 {
				build.Add(string(name), string(value))
			}
		})
	})
}

// resolve calls f for each label that packed references stand for.
func resolve(refs []byte, symbols [][]byte, f func(name, value []byte)) error {
	for len(refs) > 0 {
		name, n := protowire.ConsumeVarint(refs)
		if n < 0 {
			return protowire.ParseError(n)
		}
		value, m := protowire.ConsumeVarint(refs[n:])
		if m < 0 || name >= uint64(len(symbols)) || value >= uint64(len(symbols)) {
			return errReference
		}
		refs = refs[n+m:]
		f(symbols[name], symbols[value])
	}
	return nil
}

func (b *batch) exemplarV2(message []byte, symbols [][]byte) error {
	var e writev2.Exemplar
	if err := e.Unmarshal(message); err != nil {
		return err
	}
	b.build.Reset()
	size := 0
	for i := 0; i+1 < len(e.LabelsRefs); i += 2 {
		name, value := int(e.LabelsRefs[i]), int(e.LabelsRefs[i+1])
		if name >= len(symbols) || value >= len(symbols) {
			return nil // an example is no reason to refuse what it exemplifies
		}
		if size += len(symbols[name]) + len(symbols[value]); size > mostOfExemplar {
			return nil
		}
		b.build.Add(string(symbols[name]), string(symbols[value]))
	}
	b.build.Sort()
	one := exemplarAt(e.Value, e.Timestamp)
	one.Exemplar.Labels = b.build.Labels()
	b.result.Exemplars = append(b.result.Exemplars, one)
	return nil
}
