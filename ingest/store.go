package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// stored are samples for the store: of a batch, whose sender hears what is wrong
// with them, or of windows that closed.
type stored struct {
	fold.Output
	of *fold.Result // nil of windows
}

// store puts samples into the store, and tries again until it takes them or the
// context ends. Meanwhile the queue fills up, and senders are told so. While the
// door is being opened there is one try.
func (d *Door) store(ctx context.Context, all []stored) error {
	for {
		refused, err := appendAll(ctx, d.config.Store, all)
		if err == nil {
			for of, some := range refused {
				if of == nil {
					d.health.unstored.Add(float64(len(some)))
					d.health.once("the store refused samples of windows that closed; look at the clock, and at whether the rules changed",
						"samples", len(some), "first", some[0].Text)
					continue
				}
				of.Accepted -= len(some)
				of.Refused = append(of.Refused, some...)
			}
			d.health.well("store")
			return nil
		}
		if d.stop == nil { // the door is being opened, and nobody sends yet
			return fmt.Errorf("the store does not take what the log holds: %w: %w", err, release.ErrUnavailable)
		}
		d.health.tell("store", "the store takes no samples; they wait in the log", "error", err)
		timer := time.NewTimer(storeAgain)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// appendAll appends all samples in one transaction, and tells which the store
// refused, by the sender's batch; nil for those of windows.
func appendAll(ctx context.Context, s Store, all []stored) (map[*fold.Result][]item.Refusal, error) {
	n := 0
	for _, some := range all {
		n += len(some.Samples) + len(some.Exemplars)
	}
	if n == 0 {
		return nil, nil
	}
	refused := map[*fold.Result][]item.Refusal{}
	once := make(values, n)
	app := s.Appender(ctx)
	for _, some := range all {
		for i, one := range some.Samples {
			err := once.add(&some.Samples[i])
			if err == nil {
				err = appendOne(app, one)
			}
			if err == nil {
				continue
			}
			no, ok := refusalOf(one, err)
			if !ok {
				return nil, errors.Join(err, app.Rollback())
			}
			refused[some.of] = append(refused[some.of], fold.Whole(no, one, i))
		}
		for _, one := range some.Exemplars {
			// What is no exemplar of a series that is there shows nothing, and counts
			// nothing either.
			_, _ = app.AppendExemplar(0, one.Labels, one.Exemplar)
		}
	}
	return refused, app.Commit()
}

// values are the samples of a transaction. The store takes two values of one time
// there without a word, and keeps one.
type values map[moment]*item.Sample

// moment is a series, by the hash of its labels, at a time.
type moment struct {
	series uint64
	t      int64
}

// add adds a sample; its error is the store's of a sample whose series has another
// value at that time.
func (v values) add(s *item.Sample) error {
	at := moment{s.Labels.Hash(), s.T}
	was, ok := v[at]
	if !ok {
		v[at] = s
		return nil
	}
	if labels.Equal(was.Labels, s.Labels) && !same(was, s) {
		return storage.ErrDuplicateSampleForTimestamp
	}
	return nil
}

// same tells whether two samples have the same value, bit by bit: stale markers are
// no numbers.
func same(a, b *item.Sample) bool {
	switch {
	case a.H != nil && b.H != nil:
		return a.H.Equals(b.H)
	case a.FH != nil && b.FH != nil:
		return a.FH.Equals(b.FH)
	}
	return a.H == nil && b.H == nil && a.FH == nil && b.FH == nil && math.Float64bits(a.V) == math.Float64bits(b.V)
}

func appendOne(app storage.Appender, s item.Sample) (err error) {
	if s.H != nil || s.FH != nil {
		_, err = app.AppendHistogram(0, s.Labels, s.T, s.H, s.FH)
	} else {
		_, err = app.Append(0, s.Labels, s.T, s.V)
	}
	return err
}

// refusalOf tells what is wrong with a sample, where it is the sample.
func refusalOf(s item.Sample, err error) (item.Refusal, bool) {
	switch {
	case errors.Is(err, storage.ErrOutOfOrderSample):
		return item.Refusal{Code: item.Disordered, Text: fmt.Sprintf("%.200s has a later sample already", s.Labels)}, true
	case errors.Is(err, storage.ErrTooOldSample), errors.Is(err, storage.ErrOutOfBounds):
		return item.Refusal{Code: item.Disordered, Text: fmt.Sprintf("%.200s: the store has gone on too far to take a sample that old", s.Labels)}, true
	case errors.Is(err, storage.ErrDuplicateSampleForTimestamp):
		return item.Refusal{Code: item.Disordered, Text: fmt.Sprintf("%.200s has another value at that time", s.Labels)}, true
	}
	return item.Refusal{}, false
}
