package stats

import "math"

// priorRatio is the g of the anytime-valid t: the prior variance of the effect
// is 1/g in units of the noise's variance, so 1 expects shifts of about one
// standard deviation of a batch.
const priorRatio = 1.0

// Mean is an anytime-valid t test of the mean of batches, with a confidence
// sequence. The zero value is ready.
//
// Null of LogEvidence: the mean equals the value given. Assumptions: batches
// are independent and normal with one unknown variance; averages of
// autocorrelated points become so when the batch is longer than their memory
// (see BatchLength). Guarantee: LogEvidence reaches log(1/alpha) with
// probability at most alpha under the null, at any number of looks.
// Smallest useful n: five batches; LogEvidence is 0 below two, and for zero
// variance.
// Source: Lindon, Ham, Tingley, Bojinov, "Anytime-Valid Linear Models and
// Regression Adjusted Causal Inference in Randomized Experiments".
type Mean struct {
	N        int
	Mu, M2   float64 // mean, and sum of squared deviations from it
	Sum      float64 // of the batch being filled
	InBatch  int
	Finished int // points in finished batches
}

// Add takes one point; every length points make a batch.
func (m *Mean) Add(x float64, length int) {
	m.Sum += x
	m.InBatch++
	if m.InBatch < max(1, length) {
		return
	}
	value := m.Sum / float64(m.InBatch)
	m.Finished += m.InBatch
	m.Sum, m.InBatch = 0, 0
	m.N++
	delta := value - m.Mu
	m.Mu += delta / float64(m.N)
	m.M2 += delta * (value - m.Mu)
}

// LogEvidence returns the log evidence against the mean being null, and the
// t statistic, whose sign says on which side the mean lies.
func (m *Mean) LogEvidence(null float64) (logE, t float64) {
	if m.N < 2 || m.M2 <= 1e-12*float64(m.N)*(m.Mu*m.Mu+1e-12) {
		return 0, 0
	}
	nu := float64(m.N - 1)
	se := math.Sqrt(m.M2 / nu / float64(m.N))
	t = (m.Mu - null) / se
	return AnytimeT(t, nu, float64(m.N), priorRatio), t
}

// Interval returns a confidence sequence of the mean that covers at all looks
// at once with probability at least 1-alpha; ok is false where it is unbounded.
func (m *Mean) Interval(alpha float64) (low, high float64, ok bool) {
	if m.N < 2 {
		return 0, 0, false
	}
	nu := float64(m.N - 1)
	r := priorRatio / (priorRatio + float64(m.N))
	c := math.Pow(1/(alpha*alpha*r), 1/(nu+1))
	if c*r >= 1 {
		return 0, 0, false
	}
	width := math.Sqrt(nu*(c-1)/(1-c*r)) * math.Sqrt(m.M2/nu/float64(m.N))
	return m.Mu - width, m.Mu + width, true
}

// AnytimeT returns the log evidence of the anytime-valid t test: t statistic
// with nu degrees of freedom from n observations, prior ratio g > 0.
func AnytimeT(t, nu, n, g float64) float64 {
	r := g / (g + n)
	return 0.5*math.Log(r) + (nu+1)/2*(math.Log1p(t*t/nu)-math.Log1p(r*t*t/nu))
}

// Memory measures how much a series remembers of its last point: its lag-one
// autocorrelation. The zero value is ready.
type Memory struct {
	N                  int
	Last               float64
	Sum, Square, Cross float64
	First              float64
}

// Add takes the next point.
func (m *Memory) Add(x float64) {
	if m.N == 0 {
		m.First = x
	} else {
		m.Cross += (x - m.First) * (m.Last - m.First)
	}
	m.N++
	m.Last = x
	m.Sum += x - m.First
	m.Square += (x - m.First) * (x - m.First)
}

// BatchLength returns how many points a batch needs so that its averages are
// nearly independent: 2(1+r)/(1-r) with r corrected for its bias downwards
// (r + (1+3r)/n), between 1 and 40; unknown where fewer than ten points are.
func (m *Memory) BatchLength(unknown int) int {
	if m.N < 10 {
		return unknown
	}
	n := float64(m.N)
	mean := m.Sum / n
	variance := m.Square - n*mean*mean
	if variance <= 0 {
		return 1
	}
	r := (m.Cross - (n-1)*mean*mean) / variance
	r += (1 + 3*r) / n
	r = math.Min(math.Max(r, -0.3), 0.9)
	return min(40, max(1, int(math.Ceil(2*(1+r)/(1-r)))))
}
