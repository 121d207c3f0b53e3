package nginx

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// served is what one worker serves.
type served struct {
	stamp   split.Stamp
	weights []release.Weight
}

// errMoved says that another worker answered in the middle of a look.
var errMoved = fmt.Errorf("nginx: it is being reloaded: %w", release.ErrUnavailable)

// lookTime bounds a look.
const lookTime = 5 * time.Second

// look measures what a worker serves, once more where that one goes meanwhile.
func (r *Router) look(ctx context.Context) (served, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	for {
		got, err := r.measure(ctx)
		if !errors.Is(err, errMoved) || !pause(ctx) {
			return got, err
		}
	}
}

// grid is how far apart the places are that are asked for in any case. Where two
// neighbours differ, what lies between is halved until the bound is found.
const grid = places / 20

// measure asks one worker for the arms of places. An arm that lies in less than
// a grid, between two places of another one, is not found; in Linnet's own file,
// where the arms lie in their order, there is none.
func (r *Router) measure(ctx context.Context) (served, error) {
	a := newAsker(r.cfg.Status)
	defer a.close()
	m := &measurement{router: r, asker: a, arms: map[int]int{}}
	counts := make([]int64, len(r.cfg.Arms))
	for from := 0; from < places-1; from += grid {
		if err := m.count(ctx, from, min(from+grid, places-1), counts); err != nil {
			return served{}, err
		}
	}
	counts[m.arms[places-1]]++
	weights, _ := split.Shares(counts)
	return served{m.first.stamp, weights}, nil
}

// measurement is what one worker has answered.
type measurement struct {
	router *Router
	asker  asker
	first  answer
	arms   map[int]int // by place
}

// count adds the places from one up to another, without that one, to their arms.
func (m *measurement) count(ctx context.Context, from, to int, counts []int64) error {
	first, err := m.arm(ctx, from)
	if err != nil {
		return err
	}
	last, err := m.arm(ctx, to)
	if err != nil {
		return err
	}
	if first == last || to-from == 1 {
		counts[first] += int64(to - from)
		return nil
	}
	middle := (from + to) / 2
	if err := m.count(ctx, from, middle, counts); err != nil {
		return err
	}
	return m.count(ctx, middle, to, counts)
}

// arm is the arm that a place belongs to.
func (m *measurement) arm(ctx context.Context, place int) (int, error) {
	if arm, ok := m.arms[place]; ok {
		return arm, nil
	}
	got, err := m.asker.ask(ctx, m.router.keys[place])
	if err != nil {
		return 0, err
	}
	if m.first == (answer{}) {
		m.first = got
	}
	if got.worker != m.first.worker {
		return 0, errMoved
	}
	arm := slices.IndexFunc(m.router.cfg.Arms, func(a Arm) bool { return a.Upstream == got.arm })
	if arm < 0 {
		return 0, fmt.Errorf("nginx: status %s: upstream %.100q is served, which is none of the arms; name it, or write the file as docs/nginx.md begins it, and reload: %w", m.router.cfg.Status, got.arm, release.ErrInvalid)
	}
	m.arms[place] = arm
	return arm, nil
}

// settles are so many answers of new workers in a row, with a pause between, as
// show that the old ones take no connection any more: nginx tells these to go a
// tenth of a second after the new ones have begun.
const (
	settles = 10
	between = 20 * time.Millisecond
)

// await waits until what is served is what was written, by all workers.
func (r *Router) await(ctx context.Context, want served) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	for {
		got, err := r.look(ctx)
		if err == nil && got.stamp.Epoch > want.stamp.Epoch {
			return fmt.Errorf("nginx: epoch %d of %.100q is served by now, newer than %d: %w", got.stamp.Epoch, got.stamp.Owner, want.stamp.Epoch, release.ErrConflict)
		}
		if err == nil && got.equal(want) && r.settled(ctx, want.stamp) {
			return nil
		}
		if !pause(ctx) {
			return cmp.Or(err, ctx.Err())
		}
	}
}

func (s served) equal(other served) bool {
	return s.stamp == other.stamp && slices.Equal(s.weights, other.weights)
}

// settled says that new connections all come to workers with this stamp.
func (r *Router) settled(ctx context.Context, stamp split.Stamp) bool {
	for range settles {
		a := newAsker(r.cfg.Status)
		got, err := a.ask(ctx, r.keys[0])
		a.close()
		if err != nil || got.stamp != stamp || !pause(ctx) {
			return false
		}
	}
	return true
}

// pause waits a moment; false once the context has ended.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(between)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
