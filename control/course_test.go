package control_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// story writes a release into the journal as a run would, without waiting: looks
// at traffic in which so large a share of the candidate's requests fails, every
// effect done at once.
type story struct {
	*world
	id    journal.ID
	state engine.State
	at    time.Time
}

func (w *world) story(name string, metrics ...release.Metric) *story {
	w.Helper()
	text := file(name, "red", 5)
	p := plan.Plan{
		Name: name, Service: "checkout", Hash: fmt.Sprintf("%x", sha256.Sum256(text)),
		Labels: map[string]string{plan.TeamLabel: "red", plan.EnvironmentLabel: "prod"},
		Arms:   []release.Arm{{Name: release.Baseline}, {Name: release.Candidate}},
		Steps:  []plan.Step{{Weight: 5000, AtLeast: time.Hour, AtMost: 300 * time.Hour}},
		Every:  15 * time.Second, FalseRollback: 0.01, Watch: time.Minute, Recovery: time.Minute, Metrics: metrics,
	}
	if len(metrics) == 0 {
		p.Metrics = []release.Metric{{Name: "errors", Kind: release.Ratio, Worse: release.Higher, Severity: release.Guardrail,
			Method: release.Sequential, Events: "bad", Of: "all", Tolerance: 0.1}}
	}
	s := &story{world: w, id: journal.ID{Name: name, Attempt: 1}, at: w.now}
	s.write(text, engine.Started{At: s.at, Attempt: 1, Plan: p, Salt: "salt", Epoch: 1, Methods: judge.Methods})
	return s
}

// write steps the release, and does what it asks for.
func (s *story) write(text []byte, e engine.Event) {
	s.Helper()
	next, d, effects := engine.Step(s.state, e)
	rec := journal.Record{At: s.at, Event: e, Decision: d, Effects: effects}
	err := error(nil)
	if text != nil {
		err = s.store.Begin(s.Context(), s.id, text, rec, &next)
	} else {
		err = s.store.Append(s.Context(), s.id, s.state.Seq, rec, &next)
	}
	if err != nil {
		s.Fatal(err)
	}
	s.state = next
	for _, e := range effects {
		s.write(nil, engine.Acknowledged{At: s.at, Effect: e.ID()})
	}
}

// looks looks so many times.
func (s *story) looks(n int, failing float64) *story {
	s.Helper()
	for range n {
		s.at = s.at.Add(15 * time.Second)
		e := engine.Looked{At: s.at, Window: release.Window{From: s.at.Add(-15 * time.Second), To: s.at}}
		for _, m := range s.state.Plan.Metrics {
			e.Observations = append(e.Observations,
				release.Observation{Metric: m.Name, Arm: release.Baseline, Window: e.Window, Events: 10, Of: 1900},
				release.Observation{Metric: m.Name, Arm: release.Candidate, Window: e.Window, Events: int64(100 * failing), Of: 100})
		}
		s.write(nil, e)
	}
	return s
}

func (w *world) course(id journal.ID) report.Course {
	w.Helper()
	c, err := w.desk.Course(w.Context(), ann, id, report.Wanted{})
	if err != nil {
		w.Fatal(err)
	}
	return c
}

// The course goes on with the records that come, and reads none twice.
func TestACourseGoesOn(t *testing.T) {
	w := newWorld(t)
	s := w.story("checkout-2").looks(10, 0.01)
	j := &reads{Journal: w.store}
	w.desk = control.New(control.Config{Journal: j, Policy: w, Now: func() time.Time { return w.now }, Questions: func(text []byte) []report.Question {
		if !strings.Contains(string(text), "checkout-2") {
			t.Errorf("asked of %s", text)
		}
		return []report.Question{{Metric: "errors", Arm: "candidate", Query: "bad"}, {Metric: "other"}}
	}})
	c := w.course(s.id)
	if c.Records != s.state.Seq || c.Total != c.Records || len(c.Tracks) != 1 || len(c.Tracks[0].Time) != 10 || len(c.Tracks[0].Queries) != 1 {
		t.Fatalf("%+v", c)
	}
	s.looks(5, 0.01)
	if again := w.course(s.id); len(again.Tracks[0].Time) != 15 || again.Records != s.state.Seq || j.seen != int(s.state.Seq) {
		t.Errorf("%d points; %d records were read of %d", len(again.Tracks[0].Time), j.seen, s.state.Seq)
	}
	w.policy = denies(access.View)
	if _, err := w.desk.Course(t.Context(), ann, s.id, report.Wanted{}); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("one may not see it: %v", err)
	}
}

// reads counts the records that were read, and can be slow about them.
type reads struct {
	control.Journal
	seen int
	slow func(ctx context.Context, seq uint64)
}

func (r *reads) Records(ctx context.Context, id journal.ID, from uint64, fn func(journal.Record) error) error {
	return r.Journal.Records(ctx, id, from, func(rec journal.Record) error {
		if r.seen++; r.slow != nil {
			r.slow(ctx, rec.Seq)
		}
		return fn(rec)
	})
}

// A release that takes long to read is told as far as it was read, and who asks
// again gets more.
func TestALongCourseComesInPieces(t *testing.T) {
	w := newWorld(t)
	s := w.story("checkout-2").looks(10, 0.01)
	j := &reads{Journal: w.store, slow: func(ctx context.Context, seq uint64) {
		if seq == 5 {
			<-ctx.Done() // the time is over
		}
	}}
	w.desk = control.New(control.Config{Journal: j, Policy: w, Now: func() time.Time { return w.now }})
	first := w.course(s.id)
	if first.Records != 5 || first.Total != s.state.Seq {
		t.Errorf("%d of %d records", first.Records, first.Total)
	}
	if rest := w.course(s.id); rest.Records != s.state.Seq || len(rest.Tracks[0].Time) != 10 {
		t.Errorf("%d of %d records", rest.Records, rest.Total)
	}
}

// Earlier releases of the service tell what its baseline was like.
func TestHistory(t *testing.T) {
	w := newWorld(t)
	for n := range 12 {
		s := w.story(fmt.Sprintf("checkout-%d", n)).looks(40, 0.3)
		if !s.state.Over() {
			t.Fatalf("%s: %s", s.state.Phase, s.state.Why.Text)
		}
		w.now = s.at.Add(time.Hour)
	}
	open := w.story("checkout-open").looks(2, 0.01)
	s := w.story("checkout-new").looks(3, 0.01)
	for range 2 {
		h := w.course(s.id).Tracks[0].History
		if len(h) != 10 || h[0].Name != "checkout-11" || h[9].Name != "checkout-2" || h[0].N < 1900 || h[0].Value < 0.005 || h[0].Value > 0.0055 {
			t.Fatalf("%+v", h)
		}
	}
	if h := w.course(open.id).Tracks[0].History; len(h) != 10 {
		t.Errorf("%+v", h)
	}
	if h := w.course(journal.ID{Name: "checkout-0", Attempt: 1}).Tracks[0].History; len(h) != 0 {
		t.Errorf("the first has %+v", h)
	}
	services, err := w.desk.Services(t.Context(), ann)
	if err != nil || len(services) != 1 {
		t.Fatalf("%+v, %v", services, err)
	}
	noise, missing, err := w.desk.Noise(t.Context(), ann, services[0])
	if err != nil || missing != 0 || len(noise) != 1 || noise[0].Metric != "errors" || noise[0].Kind != release.Ratio || noise[0].Bound != 0 ||
		len(noise[0].Levels) != 10 || noise[0].Levels[0].Name != "checkout-11" || noise[0].Levels[0].Value < 0.005 || noise[0].Levels[0].Value > 0.0055 {
		t.Errorf("the usual noise: %+v, %d missing, %v", noise, missing, err)
	}
	services[0].Team = "blue"
	if noise, _, err := w.desk.Noise(t.Context(), ann, services[0]); err != nil || len(noise) != 0 {
		t.Errorf("of another team: %+v, %v", noise, err)
	}
	w.policy = denies(access.View)
	services[0].Team = "red"
	if noise, _, err := w.desk.Noise(t.Context(), ann, services[0]); err != nil || len(noise) != 0 {
		t.Errorf("for who may see none: %+v, %v", noise, err)
	}
}

// A replay finds every decision as it was recorded, and the first that is not.
func TestReplay(t *testing.T) {
	w := newWorld(t)
	s := w.story("checkout-2").looks(40, 0.3)
	all, err := w.desk.Replay(t.Context(), ann, s.id, 0)
	if err != nil || all.Records != s.state.Seq || all.Differ != 0 || all.DiffersAt != 0 || all.Broken != nil || all.Methods != judge.Methods ||
		all.Recomputed.Phase != engine.RolledBack {
		t.Fatalf("%v, %+v", err, all)
	}
	head, err := w.store.Verify(t.Context(), s.id)
	if err != nil || head.Hash != all.Head {
		t.Errorf("%v: head %x, verified %x", err, all.Head, head.Hash)
	}
	part, err := w.desk.Replay(t.Context(), ann, s.id, 3)
	if err != nil || part.Records != 3 || part.Recorded.Seq != 3 || part.Head == all.Head {
		t.Errorf("%v, %+v", err, part)
	}
	if _, err := w.desk.Replay(t.Context(), ann, s.id, 1000); !errors.Is(err, release.ErrNotFound) {
		t.Error(err)
	}
	forged := forging{w.store}
	other, err := control.Replay(t.Context(), forged, s.id, 0, nil)
	if err != nil || other.Differ != 1 || other.DiffersAt != 4 || other.Recorded.Decision.Kind == other.Recomputed.Kind {
		t.Errorf("%v, %+v", err, other)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.desk.Replay(ctx, ann, s.id, 0); err == nil {
		t.Error("it was computed for nobody")
	}
}

// forging tells another decision of the fourth record.
type forging struct{ of control.Records }

func (f forging) Records(ctx context.Context, id journal.ID, from uint64, fn func(journal.Record) error) error {
	return f.of.Records(ctx, id, from, func(rec journal.Record) error {
		if rec.Seq == 4 {
			rec.Decision.Kind = engine.Promote
		}
		return fn(rec)
	})
}

// A record that was changed breaks the chain, and the replay says where.
func TestReplayOfABrokenChain(t *testing.T) {
	w := newWorld(t)
	s := w.story("checkout-2").looks(3, 0.01)
	broken := &journal.Broken{ID: s.id, Seq: 3, What: "it was changed"}
	got, err := control.Replay(t.Context(), breaking{w.store, broken}, s.id, 0, nil)
	if err != nil || got.Broken != broken || got.Records != 2 {
		t.Errorf("%v, %+v", err, got)
	}
}

// Records that are gone from the end are missed up to where it is asked, too.
func TestReplayOfACutRelease(t *testing.T) {
	w := newWorld(t)
	s := w.story("checkout-2").looks(10, 0.01)
	desk := control.New(control.Config{Journal: cut{w.store, 5}, Policy: access.Everybody{}, Now: time.Now})
	for upTo, missed := range map[uint64]bool{0: true, 4: false, 5: false, 6: true, s.state.Seq: true} {
		got, err := desk.Replay(t.Context(), ann, s.id, upTo)
		if err != nil || (got.Broken != nil) != missed || missed && got.Broken.Seq != 6 {
			t.Errorf("up to %d: %v, %+v", upTo, err, got)
		}
	}
}

// cut has no records after one.
type cut struct {
	*journal.Store
	after uint64
}

func (c cut) Records(ctx context.Context, id journal.ID, from uint64, fn func(journal.Record) error) error {
	over := errors.New("over")
	err := c.Store.Records(ctx, id, from, func(rec journal.Record) error {
		if rec.Seq > c.after {
			return over
		}
		return fn(rec)
	})
	if errors.Is(err, over) {
		err = nil
	}
	return err
}

type breaking struct {
	of  control.Records
	why error
}

func (b breaking) Records(ctx context.Context, id journal.ID, from uint64, fn func(journal.Record) error) error {
	return b.of.Records(ctx, id, from, func(rec journal.Record) error {
		if rec.Seq == 3 {
			return b.why
		}
		return fn(rec)
	})
}
