package remotewrite

import (
	"fmt"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/ingest/item"
)

// mostInterned bounds the labels that are kept, in bytes of their keys. Beyond it
// all are forgotten, and made again as they come.
const mostInterned = 32 << 20

// series is what the labels of a series came to.
type series struct {
	labels labels.Labels
	code   item.Code // why it is refused; "" if it is not
	text   string
}

// Decoder decodes batches of both versions. It keeps labels from one batch to
// the next, which changes nothing but how fast it is; it is safe for concurrent
// use. The zero value is ready.
type Decoder struct {
	mu    sync.RWMutex
	known map[string]series
	bytes int
}

// batch is a batch that is being decoded.
type batch struct {
	known map[string]series // not to be changed
	fresh map[string]series
	build labels.ScratchBuilder
	key   []byte
	odd   []odd // of the series at hand
	// fromSymbols is how many bytes of labels references stood for so far.
	fromSymbols int
	result      item.Decoded
}

// decode runs f over a batch with the labels known so far, and learns from it.
func (d *Decoder) decode(f func(*batch) error) (item.Decoded, error) {
	b := &batch{fresh: map[string]series{}, build: labels.NewScratchBuilder(16)}
	d.mu.RLock()
	b.known = d.known
	err := f(b)
	d.mu.RUnlock()
	if len(b.fresh) > 0 {
		d.learn(b.fresh)
	}
	return b.result, err
}

func (d *Decoder) learn(fresh map[string]series) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, s := range fresh {
		if d.known == nil || d.bytes+len(key) > mostInterned {
			d.known, d.bytes = map[string]series{}, 0
		}
		d.known[key] = s
		d.bytes += len(key)
	}
}

// find is the series of a key, or one that is made and kept under it.
func (b *batch) find(key []byte, make func(*labels.ScratchBuilder) error) (series, error) {
	if s, ok := b.known[string(key)]; ok {
		return s, nil
	}
	if s, ok := b.fresh[string(key)]; ok {
		return s, nil
	}
	b.build.Reset()
	if err := make(&b.build); err != nil {
		return series{}, err
	}
	b.build.Sort()
	s := checked(b.build.Labels())
	b.fresh[string(key)] = s
	return s, nil
}

// checked says whether labels can be stored.
func checked(ls labels.Labels) series {
	s := series{labels: ls}
	if ls.Get(model.MetricNameLabel) == "" {
		s.code, s.text = item.MissingTag, fmt.Sprintf("series %s has no name", ls)
	} else if name, twice := ls.HasDuplicateLabelNames(); twice {
		s.code, s.text = item.UnknownForm, fmt.Sprintf("series %s has the label %q twice", ls, name)
	} else if !ls.IsValid(model.UTF8Validation) {
		s.code, s.text = item.UnknownForm, fmt.Sprintf("series %s has labels that are no UTF-8 text", ls)
	}
	return s
}
