package run

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// tell sends the notices that are recorded and not acknowledged, in a time that
// bounds them all. One that cannot be sent is tried again in the next turns,
// and at last recorded as failed: it must not keep a release from its end.
func (r *Runner) tell(ctx context.Context) error {
	if len(r.state.Pending.Notices) == 0 {
		return ctx.Err()
	}
	short, cancel := context.WithTimeout(ctx, r.share(noticeWait, 2))
	defer cancel()
	notices := slices.Clone(r.state.Pending.Notices)
	slices.SortStableFunc(notices, func(a, b engine.Notify) int {
		return cmp.Compare(r.tellings[a.Effect], r.tellings[b.Effect])
	})
	for _, n := range notices {
		if short.Err() != nil || r.cut {
			return ctx.Err()
		}
		if err := r.fresh(ctx); err != nil {
			return err
		}
		if !slices.ContainsFunc(r.state.Pending.Notices, func(p engine.Notify) bool { return p.Effect == n.Effect }) {
			continue
		}
		err := r.send(short, n.Notice)
		if ctx.Err() != nil || r.cut && err != nil {
			return ctx.Err()
		}
		if err := r.acknowledgeNotice(ctx, n.Effect, err); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) send(ctx context.Context, n release.Notice) (err error) {
	if r.cfg.Notifier == nil {
		return nil
	}
	r.interruptible(ctx, func(ctx context.Context) {
		err = r.call(ctx, "notify", noticeWait, func(ctx context.Context) error { return r.cfg.Notifier.Notify(ctx, n) })
	})
	return err
}

// acknowledgeNotice records a notice that was sent, or was given up.
func (r *Runner) acknowledgeNotice(ctx context.Context, id engine.EffectID, failure error) error {
	ack := engine.Acknowledged{At: r.now(), Effect: id}
	if failure != nil {
		r.tellings[id]++
		hopeless := errors.Is(failure, release.ErrInvalid) || errors.Is(failure, release.ErrNotFound)
		if !hopeless && r.tellings[id] < tries {
			r.about().Warn("notice not sent, to be tried again", "notice", id.String(), "error", failure)
			return nil
		}
		ack.Failure = &release.Reason{Code: release.NoticeFailed, Text: clip(failure.Error())}
	}
	delete(r.tellings, id)
	return r.step(ctx, ack)
}
