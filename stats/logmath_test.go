package stats

import (
	"math"
	"testing"
)

func TestLogSums(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range []struct {
		got, want float64
	}{
		{LogSumExp(), -inf},
		{LogSumExp(-inf, -inf), -inf},
		{LogSumExp(0, 0), math.Log(2)},
		{LogSumExp(1000, 1000), 1000 + math.Log(2)},
		{LogSumExp(inf, 3), inf},
		{LogMeanExp([]float64{math.Log(3), math.Log(5)}), math.Log(4)},
		{LogMeanExp(nil), -inf},
		{logAdd(-inf, -inf), -inf},
		{logAdd(math.Log(3), math.Log(5)), math.Log(8)},
		{OddsRatio(0.01, 0.02), 0.02 / 0.98 * 99},
		{OddsRatio(0, 0.5), Unreachable},
		{OddsRatio(0.5, 1), Unreachable},
		{OddsRatio(1e-9, 0.5), Unreachable},
		{RateRatio(OddsRatio(0.2, 0.5), 0.2), 2.5},
	} {
		if c.got != c.want && !near(c.got, c.want, 1e-12) {
			t.Errorf("got %v, want %v", c.got, c.want)
		}
	}
}
