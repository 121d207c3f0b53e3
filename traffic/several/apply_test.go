package several_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/several"
	"github.com/linnet-project/linnet/traffic/split"
)

// three are parts that all serve a weight, by epoch 1, and their router.
func three(t *testing.T, weight release.Weight) ([]*part, split.Router) {
	t.Helper()
	parts := []*part{newPart(), newPart(), newPart()}
	r := together(t, parts...)
	apply(t, r, route(1, weight))
	return parts, r
}

func failing(meaning error) func(release.Route) error {
	return func(release.Route) error { return fmt.Errorf("it is broken: %w", meaning) }
}

func TestUpGoesOneAfterTheOther(t *testing.T) {
	parts, r := three(t, 5_000)
	var order []string
	for i, p := range parts {
		p.fail(nil, func(release.Route) error { order = append(order, string(rune('a'+i))); return nil }, nil)
	}
	apply(t, r, route(2, 10_000))
	if got := strings.Join(order, ""); got != "abc" {
		t.Errorf("the order is %s", got)
	}
}

// TestAFailureTakesTheOthersBack, whichever part it is and whatever it says: all
// serve what they did, and it can be tried again.
func TestAFailureTakesTheOthersBack(t *testing.T) {
	for k := range 3 {
		for name, fault := range map[string]struct {
			meaning error
			after   bool // it was set, in part at least
		}{
			"conflict": {release.ErrConflict, false}, "invalid": {release.ErrInvalid, false}, "not found": {release.ErrNotFound, false},
			"unavailable": {release.ErrUnavailable, false}, "lost answer": {release.ErrUnavailable, true},
			"conflict on the way": {release.ErrConflict, true}, "invalid on the way": {release.ErrInvalid, true},
		} {
			t.Run(fmt.Sprint(name, " of ", k), func(t *testing.T) {
				parts, r := three(t, 5_000)
				once := func(route release.Route) error { // what puts back is fine
					if route.Weights[1].Weight == 5_000 {
						return nil
					}
					return failing(fault.meaning)(route)
				}
				if fault.after {
					parts[k].fail(nil, once, nil)
				} else {
					parts[k].fail(once, nil, nil)
				}
				err := r.Apply(t.Context(), route(2, 10_000))
				who := string(rune('a' + k))
				if !errors.Is(err, fault.meaning) || !strings.Contains(err.Error(), who+" not set to 10%: it is broken") {
					t.Errorf("%v", err)
				}
				if k > 0 && !strings.Contains(err.Error(), "put back: a to 5%") || k == 0 && !fault.after && strings.Contains(err.Error(), "put back") {
					t.Errorf("what was put back: %v", err)
				}
				serve(t, parts, 5_000)
				seen, err := r.Observed(t.Context())
				if err != nil || seen.Route.Epoch != 1 || seen.Route.Weights[1].Weight != 5_000 || len(seen.Parts) != 0 {
					t.Errorf("seen: %+v, %v; it is the route before, which a person did not change", seen, err)
				}
				parts[k].fail(nil, nil, nil)
				apply(t, r, route(2, 10_000))
				serve(t, parts, 10_000)
				if seen, err := r.Observed(t.Context()); err != nil || seen.Route.Epoch != 2 {
					t.Errorf("seen: %+v, %v", seen, err)
				}
			})
		}
	}
}

func serve(t testing.TB, parts []*part, want ...release.Weight) {
	t.Helper()
	for len(want) < len(parts) {
		want = append(want, want[0])
	}
	if got := weights(parts); !slices.Equal(got, want) {
		t.Errorf("the parts serve %v, expected %v", got, want)
	}
}

// TestWhatCannotBePutBack is told, seen, and mended by the next try.
func TestWhatCannotBePutBack(t *testing.T) {
	parts, r := three(t, 5_000)
	parts[0].fail(func(route release.Route) error {
		if route.Weights[1].Weight == 5_000 {
			return fmt.Errorf("out of order: %w", release.ErrInvalid)
		}
		return nil
	}, nil, nil)
	parts[2].fail(failing(release.ErrInvalid), nil, nil)
	err := r.Apply(t.Context(), route(2, 10_000))
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "put back: b to 5%; NOT put back: a to 5% (out of order: invalid)") {
		t.Errorf("%v", err)
	}
	serve(t, parts, 10_000, 5_000, 5_000)
	seen, err := r.Observed(t.Context())
	if err != nil || len(seen.Parts) != 3 || seen.Parts[0].Weights[1].Weight != 10_000 || seen.Route.Weights[1].Weight != 5_000 || seen.Route.Epoch != 2 {
		t.Errorf("seen: %+v, %v", seen, err)
	}
	parts[0].fail(nil, nil, nil)
	parts[2].fail(nil, nil, nil)
	apply(t, r, route(2, 10_000))
	serve(t, parts, 10_000)
}

// TestWhatWasRaisedGoesBackEvenAfterTheContext has ended.
func TestWhatWasRaisedGoesBackEvenAfterTheContext(t *testing.T) {
	parts, r := three(t, 5_000)
	ctx, cancel := context.WithCancel(t.Context())
	parts[0].fail(nil, func(release.Route) error { cancel(); return nil }, nil)
	err := r.Apply(ctx, route(2, 10_000))
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "put back: a to 5%") {
		t.Errorf("%v", err)
	}
	serve(t, parts, 5_000)
}

// TestWhatGoesBackKeepsItsLease: a promotion that fails must not leave a part of the
// way for good.
func TestWhatGoesBackKeepsItsLease(t *testing.T) {
	parts := []*part{newPart(release.Leases), newPart(release.Leases)}
	r := together(t, parts...)
	leased := route(1, 50_000)
	leased.Lease = time.Minute
	apply(t, r, leased)
	parts[1].fail(failing(release.ErrInvalid), nil, nil)
	if err := r.Apply(t.Context(), route(2, release.Whole)); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("%v", err)
	}
	serve(t, parts, 50_000)
	if got := parts[0].route.Lease; got != time.Minute {
		t.Errorf("it went back with a lease of %s", got)
	}
}

// TestKilledBetweenTwoParts: whoever comes next mends it, up or down.
func TestKilledBetweenTwoParts(t *testing.T) {
	for _, next := range []release.Weight{10_000, 7_000, 5_000, 1_000, 0} {
		parts, _ := three(t, 5_000)
		if err := parts[0].Apply(t.Context(), route(2, 10_000)); err != nil {
			t.Fatal(err)
		}
		epoch := uint64(3)
		if next == 10_000 {
			epoch = 2
		}
		apply(t, together(t, parts...), route(epoch, next))
		serve(t, parts, next)
	}
}

// TestDownGoesAtOnce: whichever part fails, the others go down and stay there.
func TestDownGoesAtOnce(t *testing.T) {
	for _, to := range []release.Weight{0, 2_000} {
		for k := range 3 {
			parts, r := three(t, 5_000)
			parts[k].fail(failing(release.ErrConflict), nil, nil)
			err := r.Apply(t.Context(), route(2, to))
			who := string(rune('a' + k))
			others := strings.Replace("abc", who, "", 1)
			says := fmt.Sprintf("not set in %s: it is broken: conflict; set in %c, %c", who, others[0], others[1])
			if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, expected it to say %q", err, says)
			}
			want := []release.Weight{to, to, to}
			want[k] = 5_000
			serve(t, parts, want...)
			parts[k].fail(nil, nil, nil)
			apply(t, r, route(2, to))
			serve(t, parts, to)
		}
	}
}

// TestAPartThatHangsHoldsUpNobody on the way down.
func TestAPartThatHangsHoldsUpNobody(t *testing.T) {
	for _, to := range []release.Weight{0, 2_000} {
		for k := range 3 {
			parts, r := three(t, 5_000)
			parts[k].mu.Lock()
			parts[k].hangs = true
			parts[k].mu.Unlock()
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- r.Apply(ctx, route(2, to)) }()
			eventually(t, "the others go down", func() bool {
				for i, w := range weights(parts) {
					if i != k && w != to {
						return false
					}
				}
				return true
			})
			cancel()
			if err := <-done; !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "not set in "+string(rune('a'+k))) {
				t.Errorf("%v", err)
			}
		}
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("%s: did not come", what)
		case <-tick.C:
		}
	}
}

// TestACandidateThatFallsIsOnItsWayDown, also where another arm gets more.
func TestACandidateThatFallsIsOnItsWayDown(t *testing.T) {
	parts, r := three(t, 5_000)
	parts[1].fail(failing(release.ErrInvalid), nil, nil)
	mixed := route(2, 1_000)
	mixed.Weights[0].Weight, mixed.Weights[2].Weight = 79_000, 20_000
	if err := r.Apply(t.Context(), mixed); err == nil || !strings.Contains(err.Error(), "set in a, c") {
		t.Errorf("%v", err)
	}
	serve(t, parts, 1_000, 5_000, 1_000)
}

// TestPartsThatDiffer: those above go down first, and none goes up unless they do.
func TestPartsThatDiffer(t *testing.T) {
	parts, r := three(t, 5_000)
	for i, w := range []release.Weight{3_000, 5_000, 9_000} {
		if err := parts[i].Apply(t.Context(), route(2, w)); err != nil {
			t.Fatal(err)
		}
	}
	parts[2].fail(failing(release.ErrInvalid), nil, nil)
	if err := r.Apply(t.Context(), route(3, 5_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "nothing is raised, because in c: it is broken") {
		t.Errorf("%v", err)
	}
	serve(t, parts, 3_000, 5_000, 9_000)
	parts[2].fail(nil, nil, nil)
	apply(t, r, route(3, 5_000))
	serve(t, parts, 5_000)
}

// TestWhatCannotBeRead is not raised, nor is anything beside it; down it goes.
func TestWhatCannotBeRead(t *testing.T) {
	for k := range 3 {
		parts, r := three(t, 5_000)
		parts[k].fail(nil, nil, func() error { return fmt.Errorf("no answer: %w", release.ErrUnavailable) })
		err := r.Apply(t.Context(), route(2, 10_000))
		if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "nothing is raised, because in "+string(rune('a'+k))+": what it serves cannot be read: no answer") {
			t.Errorf("%v", err)
		}
		serve(t, parts, 5_000)
		for epoch, down := range []release.Weight{2_000, 0} {
			apply(t, r, route(uint64(3+epoch), down))
			serve(t, parts, down)
		}
	}
}

// TestInEveryOrder draws moves and faults. Whatever fails, a move up leaves each
// part where it was or where it goes to, and where it was unless the error says
// otherwise; a move down leaves none higher; and once nothing fails the next move
// has all parts where they belong.
func TestInEveryOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := []*part{newPart(), newPart(), newPart()}
		r := together(t, parts...)
		draw := rapid.SampledFrom([]release.Weight{0, 1_000, 5_000, 20_000, release.Whole})
		for epoch := range uint64(8) {
			before, to := weights(parts), draw.Draw(t, "to")
			for _, p := range parts {
				p.fail(faulty(t, "unset"), faulty(t, "set"), nil)
			}
			err := r.Apply(context.Background(), route(epoch+1, to))
			up := slices.ContainsFunc(before, func(w release.Weight) bool { return to > w })
			for i, w := range weights(parts) {
				switch {
				case w != to && w != before[i]:
					t.Fatalf("%c was at %d, goes to %d and is at %d", 'a'+i, before[i], to, w)
				case err == nil && w != to:
					t.Fatalf("%c is at %d, and all is well with %d", 'a'+i, w, to)
				case err != nil && w > before[i] && up && !strings.Contains(err.Error(), "NOT put back"):
					t.Fatalf("%c was raised from %d to %d: %v", 'a'+i, before[i], w, err)
				}
			}
		}
		for _, p := range parts {
			p.fail(nil, nil, nil)
		}
		last := draw.Draw(t, "last")
		if err := r.Apply(context.Background(), route(100, last)); err != nil {
			t.Fatal(err)
		}
		if got := weights(parts); !slices.Equal(got, []release.Weight{last, last, last}) {
			t.Fatalf("at last %v, expected %d", got, last)
		}
	})
}

// faulty fails some of the calls.
func faulty(t *rapid.T, name string) func(release.Route) error {
	fails := rapid.SliceOfN(rapid.SampledFrom([]error{nil, nil, release.ErrUnavailable, release.ErrConflict}), 3, 3).Draw(t, name)
	return func(release.Route) error {
		err := fails[0]
		fails = append(fails[1:], nil)
		if name == "set" && err != nil {
			err = release.ErrUnavailable // what was done is never firmly refused
		}
		if err != nil {
			err = fmt.Errorf("drawn: %w", err)
		}
		return err
	}
}

func TestNewRefuses(t *testing.T) {
	p := newPart()
	one := several.Part{Name: "eu", Router: p}
	for says, parts := range map[string][]several.Part{
		"0 routers": nil, "1 routers": {one}, `"eu" is none`: {one, one}, `"" is none`: {one, {Router: p}},
	} {
		if _, err := several.New(several.Config{Service: service, Arms: arms, Parts: parts}); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, expected %q", err, says)
		}
	}
}
