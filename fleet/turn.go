package fleet

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

const (
	// turnWait bounds one turn: a rollback at a provider that hangs takes half a
	// minute.
	turnWait = 60 * time.Second
	// elsewhereAgain is how often a release that another process runs is tried, in
	// case that one ends; repairAgain how often at most one that cannot go on.
	elsewhereAgain = 15 * time.Second
	repairAgain    = time.Minute
	// crowded is how soon to come again where a turn is under way already.
	crowded = time.Second
)

// Turn is what a turn leaves.
type Turn struct {
	// Next is how long nothing needs doing, but for a person's command.
	Next time.Duration
	// Over says that the release needs no more turns.
	Over bool
}

// Turn takes one turn of a release. It does no harm where another process takes
// one at the same time. Next is told with an error too: how long to wait before
// trying again.
func (f *Fleet) Turn(ctx context.Context, id journal.ID) (Turn, error) {
	short, cancel := context.WithTimeout(ctx, turnWait)
	defer cancel()
	m, err := f.hold(short, id)
	if err != nil {
		return Turn{Next: crowded}, err
	}
	defer func() { <-m.slot }()
	began := f.cfg.Now()
	t, err := f.guarded(short, m)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return t, err // the process ends
	}
	f.settle(m, began, &t, err)
	f.cfg.OnTurn(id, f.cfg.Now().Sub(began), err)
	return t, err
}

// hold waits for the slot of a release. Where it was let go of meanwhile, it is
// taken up anew.
func (f *Fleet) hold(ctx context.Context, id journal.ID) (*member, error) {
	for {
		m := f.member(id)
		select {
		case m.slot <- struct{}{}:
		case <-ctx.Done():
			return nil, fmt.Errorf("release %s: another turn of it takes long: %w", id, release.ErrUnavailable)
		}
		f.mu.Lock()
		known := f.members[id] == m
		f.mu.Unlock()
		if known {
			return m, nil
		}
		<-m.slot
	}
}

// idle is how long a release had no turn here when its parts are let go of.
const idle = 10 * time.Minute

// Tidy lets go of releases that have had no turn here for long: others take them,
// or have seen them to their end. A turn that comes nevertheless takes the release
// up anew.
func (f *Fleet) Tidy() {
	now := f.cfg.Now()
	f.mu.Lock()
	var old []*member
	for id, m := range f.members {
		if m.how.Turn.IsZero() || now.Sub(m.how.Turn) < idle {
			continue
		}
		select {
		case m.slot <- struct{}{}:
			old = append(old, m)
			delete(f.members, id)
		default: // its turn takes long
		}
	}
	f.mu.Unlock()
	for _, m := range old {
		m.letGo(f.cfg.Log)
		f.cfg.OnOver(m.id)
		<-m.slot
	}
}

func (f *Fleet) member(id journal.ID) *member {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, ok := f.members[id]
	if !ok {
		m = &member{id: id, slot: make(chan struct{}, 1), how: Status{ID: id}}
		f.members[id] = m
	}
	return m
}

// guarded takes a turn, whose panic is an error of that release alone.
func (f *Fleet) guarded(ctx context.Context, m *member) (t Turn, err error) {
	defer func() {
		if p := recover(); p != nil {
			f.cfg.Log.Error("panic", "release", m.id.String(), "seq", m.seq(), "panic", p, "stack", string(debug.Stack()))
			m.drop() // what is in memory may be half of something
			err = fmt.Errorf("release %s: a turn panics, which is a bug: %v: %w", m.id, p, release.ErrUnavailable)
		}
	}()
	return f.turn(ctx, m)
}

func (f *Fleet) turn(ctx context.Context, m *member) (Turn, error) {
	if f.cfg.Own != nil && m.disown == nil {
		disown, err := f.cfg.Own(m.id)
		if err != nil {
			return Turn{}, err
		}
		m.disown = disown
	}
	if m.runner == nil {
		if over, err := f.meet(ctx, m); err != nil || over {
			return Turn{Over: over}, err
		}
	}
	if m.disown == nil {
		now, err := f.cfg.Store.Find(ctx, m.id)
		if err != nil {
			return Turn{}, err
		}
		if now.Seq != m.runner.State().Seq {
			m.runner.Refresh()
		}
	}
	if err := m.runner.Turn(ctx); err != nil {
		return Turn{}, err
	}
	return Turn{Next: max(m.runner.Rest(), 0), Over: m.runner.Done()}, nil
}

// meet puts a release's parts together. One that has ended meanwhile is over.
func (f *Fleet) meet(ctx context.Context, m *member) (over bool, err error) {
	now, err := f.cfg.Store.Find(ctx, m.id)
	if err != nil || now.Pruned {
		return now.Pruned, err
	}
	text, err := f.cfg.Store.FileText(ctx, m.id)
	if err != nil {
		return false, err
	}
	file, err := spec.Parse(m.id.String(), text)
	if err != nil {
		return false, err
	}
	parts, err := f.cfg.Assembler.Assemble(ctx, m.id, file)
	if err != nil {
		return false, fmt.Errorf("release %s: its parts cannot be put together: %w", m.id, err)
	}
	m.parts = parts
	select {
	case f.reading <- struct{}{}:
		defer func() { <-f.reading }()
	case <-ctx.Done():
		m.drop()
		return false, fmt.Errorf("release %s: its turn to be read from the journal did not come in time: %w", m.id, release.ErrUnavailable)
	}
	if m.runner, err = run.New(ctx, f.runs(parts), m.id); err != nil {
		m.drop()
	}
	return false, err
}

// runs is what a runner works with.
func (f *Fleet) runs(parts Parts) run.Config {
	return run.Config{
		Store: glance{f.cfg.Store, f}, Router: parts.Router, Source: parts.Source, Notifier: f.cfg.Notifier,
		Now: f.cfg.Now, Log: f.cfg.Log, Tracer: f.cfg.Tracer, Room: f.room, OnStep: f.cfg.OnStep,
	}
}

// settle notes how a turn went, and how long to wait after one that failed.
func (f *Fleet) settle(m *member, began time.Time, t *Turn, err error) {
	elsewhere := err != nil && m.disown == nil && f.cfg.Own != nil && errors.Is(err, release.ErrConflict)
	switch {
	case err == nil:
		m.failures = 0
	case elsewhere:
		t.Next = elsewhereAgain
	default:
		m.failures++
		t.Next = run.BackOff(m.failures)
		if m.failures > patient {
			t.Next = min(time.Duration(m.failures-patient)*run.BackOff(m.failures), repairAgain)
		}
	}
	f.mu.Lock()
	known := m.how
	m.how = Status{ID: m.id, Turn: began, Due: f.cfg.Now().Add(t.Next), Failures: m.failures, Elsewhere: elsewhere}
	if err != nil {
		m.how.Error = err.Error()
	}
	if t.Over {
		delete(f.members, m.id)
	}
	f.mu.Unlock()
	switch {
	case elsewhere && !known.Elsewhere:
		f.cfg.Log.Info("left to the process that runs it", "release", m.id.String(), "seq", m.seq(), "why", err)
	case err != nil && !elsewhere:
		f.cfg.Log.Error("a turn failed, and is tried again", "release", m.id.String(), "seq", m.seq(), "failures", m.failures, "again_in", t.Next.Round(time.Millisecond).String(), "error", err)
	}
	if t.Over {
		m.letGo(f.cfg.Log)
		f.cfg.OnOver(m.id)
	}
}

// seq is the last record that is known; 0 where none is.
func (m *member) seq() uint64 {
	if m.runner == nil {
		return 0
	}
	return m.runner.State().Seq
}

// patient is after how many failures in a row a release is tried more and more
// seldom.
const patient = 10
