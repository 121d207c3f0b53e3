package recording_test

import (
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/metric/metricconf"
	"github.com/linnet-project/linnet/metric/recording"
)

func TestConformance(t *testing.T) {
	metricconf.Exercise(t, func(t *testing.T, text string) metricconf.Source {
		r, err := recording.Read("world.om", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
}

func TestAnswers(t *testing.T) {
	metricconf.Answers(t, 10*time.Second, func(t *testing.T, h metricconf.Happened) metricconf.Bed {
		r, err := recording.Read("world.om", strings.NewReader(h.OpenMetrics()))
		if err != nil {
			t.Fatal(err)
		}
		return metricconf.Bed{
			Source: r,
			Metric: metricconf.TotalsMetric,
			Cannot: map[string]string{
				metricconf.CaseFaults: "a recording lies in memory",
				metricconf.CaseFair:   "a recording is not asked over any wire",
				metricconf.CaseFew:    "a recording is not asked over any wire",
				metricconf.CaseLate:   "a recording does not grow",
			},
		}
	})
}
