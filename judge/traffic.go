package judge

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/stats"
)

// ShareOfTraffic is what the comparison of the arms' requests with the weight is
// called. No metric of a release file can have that name.
const ShareOfTraffic = "share of traffic"

// Where users stay in their arm, a few heavy ones shift the share for good: the
// fewer requests the candidate gets, the fewer users they come from. Below
// fewUsers requests a second too few are not told; above, the tolerance is wider
// by the root of fewUsers over the requests a second, and by half as much where
// the candidate is held against what it had before.
const fewUsers = 4

// What the candidate's share at a weight is held against later, where users stay
// in their arm: that of its first windows there, at least settledWindows of them
// and settledRequests. enoughWindows with enoughRequests are enough, and
// mostWindows are taken at most, so that a slow fall does not move its measure.
const (
	settledWindows, settledRequests = 3, 100
	enoughWindows, enoughRequests   = 8, 2500
	mostWindows                     = 40
)

// mostSilent is for how many windows in a row requests are kept while an arm is
// silent, and mostMissed how many requests it may have missed meanwhile by the
// weight. What is beyond both was not watched. An arm that expects less is silent
// by chance: to leave such windows out would leave out those that speak for few
// requests, and keep those that speak for many.
const (
	mostSilent = 4
	mostMissed = 10
)

// Traffic is the running evidence on the candidate's share of the requests.
type Traffic struct {
	// Weighed holds the share against the weight. Kept holds it against what the
	// candidate had before at the same weight, where users stay in their arm.
	Weighed, Kept stats.Split
	// Weight is that of the last windows, Windows how many of them there were,
	// Had the candidate's requests (Events) out of all (Trials) in the first.
	Weight  release.Weight
	Windows int
	Had     Sum
	Silent  Silence
	// Down, Fallen and Up are since when requests are too few for the weight, too
	// few for before, and too many.
	Down, Fallen, Up time.Time
	// Peak is the most log evidence so far, of too few or of too many.
	Peak float64
	// Sampled says that only a sample of the requests was counted.
	Sampled bool
}

// Silence are windows in a row in which an arm had no requests, which may be
// counted in a later one.
type Silence struct {
	Windows int
	Seconds float64
	// Candidate and Baseline are the requests of either arm, Missed how many the
	// silent one should have had beside the other's.
	Candidate, Baseline int64
	Missed              float64
	// WorthCandidate and WorthBaseline are what these numbers tell as much as,
	// where they stand for more than was counted.
	WorthCandidate, WorthBaseline float64
}

// requests counts what an observation tells of an arm's requests.
func requests(m release.Metric, o *release.Observation) int64 {
	switch {
	case o == nil:
		return 0
	case m.Kind == release.Histogram:
		return total(o.Counts)
	}
	return max(o.Events, int64(math.Round(o.Of)))
}

// take folds a look's windows. A window in which the weight changed, and the
// first whole one after, say nothing of the split: requests are counted some
// time after they were sent.
func (g *Traffic) take(cfg Config, m release.Metric, seen sighting, l Look) {
	if l.Share == 0 || l.Share >= release.Whole || l.Share != g.Weight {
		g.Weight, g.Windows, g.Had = l.Share, 0, Sum{}
		g.Silent = Silence{}
	}
	if l.Share == 0 || l.Share >= release.Whole {
		return
	}
	for _, p := range seen.pairs {
		if p.segment != "" {
			continue
		}
		if g.Windows++; g.Windows == 1 {
			continue
		}
		g.window(cfg, p, m)
	}
}

// window folds the requests of one window. While an arm is silent they wait: a
// missed scrape's requests are counted with the next one's, and silence is no
// refusal.
func (g *Traffic) window(cfg Config, p pair, m release.Metric) {
	candidate, baseline := requests(m, p.b), requests(m, p.a)
	g.Sampled = g.Sampled || sampled(p.a) || sampled(p.b)
	expected := float64(g.Weight) / float64(release.Whole)
	was := g.Silent
	g.Silent.Candidate += candidate
	g.Silent.Baseline += baseline
	g.Silent.WorthCandidate += worth(m, p.b)
	g.Silent.WorthBaseline += worth(m, p.a)
	g.Silent.Seconds += p.seconds()
	if candidate == 0 || baseline == 0 {
		g.Silent.Windows++
		g.Silent.Missed += float64(baseline)*expected/(1-expected) + float64(candidate)*(1-expected)/expected
		return
	}
	all, seconds := float64(g.Silent.Candidate+g.Silent.Baseline), g.Silent.Seconds
	k, n := g.Silent.drawn()
	g.Silent = Silence{}
	if was.Windows > mostSilent && was.Missed > mostMissed || seconds <= 0 {
		return
	}
	slack := 0.0
	if !cfg.Share.Drawn {
		slack = math.Sqrt(fewUsers / (all * expected / seconds))
	}
	least := expected * math.Max(0, (1-cfg.Share.Tolerance)*(1-slack))
	most := expected * (1 + cfg.Share.Tolerance) * (1 + slack)
	g.Weighed.Update(k, n, stats.SplitBounds{Expected: expected, Least: least, Most: most})
	kept := 0.0
	if had, ok := g.had(); ok && !cfg.Share.Drawn {
		kept = math.Min(had, expected) * (1 - cfg.Share.Tolerance) * math.Max(0, 1-slack/2)
		g.Kept.Update(k, n, stats.SplitBounds{Expected: had, Least: kept})
	}
	if g.learns() && float64(k) >= kept*float64(n) {
		g.Had.add(Sum{k, n})
	}
	began(&g.Down, g.Weighed.Down, p)
	began(&g.Up, g.Weighed.Up, p)
	began(&g.Fallen, g.Kept.Down, p)
}

// drawn are the candidate's requests out of all, as many as tell as much about
// the share as those counted do.
func (s Silence) drawn() (k, n int64) {
	k, n = s.Candidate, s.Candidate+s.Baseline
	if s.WorthCandidate >= float64(s.Candidate) && s.WorthBaseline >= float64(s.Baseline) || s.WorthCandidate <= 0 || s.WorthBaseline <= 0 {
		return k, n
	}
	// The variance of the logarithm of the odds of a binomial, and of two
	// samples of which each is a part.
	share := float64(k) / float64(n)
	worth := 1 / (share * (1 - share)) / (1/s.WorthCandidate + 1/s.WorthBaseline)
	n = max(1, int64(math.Round(math.Min(worth, float64(n)))))
	return int64(math.Round(share * float64(n))), n
}

// learns says whether the present window is one of the first at its weight.
func (g *Traffic) learns() bool {
	return g.Windows-1 <= mostWindows && (g.Windows-1 <= enoughWindows || g.Had.Events < enoughRequests)
}

// seconds is how long the pair's window is.
func (p pair) seconds() float64 {
	o := p.b
	if o == nil {
		o = p.a
	}
	return o.Window.To.Sub(o.Window.From).Seconds()
}

// began keeps when a stretch of looks began.
func began(since *time.Time, s stats.Stretch, p pair) {
	if s.Looks == 1 {
		*since = p.from()
	}
}

// had is the share that the candidate surely had in its first windows at this
// weight; ok is false where too little is known.
func (g *Traffic) had() (float64, bool) {
	if g.Windows-2 < settledWindows || g.Had.Events < settledRequests {
		return 0, false
	}
	k, n := float64(g.Had.Events), float64(g.Had.Trials)
	share := k / n
	noise := 1 + (&stats.Dispersion{}).Surplus(&stats.Dispersion{}, k*(1-share)/float64(g.Windows-2))
	return share * math.Max(0, 1-2*math.Sqrt(noise/k)), true
}

// actions counts the tests of the share that can roll back.
func (cfg Config) actions() int {
	n := 0
	if cfg.Share.Of != "" {
		for _, a := range []release.Action{cfg.Share.OnFewer, cfg.Share.OnMore} {
			if a == release.ActFail {
				n++
			}
		}
	}
	return n
}

// comparison says what the share of traffic comes to; ok is false before any
// window that tells.
func (g *Traffic) comparison(cfg Config, threshold float64) (Comparison, bool) {
	w := &g.Weighed
	if w.Buckets == 0 || g.Weight == 0 {
		return Comparison{}, false
	}
	c := Comparison{
		Metric: ShareOfTraffic, Kind: release.Ratio, Severity: release.Guardrail, Outcome: Pass,
		Test:         "sequential sample ratio, tolerance " + percent(cfg.Share.Tolerance),
		LogThreshold: round(threshold), Effect: Effect{Unbounded: true},
		Baseline:  Side{N: w.All, Events: int64(math.Round(w.Expected)), Value: w.Expected / float64(w.All)},
		Candidate: Side{N: w.All, Events: w.Candidate, Value: float64(w.Candidate) / float64(w.All)},
	}
	c.Effect.Ratio = over(w.Expected, float64(w.Candidate))
	if g.Sampled {
		c.Warnings = append(c.Warnings, "only a sample of the requests was counted, and the figures are of so many as tell as much")
	}
	if !cfg.Share.Drawn {
		c.Test += ", wider for the few users that a small weight may have"
	}
	c.Reason = release.Reason{Code: release.ShareHolds, Text: ShareOfTraffic + ": " + shareFigures(c.Baseline, c.Candidate)}
	fewer, more, fallen := round(w.LogFewer()), round(w.LogMore()), round(g.Kept.LogFewer())
	lost := fewer
	if !cfg.Share.Drawn {
		lost = fallen
	}
	c.LogE = math.Max(lost, more)
	c.P = math.Min(1, 2*pValue(&g.Peak, c.LogE))
	// What only waits is over when it is over of late.
	tooFew := math.Min(w.Fit(), w.Last) < 1-cfg.Share.Tolerance
	switch {
	case lost >= c.LogThreshold && cfg.Share.OnFewer == release.ActWait && !tooFew:
	case lost >= c.LogThreshold && cfg.Share.Drawn:
		c.finds(cfg.Share.OnFewer, release.TrafficRefused, w.Down, g.Down, refusedText)
	case lost >= c.LogThreshold:
		c.finds(cfg.Share.OnFewer, release.TrafficRefused, g.Kept.Down, g.Fallen, refusedText)
	case more >= c.LogThreshold && (cfg.Share.OnMore == release.ActFail || math.Max(w.Fit(), w.Last) > 1+cfg.Share.Tolerance):
		c.finds(cfg.Share.OnMore, release.SampleRatio, w.Up, g.Up, "the routing does not split as it was told")
	case fewer >= c.LogThreshold && tooFew && !cfg.Share.Drawn:
		c.LogE = fewer
		c.finds(release.ActWait, release.SampleRatio, w.Down, g.Down, refusedText+", or few users make most of the requests")
	}
	return c, true
}

const refusedText = "the candidate refuses traffic, or the routing does not give it its share"

// finds fills in what is wrong with the share, and what that leads to.
func (c *Comparison) finds(act release.Action, code release.Code, s stats.Stretch, since time.Time, what string) {
	c.Outcome = Wait
	if act == release.ActFail && s.Looks > 1 { // one freak window is a restart, or a scrape that was missed
		c.Outcome = Fail
	}
	a, b, when := c.Baseline, c.Candidate, ""
	if all := s.Table.TrialsB; s.Looks > 0 && all > 0 {
		a = Side{N: all, Events: s.Table.EventsA, Value: float64(s.Table.EventsA) / float64(all)}
		b = Side{N: all, Events: s.Table.EventsB, Value: float64(s.Table.EventsB) / float64(all)}
		c.Recent = Recent{Since: since, Baseline: a, Candidate: b}
		when = " since " + since.UTC().Format("15:04:05")
	}
	c.Reason = release.Reason{Code: code, Text: fmt.Sprintf("%s: %s%s: %s; evidence %s, %s is enough",
		ShareOfTraffic, shareFigures(a, b), when, what, odds(c.LogE), odds(c.LogThreshold))}
}

// shareFigures sets the share that the candidate got against what was expected.
func shareFigures(expected, got Side) string {
	return fmt.Sprintf("expected %s, got %s of %s requests", percent(expected.Value), percent(got.Value), thousands(got.N))
}

// thousands prints a number of requests with commas: 24,310.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}
