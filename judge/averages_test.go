package judge

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
)

// TestAverages are judged as levels: harm is found, none is not, and each
// comparison says once what a rate without counts is worth.
func TestAverages(t *testing.T) {
	declared, told := metric(release.Gauge, release.Higher), metric(release.Gauge, release.Higher)
	declared.Averages = true
	for name, m := range map[string]release.Metric{"declared by the file": declared, "told by the source": told} {
		for _, worse := range []float64{1, 1.5} {
			rng := rand.New(rand.NewPCG(7, 3))
			var s State
			var v Verdict
			for k := -60; k < 60 && v.Outcome != Fail; k++ {
				l := gaugeLook(k, noisy(rng, 1, 0.02, 0.05), noisy(rng, 1, 0.02*worse, 0.05))
				for i := range l.Observations {
					l.Observations[i].Averages = !m.Averages
				}
				s, v = Step(config(m), s, l)
			}
			if (v.Outcome == Fail) != (worse > 1) {
				t.Errorf("%s, %gx: %s, %s", name, worse, v.Outcome, v.Reason.Text)
			}
			for _, c := range v.Comparisons {
				if n := strings.Count(strings.Join(c.Warnings, ";"), "cannot be judged exactly"); n != 1 {
					t.Errorf("%s, %gx: %d warnings about averages: %q", name, worse, n, c.Warnings)
				}
			}
		}
	}
}
