package recording

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/metric/series"
)

// seriesEnd finds where a sample line's series ends: at the blank before its
// value, outside of quotes.
func seriesEnd(line []byte) (int, error) {
	open := bytes.IndexAny(line, "{ ")
	if open < 0 {
		return 0, errors.New("no value: a sample is series, value and time")
	}
	if line[open] == ' ' {
		return open, nil
	}
	quoted := false
	for i := open; i < len(line); i++ {
		switch c := line[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '}' && !quoted:
			return i + 1, nil
		}
	}
	return 0, errors.New("no closing brace after the labels")
}

// readLabels reads name{label="value",…} or {"name",label="value",…}.
func readLabels(text []byte) (labels.Labels, error) {
	s := string(text)
	name, rest, braces := strings.Cut(s, "{")
	var all []labels.Label
	for rest = strings.TrimSuffix(rest, "}"); braces && strings.TrimLeft(rest, " ") != ""; {
		l, left, err := readLabel(strings.TrimLeft(rest, " "), name == "" && len(all) == 0)
		if err != nil {
			return labels.EmptyLabels(), err
		}
		all, rest = append(all, l), left
	}
	if name != "" {
		if !model.LegacyValidation.IsValidMetricName(name) {
			return labels.EmptyLabels(), fmt.Errorf("%q is no metric name", name)
		}
		all = append(all, labels.Label{Name: model.MetricNameLabel, Value: name})
	}
	l := labels.New(slices.DeleteFunc(all, func(l labels.Label) bool { return l.Value == "" })...)
	if double, is := l.HasDuplicateLabelNames(); is {
		return labels.EmptyLabels(), fmt.Errorf("label %s is given twice", double)
	}
	if !l.Has(model.MetricNameLabel) {
		return labels.EmptyLabels(), errors.New("series has no name")
	}
	return l, nil
}

// readLabel reads one label and the comma after it. Where a quoted name may
// stand in a label's place, first says so.
func readLabel(s string, first bool) (labels.Label, string, error) {
	var l labels.Label
	var err error
	if strings.HasPrefix(s, `"`) {
		if l.Name, s, err = unquote(s); err != nil {
			return l, "", err
		}
		if !strings.HasPrefix(s, "=") {
			if !first {
				return l, "", fmt.Errorf("label %q has no value", l.Name)
			}
			l.Name, l.Value = model.MetricNameLabel, l.Name
			s, err = afterComma(s)
			return l, s, err
		}
		s = s[1:]
	} else {
		var ok bool
		if l.Name, s, ok = strings.Cut(s, "="); !ok || !model.LegacyValidation.IsValidLabelName(l.Name) {
			return l, "", fmt.Errorf("%q is no label name", l.Name)
		}
	}
	if l.Name == "" || l.Name == model.MetricNameLabel {
		return l, "", fmt.Errorf("%q is no label name", l.Name)
	}
	if l.Value, s, err = unquote(s); err != nil {
		return l, "", fmt.Errorf("label %s: %w", l.Name, err)
	}
	s, err = afterComma(s)
	return l, s, err
}

func afterComma(s string) (string, error) {
	s = strings.TrimLeft(s, " ")
	if s == "" {
		return "", nil
	}
	if s[0] != ',' {
		return "", errors.New("expected a comma between labels")
	}
	return s[1:], nil
}

// unquote reads a quoted string with the escapes \\, \" and \n.
func unquote(s string) (value, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", errors.New("value is not in quotes")
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			if !utf8.ValidString(b.String()) {
				return "", "", errors.New("value is no valid UTF-8")
			}
			return b.String(), s[i+1:], nil
		case c == '\\' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case '\\', '"':
				b.WriteByte(s[i])
			default:
				return "", "", fmt.Errorf(`unknown escape \%c`, s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", errors.New("no closing quote")
}

// readPoint reads value and time; an exemplar may follow.
func readPoint(s []byte) (series.Point, error) {
	value, rest := field(s)
	stamp, rest := field(rest)
	if len(value) == 0 {
		return series.Point{}, errors.New("no value: a sample is series, value and time")
	}
	if len(stamp) == 0 || stamp[0] == '#' {
		return series.Point{}, errors.New("no timestamp: a recording needs the time of every sample, in seconds")
	}
	if rest = bytes.TrimLeft(rest, " \r"); len(rest) > 0 && rest[0] != '#' {
		return series.Point{}, fmt.Errorf("unexpected %q after the timestamp", clipped(rest))
	}
	v, err := number(value)
	if err != nil {
		return series.Point{}, fmt.Errorf("value %q is no number", clipped(value))
	}
	t, err := number(stamp)
	if err != nil || !(math.Abs(t) < 1e12) {
		return series.Point{}, fmt.Errorf("timestamp %q is no time in seconds since 1970", clipped(stamp))
	}
	return series.Point{T: int64(math.Round(t * 1000)), V: v}, nil
}

func clipped(b []byte) string { return string(b[:min(len(b), 40)]) }

// field cuts off the next word.
func field(s []byte) (word, rest []byte) {
	s = bytes.TrimLeft(s, " \r")
	if i := bytes.IndexByte(s, ' '); i >= 0 {
		return s[:i], s[i:]
	}
	return bytes.TrimRight(s, "\r"), nil
}

// number reads a number; plain whole ones, which most are, the quick way.
func number(b []byte) (float64, error) {
	if len(b) > 15 {
		return slowNumber(b)
	}
	n := int64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return slowNumber(b)
		}
		n = n*10 + int64(c-'0')
	}
	return float64(n), nil
}

func slowNumber(b []byte) (float64, error) {
	if bytes.ContainsAny(b, "_xXpP") { // what Go reads as a number and others do not
		return 0, strconv.ErrSyntax
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if errors.Is(err, strconv.ErrRange) {
		return v, nil
	}
	return v, err
}
