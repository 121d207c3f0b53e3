package metricconf

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Labels of what happened, beside those of the arms.
const (
	LabelVersion  = "version" // "stable" or "canary", of every arm
	LabelRegion   = "region"
	LabelInstance = "instance"
)

// Stretch is what one instance of an arm did in one region in (To-Grain, To].
type Stretch struct {
	// Arm has the label version; its Version is the same.
	Arm release.Arm
	// Region is "eu", "us" or "z000" to "z119"; where it is "", nobody told the
	// region, and the label is not there (or empty).
	Region   string
	Instance string
	To       time.Time
	// Restarted says that the instance began anew before this stretch, and its
	// running totals from 0.
	Restarted bool

	// All are the requests, Bad those of them that failed. Where Bad is 0, no row
	// (and before the first no series) of bad ones is there.
	All, Bad int64
	// Buckets are the requests by how long they took: not cumulative, up to each
	// of Bounds, and one more for those beyond the last.
	Buckets []int64
	// Level is read at the end of the stretch. It may be NaN or infinite: what
	// cannot hold such has no row of it (see Bed.Cannot, CaseNaN).
	Level float64
	// Average is an average over requests, the same for every instance and region
	// of an arm: how such a source answers, whichever way it sums them up.
	Average float64
}

// Happened is what really happened, on a grid of Grain from Start to End, in
// order of time. Between and after, arms, regions and everything are silent at
// times. What is silent has no row, not one of zero.
type Happened struct {
	Grain      time.Duration
	Start, End time.Time
	Bounds     []float64
	Stretches  []Stretch
}

// When what is, in numbers of stretches from the start; both ends belong to it.
const (
	quietTo                    = 4      // no bad ones yet
	restart                    = 16     // the candidate's instances begin anew
	gapFrom, gapTo             = 21, 25 // both arms silent
	loneFrom, loneTo           = 30, 34 // the candidate silent
	placelessFrom, placelessTo = 38, 39 // some without a region
	zonesFrom, zonesTo         = 40, 41 // zones regions more
	oddFrom, oddTo             = 43, 46 // levels that are no numbers
	last                       = 56
	lateFrom, lateTo           = 57, 60 // what comes late

	zones = 120
)

// happened makes the history on a grid.
func happened(grain time.Duration) Happened {
	h := Happened{Grain: grain, Start: origin(), Bounds: []float64{0.1, 0.5, 1}}
	h.End = h.at(last)
	h.Stretches = h.stretches(1, last)
	return h
}

// at is the end of the n-th stretch, or of a part of it.
func (h Happened) at(n float64) time.Time {
	return h.Start.Add(time.Duration(n * float64(h.Grain)))
}

func (h Happened) window(from, to float64) release.Window {
	return release.Window{From: h.at(from), To: h.at(to)}
}

// stretches are those of a part of the history; the same at every call.
func (h Happened) stretches(from, to int) (out []Stretch) {
	r := rand.New(rand.NewPCG(7, 11))
	for n := 1; n <= to; n++ {
		for i, arm := range answerArms() {
			silent := n >= gapFrom && n <= gapTo || i == 1 && n >= loneFrom && n <= loneTo
			for _, region := range []string{"eu", "us"} {
				for instance := range 2 {
					s := h.one(r, n, i)
					s.Arm, s.Region, s.Instance = arm, region, fmt.Sprintf("%s-%d", arm.Labels[LabelVersion], instance)
					if !silent && n >= from {
						out = append(out, s)
					}
				}
			}
			if n >= from {
				out = append(out, h.besides(n, arm)...)
			}
		}
	}
	return out
}

// one is an ordinary stretch of the i-th arm.
func (h Happened) one(r *rand.Rand, n, i int) Stretch {
	s := Stretch{To: h.at(float64(n)), Bad: 1 + r.Int64N(4), Level: float64(10*(i+1)) + float64(r.IntN(5)), Average: 0.2 + 0.1*float64(i)}
	for range len(h.Bounds) + 1 {
		k := 3 + r.Int64N(9)
		s.Buckets, s.All = append(s.Buckets, k), s.All+k
	}
	s.Average += float64(n%3) / 100
	switch {
	case n <= quietTo:
		s.Bad = 0
	case n == restart && i == 1:
		s.Restarted, s.Bad = true, 1 // below the total before, so that totals fall
	}
	if n >= oddFrom && n <= oddTo {
		s.Level = []float64{math.NaN(), math.Inf(1), 7, 7}[n-oddFrom]
	}
	return s
}

// besides are the stretches of an arm that have no region, or a rare one: a
// single request each.
func (h Happened) besides(n int, arm release.Arm) (out []Stretch) {
	s := Stretch{
		Arm: arm, Instance: arm.Labels[LabelVersion] + "-0", To: h.at(float64(n)), All: 1, Level: 10,
		Buckets: append([]int64{1}, make([]int64, len(h.Bounds))...), Average: 0.2,
	}
	if n >= placelessFrom && n <= placelessTo {
		out = append(out, s)
	}
	if n >= zonesFrom && n <= zonesTo {
		for zone := range zones {
			s.Region = fmt.Sprintf("z%03d", zone)
			out = append(out, s)
		}
	}
	return out
}

func answerArms() []release.Arm {
	return []release.Arm{
		{Name: release.Baseline, Version: "stable", Labels: map[string]string{LabelVersion: "stable"}},
		{Name: release.Candidate, Version: "canary", Labels: map[string]string{LabelVersion: "canary"}},
	}
}

// truth is what an arm did in a window and region; "" stands for all.
type truth struct {
	all, bad int64
	buckets  []int64
	levels   []float64 // those that are numbers
	averages []float64
}

// in sums up what ended in a window.
func (h Happened) in(w release.Window, arm, region string) (t truth) {
	t.buckets = make([]int64, len(h.Bounds)+1)
	for _, s := range h.Stretches {
		if s.Arm.Name != arm || region != "" && s.Region != region || !s.To.After(w.From) || s.To.After(w.To) {
			continue
		}
		t.all, t.bad = t.all+s.All, t.bad+s.Bad
		for i, n := range s.Buckets {
			t.buckets[i] += n
		}
		if !math.IsNaN(s.Level) && !math.IsInf(s.Level, 0) {
			t.levels = append(t.levels, s.Level)
		}
		t.averages = append(t.averages, s.Average)
	}
	return t
}

func mean(of []float64) float64 {
	sum := 0.0
	for _, v := range of {
		sum += v
	}
	return sum / float64(max(1, len(of)))
}
