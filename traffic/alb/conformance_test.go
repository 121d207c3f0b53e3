package alb_test

import (
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/alb"
	"github.com/linnet-project/linnet/traffic/alb/albtest"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// kinds are the faults of the suite as the API has them.
var kinds = map[trafficconf.Fault]albtest.Fault{
	trafficconf.Throttled: albtest.Throttle, trafficconf.Failing: albtest.Fail, trafficconf.Hanging: albtest.Hang,
	trafficconf.Broken: albtest.BreakOff, trafficconf.Forbidden: albtest.Mistrust, trafficconf.Missing: albtest.Vanish,
	trafficconf.Contested: albtest.InUse, trafficconf.Lying: albtest.Lie,
}

func (b *bed) harness(t *testing.T, place string, change func(*alb.Config)) trafficconf.Harness {
	r := b.router(t, change)
	return trafficconf.Harness{
		Router: r, Service: service, Arms: b.arms, Grain: alb.Grain, Abilities: r.Abilities(), Fences: true, Cookie: alb.Cookie, Secret: secretKey,
		Restart: func() trafficconf.Router { return b.router(t, change) },
		Edit: func(second release.Weight) {
			b.api.Edit(place, map[string]int{
				b.groups[0]: int(1000 - second/alb.Grain), b.groups[1]: int(second / alb.Grain), b.groups[2]: 0,
			})
		},
		Meddle: map[string]func(){
			"the candidate's group is taken out": func() { b.api.Edit(place, map[string]int{b.groups[1]: -1}) },
			"only the baseline's group is left":  func() { b.api.Edit(place, map[string]int{b.groups[1]: -1, b.groups[2]: -1}) },
			"a group of nobody's": func() {
				b.api.Edit(place, map[string]int{must(b.api.AddGroup("other", answers("other")))(t): 100})
			},
			"a part that the client does not know": func() { b.api.Break(albtest.Novel, "") },
			"nobody is served":                     func() { b.api.Edit(place, map[string]int{b.groups[0]: 0, b.groups[1]: 0}) },
		},
		Users: func() string { return b.api.Show(place) },
		Split: func(n int) map[string]int { return b.send(n, nil) },
		Send:  b.send,
		SetReady: func(arm string, ready bool) {
			target := albtest.Target{ID: "i-0001", Port: 80, State: "unhealthy", Reason: "Target.Timeout", Description: "Request timed out"}
			if ready {
				target = albtest.Target{ID: "i-0001", Port: 80, State: "healthy"}
			}
			for i, name := range b.arms {
				if name == arm {
					b.api.SetTargets(b.groups[i], target)
				}
			}
		},
		Break: func(f trafficconf.Fault) func() {
			if f == trafficconf.Unreachable {
				b.front.close()
				return func() { b.front.open(t) }
			}
			return b.api.Break(kinds[f], "")
		},
	}
}

func TestARuleConforms(t *testing.T) {
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		b := newBed(t, 3, albtest.Config{})
		return b.harness(t, b.rule, nil)
	})
}

func TestADefaultActionConforms(t *testing.T) {
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		b := newBed(t, 3, albtest.Config{})
		h := b.harness(t, b.listener, func(c *alb.Config) { c.Host = "" })
		h.Split, h.Send = nil, nil   // requests are for the rule's host
		h.Break, h.Meddle = nil, nil // as with a rule
		return h
	})
}

// TestInChaos runs whole releases while the API fails, hangs and lies.
func TestInChaos(t *testing.T) {
	chaos.Exercise(t, func(t *testing.T) trafficconf.Harness {
		b := newBed(t, 3, albtest.Config{})
		return b.harness(t, b.rule, nil)
	})
}
