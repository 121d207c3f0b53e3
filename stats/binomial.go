package stats

import "math"

// The alternatives of Limit, as odds ratios over the limit, on either side.
var limitGrid = [...]float64{1.1, 1.25, 1.5, 2, 3, 5, 10, 20}

// Limit is an e-process for one arm's share of events against a fixed bound,
// with its counterpart that the share lies below a second one. The zero value
// is ready.
//
// Null for Above: in every bucket the share of events is at most `limit`.
// Null for Below: it is at least `exclude`. Assumptions: events are independent
// given the share, but for noise shared by a bucket, by which the likelihood is
// tempered as in Conditional. Guarantee: each reaches log(1/alpha) with
// probability at most alpha under its null, at any number of looks.
// Smallest useful n for Below: about log(1/alpha)/exclude trials without events.
type Limit struct {
	Started        [len(limitGrid)]float64
	Waiting        float64
	Under          [len(limitGrid)]float64
	Looks          int
	Events, Trials int64
}

// Update takes one bucket of events out of trials; cv2 is the squared
// coefficient of variation of noise that the bucket's events share. A limit of
// 0 or less than exclude's reach is the caller's to refuse; both lie in (0, 1).
func (l *Limit) Update(events, trials int64, limit, exclude, cv2 float64) {
	if l.Looks == 0 {
		for i := range l.Started {
			l.Started[i] = math.Log(0.5 / float64(len(limitGrid)))
		}
		l.Waiting = math.Log(0.5)
	} else {
		fresh := l.Waiting + math.Log(hazard/float64(len(limitGrid)))
		for i := range l.Started {
			l.Started[i] = logAdd(l.Started[i], fresh)
		}
		l.Waiting += math.Log1p(-hazard)
	}
	l.Looks++
	l.Events += events
	l.Trials += trials
	n, k := float64(trials), float64(events)
	eta := 1 / (1 + cv2*n*limit)
	for i, r := range limitGrid {
		l.Started[i] += eta * logBinomialRatio(k, n, atOdds(limit, r), limit)
		l.Under[i] += eta * logBinomialRatio(k, n, atOdds(exclude, 1/r), exclude)
	}
}

// LogAbove returns the log evidence that the share lies above the limit.
func (l *Limit) LogAbove() float64 {
	if l.Looks == 0 {
		return 0
	}
	return logAdd(LogSumExp(l.Started[:]...), l.Waiting)
}

// LogBelow returns the log evidence that the share lies below the excluded one.
func (l *Limit) LogBelow() float64 { return LogMeanExp(l.Under[:]) }

// logBinomialRatio returns the log likelihood of share p against q for k
// events out of n.
func logBinomialRatio(k, n, p, q float64) float64 {
	return k*math.Log(p/q) + (n-k)*(math.Log1p(-p)-math.Log1p(-q))
}

// atOdds returns the probability whose odds are r times those of p.
func atOdds(p, r float64) float64 { return r * p / (1 - p + r*p) }

// PoissonLimit is Limit for events over an exposure: its shares are rates per
// unit of exposure. The same nulls, assumptions and guarantees hold, for
// Poisson counts.
type PoissonLimit struct{ Limit }

// Update takes one bucket of events over an exposure; limit and exclude are
// rates per unit of exposure, above 0.
func (l *PoissonLimit) Update(events int64, exposure, limit, exclude, cv2 float64) {
	// Cells of a fine grid of trials make the binomial likelihood Poisson.
	const cells = 1e6
	l.Limit.Update(events, int64(math.Max(cells, float64(events)*2)), limit*exposure/cells, exclude*exposure/cells, cv2)
}
