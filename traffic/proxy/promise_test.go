package proxy_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// promise is what the proxy has accepted, kept in the simplest way: whatever
// happens, it must serve exactly that.
type promise struct {
	route release.Route
	until time.Time // end of the lease; zero for none
}

func (p promise) weight(now time.Time) release.Weight {
	if len(p.route.Weights) == 0 || p.lapsed(now) {
		return 0
	}
	return p.route.Weights[1].Weight
}

func (p promise) lapsed(now time.Time) bool { return !p.until.IsZero() && !now.Before(p.until) }

// TestThePromiseIsKept: over any order of routes, renewals, time and crashes,
// nobody is exposed but by the newest route accepted, within its lease.
func TestThePromiseIsKept(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		now := newClock()
		cfg := pair("http://127.0.0.1:1", "http://127.0.0.1:2")
		cfg.Now, cfg.StateFile = now.Now, folder+"/state.json"
		os.Remove(cfg.StateFile)
		w := &world{t: t, clock: now, cfg: cfg}
		w.crash()
		t.Repeat(map[string]func(*rapid.T){
			"":      func(*rapid.T) { w.check() },
			"apply": func(t *rapid.T) { w.apply(drawRoute(t)) },
			"renew": func(t *rapid.T) {
				w.renew(rapid.SampledFrom([]string{"a/1", "b/1"}).Draw(t, "owner"), rapid.Uint64Range(1, 6).Draw(t, "epoch"))
			},
			"wait":  func(t *rapid.T) { now.Advance(time.Duration(rapid.IntRange(1, 40).Draw(t, "s")) * time.Second) },
			"crash": func(*rapid.T) { w.crash() },
		})
	})
}

func drawRoute(t *rapid.T) release.Route {
	r := route(rapid.Uint64Range(1, 6).Draw(t, "epoch"), rapid.SampledFrom([]release.Weight{0, 1, 50_000, release.Whole}).Draw(t, "weight"))
	r.Owner = rapid.SampledFrom([]string{"a/1", "b/1"}).Draw(t, "owner")
	r.Lease = rapid.SampledFrom([]time.Duration{0, 30 * time.Second}).Draw(t, "lease")
	return r
}

// world is a proxy beside what it promised.
type world struct {
	t      *rapid.T
	clock  *clock
	cfg    proxy.Config
	server *proxy.Server
	promise
}

func (w *world) crash() {
	s, err := proxy.New(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = s
}

func (w *world) check() {
	seen, err := w.server.Observed(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	got, want := seen.Route.Weights[1].Weight, w.weight(w.clock.Now())
	if got != want || seen.Route.Epoch != w.route.Epoch || seen.Lapsed != w.lapsed(w.clock.Now()) {
		w.t.Fatalf("serves %d at epoch %d (lapsed %t), promised %d of %+v until %v",
			got, seen.Route.Epoch, seen.Lapsed, want, w.route, w.until)
	}
}

func (w *world) apply(r release.Route) {
	now, old := w.clock.Now(), w.route
	err := w.server.Apply(context.Background(), r)
	held := r.Owner != old.Owner && !w.until.IsZero() && w.weight(now) > 0
	again := r.Epoch == old.Epoch && r.Owner == old.Owner && !w.lapsed(now)
	if may := again || r.Epoch > old.Epoch && !held; may != (err == nil) {
		w.t.Fatalf("apply %+v over %+v until %v: %v", r, old, w.until, err)
	}
	if err != nil {
		w.conflict(err)
		return
	}
	w.promise = promise{route: r}
	if r.Lease > 0 {
		w.until = now.Add(r.Lease)
	}
}

func (w *world) renew(owner string, epoch uint64) {
	now := w.clock.Now()
	err := w.server.Renew(context.Background(), owner, epoch, 30*time.Second)
	may := owner == w.route.Owner && epoch == w.route.Epoch && !w.until.IsZero() && !w.lapsed(now)
	if may != (err == nil) {
		w.t.Fatalf("renewal by %s at epoch %d of %+v until %v: %v", owner, epoch, w.route, w.until, err)
	}
	if err != nil {
		w.conflict(err)
		return
	}
	w.until = now.Add(30 * time.Second)
}

func (w *world) conflict(err error) {
	if !errors.Is(err, release.ErrConflict) {
		w.t.Fatalf("%v, expected %q", err, release.ErrConflict)
	}
}
