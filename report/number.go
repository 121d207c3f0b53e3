package report

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// none stands where there is nothing to show.
const none = "–"

// mostOdds is where odds stop being a number that says more.
const mostOdds = 1e6

// count prints a whole number with thousands separators: 12,331.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// number prints a value with three significant digits, and with thousands
// separators from 1,000 on; no exponent where people would not write one.
func number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x):
		return none
	case math.IsInf(x, 0):
		return strings.TrimPrefix(strconv.FormatFloat(x, 'f', -1, 64), "+")
	case a == 0:
		return "0"
	case a >= 1e12 || a < 1e-4:
		return strconv.FormatFloat(x, 'e', 1, 64)
	case a >= 99.95:
		return count(int64(math.Round(x)))
	default:
		return strconv.FormatFloat(x, 'f', decimals(a), 64)
	}
}

// decimals is how many decimals leave three significant digits (two below 1).
func decimals(a float64) int {
	switch {
	case a >= 9.995:
		return 1
	case a >= 0.9995:
		return 2
	}
	return min(6, 1-int(math.Floor(math.Log10(a))))
}

// share prints a share as a percentage with two significant digits below 10 %
// and three above: 0.49 %, 6.3 %, 12.5 %.
func share(x float64) string {
	p := 100 * x
	switch a := math.Abs(p); {
	case math.IsNaN(p) || math.IsInf(p, 0):
		return none
	case a == 0:
		return "0 %"
	case a < 0.0001:
		return "<0.0001 %"
	case a < 0.995:
		return strconv.FormatFloat(p, 'f', 1-int(math.Floor(math.Log10(a))), 64) + " %"
	case a < 99.95:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(p, 'f', 0, 64) + " %"
}

// times prints a ratio: 5.9x, 0.42x, 120x.
func times(x float64) string {
	switch {
	case math.IsNaN(x) || x < 0:
		return none
	case x >= 10_000:
		return "over 10,000x"
	case x >= 9.95:
		return count(int64(math.Round(x))) + "x"
	case x >= 0.995:
		return strconv.FormatFloat(x, 'f', 1, 64) + "x"
	case x > 0 && x < 0.01:
		return "<0.01x"
	}
	return strconv.FormatFloat(x, 'f', 2, 64) + "x"
}

// odds prints evidence as a plain number of "to 1".
func odds(e float64) string {
	switch {
	case math.IsNaN(e):
		return none
	case e > mostOdds:
		return ">1M"
	case e >= 10_000:
		return strconv.FormatInt(int64(math.Round(e/1000)), 10) + "k"
	case e >= 9.95:
		return count(int64(math.Round(e)))
	case e >= 0.095:
		return strconv.FormatFloat(e, 'f', 1, 64)
	}
	return "0"
}

// duration prints a time span as people say it: 350ms, 45s, 1m20s, 2h5m, 3d4h.
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + duration(-max(d, -math.MaxInt64))
	case d == 0:
		return "0s"
	case d < time.Second:
		return strconv.FormatInt(max(1, d.Milliseconds()), 10) + "ms"
	case d < 9950*time.Millisecond:
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + "s"
	case d.Round(time.Second) < time.Minute:
		return strconv.FormatInt(int64(d.Round(time.Second)/time.Second), 10) + "s"
	case d.Round(time.Second) < time.Hour:
		return pair(d.Round(time.Second), time.Minute, time.Second, "ms")
	case d.Round(time.Minute) < 24*time.Hour:
		return pair(d.Round(time.Minute), time.Hour, time.Minute, "hm")
	}
	return pair(d, 24*time.Hour, time.Hour, "dh")
}

// pair prints a span in two units, the second one only where there is any.
func pair(d, large, small time.Duration, units string) string {
	text := strconv.FormatInt(int64(d/large), 10) + units[:1]
	if rest := d % large / small; rest > 0 {
		text += strconv.FormatInt(int64(rest), 10) + units[1:]
	}
	return text
}

// bound prints a bound of a metric in its unit: times as 250 ms or 1.5 s,
// anything else as a number.
func bound(x float64, unit string) string {
	switch {
	case unit != "s":
		return plainNumber(x)
	case math.Abs(x) < 1:
		return plainNumber(x*1000) + " ms"
	}
	return plainNumber(x) + " s"
}

// plainNumber is number without zeros at the end: bounds are round by nature.
func plainNumber(x float64) string {
	text := number(x)
	if strings.Contains(text, ".") && !strings.Contains(text, "e") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// unitOf tells the unit of a metric's values: of a histogram from the name of what
// it reads, as names end by convention, of a count that is out of nothing else that
// it is told by the second; "" where neither tells.
func unitOf(m release.Metric) string {
	if m.Kind == release.Histogram && strings.Contains(m.Events, "_seconds") {
		return "s"
	}
	if m.Kind == release.Count && m.Of == "" {
		return "/s"
	}
	return ""
}

// percentOf gives a weight as a percentage: 0.01 is 0.01 %.
func percentOf(w release.Weight) float64 { return float64(w) / 1000 }

// clock and stamp print moments in UTC.
func clock(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("15:04:05Z")
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}
