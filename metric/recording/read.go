package recording

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/release"
)

// Bounds of what is read.
const (
	maxBytes = 1 << 30 // after decompression
	maxLine  = 1 << 20
	// maxSeries is how many series a recording may hold.
	maxSeries = 1_000_000
)

// Read reads a recording. The name is used in errors, which name file and line
// and wrap release.ErrInvalid; if it ends in .gz, the text is compressed.
func Read(name string, from io.Reader) (*Recording, error) {
	if strings.HasSuffix(name, ".gz") {
		z, err := gzip.NewReader(from)
		if err != nil {
			return nil, fmt.Errorf("%s: not compressed with gzip (%w): %w", name, err, release.ErrInvalid)
		}
		defer z.Close()
		from = z
	}
	rd := reader{
		rec:   &Recording{name: name, byName: map[string][]int{}, types: map[string]string{}},
		known: map[string]int{},
		ids:   map[uint64][]int{},
		last:  -1,
	}
	if err := rd.lines(from); err != nil {
		return nil, fmt.Errorf("%s:%d: %w: %w", name, rd.line, err, release.ErrInvalid)
	}
	if len(rd.rec.all) == 0 {
		return nil, fmt.Errorf("%s: holds no samples: %w", name, release.ErrInvalid)
	}
	return rd.finish(), nil
}

// reader is a recording being read. The same series stands on most lines in a
// row, so its text is only read into labels once.
type reader struct {
	rec   *Recording
	line  int
	ended bool
	known map[string]int // series by their text
	ids   map[uint64][]int
	text  []byte // of the series on the line before
	last  int    // its index, -1 at first
}

func (rd *reader) lines(from io.Reader) error {
	limited := &io.LimitedReader{R: from, N: maxBytes + 1}
	scan := bufio.NewScanner(limited)
	scan.Buffer(make([]byte, 64<<10), maxLine)
	scan.Split(wholeLines)
	for scan.Scan() {
		rd.line++
		if err := rd.one(scan.Bytes()); err != nil {
			return err
		}
	}
	switch err := scan.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		rd.line++
		return fmt.Errorf("line is longer than %d bytes", maxLine)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("truncated: the compressed file ends too early")
	case err != nil:
		return err
	case limited.N <= 0:
		return fmt.Errorf("recording is larger than %d bytes", maxBytes)
	case !rd.ended:
		return errors.New("truncated: the last line must be # EOF")
	}
	return nil
}

// wholeLines splits at line feeds alone.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

func (rd *reader) one(line []byte) error {
	switch {
	case rd.ended:
		return errors.New("nothing may follow # EOF")
	case len(line) == 0:
		return nil
	case line[0] == '#':
		rd.comment(line)
		return nil
	}
	return rd.sample(line)
}

func (rd *reader) comment(line []byte) {
	if string(bytes.TrimRight(line, " \r")) == "# EOF" {
		rd.ended = true
		return
	}
	if f := bytes.Fields(line); len(f) == 4 && string(f[1]) == "TYPE" && len(rd.rec.types) < maxSeries {
		rd.rec.types[string(f[2])] = string(f[3])
	}
}

func (rd *reader) sample(line []byte) error {
	n := len(rd.text)
	if rd.last < 0 || len(line) <= n || line[n] != ' ' || !bytes.HasPrefix(line, rd.text) {
		var err error
		if n, err = seriesEnd(line); err != nil {
			return err
		}
		if err := rd.turnTo(line[:n]); err != nil {
			return err
		}
	}
	p, err := readPoint(line[n:])
	if err != nil {
		return err
	}
	s := &rd.rec.all[rd.last]
	s.Points = append(s.Points, p)
	return nil
}

// turnTo makes the series of that text the present one.
func (rd *reader) turnTo(text []byte) error {
	if i, ok := rd.known[string(text)]; ok {
		rd.text, rd.last = append(rd.text[:0], text...), i
		return nil
	}
	if len(rd.known) >= maxSeries {
		return fmt.Errorf("more than %d series", maxSeries)
	}
	l, err := readLabels(text)
	if err != nil {
		return err
	}
	rd.text, rd.last = append(rd.text[:0], text...), rd.index(l)
	rd.known[string(text)] = rd.last
	return nil
}

// index finds a series by its labels, whose order in the text may differ.
func (rd *reader) index(l labels.Labels) int {
	hash := l.Hash()
	for _, i := range rd.ids[hash] {
		if labels.Equal(rd.rec.all[i].Labels, l) {
			return i
		}
	}
	i := len(rd.rec.all)
	rd.rec.all = append(rd.rec.all, series.Series{Labels: l})
	rd.ids[hash] = append(rd.ids[hash], i)
	name := l.Get(model.MetricNameLabel)
	rd.rec.byName[name] = append(rd.rec.byName[name], i)
	return i
}

// finish puts samples in order of time and finds where the recording begins
// and ends. Of two samples of a series at one time the later line counts.
func (rd *reader) finish() *Recording {
	r := rd.rec
	r.start, r.end = math.MaxInt64, math.MinInt64
	for i := range r.all {
		points := r.all[i].Points
		byTime := func(a, b series.Point) int { return cmp.Compare(a.T, b.T) }
		if !slices.IsSortedFunc(points, byTime) {
			slices.SortStableFunc(points, byTime)
		}
		kept := points[:0]
		for k, p := range points {
			if k+1 == len(points) || points[k+1].T != p.T {
				kept = append(kept, p)
			}
		}
		r.all[i].Points = kept
		r.start, r.end = min(r.start, kept[0].T), max(r.end, kept[len(kept)-1].T)
	}
	r.eval = series.Store{Queryable: queryable{r}, Engine: series.NewEngine(evalTimeout, evalSamples)}
	return r
}
