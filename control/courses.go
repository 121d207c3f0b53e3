package control

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

const (
	// readFor is how long a request reads on in a release's records. What it does
	// not come to, the next one does.
	readFor = 2 * time.Second
	// mostCourseBytes bounds the courses that are kept ready, in about as many bytes;
	// the one that is asked for is kept whatever it takes.
	mostCourseBytes = 64 << 20
	// mostCourses bounds how many they are.
	mostCourses = 256
	// folders is how many releases are read on in at the same time, and replayers how
	// many are replayed: it takes processors that releases need too.
	folders, replayers = 1, 1
)

// courses keeps the courses that were asked for last. What is kept goes on with
// the records that come: computing a long release again takes minutes.
type courses struct {
	mu   sync.Mutex
	kept []*following // the last used last
}

// following is a course as far as it was read.
type following struct {
	id journal.ID
	// turn is held by who reads on in it or tells it, and guards what follows.
	turn      chan struct{}
	builder   *report.CourseBuilder
	state     engine.State
	questions []report.Question
	asked     bool // the questions were asked for

	bytes int // guarded by courses.mu
}

// of gives the course of a release as far as it was read.
func (c *courses) of(id journal.ID) *following {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.kept, func(f *following) bool { return f.id == id })
	if i < 0 {
		f := &following{id: id, turn: make(chan struct{}, 1), builder: report.NewCourse()}
		c.kept = append(c.kept[max(0, len(c.kept)+1-mostCourses):], f)
		return f
	}
	f := c.kept[i]
	c.kept = append(append(c.kept[:i:i], c.kept[i+1:]...), f)
	return f
}

// grown lets go of those that were not used for longest, where all of them take
// too much.
func (c *courses) grown(f *following, bytes int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.bytes = bytes
	sum := 0
	for i := len(c.kept) - 1; i >= 0; i-- {
		if sum += c.kept[i].bytes; sum > mostCourseBytes && c.kept[i] != f {
			c.kept = slices.Delete(c.kept, 0, i+1)
			if !slices.Contains(c.kept, f) {
				c.kept = append(c.kept, f)
			}
			return
		}
	}
}

// Course gives the course of a release for charts. Of a long one that was not
// asked for lately it may tell the beginning first, and then Total says so; who
// asks again gets more. release.ErrUnavailable is one that nothing was read of yet.
func (d *Desk) Course(ctx context.Context, who access.Actor, id journal.ID, w report.Wanted) (report.Course, error) {
	s, err := d.Get(ctx, who, id)
	if err != nil {
		return report.Course{}, err
	}
	reading, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	f := d.courses.of(s.ID)
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return report.Course{}, ctx.Err()
	}
	if f.builder.Last() < s.Seq {
		if err := d.readOn(reading, f); err != nil && reading.Err() == nil {
			return report.Course{}, err
		}
		d.courses.grown(f, f.builder.Bytes())
	}
	if ctx.Err() != nil {
		return report.Course{}, ctx.Err()
	}
	if f.builder.Last() == 0 {
		return report.Course{}, fmt.Errorf("the records of %s are not read yet: other releases are read just now; ask again: %w", s.ID, release.ErrUnavailable)
	}
	d.question(ctx, f)
	c := f.builder.Course(f.state, w)
	c.Total = max(c.Records, s.Seq)
	for i := range c.Tracks {
		for _, q := range f.questions {
			if q.Metric == c.Tracks[i].Metric {
				c.Tracks[i].Queries = append(c.Tracks[i].Queries, q)
			}
		}
	}
	d.history(reading, who, s, f.state.Plan.Metrics, &c)
	return c, nil
}

// CourseOf reads the course of a release from the journal, without the questions and
// the earlier releases that a desk knows.
func CourseOf(ctx context.Context, j Records, id journal.ID) (func(report.Wanted) report.Course, error) {
	b := report.NewCourse()
	var s engine.State
	err := j.Records(ctx, id, 1, func(rec journal.Record) error {
		s, rec = again(s, rec)
		b.Add(rec, s)
		return ctx.Err()
	})
	return func(w report.Wanted) report.Course {
		c := b.Course(s, w)
		c.Total = c.Records
		return c
	}, err
}

// readOn folds the records that came since, as long as there is time.
func (d *Desk) readOn(ctx context.Context, f *following) error {
	free, err := slot(ctx, d.folding)
	if err != nil {
		return err
	}
	defer free()
	err = d.cfg.Journal.Records(ctx, f.id, f.builder.Last()+1, func(rec journal.Record) error {
		f.state, rec = again(f.state, rec)
		f.builder.Add(rec, f.state)
		return ctx.Err()
	})
	return err
}

// slot waits until one of a few is free.
func slot(ctx context.Context, slots chan struct{}) (free func(), err error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// again folds a record, and gives it with all of its verdict: the journal keeps a
// glance of a quiet look's.
func again(s engine.State, rec journal.Record) (engine.State, journal.Record) {
	next, d, _ := engine.Step(s, rec.Event)
	if rec.Decision.Kind == engine.Stay || rec.Decision.Verdict == nil {
		d.Reason, d.At = rec.Decision.Reason, rec.Decision.At
		rec.Decision = d
	}
	return next, rec
}

// question finds out what sources are asked by the release's file. Without it the
// rest is told all the same.
func (d *Desk) question(ctx context.Context, f *following) {
	if f.asked || d.cfg.Questions == nil {
		return
	}
	if text, err := d.cfg.Journal.FileText(ctx, f.id); err == nil {
		f.asked, f.questions = true, d.cfg.Questions(text)
	}
}
