package judge

import "testing"

// The bound that stands for a histogram is in its tail, and has values beyond it.
func TestTailOfWhatABaselineDid(t *testing.T) {
	for name, c := range map[string]struct {
		own  Own
		want float64
		ok   bool
	}{
		"a tail":        {Own{bounds: []float64{0.1, 0.5, 1, 5}, counts: []int64{900, 80, 15, 4, 1}}, 0.5, true},
		"all are quick": {Own{bounds: []float64{0.1, 0.5}, counts: []int64{1000, 0, 0}}, 0.1, true},
		"none":          {Own{bounds: []float64{0.1, 0.5}, counts: []int64{0, 0, 0}}, 0.1, false},
		"no histogram":  {Own{side: Side{N: 3, Value: 0.1}}, 0, true},
		"nothing":       {Own{}, 0, false},
	} {
		if bound, ok := c.own.Tail(); bound != c.want || ok != c.ok {
			t.Errorf("%s: %v, %v", name, bound, ok)
		}
	}
}
