package cloudwatch

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/template"
	"github.com/linnet-project/linnet/release"
)

// insights are the questions that a metric's query makes.
type insights struct {
	bin time.Duration
	// questions has one for each arm where each is set, else one for all.
	questions []string
	each      bool
	// columns are the names of the columns with numbers, by what they are.
	columns map[rows.Role]string
}

// bound is the column that has the upper bound of a histogram's row.
const bound = "bound"

var binOf = regexp.MustCompile(`\bbin\(\s*(\d{1,4})\s*(s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours)\s*\)`)

// insightsOf reads a metric's query.
func insightsOf(m release.Metric, arms []release.Arm) (insights, error) {
	in := insights{columns: map[rows.Role]string{}}
	names, err := template.Names(m.Query)
	if err != nil {
		return in, fmt.Errorf("metric %s: query: %w", m.Name, err)
	}
	in.each = len(names) > 0
	for _, a := range arms {
		text, err := template.Fill(m.Query, template.Arm(a))
		if err != nil {
			return in, fmt.Errorf("metric %s: query: %w", m.Name, err)
		}
		if !slices.Contains(in.questions, text) {
			in.questions = append(in.questions, text)
		}
	}
	if in.each && len(in.questions) < len(arms) {
		return in, invalid("metric %s: query: asks the same of two arms", m.Name)
	}
	found := binOf.FindStringSubmatch(strings.Join(in.questions, "\n"))
	if found == nil {
		return in, invalid("metric %s: query: has no bin(…) of seconds, minutes or hours, as in stats count(*) as all by bin(1m), version", m.Name)
	}
	n, err := strconv.Atoi(found[1])
	in.bin = time.Duration(n) * map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour}[found[2][0]]
	if err != nil || in.bin <= 0 || time.Hour%in.bin != 0 {
		return in, invalid("metric %s: query: %s is no bin that an hour is a multiple of", m.Name, found[0])
	}
	in.columns[rows.Events] = m.Events
	if m.Of != "" {
		in.columns[rows.Of] = m.Of
	}
	switch m.Kind {
	case release.Histogram:
		in.columns = map[rows.Role]string{rows.Sparse: m.Events}
	case release.Gauge:
		in.columns = map[rows.Role]string{rows.Level: m.Events}
	}
	for _, name := range in.columns {
		if !columnName.MatchString(name) {
			return in, invalid("metric %s: with a query, %.100q must be the name of a column of its answer", m.Name, name)
		}
	}
	return in, nil
}

// table makes rows of an answer's lines.
type table struct {
	insights
	query release.Query
	rows  []rows.Row
	remarks
}

// take reads lines; arm is the one that was asked about, -1 where each line
// names its own.
func (t *table) take(lines [][]types.ResultField, arm int) error {
	name, seen := t.query.Metric.Name, map[string]bool{}
	others := 0
	for _, line := range lines {
		fields := map[string]string{}
		for _, f := range line {
			if f.Field != nil && f.Value != nil {
				fields[*f.Field], seen[*f.Field] = *f.Value, true
			}
		}
		row := rows.Row{Arm: arm, Labels: fields}
		begun, err := t.begun(fields)
		if err != nil {
			return err
		}
		row.To = begun.Add(t.bin)
		if arm < 0 {
			if row.Arm = t.armOf(fields); row.Arm < 0 {
				others++
				continue
			}
		}
		if err := t.numbers(row, fields); err != nil {
			return err
		}
	}
	if len(lines) > 0 {
		for _, column := range t.columns {
			if !seen[column] {
				return invalid("metric %s: the answer has no column %s; it has %s", name, column, strings.Join(slices.Sorted(maps.Keys(seen)), ", "))
			}
		}
	}
	if others > 0 && others == len(lines) {
		t.add("metric %s: no row of the answer names an arm, by its name, version or a label; group by one, or use {{version}} in the query", name)
	}
	return nil
}

// numbers adds a row for each column of numbers.
func (t *table) numbers(row rows.Row, fields map[string]string) error {
	for role, column := range t.columns {
		text, ok := fields[column]
		if !ok || text == "" {
			continue
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return invalid("metric %s: column %s has %.60q, which is no number", t.query.Metric.Name, column, text)
		}
		row.Role, row.Value = role, v
		if role == rows.Sparse {
			if row.Bound, err = strconv.ParseFloat(fields[bound], 64); err != nil {
				return invalid("metric %s: column %s, the upper bound of a histogram's bucket, has %.60q, which is no number", t.query.Metric.Name, bound, fields[bound])
			}
		}
		t.rows = append(t.rows, row)
	}
	return nil
}

// stamp is how Logs Insights writes times, in UTC.
const stamp = "2006-01-02 15:04:05.000"

// begun is when a line's bin begins: its column bin(…), or one named time.
func (t *table) begun(fields map[string]string) (time.Time, error) {
	text, ok := fields["time"]
	for name, value := range fields {
		if strings.HasPrefix(name, "bin(") {
			text, ok = value, true
		}
	}
	if !ok {
		return time.Time{}, invalid("metric %s: the answer has no column bin(…), nor one named time; group by bin(…)", t.query.Metric.Name)
	}
	begun, err := time.Parse(stamp, text)
	if err != nil {
		return begun, invalid("metric %s: %.60q is no time as Logs Insights writes it", t.query.Metric.Name, text)
	}
	return begun, nil
}

// armOf finds the arm that a line names: by a column named arm, or else by any.
func (t *table) armOf(fields map[string]string) int {
	if text, ok := fields["arm"]; ok {
		return rows.ArmOf(t.query.Arms, text)
	}
	found := -1
	for _, column := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(slices.Collect(maps.Values(t.columns)), column) || column == bound {
			continue
		}
		if arm := rows.ArmOf(t.query.Arms, fields[column]); arm >= 0 {
			if found >= 0 && found != arm {
				return -1
			}
			found = arm
		}
	}
	return found
}
