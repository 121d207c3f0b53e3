package split_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

var pair = []string{release.Baseline, release.Candidate}

func route(service string, weights ...release.ArmWeight) release.Route {
	return release.Route{Service: service, Weights: weights}
}

func TestWeights(t *testing.T) {
	rules := split.Rules{Service: "shop", Arms: pair, Grain: 1000, Abilities: []release.Ability{release.Mirrors}}
	base := func(w release.Weight) release.ArmWeight { return release.ArmWeight{Arm: "baseline", Weight: w} }
	cand := func(w release.Weight) release.ArmWeight { return release.ArmWeight{Arm: "candidate", Weight: w} }
	mirrored := route("shop", base(100_000))
	mirrored.Mirror = 10
	tested := route("shop", base(100_000))
	tested.Testers.Header = "X-Arm"
	for _, c := range []struct {
		name    string
		route   release.Route
		want    []release.Weight
		meaning error
		says    string
	}{
		{"both", route("shop", base(90_000), cand(10_000)), []release.Weight{90_000, 10_000}, nil, ""},
		{"in another order", route("shop", cand(10_000), base(90_000)), []release.Weight{90_000, 10_000}, nil, ""},
		{"one left out", route("shop", base(100_000)), []release.Weight{100_000, 0}, nil, ""},
		{"an ability it has", mirrored, []release.Weight{100_000, 0}, nil, ""},
		{"an ability it lacks", tested, nil, release.ErrInvalid, "testers by header"},
		{"another service", route("cart", base(100_000)), nil, release.ErrNotFound, `"cart"`},
		{"an unknown arm", route("shop", base(90_000), release.ArmWeight{Arm: "third", Weight: 10_000}), nil, release.ErrInvalid, `"third"`},
		{"an arm twice", route("shop", base(50_000), base(50_000)), nil, release.ErrInvalid, "twice"},
		{"too fine", route("shop", base(99_500), cand(500)), nil, release.ErrInvalid, "99% and 100%"},
		{"too little", route("shop", base(90_000), cand(9_000)), nil, release.ErrInvalid, "99000"},
		{"beyond 32 bits", route("shop", base(4_294_967_000), cand(100_000)), nil, release.ErrInvalid, "sum"},
		{"nothing", route("shop"), nil, release.ErrInvalid, "sum to 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := rules.Weights(c.route)
			if !errors.Is(err, c.meaning) || c.meaning == nil && err != nil {
				t.Fatalf("error %v, expected %v", err, c.meaning)
			}
			if err != nil {
				if !strings.Contains(err.Error(), c.says) {
					t.Errorf("error %q does not say %q", err, c.says)
				}
				return
			}
			for i, w := range c.want {
				if got[i] != w {
					t.Errorf("weights %v, expected %v", got, c.want)
				}
			}
		})
	}
}

func TestNearestNeverRoundsToNothing(t *testing.T) {
	for _, c := range []struct{ w, grain, low, high release.Weight }{
		{500, 1000, 1000, 1000}, {1500, 1000, 1000, 2000}, {2000, 1000, 2000, 2000}, {99_500, 1000, 99_000, 100_000}, {7, 1, 7, 7},
	} {
		if low, high := split.Nearest(c.w, c.grain); low != c.low || high != c.high {
			t.Errorf("nearest to %d by %d: %d and %d, expected %d and %d", c.w, c.grain, low, high, c.low, c.high)
		}
	}
}

// What is read back sums to the whole, keeps zeros zero and what is not zero
// above it, and gives back exactly what was set where the weights are a
// provider's multiple of it.
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own := rapid.SliceOfN(rapid.Int64Range(-3, 1_000_000), 1, 5).Draw(t, "weights")
		got, ok := split.Shares(own)
		sum, any := release.Weight(0), false
		for i, w := range own {
			any = any || w > 0
			if ok && (w > 0) != (got[i] > 0) {
				t.Fatalf("weight %d of %v is read as %d", w, own, got[i])
			}
			if ok {
				sum += got[i]
			}
		}
		if ok != any || ok && sum != release.Whole {
			t.Fatalf("%v is read as %v, %v", own, got, ok)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		second := rapid.Int64Range(0, 100).Draw(t, "percent")
		got, _ := split.Shares([]int64{100 - second, second})
		if got[1] != release.Weight(1000*second) || got[0] != release.Whole-got[1] {
			t.Fatalf("%d of 100 is read as %v", second, got)
		}
	})
}

func TestStampsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := split.Stamp{Owner: rapid.StringN(0, 50, 100).Draw(t, "owner"), Epoch: rapid.Uint64().Draw(t, "epoch")}
		text := s.String()
		if strings.ContainsAny(text, "\n\r") {
			t.Fatalf("%q is more than a line", text)
		}
		if back, ok := split.ParseStamp(text); !ok || back != s {
			t.Fatalf("%q is read as %+v, %v", text, back, ok)
		}
	})
}

func FuzzParseStamp(f *testing.F) {
	f.Add(`epoch=7 owner="checkout-1.5.0/1"`)
	f.Add(`epoch=99999999999999999999 owner="x"`)
	f.Add(`epoch=1 owner='x'`)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		s, ok := split.ParseStamp(text)
		if !ok && s != (split.Stamp{}) {
			t.Errorf("%q is none and gives %+v", text, s)
		}
		if back, again := split.ParseStamp(s.String()); ok && (!again || back != s) {
			t.Errorf("%q gives %+v, which gives %+v", text, s, back)
		}
	})
}

func TestFence(t *testing.T) {
	served := split.Stamp{Owner: "a/1", Epoch: 7}
	for _, c := range []struct {
		owner string
		epoch uint64
		stale bool
	}{{"a/1", 6, true}, {"b/1", 6, true}, {"a/1", 7, false}, {"b/1", 7, true}, {"b/1", 8, false}} {
		err := served.Fence(release.Route{Owner: c.owner, Epoch: c.epoch})
		if (err != nil) != c.stale || err != nil && !errors.Is(err, release.ErrConflict) {
			t.Errorf("%s at epoch %d: %v", c.owner, c.epoch, err)
		}
	}
	if err := (split.Stamp{}).Fence(release.Route{Owner: "a/1"}); err != nil {
		t.Errorf("what is nobody's is refused: %v", err)
	}
}
