package cloudtest

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	plainStat  = regexp.MustCompile(`^(Sum|SampleCount|Average|Minimum|Maximum)$`)
	percentile = regexp.MustCompile(`^p(100|\d{1,2}(\.\d{1,10})?)$`)
	trimmed    = regexp.MustCompile(`^TC\((\d*\.?\d*):(\d*\.?\d*)\)$`)
)

// known tells whether a statistic is one that this server computes.
func known(stat string) bool {
	return plainStat.MatchString(stat) || percentile.MatchString(stat) || trimmed.MatchString(stat) && stat != "TC(:)"
}

// statistic computes one over the data of a period; false where there is none.
// What needs the values themselves has none where a set was published, or where
// a value is negative.
func statistic(stat string, data []datum) (float64, bool) {
	var values []float64
	all := Set{Minimum: math.Inf(1), Maximum: math.Inf(-1)}
	whole := true
	for _, d := range data {
		if d.set != nil {
			all.SampleCount, all.Sum = all.SampleCount+d.set.SampleCount, all.Sum+d.set.Sum
			all.Minimum, all.Maximum, whole = min(all.Minimum, d.set.Minimum), max(all.Maximum, d.set.Maximum), false
		}
		for _, v := range d.values {
			all.SampleCount, all.Sum = all.SampleCount+1, all.Sum+v
			all.Minimum, all.Maximum = min(all.Minimum, v), max(all.Maximum, v)
			values, whole = append(values, v), whole && v >= 0
		}
	}
	if all.SampleCount == 0 {
		return 0, false
	}
	switch stat {
	case "Sum":
		return all.Sum, true
	case "SampleCount":
		return all.SampleCount, true
	case "Average":
		return all.Sum / all.SampleCount, true
	case "Minimum":
		return all.Minimum, true
	case "Maximum":
		return all.Maximum, true
	}
	if !whole {
		return 0, false
	}
	if m := trimmed.FindStringSubmatch(stat); m != nil {
		return count(values, m[1], m[2])
	}
	n, _ := strconv.ParseFloat(strings.TrimPrefix(stat, "p"), 64)
	slices.Sort(values)
	return values[min(len(values)-1, int(n/100*float64(len(values))))], true
}

// count is how many values lie above one bound and up to the other. There is no
// point where none does.
func count(values []float64, above, upTo string) (float64, bool) {
	low, high := math.Inf(-1), math.Inf(1)
	if above != "" {
		low, _ = strconv.ParseFloat(above, 64)
	}
	if upTo != "" {
		high, _ = strconv.ParseFloat(upTo, 64)
	}
	n := 0.0
	for _, v := range values {
		if v > low && v <= high {
			n++
		}
	}
	return n, n > 0
}
