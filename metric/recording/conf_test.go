package recording_test

import (
	"strings"
	"testing"

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
