package stats

import "math"

// The alternatives of the test for harm, as odds ratios over the null's.
var harmGrid = [...]float64{1.1, 1.25, 1.5, 2, 3, 5, 10, 20}

// The odds ratios at which the conditional likelihood is kept, and the weights
// of the mixture over them; most weight lies where harmless releases are.
var levelGrid = [...]float64{0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20}
var levelWeights = [...]float64{.01, .01, .02, .04, .08, .12, .14, .16, .14, .1, .06, .05, .03, .02, .01, .01}

// hazard is the probability, at each look, that harm begins there, in the
// mixture over starting times; half of the weight is on the first look.
const hazard = 1.0 / 60

// Null states what a comparison of two shares holds against the data.
type Null struct {
	// Tolerated is the odds ratio up to which the candidate is not worse; the
	// test for harm holds for every odds ratio up to it.
	Tolerated float64
	// Excluded are the odds ratios that a pass rules out, two at once (the
	// caller reads the one that applies); Unreachable for harm that cannot
	// happen.
	Excluded [2]float64
}

// Conditional is an e-process for harm in the share of events of a candidate
// beside its baseline, with its counterpart for passing and a confidence
// sequence of the odds ratio. The zero value is ready.
//
// Null for harm: in every bucket the odds ratio is at most Null.Tolerated;
// nothing is assumed of the level of events nor of the split, which may change
// from bucket to bucket. Alternative: from some bucket on it is larger.
// Assumptions: given their number, a bucket's events fall on the arms
// independently, but for noise shared by an arm's events in a bucket, for which
// the likelihood is tempered by 1/(1+cv2 v) (v: the bucket's variance, cv2 as
// measured so far); buckets are independent.
// Guarantee: P(LogHarm ever >= log(1/alpha)) <= alpha under the null, at any
// number of looks. A power below 1 of a likelihood ratio has expectation at
// most 1 under the null, so tempering never breaks the guarantee.
// Smallest useful n: about five events; none is needed for validity.
// Sources: Fisher's conditional distribution; mixtures over alternatives and
// starting times (Robbins 1970; Shin, Ramdas, Rinaldo 2022).
type Conditional struct {
	Looks int
	// Started holds, per alternative, the log evidence of harm that has begun,
	// summed over starting times; Waiting the log weight of harm yet to begin.
	Started [len(harmGrid)]float64
	Waiting float64
	// Level is the tempered conditional log likelihood over levelGrid,
	// Excluding the same at the two excluded odds ratios.
	Level     [len(levelGrid)]float64
	Excluding [2]float64
	// Mantel-Haenszel sums of the odds ratio.
	MHOver, MHUnder float64
	// Own is the dispersion around the fitted odds ratio; Tempered sums the
	// tempering factors applied.
	Own      Dispersion
	Tempered float64
	// Buckets counts the buckets that had events.
	Buckets int
}

// Update takes one bucket. past tells the noise of the baseline's past; it may
// be the zero value. With exposure true the trials are exposures of rare events
// (time, traffic) and the binomial form is used. It allocates nothing.
func (c *Conditional) Update(t Table, exposure bool, null Null, past *Dispersion) {
	if c.Looks == 0 {
		c.start()
	}
	c.Looks++
	c.begin()
	k := t.EventsA + t.EventsB
	if k == 0 || t.TrialsA <= 0 || t.TrialsB <= 0 || (!exposure && k >= t.TrialsA+t.TrialsB) {
		return
	}
	c.Buckets++
	var d distribution
	d.prepare(t, exposure)
	_, variance := d.moments(1)
	eta := 1 / (1 + c.Own.Shrunk(past)*variance)
	c.Tempered += eta
	events := float64(t.EventsB)

	base := events*math.Log(null.Tolerated) - d.logMean(null.Tolerated)
	for i, r := range harmGrid {
		psi := r * null.Tolerated
		c.Started[i] += eta * (events*math.Log(psi) - d.logMean(psi) - base)
	}
	for i, psi := range levelGrid {
		c.Level[i] += eta * (events*math.Log(psi) - d.logMean(psi))
	}
	for i, psi := range null.Excluded {
		if psi < Unreachable {
			c.Excluding[i] += eta * (events*math.Log(psi) - d.logMean(psi))
		}
	}
	c.fit(t, &d)
}

// start puts half of the weight on harm that begins at the first look.
func (c *Conditional) start() {
	for i := range c.Started {
		c.Started[i] = math.Log(0.5 / float64(len(harmGrid)))
	}
	c.Waiting = math.Log(0.5)
}

// begin moves this look's share of the waiting weight to the harm that begins
// with it.
func (c *Conditional) begin() {
	if c.Looks == 1 {
		return
	}
	fresh := c.Waiting + math.Log(hazard/float64(len(harmGrid)))
	for i := range c.Started {
		c.Started[i] = logAdd(c.Started[i], fresh)
	}
	c.Waiting += math.Log1p(-hazard)
}

// fit updates the estimate of the odds ratio and the dispersion around it.
func (c *Conditional) fit(t Table, d *distribution) {
	a, b := float64(t.TrialsA), float64(t.TrialsB)
	ka, kb := float64(t.EventsA), float64(t.EventsB)
	if d.exposure {
		c.MHOver += kb * a / (a + b)
		c.MHUnder += ka * b / (a + b)
	} else {
		c.MHOver += kb * (a - ka) / (a + b)
		c.MHUnder += ka * (b - kb) / (a + b)
	}
	mean, variance := d.moments(c.Estimate())
	c.Own.Add(kb-mean, variance)
}

// Estimate returns the Mantel-Haenszel estimate of the odds ratio, held within
// [0.01, 100]; 1 where there is nothing to estimate it from.
func (c *Conditional) Estimate() float64 {
	if c.MHOver == 0 && c.MHUnder == 0 {
		return 1
	}
	const half = 0.25 // keeps the estimate finite when one arm has no event
	return math.Min(100, math.Max(0.01, (c.MHOver+half)/(c.MHUnder+half)))
}

// LogHarm returns the log evidence for harm beyond the tolerance.
func (c *Conditional) LogHarm() float64 {
	if c.Looks == 0 {
		return 0
	}
	return logAdd(LogSumExp(c.Started[:]...), c.Waiting)
}

// LogPass returns the log evidence that the odds ratio lies below the excluded
// one with index i: the likelihood, mixed over odds ratios below psi, against
// that at the excluded value. psi is the present value of that excluded odds
// ratio; the evidence is +Inf where it is Unreachable.
func (c *Conditional) LogPass(i int, psi float64) float64 {
	if psi >= Unreachable {
		return math.Inf(1)
	}
	top := math.Inf(-1)
	weight := 0.0
	for j, g := range levelGrid {
		if g < psi*0.97 {
			weight += levelWeights[j]
			top = logAdd(top, math.Log(levelWeights[j])+c.Level[j])
		}
	}
	if weight == 0 {
		return 0
	}
	return top - math.Log(weight) - c.Excluding[i]
}

// Interval returns a confidence sequence of the odds ratio that covers at all
// looks at once with probability at least 1-alpha. open says that nothing above
// low is ruled out within the range kept (0.1 to 20).
// Source: duality with the mixture over levelGrid; the log likelihood is
// concave in log psi and interpolated quadratically between grid points.
func (c *Conditional) Interval(alpha float64) (low, high float64, open bool) {
	mix := math.Inf(-1)
	for j := range levelGrid {
		mix = logAdd(mix, math.Log(levelWeights[j])+c.Level[j])
	}
	floor := mix - math.Log(1/alpha)
	const fine = 16 // points between two of the grid
	n := (len(levelGrid) - 1) * fine
	first, last := -1, -1
	for i := range n + 1 {
		if c.levelAt(float64(i)/fine) >= floor {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first > 0 {
		low = math.Exp(gridAt(float64(first-1) / fine))
	}
	if last == n || last < 0 {
		return low, 0, true
	}
	return low, math.Exp(gridAt(float64(last+1) / fine)), false
}

// gridAt returns log psi at a fractional index of levelGrid.
func gridAt(x float64) float64 {
	i := min(int(x), len(levelGrid)-2)
	f := x - float64(i)
	return math.Log(levelGrid[i])*(1-f) + math.Log(levelGrid[i+1])*f
}

// levelAt interpolates Level at a fractional index, by the parabola through the
// three nearest grid points in log psi.
func (c *Conditional) levelAt(x float64) float64 {
	i := min(max(int(x+0.5), 1), len(levelGrid)-2)
	t := gridAt(x)
	t0, t1, t2 := math.Log(levelGrid[i-1]), math.Log(levelGrid[i]), math.Log(levelGrid[i+1])
	return c.Level[i-1]*(t-t1)*(t-t2)/((t0-t1)*(t0-t2)) +
		c.Level[i]*(t-t0)*(t-t2)/((t1-t0)*(t1-t2)) +
		c.Level[i+1]*(t-t0)*(t-t1)/((t2-t0)*(t2-t1))
}

// Tempering returns the average factor that evidence was multiplied by; 1 for
// none.
func (c *Conditional) Tempering() float64 {
	if c.Buckets == 0 {
		return 1
	}
	return c.Tempered / float64(c.Buckets)
}

// logAdd returns log(exp(a)+exp(b)).
func logAdd(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}

// distribution is the conditional distribution of a bucket's events: Fisher's
// hypergeometric, or binomial where trials are exposures.
type distribution struct {
	tilt
	exposure bool
	share    float64
}

func (d *distribution) prepare(t Table, exposure bool) {
	d.exposure = exposure
	if !exposure {
		d.tilt.prepare(t.EventsA+t.EventsB, t.TrialsA, t.TrialsB)
		return
	}
	d.tilt.k = float64(t.EventsA + t.EventsB)
	d.share = float64(t.TrialsB) / float64(t.TrialsA+t.TrialsB)
}

func (d *distribution) logMean(psi float64) float64 {
	if d.exposure {
		return d.tilt.k * math.Log(1-d.share+d.share*psi)
	}
	return d.tilt.logMean(psi)
}

func (d *distribution) moments(psi float64) (mean, variance float64) {
	if d.exposure {
		p := d.share * psi / (1 - d.share + d.share*psi)
		return d.tilt.k * p, d.tilt.k * p * (1 - p)
	}
	return d.tilt.moments(psi)
}
