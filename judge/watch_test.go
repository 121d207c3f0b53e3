package judge

import (
	"testing"

	"github.com/linnet-project/linnet/release"
)

// alone is a look at one arm with all of the traffic.
func (s *scene) alone(k int, arm string) Look {
	l := s.look(k)
	l.Observations = []release.Observation{s.observe(arm, "", l.At, 1)}
	return l
}

func TestWatchAlarmsWhenAVersionGetsWorse(t *testing.T) {
	for i, c := range kinds {
		if c.kind == release.Count && c.direction == release.Lower {
			continue // traffic falls by itself
		}
		for _, arm := range []string{release.Baseline, release.Candidate} {
			m := metric(c.kind, c.direction)
			s := newScene(m, uint64(i))
			s.rate = c.rate
			state := s.past(config(m), 20)
			for k := range 30 {
				state, _ = Step(config(m), state, s.look(k))
			}
			var v Verdict
			k := 30
			for ; k < 60; k++ {
				state, v = Watch(config(m), state, s.alone(k, arm), arm)
				if v.Outcome == Fail {
					t.Fatalf("%s worse %s: no change, and an alarm: %s", c.kind, c.direction, v.Reason.Text)
				}
			}
			if v.Outcome != Pass || v.Blind {
				t.Errorf("%s worse %s: no change: %s, %s", c.kind, c.direction, v.Outcome, v.Reason.Text)
			}
			s.rate, s.worse = worseWorld(c.kind, c.direction, c.rate)
			for ; k < 120 && v.Outcome != Fail; k++ {
				state, v = Watch(config(m), state, s.alone(k, release.Candidate), release.Candidate)
			}
			if v.Outcome != Fail || v.Metric != "m" {
				t.Errorf("%s worse %s: three times worse: %s, %s", c.kind, c.direction, v.Outcome, v.Reason.Text)
			}
		}
	}
}

// worseWorld is what makes a scene three times worse, whichever way that is.
func worseWorld(kind release.Kind, d release.Direction, rate float64) (newRate, factor float64) {
	switch {
	case kind == release.Ratio && d == release.Lower && rate > 0.9:
		return rate, 0.9
	case d == release.Lower:
		return rate, 0.3
	}
	return rate, 3
}

func TestWatchWithoutDataWaits(t *testing.T) {
	m := metric(release.Ratio, release.Higher)
	s, state := passing(t, m)
	_, v := Watch(config(m), state, Look{At: noon, Live: true}, release.Candidate)
	expect(t, v, Wait, release.NoData)
	if !v.Blind || v.Fresh {
		t.Errorf("blind %v, fresh %v", v.Blind, v.Fresh)
	}
	down := release.Reason{Code: release.SourceDown, Text: "prometheus at :9090 does not answer"}
	_, v = Watch(config(m), state, Look{At: noon, Problems: []release.Problem{{Metric: "m", Reason: down}}}, release.Candidate)
	expect(t, v, Wait, release.SourceDown)
	_, v = Watch(config(m), State{}, s.alone(0, release.Candidate), release.Candidate)
	expect(t, v, Wait, release.NoData)
}
