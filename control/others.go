package control

import (
	"context"

	"github.com/linnet-project/linnet/access"
)

// Allow asks the policy for what no other method of the desk does, a notice that
// is to be acknowledged, say, and writes the audit: then it may happen. e says who
// asks and what for.
func (d *Desk) Allow(ctx context.Context, action access.Action, on access.Resource, e Entry) error {
	return d.AllowIf(ctx, action, on, e, func() error { return nil })
}

// AllowIf is Allow for what must fit, besides: who may ask is told first, then
// what is wrong, and only what will be done is in the audit.
func (d *Desk) AllowIf(ctx context.Context, action access.Action, on access.Resource, e Entry, fits func() error) error {
	if e.At.IsZero() {
		e.At = d.cfg.Now()
	}
	if err := d.ask(ctx, action, on, e); err != nil {
		return err
	}
	if err := fits(); err != nil {
		return err
	}
	return d.audit(ctx, e)
}
