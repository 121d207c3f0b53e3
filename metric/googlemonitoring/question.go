package googlemonitoring

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/template"
	"github.com/linnet-project/linnet/release"
)

// question is what the API is asked for one role of a metric.
type question struct {
	role   rows.Role
	filter string
	// by are the fields that series are grouped by.
	by []field
	// figure is what an average is of a distribution: p50, p95, p99 or mean; "" for
	// the mean of numbers.
	figure string
}

// field is one that a series has: a label of its metric, its resource or of the
// metadata of that.
type field struct{ kind, name string }

// String writes the field as the API reads it.
func (f field) String() string {
	if bareLike.MatchString(f.name) {
		return f.kind + "." + f.name
	}
	return f.kind + `."` + f.name + `"`
}

const (
	maxQuestion = 8192
	maxFields   = 20
)

var (
	fieldLike = regexp.MustCompile(`^(metric\.labels?|resource\.labels?|metadata\.system_labels|metadata\.user_labels)\.([A-Za-z_]\w{0,99}|"[A-Za-z0-9_./-]{1,100}")$`)
	bareLike  = regexp.MustCompile(`^[A-Za-z_]\w*$`)
	figures   = []string{"p50", "p95", "p99", "mean"}
	ofMetric  = regexp.MustCompile(`\bmetric\.type\s*=`)
)

// parse reads a question: a filter, and behind bars what to group by, and of
// which figure an average is to be.
func parse(text string) (q question, err error) {
	if len(text) > maxQuestion {
		return q, invalid("the question is longer than %d bytes", maxQuestion)
	}
	parts, err := split(text)
	if err != nil {
		return q, err
	}
	q.filter = strings.TrimSpace(parts[0])
	if !ofMetric.MatchString(q.filter) {
		return q, invalid(`%.200q names no metric; a filter begins like metric.type="…"`, text)
	}
	for _, part := range parts[1:] {
		part = strings.TrimSpace(part)
		fields, grouped := strings.CutPrefix(part, "by ")
		switch {
		case grouped && q.by == nil:
			if q.by, err = fieldsOf(fields); err != nil {
				return q, err
			}
		case slices.Contains(figures, part) && q.figure == "":
			q.figure = part
		default:
			return q, invalid(`%.200q: %.60q is neither "by" with fields nor one of %s, or is there twice`, text, part, strings.Join(figures, ", "))
		}
	}
	return q, nil
}

// split cuts a question at the bars that stand in no quotes.
func split(text string) (parts []string, err error) {
	from, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '|' && !quoted:
			parts, from = append(parts, text[from:i]), i+1
		}
	}
	if quoted {
		return nil, invalid("%.200q has a quote without its end", text)
	}
	return append(parts, text[from:]), nil
}

func fieldsOf(text string) (out []field, err error) {
	for _, one := range strings.Split(text, ",") {
		m := fieldLike.FindStringSubmatch(strings.TrimSpace(one))
		if m == nil {
			return nil, invalid("%.120q is no field to group by; they are like metric.labels.version, resource.labels.zone or metadata.user_labels.version", one)
		}
		f := field{m[1], strings.Trim(m[2], `"`)}
		if slices.ContainsFunc(out, func(o field) bool { return o.name == f.name }) {
			return nil, invalid("two fields to group by are named %s", f.name)
		}
		if out = append(out, f); len(out) > maxFields {
			return nil, invalid("more than %d fields to group by", maxFields)
		}
	}
	return out, nil
}

// Check says what is wrong with a metric's questions, for these arms. An error
// wraps release.ErrInvalid.
func Check(m release.Metric, arms []release.Arm) error {
	for i := range arms {
		if _, err := questionsOf(m, arms, i); err != nil {
			return err
		}
	}
	return nil
}

// each tells whether a text is asked for each arm on its own.
func each(text string, arms []release.Arm) bool {
	names, err := template.Names(text)
	return err == nil && template.Apart(names, arms)
}

// texts are what a metric asks, by role.
func texts(m release.Metric) map[rows.Role]string {
	switch m.Kind {
	case release.Histogram:
		return map[rows.Role]string{rows.Bucket: m.Events}
	case release.Gauge:
		return map[rows.Role]string{rows.Level: m.Events}
	}
	all := map[rows.Role]string{rows.Events: m.Events}
	if m.Of != "" {
		all[rows.Of] = m.Of
	}
	return all
}

// questionsOf are the questions of a metric about one of the arms.
func questionsOf(m release.Metric, arms []release.Arm, i int) ([]question, error) {
	if m.Query != "" {
		return nil, invalid("metric %s: googleMonitoring has no query; write a filter for each part", m.Name)
	}
	all := texts(m)
	var out []question
	for _, role := range []rows.Role{rows.Events, rows.Of, rows.Bucket, rows.Level} {
		text, ok := all[role]
		if !ok {
			continue
		}
		filled, err := template.Fill(text, template.Arm(arms[i]))
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", m.Name, err)
		}
		q, err := parse(filled)
		if err != nil {
			return nil, fmt.Errorf("metric %s: %w", m.Name, err)
		}
		if q.role = role; !each(text, arms) && len(q.by) == 0 {
			return nil, invalid("metric %s: %.200q tells no arm; name it by {{version}}, or group by what holds it, such as | by metric.labels.version", m.Name, text)
		}
		if q.figure != "" && !m.Averages {
			return nil, invalid("metric %s: %s belongs to an average", m.Name, q.figure)
		}
		for _, label := range m.By {
			if !slices.ContainsFunc(q.by, func(f field) bool { return f.name == label }) {
				return nil, invalid("metric %s: by has %s, which %.200q does not group by; add a field such as | by resource.labels.%s", m.Name, label, text, label)
			}
		}
		out = append(out, q)
	}
	return out, nil
}
