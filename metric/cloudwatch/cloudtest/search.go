package cloudtest

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// search is a SEARCH expression: all metrics of a namespace that have exactly
// these dimensions, and match.
type search struct {
	namespace  string
	dimensions []string
	name       string
	equals     map[string]string
}

var (
	expression = regexp.MustCompile(`^SEARCH\('\{((?:"[^"]+",?)+)\} ([^']*)', '([^']+)', (\d+)\)$`)
	quotedWord = regexp.MustCompile(`"([^"]+)"`)
	equality   = regexp.MustCompile(`(MetricName|"[^"]+")="([^"]+)"`)
	property   = regexp.MustCompile(`\$\{PROP\('Dim\.([^']+)'\)\}`)
)

// parseSearch reads an expression; the last result says what is wrong with it.
func parseSearch(text string) (out search, stat string, period time.Duration, wrong string) {
	m := expression.FindStringSubmatch(text)
	if m == nil {
		return out, "", 0, "Unsupported or malformed expression"
	}
	var schema []string
	for _, word := range quotedWord.FindAllStringSubmatch(m[1], -1) {
		schema = append(schema, word[1])
	}
	out = search{namespace: schema[0], dimensions: schema[1:], equals: map[string]string{}}
	rest := m[2]
	for _, pair := range equality.FindAllStringSubmatch(m[2], -1) {
		rest = strings.Replace(rest, pair[0], "", 1)
		if pair[1] == "MetricName" {
			out.name = pair[2]
		} else {
			out.equals[strings.Trim(pair[1], `"`)] = pair[2]
		}
	}
	if strings.TrimSpace(rest) != "" {
		return out, "", 0, "unexpected " + rest
	}
	seconds, err := strconv.Atoi(m[4])
	if err != nil {
		return out, "", 0, "the period is no number"
	}
	return out, m[3], time.Duration(seconds) * time.Second, ""
}

// found are the metrics that a search finds, in the order of their keys; 500 at
// most.
func (s *Server) found(q search) (out []*published) {
	slices.Sort(q.dimensions)
	for _, key := range slices.Sorted(maps.Keys(s.metrics)) {
		p := s.metrics[key]
		if p.Namespace != q.namespace || p.Name != q.name || !slices.Equal(slices.Sorted(maps.Keys(p.Dimensions)), q.dimensions) {
			continue
		}
		fits := true
		for name, value := range q.equals {
			fits = fits && p.Dimensions[name] == value
		}
		if fits && len(out) < 500 {
			out = append(out, p)
		}
	}
	return out
}

// labelOf is a query's label for a metric.
func (q asked) labelOf(m Metric) string {
	if q.label == "" {
		return m.Name
	}
	return property.ReplaceAllStringFunc(q.label, func(text string) string {
		return m.Dimensions[property.FindStringSubmatch(text)[1]]
	})
}
