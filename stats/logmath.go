package stats

import "math"

// LogSumExp returns log(sum(exp(x))) without overflow; -Inf for no terms, and
// +Inf where a term is.
func LogSumExp(xs ...float64) float64 {
	top := math.Inf(-1)
	for _, x := range xs {
		top = max(top, x)
	}
	if math.IsInf(top, 0) {
		return top
	}
	sum := 0.0
	for _, x := range xs {
		sum += math.Exp(x - top)
	}
	return top + math.Log(sum)
}

// LogMeanExp returns the logarithm of the average of exp(x): the evidence of
// an average of e-values given as logarithms. -Inf for no terms.
func LogMeanExp(xs []float64) float64 {
	if len(xs) == 0 {
		return math.Inf(-1)
	}
	return LogSumExp(xs...) - math.Log(float64(len(xs)))
}

// Unreachable is the largest odds ratio reckoned with; it stands for those that
// no data can have. It is finite so that states can be written down.
const Unreachable = 1e6

// OddsRatio returns the odds ratio that takes probability p to probability q,
// at most Unreachable. p and q lie in [0, 1]; Unreachable where p is 0 or q is 1.
func OddsRatio(p, q float64) float64 {
	if p <= 0 || q >= 1 {
		return Unreachable
	}
	return math.Min(Unreachable, q/(1-q)*(1-p)/p)
}

// RateRatio turns an odds ratio into the ratio of probabilities, at a baseline
// probability p in [0, 1).
func RateRatio(psi, p float64) float64 {
	return psi / (1 - p + p*psi)
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
