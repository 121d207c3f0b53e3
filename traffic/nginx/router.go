package nginx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/file"
	"github.com/linnet-project/linnet/traffic/split"
)

// Router splits the traffic of one service that nginx takes.
type Router struct {
	cfg   Config
	rules split.Rules
	keys  []uint32 // by place

	// Only one change is on its way at a time.
	mu sync.Mutex
	// settling is full from a reload until new connections meet new workers only.
	// Nobody looks meanwhile: for a tenth of a second old and new workers answer
	// by turns.
	settling chan struct{}
}

// New makes a Router; it does not touch nginx yet. Its error is
// release.ErrInvalid.
func New(cfg Config) (*Router, error) {
	cfg, err := cfg.filled()
	if err != nil {
		return nil, err
	}
	r := &Router{cfg: cfg, keys: placeKeys(), settling: make(chan struct{}, 1), rules: split.Rules{Service: cfg.Service, Grain: grain, Abilities: []release.Ability{
		release.HeaderTesters, release.CookieTesters, release.HeaderSticky, release.CookieSticky, release.ManyArms,
	}}}
	for _, arm := range cfg.Arms {
		r.rules.Arms = append(r.rules.Arms, arm.Name)
	}
	return r, nil
}

// Grain is the finest weight that can be set.
func (r *Router) Grain() release.Weight { return r.rules.Grain }

// Abilities are what the router can do beside weights.
func (r *Router) Abilities() []release.Ability { return slices.Clone(r.rules.Abilities) }

// Apply writes the file, has nginx test and take it, and waits until it is what
// new connections meet. A route older than the one in the file, or the one that
// is served, is release.ErrConflict. Where nginx's configuration fails its test,
// or does not take the reload, the old file is back: release.ErrInvalid if it was
// the new file that failed, release.ErrUnavailable if it is something else.
func (r *Router) Apply(ctx context.Context, route release.Route) error {
	weights, err := r.rules.Weights(route)
	if err != nil {
		return fmt.Errorf("nginx: %w", err)
	}
	text, err := r.cfg.render(route, weights)
	if err != nil {
		return fmt.Errorf("nginx: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ctx.Err() != nil {
		return fmt.Errorf("nginx: %w: %w", ctx.Err(), release.ErrUnavailable)
	}
	before, there, err := file.Read(r.cfg.File)
	if err != nil {
		return fmt.Errorf("nginx: %w", err)
	}
	want := served{split.StampOf(route), weights}
	now, unseen := r.look(ctx) // where it cannot be seen, the file alone says who wrote last
	if ctx.Err() != nil {
		return fmt.Errorf("nginx: nothing was changed: %w: %w", ctx.Err(), release.ErrUnavailable)
	}
	for _, err := range []error{r.ours(before, there), written(before).Fence(route), now.stamp.Fence(route)} {
		if err != nil {
			return fmt.Errorf("nginx: %s: %w", r.cfg.File, err)
		}
	}
	if before != text || unseen != nil || !now.equal(want) {
		if err := r.change(ctx, before, there, text, weights[0] == release.Whole); err != nil {
			return err
		}
	}
	r.settling <- struct{}{}
	defer func() { <-r.settling }()
	if err := r.await(ctx, want); err != nil {
		return r.notServed(err, text)
	}
	return nil
}

// ours refuses to write over a file that is somebody else's.
func (r *Router) ours(text string, there bool) error {
	if !there || strings.TrimSpace(text) == "" || strings.HasPrefix(text, mark) {
		return nil
	}
	return fmt.Errorf("it does not begin with %q and is not written over; name another, or empty it: %w", mark, release.ErrInvalid)
}

// written is the stamp in a file.
func written(text string) split.Stamp {
	for line := range strings.Lines(text) {
		if s, ok := strings.CutPrefix(line, stampMark); ok {
			stamp, _ := split.ParseStamp(s)
			return stamp
		}
	}
	return split.Stamp{}
}

// change puts a new text in place, and the old one back where nginx does not
// take it. Nobody else can load a file that fails: nginx tests what it is to
// load, and goes on with what it has. A file that passes may be loaded early, by
// somebody else's reload: it is recorded, and wanted. One that passes and gives
// all to the baseline stays, also where the reload fails: an nginx that is down
// is to start with it.
func (r *Router) change(ctx context.Context, before string, there bool, text string, home bool) error {
	if before != text {
		if err := file.Replace(r.cfg.File, text); err != nil {
			return fmt.Errorf("nginx: %w", err)
		}
	}
	failed := run(ctx, r.cfg.Test)
	if failed == nil {
		if failed = run(ctx, r.cfg.Reload); failed == nil {
			return nil
		}
		if home {
			return fmt.Errorf("nginx: the reload failed; the new file stays for its next start: %w", failed)
		}
		return r.restored(failed, before, there, text, "the reload failed")
	}
	if before == text || ctx.Err() != nil || !errors.Is(failed, release.ErrUnavailable) {
		return r.restored(failed, before, there, text, "the configuration could not be tested")
	}
	if err := r.restored(failed, before, there, text, "the configuration fails its test"); !there {
		return err
	}
	if again := run(ctx, r.cfg.Test); again != nil {
		return fmt.Errorf("nginx: the configuration fails its test, without Linnet's change too, so that nothing can be reloaded; what runs goes on as it is: %w", again)
	}
	return fmt.Errorf("nginx: the configuration fails its test with Linnet's file, and passes with the old one, which is back: %v: %w", failed, release.ErrInvalid)
}

// restored puts the old text back, if the new one is still there, and says so.
func (r *Router) restored(failed error, before string, there bool, text, what string) error {
	now, _, err := file.Read(r.cfg.File)
	switch {
	case before == text:
		return fmt.Errorf("nginx: %s: %w", what, failed)
	case err == nil && now != text:
		return fmt.Errorf("nginx: %s, and somebody else has written %s: %w", what, r.cfg.File, failed)
	case err == nil && there:
		err = file.Replace(r.cfg.File, before)
	case err == nil:
		err = file.Remove(r.cfg.File)
	}
	if err != nil {
		return fmt.Errorf("nginx: %s, and the old file could not be put back (%v): %w", what, err, failed)
	}
	return fmt.Errorf("nginx: %s; the old file is back: %w", what, failed)
}

// notServed says why a file that nginx took is not what it serves.
func (r *Router) notServed(why error, text string) error {
	if errors.Is(why, release.ErrConflict) {
		return why
	}
	if now, _, err := file.Read(r.cfg.File); err == nil && now != text {
		return fmt.Errorf("nginx: %s was changed by somebody else at once: %w", r.cfg.File, release.ErrConflict)
	}
	return fmt.Errorf("nginx: the reload was accepted, and new connections do not meet it yet (does the configuration include %s? see nginx's error log too): %w: %w",
		r.cfg.File, why, release.ErrUnavailable)
}

// Observed measures what the running workers serve, not what the file says.
// After a reload of ours it waits for the new workers.
func (r *Router) Observed(ctx context.Context) (release.Seen, error) {
	select {
	case r.settling <- struct{}{}:
		<-r.settling
	case <-ctx.Done():
		return release.Seen{}, fmt.Errorf("nginx: it is being reloaded: %w: %w", ctx.Err(), release.ErrUnavailable)
	}
	now, err := r.look(ctx)
	if err != nil {
		return release.Seen{}, err
	}
	return release.Seen{Route: release.Route{
		Service: r.cfg.Service, Weights: split.Of(r.rules.Arms, now.weights), Epoch: now.stamp.Epoch, Owner: now.stamp.Owner,
	}}, nil
}
