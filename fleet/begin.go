package fleet

import (
	"context"
	"fmt"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// Begin implements control.Beginner: it puts the release's parts together, asks
// the provider, writes the first record, and has the first turn taken. A service
// whose traffic another release is moving is release.ErrConflict.
func (f *Fleet) Begin(ctx context.Context, b control.Beginning) (id journal.ID, err error) {
	alone := f.cfg.Alone
	if alone == nil {
		alone = func(ctx context.Context, _ string, fn func(context.Context) error) error { return fn(ctx) }
	}
	select {
	case f.beginning <- struct{}{}:
		defer func() { <-f.beginning }()
	case <-ctx.Done():
		return id, fmt.Errorf("another release is being begun, and its provider takes long to answer: %w", release.ErrUnavailable)
	}
	err = alone(ctx, b.File.Service, func(ctx context.Context) error {
		if err := f.free(ctx, b.File); err != nil {
			return err
		}
		id, err = f.begin(ctx, b)
		return err
	})
	if err == nil && f.begun != nil {
		f.begun(id)
	}
	return id, err
}

func (f *Fleet) begin(ctx context.Context, b control.Beginning) (journal.ID, error) {
	id := journal.ID{Name: b.File.Name, Attempt: b.Attempt}
	parts, err := f.cfg.Assembler.Assemble(ctx, id, b.File)
	if err != nil {
		return id, err
	}
	defer (&member{parts: parts}).drop()
	return run.Begin(ctx, f.runs(parts), run.Beginning{Plan: b.Plan, Attempt: b.Attempt, File: b.File.Text, Salt: f.cfg.Salt(), By: b.By, Glass: b.Glass})
}

// free refuses a release of a service whose traffic another one is moving: the
// two would undo each other's weights. One that only watches after its end is no
// hindrance; it steps aside by itself. The same service in another environment is
// another one.
func (f *Fleet) free(ctx context.Context, file spec.File) error {
	all, err := f.cfg.Store.Choose(ctx, journal.Choice{Service: file.Service, Unfinished: true, Most: mostOfService})
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.ID.Name == file.Name || s.Environment != file.Labels[plan.EnvironmentLabel] || s.Phase.OnlyWatches() {
			continue
		}
		return fmt.Errorf("release %s of %s is %s, and two releases of one service would undo each other's weights: wait until it has ended, or `linnet release abort %s`; the same service in another environment says so by the label %q: %w",
			s.ID, s.Service, s.Phase, s.ID.Name, plan.EnvironmentLabel, release.ErrConflict)
	}
	return nil
}

// mostOfService bounds the releases of one service that are looked through.
const mostOfService = 1000
