package report

import (
	"slices"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/release"
)

// How many bytes the cells of a course may take, of metrics as a whole and of
// their segments.
const (
	wholeBytes   = 8 << 20
	segmentBytes = 16 << 20
)

// CourseBuilder reads a release's records in order and keeps its course, in
// bounded memory however long the release ran. It can be asked for the course
// between records, and goes on with those that come. The zero value is not
// ready; use NewCourse.
type CourseBuilder struct {
	metrics         []release.Metric
	marker          marker
	whole, segments grid
	measures        map[trackKey]*measure
	lines           map[trackKey]*line
	// compared is the last verdict of the comparison of both arms, charted that of
	// the arm that is left against its past.
	compared, charted *judge.Verdict
	from, to          time.Time
	last              uint64
}

// trackKey is where a track is found.
type trackKey struct {
	metric           string
	segment, against string
}

// NewCourse gives a builder that has seen nothing.
func NewCourse() *CourseBuilder {
	return &CourseBuilder{
		marker: marker{marks: ends[Mark]{most: mostMarks}},
		whole:  grid{bytes: wholeBytes, looks: 1}, segments: grid{bytes: segmentBytes, looks: 1},
		measures: map[trackKey]*measure{}, lines: map[trackKey]*line{},
	}
}

// Last is the sequence of the last record added; 0 before the first.
func (b *CourseBuilder) Last() uint64 { return b.last }

// Bytes is about how much memory the builder takes, with the state that belongs to
// it.
func (b *CourseBuilder) Bytes() int {
	const rest, each = 64 << 10, 4 << 10 // as much as the judge takes for a metric
	n := rest + (len(b.measures)+len(b.lines))*each
	for _, g := range []*grid{&b.whole, &b.segments} {
		n += cap(g.ends) * g.each()
	}
	return n
}

// Add takes the next record, with the decision as engine.Step gave it: the
// journal keeps a quiet look's verdict without its figures. s is the state after
// it.
func (b *CourseBuilder) Add(rec journal.Record, s engine.State) {
	b.last = rec.Seq
	if rec.Decision.At.After(b.to) {
		b.to = rec.Decision.At
	}
	b.marker.add(rec)
	switch e := rec.Event.(type) {
	case engine.Started:
		if rec.Seq == 1 {
			b.started(e)
		}
	case engine.Looked:
		b.looked(e, rec.Decision.Verdict, s.ServedWeight)
	}
}

func (b *CourseBuilder) started(e engine.Started) {
	b.metrics, b.from = e.Plan.Metrics, e.At
	b.whole.start, b.segments.start = e.At.UnixMilli(), e.At.UnixMilli()
	for i, m := range b.metrics {
		b.measure(i, m.Name, "")
	}
}

func (b *CourseBuilder) looked(e engine.Looked, v *judge.Verdict, weight release.Weight) {
	end := e.At
	if !e.Window.To.IsZero() {
		end = e.Window.To
	}
	if len(e.Observations) == 0 && (v == nil || !full(v)) {
		return // nothing to show, and a wait for a start may be long
	}
	b.whole.open(end.UnixMilli())
	b.segments.open(end.UnixMilli())
	if v != nil && full(v) {
		b.verdict(v)
	}
	for i := range e.Observations {
		o := &e.Observations[i]
		at := slices.IndexFunc(b.metrics, func(m release.Metric) bool { return m.Name == o.Metric })
		m := b.measures[trackKey{metric: o.Metric, segment: o.Segment}]
		if at < 0 || m == nil {
			continue // of a segment that is not judged
		}
		b.grid(o.Segment).observed(m, b.metrics[at], o, weight)
	}
}

// verdict keeps what a look came to.
func (b *CourseBuilder) verdict(v *judge.Verdict) {
	if against(&v.Comparisons[0]) == againstPast {
		b.charted = v
	} else {
		b.compared = v
	}
	for i := range v.Comparisons {
		c := &v.Comparisons[i]
		at := trackKey{c.Metric, c.Segment, against(c)}
		l := b.lines[at]
		if l == nil {
			l = &line{metric: c.Metric, segment: c.Segment, against: at.against}
			b.lines[at] = l
			g := b.grid(c.Segment)
			g.lines = append(g.lines, l)
			if j := slices.IndexFunc(b.metrics, func(m release.Metric) bool { return m.Name == c.Metric }); j >= 0 {
				b.measure(j, c.Metric, c.Segment)
			}
		}
		b.grid(c.Segment).reckoned(l, c)
	}
}

// measure makes sure that what both arms do is kept.
func (b *CourseBuilder) measure(metric int, name, segment string) {
	at := trackKey{metric: name, segment: segment}
	if b.measures[at] == nil {
		b.measures[at] = &measure{metric: metric, segment: segment}
		g := b.grid(segment)
		g.measures = append(g.measures, b.measures[at])
	}
}

func (b *CourseBuilder) grid(segment string) *grid {
	if segment == "" {
		return &b.whole
	}
	return &b.segments
}
