package stats

import "math"

// priorRatio is the g of the anytime-valid t: the prior variance of the effect
// is 1/g in units of the noise's variance, so 1 expects shifts of about one
// standard deviation of a point.
const priorRatio = 1.0

// Mean is an anytime-valid t test of a mean, with a confidence sequence. The
// zero value is ready.
//
// Null of LogAbove and LogBelow: the mean is at most, at least the value given.
// Assumptions: points are independent and normal with one unknown variance;
// Level makes them nearly so from an autocorrelated series. Guarantee: each
// reaches log(1/alpha) with probability at most alpha under its null, at any
// number of looks.
// Smallest useful n: about seven points at alpha 0.002; evidence is 0 below
// three, and for zero variance.
// Sources: Lindon, Ham, Tingley, Bojinov, "Anytime-Valid Linear Models and
// Regression Adjusted Causal Inference in Randomized Experiments"; one side of
// its prior by Cantelli's inequality.
type Mean struct {
	N      int
	Mu, M2 float64 // mean, and sum of squared deviations from it
}

// Add takes one point; what is not finite is left out.
func (m *Mean) Add(x float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return
	}
	m.N++
	delta := x - m.Mu
	m.Mu += delta / float64(m.N)
	m.M2 += delta * (x - m.Mu)
}

// Still says that the points do not vary beyond rounding, so that nothing can be
// said of their noise. Points are taken to be of the size of 1 or larger, as
// logarithms are.
func (m *Mean) Still() bool {
	return m.M2 <= 1e-24*float64(m.N)*(m.Mu*m.Mu+1)
}

// LogAbove returns the log evidence that the mean is above null.
func (m *Mean) LogAbove(null float64) float64 { return m.oneSided(m.Mu - null) }

// LogBelow returns the log evidence that the mean is below null.
func (m *Mean) LogBelow(null float64) float64 { return m.oneSided(null - m.Mu) }

// oneSided is the evidence of the two-sided test for the side of shift. A prior
// on that side alone doubles it, but for the part of the posterior that lies
// beyond zero, of which Cantelli's inequality gives an upper bound.
func (m *Mean) oneSided(shift float64) float64 {
	if m.N < 3 || shift <= 0 || m.Still() {
		return 0
	}
	n, nu := float64(m.N), float64(m.N-1)
	t := shift / math.Sqrt(m.M2/nu/n)
	logE := AnytimeT(t, nu, n, priorRatio)
	// The posterior of the shift is a t of n degrees of freedom; z2 is its
	// squared distance from zero in units of its scale.
	sum := n * shift
	rest := m.M2 + n*shift*shift - sum*sum/(n+priorRatio)
	z2 := sum * sum / (n + priorRatio) * n / rest
	variance := n / (n - 2)
	return logE + math.Log(2*z2/(z2+variance))
}

// Interval returns a confidence sequence of the mean that covers at all looks
// at once with probability at least 1-alpha; ok is false where it is unbounded.
func (m *Mean) Interval(alpha float64) (low, high float64, ok bool) {
	if m.N < 2 {
		return 0, 0, false
	}
	nu, n := float64(m.N-1), float64(m.N)
	width, ok := AnytimeWidth(nu, n, priorRatio, alpha)
	if !ok {
		return 0, 0, false
	}
	width *= math.Sqrt(m.M2 / nu / n)
	return m.Mu - width, m.Mu + width, true
}

// AnytimeT returns the log evidence of the two-sided anytime-valid t test
// against a coefficient of zero: t statistic with nu > 0 degrees of freedom from
// n > 0 observations, prior ratio g > 0. Its exponential is an e-process for
// independent normal noise of unknown variance.
// Source: Lindon, Ham, Tingley, Bojinov, as in Mean.
func AnytimeT(t, nu, n, g float64) float64 {
	r := g / (g + n)
	return 0.5*math.Log(r) + (nu+1)/2*(math.Log1p(t*t/nu)-math.Log1p(r*t*t/nu))
}

// AnytimeWidth returns the half width, in standard errors, of the confidence
// sequence that belongs to AnytimeT; ok is false where it is unbounded.
func AnytimeWidth(nu, n, g, alpha float64) (width float64, ok bool) {
	r := g / (g + n)
	c := math.Pow(1/(alpha*alpha*r), 1/(nu+1))
	if c*r >= 1 {
		return 0, false
	}
	return math.Sqrt(nu * (c - 1) / (1 - c*r)), true
}
