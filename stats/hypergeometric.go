package stats

import "math"

// maxExact is the largest number of events of a table whose conditional
// distribution is summed term by term; above it the saddlepoint takes over.
const maxExact = 128

// Table is what two arms did in one bucket of time: events out of trials.
type Table struct {
	EventsA, EventsB int64 // baseline, candidate
	TrialsA, TrialsB int64
}

// tilt is the conditional distribution of the candidate's events in a table,
// given its margins, prepared so that expectations of psi^K cost little.
// The null is odds ratio 1 (Fisher's hypergeometric distribution).
type tilt struct {
	k, a, b float64 // all events, trials of A, trials of B
	lo      float64 // smallest possible number of B's events
	n       int     // number of possible values where summed, else 0
	terms   [maxExact + 1]float64
	base    float64 // log of the sum of terms, or the saddlepoint at psi 1
}

// farTilt is the odds ratio beyond which terms are summed in logarithms, since
// those reckoned from the mode at odds ratio 1 underflow there.
const farTilt = 64

// margins sets k events among a trials of A and b of B: enough for moments.
func (t *tilt) margins(k, a, b int64) {
	t.k, t.a, t.b = float64(k), float64(a), float64(b)
}

// prepare sets the margins and what logMean needs.
func (t *tilt) prepare(k, a, b int64) {
	t.margins(k, a, b)
	lo, hi := max(0, k-a), min(k, b)
	t.lo, t.n = float64(lo), 0
	if hi-lo > maxExact {
		t.base = t.saddlepoint(1)
		return
	}
	t.n = int(hi-lo) + 1
	// From the mode outwards, so that nothing overflows.
	mode := int((t.k+1)*(t.b+1)/(t.a+t.b+2)) - int(lo)
	mode = min(max(mode, 0), t.n-1)
	t.terms[mode] = 1
	for i := mode; i+1 < t.n; i++ {
		x := t.lo + float64(i)
		t.terms[i+1] = t.terms[i] * (t.k - x) * (t.b - x) / ((x + 1) * (t.a - t.k + x + 1))
	}
	for i := mode; i > 0; i-- {
		x := t.lo + float64(i)
		t.terms[i-1] = t.terms[i] * x * (t.a - t.k + x) / ((t.k - x + 1) * (t.b - x + 1))
	}
	t.base = math.Log(t.polynomial(1))
}

// polynomial evaluates sum(terms[i] psi^i); psi is at most farTilt, so that it
// stays far below the largest number.
func (t *tilt) polynomial(psi float64) float64 {
	sum := 0.0
	for i := t.n - 1; i >= 0; i-- {
		sum = sum*psi + t.terms[i]
	}
	return sum
}

// far is logMean for odds ratios far from 1, summed in logarithms.
func (t *tilt) far(psi float64) float64 {
	term := t.lo*math.Log(psi) + logChoose(t.b, t.lo) + logChoose(t.a, t.k-t.lo) - logChoose(t.a+t.b, t.k)
	sum := term
	for i := range t.n - 1 {
		x := t.lo + float64(i)
		term += math.Log(psi * (t.k - x) * (t.b - x) / ((x + 1) * (t.a - t.k + x + 1)))
		sum = logAdd(sum, term)
	}
	return sum
}

// logChoose returns the logarithm of the binomial coefficient.
func logChoose(n, r float64) float64 {
	x, _ := math.Lgamma(n + 1)
	y, _ := math.Lgamma(r + 1)
	z, _ := math.Lgamma(n - r + 1)
	return x - y - z
}

// logMean returns log E[psi^K] under odds ratio 1.
func (t *tilt) logMean(psi float64) float64 {
	switch {
	case t.n == 1:
		return t.lo * math.Log(psi)
	case t.n > 1 && (psi > farTilt || psi < 1.0/farTilt):
		return t.far(psi)
	case t.n > 1:
		return t.lo*math.Log(psi) + math.Log(t.polynomial(psi)) - t.base
	}
	return t.saddlepoint(psi) - t.base
}

// saddlepoint returns the logarithm of the coefficient of z^k in
// (1+z)^a (1+psi z)^b, by the saddlepoint approximation with its second-order
// term (Daniels 1954). The saddlepoint itself solves a quadratic. The error of
// a difference of two is below 1e-6 where more than maxExact values are possible,
// and below 1e-3 beyond farTilt.
func (t *tilt) saddlepoint(psi float64) float64 {
	// k = b psi z/(1+psi z) + a z/(1+z), as a quadratic in z.
	qa := psi * (t.a + t.b - t.k)
	qb := t.b*psi + t.a - t.k*(1+psi)
	qc := -t.k
	root := math.Sqrt(qb*qb - 4*qa*qc)
	z := (-qb + root) / (2 * qa)
	if qb > 0 {
		z = -2 * qc / (qb + root) // the same without cancellation
	}
	pa, pb := z/(1+z), psi*z/(1+psi*z)
	va, vb := t.a*pa*(1-pa), t.b*pb*(1-pb)
	v := va + vb
	k3 := va*(1-2*pa) + vb*(1-2*pb)
	k4 := va*(1-6*pa*(1-pa)) + vb*(1-6*pb*(1-pb))
	h := t.b*math.Log1p(psi*z) + t.a*math.Log1p(z) - t.k*math.Log(z)
	return h - 0.5*math.Log(v) + math.Log1p(k4/(8*v*v)-5*k3*k3/(24*v*v*v))
}

// LogLikelihoodRatio returns the conditional log likelihood of odds ratio psi
// against 1 for one table, given its margins: log(psi^k / E[psi^K]), with K
// hypergeometric. 0 for a table without events or without trials of one arm.
//
// Null: odds ratio 1 in this table, whatever its error level. Its exponential
// has expectation 1 under the null; products over tables are e-processes, also
// when levels and split change from table to table.
// Source: the non-central hypergeometric distribution (Fisher 1935).
func LogLikelihoodRatio(t Table, psi float64) float64 {
	var d tilt
	d.prepare(t.EventsA+t.EventsB, t.TrialsA, t.TrialsB)
	return float64(t.EventsB)*math.Log(psi) - d.logMean(psi)
}

// moments returns the approximate mean and variance of the candidate's events
// in a table, given its margins, at odds ratio psi: the mean solves the
// quadratic of the odds ratio (Cornfield 1956), the variance is that of the
// asymptotic normal distribution. Exact enough for measuring dispersion.
func (t *tilt) moments(psi float64) (mean, variance float64) {
	if t.k <= 0 || t.a <= 0 || t.b <= 0 || t.k >= t.a+t.b {
		return math.Min(t.k, t.b), 0
	}
	// psi = x(a-k+x) / ((k-x)(b-x))
	if math.Abs(psi-1) < 1e-9 {
		mean = t.k * t.b / (t.a + t.b)
	} else {
		qa := 1 - psi
		qb := t.a - t.k + psi*(t.k+t.b)
		qc := -psi * t.k * t.b
		mean = -2 * qc / (qb + math.Sqrt(math.Max(qb*qb-4*qa*qc, 0)))
	}
	cells := 1/mean + 1/(t.k-mean) + 1/(t.b-mean) + 1/(t.a-t.k+mean)
	return mean, math.Max(0, 1/cells)
}
