package run_test

import (
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
)

func query(kind release.Kind) release.Query {
	p := aPlan()
	to := time.Date(2026, 1, 1, 0, 0, 15, 0, time.UTC)
	return release.Query{
		Metric: release.Metric{Name: "m", Kind: kind}, Arms: p.Arms,
		Windows: []release.Window{{From: to.Add(-every), To: to}},
	}
}

// inspected holds one observation of a kind, for the arm and window asked for.
func inspected(kind release.Kind, o release.Observation) (release.Answer, error) {
	q := query(kind)
	o.Metric, o.Arm, o.Window = "m", release.Candidate, q.Windows[0]
	return run.Inspect(q, release.Answer{Observations: []release.Observation{o}})
}

func TestHistogramsThatAreNone(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, o := range map[string]release.Observation{
		"bounds that fall":   {Bounds: []float64{2, 1}, Counts: []int64{1, 1, 1}},
		"a bound twice":      {Bounds: []float64{1, 1}, Counts: []int64{1, 1, 1}},
		"a bound of NaN":     {Bounds: []float64{nan}, Counts: []int64{1, 1}},
		"an infinite bound":  {Bounds: []float64{1, inf}, Counts: []int64{1, 1, 1}},
		"too few counts":     {Bounds: []float64{1, 2}, Counts: []int64{1, 1}},
		"no counts":          {},
		"a negative count":   {Bounds: []float64{1}, Counts: []int64{-1, 5}},
		"a count too large":  {Bounds: []float64{1}, Counts: []int64{math.MaxInt64, 5}},
		"counts that add up": {Bounds: []float64{1, 2}, Counts: []int64{1e12, 1e12, 1}},
	} {
		if _, err := inspected(release.Histogram, o); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "nonsense") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if a, err := inspected(release.Histogram, release.Observation{Bounds: []float64{-1, 0.5}, Counts: []int64{0, 3, 1}}); err != nil || len(a.Observations) != 1 {
		t.Errorf("a sound histogram: %v", err)
	}
}

// A gauge may have points that are no numbers; the others count.
func TestPointsThatAreNoNumbers(t *testing.T) {
	nan := math.NaN()
	a, err := inspected(release.Gauge, release.Observation{Points: []float64{1, nan, -2, math.Inf(-1), 5e-324, 1e300}})
	if err != nil || !slices.Equal(a.Observations[0].Points, []float64{1, -2, 0}) || len(a.Warnings) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if a, err := inspected(release.Gauge, release.Observation{Points: []float64{nan}}); err != nil || len(a.Observations) != 0 || len(a.Warnings) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
}

// An answer that is sound comes through as it is.
func TestASoundAnswerIsLeftAlone(t *testing.T) {
	for kind, o := range map[release.Kind]release.Observation{
		release.Ratio: {Events: 3, Of: 2}, // a scrape between the two counters
		release.Count: {Events: 3, Of: 0.5},
		release.Gauge: {Points: []float64{0, -1, 1e99}},
	} {
		a, err := inspected(kind, o)
		if err != nil || len(a.Observations) != 1 || a.Observations[0].Events != o.Events || !slices.Equal(a.Observations[0].Points, o.Points) {
			t.Errorf("%s: %+v, %v", kind, a, err)
		}
	}
}

// docs/running.md promises what the code does.
func TestTheLimitsAreThoseOfTheDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/running.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) >= 4 {
			rows[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[2])
		}
	}
	for name, want := range run.Limits {
		if got, err := time.ParseDuration(strings.ReplaceAll(rows[name], " ", "")); err != nil || got != want {
			t.Errorf("%s: the docs say %q, it is %s", name, rows[name], want)
		}
	}
	for name, want := range run.Counts {
		if got, err := strconv.Atoi(strings.ReplaceAll(rows[name], ",", "")); err != nil || got != want {
			t.Errorf("%s: the docs say %q, it is %d", name, rows[name], want)
		}
	}
}
