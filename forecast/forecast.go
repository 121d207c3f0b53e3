package forecast

import (
	"math"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Forecast is what a plan can see of a service. Times are in seconds from the
// moment a step's weight is in force up to the end of the look that sees it;
// what is null does not happen within the step's time.
type Forecast struct {
	Release   string    `json:"release"`
	Rate      float64   `json:"requests_per_s"`
	Users     float64   `json:"users_per_s,omitempty"`
	Every     float64   `json:"every_s"`
	Delay     float64   `json:"delay_s"`
	WarmUp    float64   `json:"warm_up_s"`
	Metrics   []Premise `json:"metrics"`
	Steps     []Step    `json:"steps"`
	Paths     int       `json:"paths"`
	Simulated string    `json:"simulated"`
}

// Premise is what was taken for granted of one metric.
type Premise struct {
	Metric      string  `json:"metric"`
	Kind        string  `json:"kind"`
	Severity    string  `json:"severity"`
	Origin      Origin  `json:"origin"`
	Rate        float64 `json:"requests_per_s,omitempty"`
	Level       float64 `json:"level,omitempty"`
	Median      float64 `json:"median,omitempty"`
	P99         float64 `json:"p99,omitempty"`
	Bounds      int     `json:"bounds,omitempty"`
	Noise       float64 `json:"noise"`
	Instances   int     `json:"instances,omitempty"`
	Correlation float64 `json:"autocorrelation,omitempty"`
	Limited     bool    `json:"limit_only,omitempty"`
	Deviating   bool    `json:"deviation,omitempty"`
	Believing   bool    `json:"bayesian,omitempty"`
	Segmented   bool    `json:"by_segment,omitempty"`
}

// Step is what one step sees.
type Step struct {
	Weight  float64  `json:"weight"` // a share, from 0 to 1
	AtLeast float64  `json:"at_least_s"`
	AtMost  float64  `json:"at_most_s"`
	Played  float64  `json:"played_s"` // up to atMost, or as far as was played
	Metrics []Sight  `json:"metrics"`
	Pass    Passing  `json:"pass"`
	Better  *Advice  `json:"better,omitempty"`
	Exposed Exposure `json:"candidate_per_s"`
	// Approval says who is asked before the step's weight is set.
	Approval string `json:"approval,omitempty"`
}

// Exposure is how much of the traffic met the candidate.
type Exposure struct {
	Requests float64  `json:"requests"`
	Users    *float64 `json:"users,omitempty"`
}

// Sight is what a step sees of one metric.
type Sight struct {
	Metric  string   `json:"metric"`
	Effects []Effect `json:"effects"`
	// SeenAtLeast and SeenAtMost are the smallest effects that the step sees by
	// those times with a power of 80 %; null where it sees none up to x100.
	SeenAtLeast *float64 `json:"smallest_at_least"`
	SeenAtMost  *float64 `json:"smallest_at_most"`
	// Curve are the effects played, falling, and when each is seen with 80 %.
	Curve []Point `json:"curve"`
}

// Point is one effect of a curve.
type Point struct {
	Effect float64 `json:"effect"`
	Time   float64 `json:"time_s"`
}

// Effect is how one effect is seen.
type Effect struct {
	Effect float64  `json:"effect"`
	Time80 *float64 `json:"power_80_s"`
	Time95 *float64 `json:"power_95_s"`
	// Within is the share of releases in which it is seen by the step's end.
	Within float64 `json:"seen_within"`
	// Exposed80 is what met the candidate by Time80, and ExtraBad how many bad
	// requests more than usual that makes (ratios only).
	Exposed80 *Exposure `json:"exposed_80,omitempty"`
	ExtraBad  *float64  `json:"extra_bad_80,omitempty"`
}

// Passing is how long a harmless candidate takes.
type Passing struct {
	Median *float64 `json:"median_s"`
	Time95 *float64 `json:"p95_s"`
	// Within is the share of harmless releases that pass by the step's end.
	Within float64 `json:"passed_within"`
	// RolledBack is the share of them that fail instead.
	RolledBack float64 `json:"rolled_back"`
	// WaitsFor is the metric that the wait is mostly for, beyond atLeast.
	WaitsFor  string    `json:"waits_for,omitempty"`
	AtMedian  *Exposure `json:"exposed_median,omitempty"`
	AtTime95  *Exposure `json:"exposed_p95,omitempty"`
	AtMostAll Exposure  `json:"exposed_at_most"`
}

// Advice is what would do better for a step.
type Advice struct {
	// Metric is the guardrail that the step is blindest to, Effect what it
	// ought to see, Seen what it sees by atLeast; null for nothing.
	Metric string   `json:"metric"`
	Effect float64  `json:"effect"`
	Seen   *float64 `json:"seen"`
	// Options are weights and times that see Effect with a power of 80 %; none
	// where no weight below the next step's does.
	Options []Option `json:"options"`
	// Shorter says that atLeast is longer than needed, and the only option a
	// time that is long enough for every guardrail and the usual pass.
	Shorter bool `json:"shorter,omitempty"`
}

// Option is a weight and a time.
type Option struct {
	Weight float64  `json:"weight"`
	Time   float64  `json:"time_s"`
	Cost   Exposure `json:"exposed"`
}

// answers are what was found, by what was asked.
type answers map[Cell]*Found

func sorted(found []Found) answers {
	out := answers{}
	for i := range found {
		out[found[i].Cell] = &found[i]
	}
	return out
}

// Forecast puts together what was found for Cells and for Wishes.
func (s Scene) Forecast(found []Found) Forecast {
	all := sorted(found)
	f := Forecast{
		Release: s.Plan.Name, Rate: s.Service.Rate, Users: s.Service.Users,
		Every: s.Plan.Every.Seconds(), Delay: s.Plan.Delay.Seconds(), WarmUp: s.Plan.WarmUp.Seconds(),
		Paths: s.paths(), Simulated: "harm from a step's first look on; before it, the earlier steps without harm for their atLeast",
	}
	for i, m := range s.Plan.Metrics {
		f.Metrics = append(f.Metrics, s.premise(i, m))
	}
	for i, st := range s.Plan.Steps {
		step := Step{
			Weight: share(st.Weight), AtLeast: st.AtLeast.Seconds(), AtMost: st.AtMost.Seconds(),
			Played: s.seconds(s.horizon(i)), Exposed: s.exposure(st.Weight, 1),
			Approval: approval(s.Plan, i),
		}
		for j := range s.Plan.Metrics {
			if c := all[Cell{Step: i, Metric: j}]; c != nil {
				step.Metrics = append(step.Metrics, s.sight(c))
			}
		}
		if c := all[Cell{Step: i, Metric: everyMetric}]; c != nil {
			step.Pass = s.passing(c)
		}
		step.Better = s.advice(all, i)
		f.Steps = append(f.Steps, step)
	}
	return f
}

func share(w release.Weight) float64 { return float64(w) / float64(release.Whole) }

func (s Scene) seconds(looks int) float64 {
	return (time.Duration(looks) * s.Plan.Every).Seconds()
}

func (s Scene) premise(i int, m release.Metric) Premise {
	p := s.Service.Metrics[i]
	out := Premise{
		Metric: m.Name, Kind: string(m.Kind), Severity: string(m.Severity), Origin: p.Origin, Level: p.Level, Noise: p.Noise,
		Limited: m.LimitOnly, Deviating: m.Method == release.Deviation && !m.LimitOnly, Segmented: len(m.By) > 0,
		Believing: m.Method == release.Bayesian && !m.LimitOnly,
	}
	switch {
	case m.Kind == release.Gauge:
		out.Instances, out.Correlation = p.Instances, p.Memory
		return out
	case m.Kind == release.Histogram:
		out.Median, out.P99, out.Bounds = digits(p.Shape.quantile(0.5), 3), digits(p.Shape.quantile(0.99), 3), len(p.Shape.Bounds)
	case m.Kind == release.Count && m.Of == "":
		return out
	}
	out.Rate = s.Service.rate(i)
	return out
}

// digits rounds to so many significant digits.
func digits(x float64, n int) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return 0
	}
	scale := math.Pow(10, float64(n-1)-math.Floor(math.Log10(math.Abs(x))))
	return math.Round(x*scale) / scale
}

// time is a sample's quantile in seconds; nil where it is not reached.
func (s Scene) time(of *sample, p float64) *float64 {
	looks, ok := of.quantile(p)
	if !ok {
		return nil
	}
	t := s.seconds(looks)
	return &t
}

// exposure is what meets the candidate at a weight in a time.
func (s Scene) exposure(w release.Weight, seconds float64) Exposure {
	e := Exposure{Requests: digits(s.Service.Rate*share(w)*seconds, 4)}
	if s.Service.Users > 0 {
		u := digits(s.Service.Users*share(w)*seconds, 4)
		e.Users = &u
	}
	return e
}

func (s Scene) exposedFor(step int, t *float64) *Exposure {
	if t == nil {
		return nil
	}
	e := s.exposure(s.Plan.Steps[step].Weight, *t)
	return &e
}

// sight is what a cell saw.
func (s Scene) sight(f *Found) Sight {
	step, m := f.Cell.Step, s.Plan.Metrics[f.Cell.Metric]
	out := Sight{Metric: m.Name, Curve: []Point{}}
	for _, x := range effects {
		seen := f.seen[x]
		e := Effect{Effect: x, Time80: s.time(seen, power), Time95: s.time(seen, highPower), Within: digits(seen.within(seen.most), 3)}
		e.Exposed80 = s.exposedFor(step, e.Time80)
		if e.Time80 != nil && m.Kind == release.Ratio {
			bad := s.Service.Metrics[f.Cell.Metric].Level
			if m.Worse == release.Lower {
				bad = 1 - bad
			}
			extra := s.Service.rate(f.Cell.Metric) * share(s.Plan.Steps[step].Weight) * *e.Time80 * (math.Min(1, bad*x) - bad)
			extra = digits(extra, 3)
			e.ExtraBad = &extra
		}
		out.Effects = append(out.Effects, e)
	}
	if x := f.smallest(s.least(step)); x > 0 {
		out.SeenAtLeast = &x
	}
	if x := f.smallest(s.horizon(step)); x > 0 {
		out.SeenAtMost = &x
	}
	for x, seen := range f.seen {
		if t := s.time(seen, power); t != nil {
			out.Curve = append(out.Curve, Point{x, *t})
		}
	}
	slices.SortFunc(out.Curve, func(a, b Point) int {
		if a.Effect > b.Effect {
			return -1
		}
		return 1
	})
	return out
}

// passing is how long a harmless candidate took.
func (s Scene) passing(f *Found) Passing {
	step := f.Cell.Step
	p := Passing{
		Median: s.time(&f.passed, 0.5), Time95: s.time(&f.passed, 0.95),
		Within:    digits(f.passed.within(f.passed.most), 3),
		AtMostAll: s.exposure(s.Plan.Steps[step].Weight, s.Plan.Steps[step].AtMost.Seconds()),
	}
	p.AtMedian, p.AtTime95 = s.exposedFor(step, p.Median), s.exposedFor(step, p.Time95)
	if n := f.passed.n(); n > 0 {
		p.RolledBack = digits(float64(f.failed)/float64(n), 3)
	}
	most := 0
	for _, m := range s.Plan.Metrics {
		if n := f.waits[m.Name]; n > most {
			p.WaitsFor, most = m.Name, n
		}
	}
	return p
}
