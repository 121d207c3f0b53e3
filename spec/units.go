package spec

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// fault is what is wrong with a value, said after the value itself, and what
// to write instead. Its zero value means that nothing is.
type fault struct{ problem, hint string }

// maxDigits bounds how long a number may be written; more says nothing.
const maxDigits = 32

// maxDuration bounds durations: beyond it they are slips, not plans.
const maxDuration = 3660 * day

const day = 24 * time.Hour

// parseDuration reads 30s, 5m, 1h30m or 2d: Go's durations, with days before
// the rest.
func parseDuration(text string) (time.Duration, fault) {
	const hint = "write a duration such as 30s, 5m, 1h30m or 2d"
	if isNumber(text) {
		return 0, fault{"has no unit", "write " + text + "s or " + text + "m"}
	}
	if len(text) > maxDigits || text == "" || text[0] < '0' || text[0] > '9' {
		return 0, fault{"is not a duration", hint}
	}
	var total time.Duration
	rest := text
	if days, after, ok := strings.Cut(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, fault{"is not a duration", hint}
		}
		total, rest = time.Duration(n)*day, after
	}
	if rest != "" {
		d, err := time.ParseDuration(rest)
		if err != nil || rest[0] < '0' || rest[0] > '9' {
			return 0, fault{"is not a duration", hint}
		}
		if d > maxDuration {
			return 0, fault{"is longer than ten years", hint}
		}
		total += d
	}
	if total > maxDuration {
		return 0, fault{"is longer than ten years", hint}
	}
	return total, fault{}
}

// formatDuration writes a duration so that parseDuration reads the same.
func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		size time.Duration
		name string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if n := d / u.size; n > 0 {
			b.WriteString(strconv.FormatInt(int64(n), 10) + u.name)
			d %= u.size
		}
	}
	if d > 0 {
		b.WriteString(d.String())
	}
	return b.String()
}

// parsePercent reads 1% or 0.05% as a share. The decimal point is moved before
// the number becomes a float, so that 5% is exactly the float 0.05.
func parsePercent(text string) (float64, fault) {
	number, ok := strings.CutSuffix(text, "%")
	if isNumber(text) {
		return 0, fault{"has no unit", "write " + asPercent(text)}
	}
	if !ok || !isNumber(number) {
		return 0, fault{"is not a percentage", "write a percentage such as 1% or 0.5%"}
	}
	v, err := strconv.ParseFloat(number+"e-2", 64)
	if err != nil {
		return 0, fault{"is not a percentage", "write a percentage such as 1% or 0.5%"}
	}
	return v, fault{}
}

// formatPercent writes a share so that parsePercent reads the same float.
func formatPercent(v float64) string {
	return shiftTwo(strconv.FormatFloat(v, 'f', -1, 64)) + "%"
}

// asPercent guesses what was meant by a number without a unit: up to 1 a
// share, above a number of percent.
func asPercent(number string) string {
	if v, err := strconv.ParseFloat(number, 64); err == nil && v > 1 {
		return number + "%"
	}
	return shiftTwo(number) + "%"
}

// shiftTwo multiplies a decimal number by 100 as text.
func shiftTwo(number string) string {
	whole, part, _ := strings.Cut(number, ".")
	for len(part) < 2 {
		part += "0"
	}
	whole = strings.TrimLeft(whole+part[:2], "0")
	if whole == "" {
		whole = "0"
	}
	if part = strings.TrimRight(part[2:], "0"); part != "" {
		return whole + "." + part
	}
	return whole
}

// isNumber tells whether text is a plain decimal number without a sign.
func isNumber(text string) bool {
	whole, part, point := strings.Cut(text, ".")
	if len(text) > maxDigits || whole == "" || point && part == "" {
		return false
	}
	return strings.Trim(whole+part, "0123456789") == ""
}

// parseWeight reads a share of traffic, in steps of 0.001 %.
func parseWeight(text string) (release.Weight, fault) {
	if _, bad := parsePercent(text); bad != (fault{}) {
		return 0, bad
	}
	whole, part, _ := strings.Cut(strings.TrimSuffix(text, "%"), ".")
	part = strings.TrimRight(part, "0")
	if len(part) > 3 {
		return 0, fault{"is finer than traffic can be split", "write a multiple of 0.001%"}
	}
	for len(part) < 3 {
		part += "0"
	}
	n, err := strconv.ParseUint(whole+part, 10, 32)
	if err != nil || n > uint64(release.Whole) {
		return 0, fault{"is more than all of the traffic", "write at most 100%"}
	}
	if n == 0 {
		return 0, fault{"is no traffic at all", "write at least 0.001%"}
	}
	return release.Weight(n), fault{}
}

// formatWeight writes a weight so that parseWeight reads the same.
func formatWeight(w release.Weight) string {
	text := strconv.FormatUint(uint64(w/1000), 10)
	if part := w % 1000; part != 0 {
		digits := strconv.FormatUint(uint64(1000+part), 10)[1:]
		text += "." + strings.TrimRight(digits, "0")
	}
	return text + "%"
}

// parseFactor reads 2x as 2.
func parseFactor(text string) (float64, fault) {
	number, ok := strings.CutSuffix(text, "x")
	if isNumber(text) {
		return 0, fault{"has no unit", "write " + text + "x"}
	}
	factor, err := strconv.ParseFloat(number, 64)
	if !ok || !isNumber(number) || err != nil {
		return 0, fault{"is not a factor", "write a factor such as 1.5x or 2x"}
	}
	return factor, fault{}
}

// formatFactor writes a factor so that parseFactor reads the same.
func formatFactor(factor float64) string {
	return strconv.FormatFloat(factor, 'f', -1, 64) + "x"
}

// unit is what a quantity is measured in.
type unit string

const (
	bare    unit = "a plain number"
	share   unit = "a percentage"
	seconds unit = "a duration"
	rate    unit = "a rate"
)

// quantity is a number in a unit that depends on the metric it belongs to:
// shares as such, durations in seconds, rates per second.
type quantity struct {
	value float64
	unit  unit
}

// parseQuantity reads 0.8, 1%, 300ms or 5/m.
func parseQuantity(text string) (quantity, fault) {
	none := fault{"is not a quantity", "write a number, 1%, 300ms or 5/m"}
	if len(text) > maxDigits {
		return quantity{}, none
	}
	if v, err := strconv.ParseFloat(text, 64); err == nil && plainFloat(text) {
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return quantity{}, none
		}
		return quantity{v, bare}, fault{}
	}
	if strings.HasSuffix(text, "%") {
		v, bad := parsePercent(text)
		return quantity{v, share}, bad
	}
	if number, per, ok := strings.Cut(text, "/"); ok {
		return parseRate(number, per)
	}
	d, bad := parseDuration(text)
	if bad != (fault{}) {
		return quantity{}, none
	}
	return quantity{d.Seconds(), seconds}, fault{}
}

// plainFloat keeps out what Go reads as a float and people do not write:
// hexadecimals, underscores, words.
func plainFloat(text string) bool {
	return text != "" && strings.Trim(text, "0123456789.+-eE") == ""
}

func parseRate(number, per string) (quantity, fault) {
	lengths := map[string]float64{"s": 1, "m": 60, "h": 3600}
	length, ok := lengths[per]
	v, err := strconv.ParseFloat(number, 64)
	if !ok || !isNumber(number) || err != nil {
		return quantity{}, fault{"is not a rate", "write a rate such as 2/s, 5/m or 10/h"}
	}
	if v /= length; v != 0 && (v < 1e-9 || v > 1e12) {
		return quantity{}, fault{"is no rate that could be measured", "write a rate such as 2/s, 5/m or 10/h"}
	}
	return quantity{v, rate}, fault{}
}

// formatQuantity writes a quantity so that parseQuantity reads the same value.
func formatQuantity(q quantity) string {
	switch q.unit {
	case share:
		return formatPercent(q.value)
	case rate:
		return strconv.FormatFloat(q.value, 'f', -1, 64) + "/s"
	}
	// Seconds are written as a number: it is exact, and a histogram that
	// counts seconds takes both.
	if size := math.Abs(q.value); size == 0 || size >= 1e-6 && size < 1e15 {
		return strconv.FormatFloat(q.value, 'f', -1, 64)
	}
	return strconv.FormatFloat(q.value, 'g', -1, 64)
}
