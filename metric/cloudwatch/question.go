package cloudwatch

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// term is one metric of CloudWatch, and what is asked of it.
type term struct {
	namespace, metric string
	dimensions        []dimension
	// stat is a statistic; "" where bounds are those of buckets.
	stat   string
	bounds []float64
}

type dimension struct{ name, value string }

// What CloudWatch allows, and what one request can carry.
const (
	maxText       = 4096
	maxName       = 255
	maxValue      = 1024
	maxDimensions = 30
	maxBounds     = 40
	maxTerms      = 10
)

// parse reads a question: terms joined by +, each a namespace, a metric, its
// dimensions in braces, and a statistic or Buckets(…). Words with other
// characters than letters, digits and _ - . / # : stand in double quotes.
func parse(text string) ([]term, error) {
	if len(text) > maxText || !utf8.ValidString(text) {
		return nil, invalid("the question is longer than %d bytes, or no UTF-8", maxText)
	}
	r := &reader{rest: text}
	var out []term
	for {
		t, err := r.term()
		if err != nil {
			return nil, invalid("%.200q, at column %d: %v (a question is like AWS/ApplicationELB RequestCount {TargetGroup=\"…\"} Sum)", text, len(text)-len(r.rest)+1, err)
		}
		out = append(out, t)
		if r.blank(); r.rest == "" {
			break
		}
		if !r.take("+") {
			return nil, invalid("%.200q, at column %d: more than a question; only + adds another metric", text, len(text)-len(r.rest)+1)
		}
	}
	if len(out) > maxTerms {
		return nil, invalid("%.200q adds %d metrics, %d are the most", text, len(out), maxTerms)
	}
	return out, nil
}

// reader reads a question from left to right.
type reader struct{ rest string }

type fault string

func (f fault) Error() string { return string(f) }

func (r *reader) blank() { r.rest = strings.TrimLeft(r.rest, " \t\r\n") }

// take reads a sign, after blanks.
func (r *reader) take(sign string) bool {
	r.blank()
	rest, ok := strings.CutPrefix(r.rest, sign)
	if ok {
		r.rest = rest
	}
	return ok
}

func (r *reader) term() (t term, err error) {
	if t.namespace, err = r.word("a namespace", maxName); err != nil {
		return t, err
	}
	if strings.HasPrefix(t.namespace, ":") {
		return t, fault("a namespace does not begin with :")
	}
	if t.metric, err = r.word("a metric's name", maxName); err != nil {
		return t, err
	}
	if r.take("{") {
		if t.dimensions, err = r.dimensions(); err != nil {
			return t, err
		}
	}
	return t, r.statistic(&t)
}

// dimensions reads what stands in braces, whose first is read.
func (r *reader) dimensions() (out []dimension, err error) {
	for !r.take("}") {
		if len(out) > 0 && !r.take(",") {
			return nil, fault("want , or } after a dimension")
		}
		var d dimension
		if d.name, err = r.word("a dimension's name", maxName); err != nil {
			return nil, err
		}
		if !r.take("=") {
			return nil, fault("want = after the dimension " + strconv.Quote(d.name) + "; it must have one value")
		}
		if d.value, err = r.word("a dimension's value", maxValue); err != nil {
			return nil, err
		}
		for _, other := range out {
			if other.name == d.name {
				return nil, fault("the dimension " + strconv.Quote(d.name) + " is there twice")
			}
		}
		if out = append(out, d); len(out) > maxDimensions {
			return nil, fault("more than " + strconv.Itoa(maxDimensions) + " dimensions")
		}
	}
	return out, nil
}

// word reads a bare word, or one in quotes.
func (r *reader) word(what string, most int) (string, error) {
	r.blank()
	word := ""
	if strings.HasPrefix(r.rest, `"`) {
		quoted, err := strconv.QuotedPrefix(r.rest)
		if err != nil {
			return "", fault(what + " has no closing quote, or a wrong escape")
		}
		if word, err = strconv.Unquote(quoted); err != nil {
			return "", fault(what + ": " + err.Error())
		}
		r.rest = r.rest[len(quoted):]
	} else {
		end := strings.IndexFunc(r.rest, func(c rune) bool { return !bare(c) })
		if end < 0 {
			end = len(r.rest)
		}
		word, r.rest = r.rest[:end], r.rest[end:]
	}
	if word == "" || len(word) > most || !utf8.ValidString(word) {
		return "", fault("want " + what + " of 1 to " + strconv.Itoa(most) + " bytes")
	}
	return word, nil
}

func bare(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_-./#:", c)
}

// statistics are those that CloudWatch knows.
var statistics = regexp.MustCompile(`^(Sum|SampleCount|Average|Minimum|Maximum|IQM|(p|tm|tc|ts|wm)(100|\d{1,2}(\.\d{1,10})?)|(TM|TC|TS|WM|PR)\((\d*(\.\d{1,10})?%?):(\d*(\.\d{1,10})?%?)\))$`)

// statistic reads what stands after the dimensions.
func (r *reader) statistic(t *term) error {
	if r.take("Buckets(") {
		return r.buckets(t)
	}
	end := strings.IndexAny(r.rest, " \t\r\n+")
	if end < 0 {
		end = len(r.rest)
	}
	t.stat = r.rest[:end]
	if !statistics.MatchString(t.stat) {
		return fault("want a statistic, such as Sum, SampleCount, Average, p99, TC(:0.3), or Buckets(0.1, 0.3, 1)")
	}
	r.rest = r.rest[end:]
	return nil
}

// buckets reads the upper bounds of buckets.
func (r *reader) buckets(t *term) error {
	for !r.take(")") {
		if len(t.bounds) > 0 && !r.take(",") {
			return fault("want , or ) after a bound")
		}
		r.blank()
		end := strings.IndexFunc(r.rest, func(c rune) bool { return (c < '0' || c > '9') && c != '.' })
		if end < 0 {
			end = len(r.rest)
		}
		b, err := strconv.ParseFloat(r.rest[:end], 64)
		if err != nil || len(t.bounds) > 0 && b <= t.bounds[len(t.bounds)-1] || len(t.bounds) == maxBounds {
			return fault("want up to " + strconv.Itoa(maxBounds) + " rising bounds of buckets, in the metric's own unit")
		}
		t.bounds, r.rest = append(t.bounds, b), r.rest[end:]
	}
	if len(t.bounds) == 0 {
		return fault("Buckets has no bounds")
	}
	return nil
}

// counts says that the points are numbers of things, which add up.
func (t term) counts() bool {
	return t.stat == "Sum" || t.stat == "SampleCount" || strings.HasPrefix(t.stat, "TC(") && !strings.Contains(t.stat, "%") || strings.HasPrefix(t.stat, "TS(") && !strings.Contains(t.stat, "%")
}

// averages says that the points are figures over requests, whose numbers they
// do not tell.
func (t term) averages() bool {
	return t.stat != "" && (t.stat == "IQM" || strings.ContainsRune("ptw", rune(t.stat[0])) || strings.HasPrefix(t.stat, "TM(") || strings.HasPrefix(t.stat, "WM(") || strings.HasPrefix(t.stat, "PR("))
}

// String writes the term as it is read.
func (t term) String() string {
	var b strings.Builder
	b.WriteString(written(t.namespace) + " " + written(t.metric) + " ")
	if len(t.dimensions) > 0 {
		for i, d := range t.dimensions {
			b.WriteString([]string{"{", ", "}[min(i, 1)] + written(d.name) + "=" + strconv.Quote(d.value))
		}
		b.WriteString("} ")
	}
	if t.stat != "" {
		return b.String() + t.stat
	}
	b.WriteString("Buckets(")
	for i, bound := range t.bounds {
		b.WriteString([]string{"", ", "}[min(i, 1)] + number(bound))
	}
	return b.String() + ")"
}

func written(word string) string {
	if strings.IndexFunc(word, func(c rune) bool { return !bare(c) }) < 0 {
		return word
	}
	return strconv.Quote(word)
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
