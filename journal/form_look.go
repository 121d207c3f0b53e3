package journal

import (
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// storedLooked keeps the observations of a look in groups: what neighbours
// have in common (metric, buckets, window, segment) is written once. Only
// neighbours are grouped, so that the order of the observations, which a
// replay must see again, is kept.
type storedLooked struct {
	At        time.Time       `json:"t,omitzero"`
	Window    storedWindow    `json:"w,omitzero"`
	Arms      []string        `json:"a,omitempty"` // in order of appearance
	Groups    []storedGroup   `json:"o,omitempty"`
	Problems  []storedProblem `json:"p,omitempty"`
	Seen      *storedSeen     `json:"n,omitempty"`
	Warnings  []string        `json:"wn,omitempty"`
	Exemplars []string        `json:"x,omitempty"`
	Share     *release.Weight `json:"sh,omitempty"`
}

// storedGroup is a run of observations of one metric.
type storedGroup struct {
	Metric   string          `json:"m"`
	Bounds   []number        `json:"b,omitempty"`
	Window   *storedWindow   `json:"w,omitempty"` // nil for that of the look
	Segments []storedSegment `json:"s"`
}

// storedSegment is a run of observations of one segment.
type storedSegment struct {
	Segment string        `json:"g,omitempty"`
	Values  []storedValue `json:"v"`
}

// storedValue is what one arm did; Arm indexes the look's Arms.
type storedValue struct {
	Arm    int      `json:"a,omitempty"`
	Events int64    `json:"e,omitempty"`
	Of     number   `json:"o,omitempty"`
	Counts []int64  `json:"c,omitempty"`
	Points []number `json:"p,omitempty"`
	// Averages, KeptEvents and KeptOf are seldom there.
	Averages   bool   `json:"av,omitempty"`
	KeptEvents int64  `json:"ke,omitempty"`
	KeptOf     number `json:"ko,omitempty"`
}

type storedProblem struct {
	Metric string       `json:"m"`
	Reason storedReason `json:"r"`
}

type storedSeen struct {
	Route   storedRoute  `json:"r"`
	Lapsed  bool         `json:"l,omitempty"`
	Parts   []storedPart `json:"p,omitempty"`
	Writers []string     `json:"w,omitempty"`
}

type storedPart struct {
	Name    string            `json:"n"`
	Weights []storedArmWeight `json:"w,omitempty"`
}

func storeSeen(s *release.Seen) *storedSeen {
	if s == nil {
		return nil
	}
	return &storedSeen{
		Route: storeRoute(s.Route), Lapsed: s.Lapsed, Writers: s.Writers,
		Parts: each(s.Parts, func(p release.Part) storedPart { return storedPart{p.Name, each(p.Weights, storeWeight)} }),
	}
}

func (s *storedSeen) load() *release.Seen {
	if s == nil {
		return nil
	}
	return &release.Seen{
		Route: s.Route.load(), Lapsed: s.Lapsed, Writers: s.Writers,
		Parts: each(s.Parts, func(p storedPart) release.Part {
			return release.Part{Name: p.Name, Weights: each(p.Weights, storedArmWeight.load)}
		}),
	}
}

func storeLooked(e engine.Looked) *storedLooked {
	stored := &storedLooked{
		At: e.At.UTC(), Window: storeWindow(e.Window),
		Problems: each(e.Problems, func(p release.Problem) storedProblem {
			return storedProblem{Metric: p.Metric, Reason: storedReason(p.Reason)}
		}),
		Warnings: e.Warnings, Exemplars: e.Exemplars, Share: e.Share,
		Seen: storeSeen(e.Seen),
	}
	for i := range e.Observations {
		stored.add(&e.Observations[i])
	}
	return stored
}

// add puts an observation into the last group and segment if it belongs
// there, else begins new ones.
func (s *storedLooked) add(o *release.Observation) {
	bounds, window := storeNumbers(o.Bounds), storeWindow(o.Window)
	own := &window
	if window == s.Window {
		own = nil
	}
	if n := len(s.Groups); n == 0 || !s.Groups[n-1].takes(o.Metric, bounds, own) {
		s.Groups = append(s.Groups, storedGroup{Metric: o.Metric, Bounds: bounds, Window: own})
	}
	group := &s.Groups[len(s.Groups)-1]
	if n := len(group.Segments); n == 0 || group.Segments[n-1].Segment != o.Segment {
		group.Segments = append(group.Segments, storedSegment{Segment: o.Segment})
	}
	segment := &group.Segments[len(group.Segments)-1]
	segment.Values = append(segment.Values, storedValue{
		Arm: s.arm(o.Arm), Events: o.Events, Of: number(o.Of),
		Counts: o.Counts, Points: storeNumbers(o.Points),
		Averages: o.Averages, KeptEvents: o.Kept.Events, KeptOf: number(o.Kept.Of),
	})
}

func (g *storedGroup) takes(metric string, bounds []number, window *storedWindow) bool {
	sameWindow := g.Window == window || g.Window != nil && window != nil && *g.Window == *window
	return g.Metric == metric && sameWindow && slices.Equal(g.Bounds, bounds)
}

func (s *storedLooked) arm(name string) int {
	at := slices.Index(s.Arms, name)
	if at < 0 {
		at = len(s.Arms)
		s.Arms = append(s.Arms, name)
	}
	return at
}

func (s *storedLooked) load() (engine.Looked, error) {
	e := engine.Looked{
		At: s.At, Window: release.Window(s.Window),
		Problems: each(s.Problems, func(p storedProblem) release.Problem {
			return release.Problem{Metric: p.Metric, Reason: release.Reason(p.Reason)}
		}),
		Warnings: s.Warnings, Exemplars: s.Exemplars, Share: s.Share,
	}
	e.Seen = s.Seen.load()
	for _, group := range s.Groups {
		for _, segment := range group.Segments {
			for _, value := range segment.Values {
				if value.Arm < 0 || value.Arm >= len(s.Arms) {
					return engine.Looked{}, fmt.Errorf("an observation of metric %q names arm %d of %d: %w",
						group.Metric, value.Arm, len(s.Arms), release.ErrInvalid)
				}
				e.Observations = append(e.Observations, s.observation(&group, segment.Segment, &value))
			}
		}
	}
	return e, nil
}

func (s *storedLooked) observation(g *storedGroup, segment string, v *storedValue) release.Observation {
	window := release.Window(s.Window)
	if g.Window != nil {
		window = release.Window(*g.Window)
	}
	return release.Observation{
		Metric: g.Metric, Segment: segment, Arm: s.Arms[v.Arm], Window: window,
		Events: v.Events, Of: float64(v.Of),
		Bounds: loadNumbers(g.Bounds), Counts: v.Counts, Points: loadNumbers(v.Points),
		Averages: v.Averages, Kept: release.Kept{Events: v.KeptEvents, Of: float64(v.KeptOf)},
	}
}
