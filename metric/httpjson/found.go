package httpjson

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

// found gathers the rows of one question from the pages of its answers.
type found struct {
	*reader
	sighted  *sightings
	q        release.Query
	arm      int // everyArm where rows tell it
	columns  []column
	window   release.Window // that the present answer is of
	points   []point
	warnings []string

	paths  []path // of columns, once taken
	seen   int    // rows
	filled []bool // columns that were there in some row
	armed  int    // rows of an arm, or of another stretch
	looked int    // rows whose columns were looked at
	sample string // what a row has, for messages
	noted  string // labels of a row without an arm
	// outside are the rows of another stretch.
	outside rows.Outside
}

// point is a row, and the series that it is of. Its To is as the answer has it,
// and ends the end of the whole step which that lies in.
type point struct {
	rows.Row
	series string
	ends   time.Time
}

// take reads the rows of a page.
func (f *found) take(p page) error {
	if f.paths == nil {
		f.filled = make([]bool, len(f.columns))
		for _, c := range f.columns {
			one := f.value
			if isPath(c.name) {
				var err error
				if one, err = parsePath(c.name); err != nil {
					return err
				}
			}
			f.paths = append(f.paths, one)
		}
	}
	for _, w := range p.warnings {
		if len(f.warnings) < 20 {
			f.warnings = append(f.warnings, w)
		}
	}
	return f.descend([]any{p.root}, nil)
}

// descend goes through the levels to the rows; at says by which way.
func (f *found) descend(levels []any, at []int) error {
	depth := len(levels) - 1
	if depth == len(f.levels) {
		return f.row(levels, at)
	}
	nodes, err := f.levels[depth].within(levels)
	if err != nil {
		return fmt.Errorf("rows[%d]: %w", depth, err)
	}
	if len(nodes) > rows.Most {
		return fmt.Errorf("more than %d rows; let it group them: %w", rows.Most, release.ErrInvalid)
	}
	for i, node := range nodes {
		if err := f.descend(append(levels[:depth+1:depth+1], node), append(at[:depth:depth], i)); err != nil {
			return err
		}
	}
	return nil
}

func (f *found) row(levels []any, at []int) error {
	f.seen++
	if f.seen > rows.Most || len(f.points) > rows.Most {
		return fmt.Errorf("more than %d rows; let it group them: %w", rows.Most, release.ErrInvalid)
	}
	inner, _ := levels[len(levels)-1].(map[string]any)
	if f.sample == "" {
		f.sample = strings.Join(slices.Sorted(maps.Keys(inner)), ", ")
	}
	node, ok := f.time.first(levels)
	if !ok {
		return fmt.Errorf("a row has nothing at time, %s (it has: %s): %w", f.time.text, web.Clip(f.sample), release.ErrInvalid)
	}
	to, err := f.instant(node)
	if err != nil {
		return err
	}
	ends := f.stepOf(to)
	if !ends.After(f.window.From) || ends.After(f.window.To) {
		f.armed++
		f.outside.Add(to)
		return nil
	}
	r := rows.Row{To: to, Labels: f.labelsOf(levels, inner)}
	if r.Arm, err = f.armOf(levels, inner, r.Labels); err != nil || r.Arm < 0 {
		return err
	}
	f.armed, f.looked = f.armed+1, f.looked+1
	if r.Bound, err = f.boundOf(levels, r.Labels); err != nil {
		return err
	}
	for i, c := range f.columns {
		node, ok := f.number(i, levels, inner)
		f.filled[i] = f.filled[i] || ok
		v, isNumber, err := numberOf(node)
		if err != nil {
			return fmt.Errorf("%s: %w", cmp.Or(c.name, f.value.text), err)
		}
		if isNumber {
			if r.Value, r.Role = v, c.role; c.role == rows.Bucket && !f.Cumulative {
				r.Role = rows.Sparse // few sources have a row of an empty one
			}
			f.points = append(f.points, point{r, f.series(r, at), ends})
		}
	}
	return nil
}

// stepOf is the end of the whole step that a row's time lies in, which is that of
// its stretch where the answer keeps to steps. Finer rows, and those that lie
// between, count with the step that is asked for at once, and so in one look.
func (f *found) stepOf(at time.Time) time.Time {
	begin := wholeSteps(at, f.step)
	if (f.AtEnd || f.Totals) && begin.Equal(at) {
		return begin
	}
	return begin.Add(f.step)
}

// number finds a column's number in a row.
func (f *found) number(i int, levels []any, inner map[string]any) (any, bool) {
	if name := f.columns[i].name; name != "" && !isPath(name) {
		node, ok := inner[name]
		return node, ok
	}
	return f.paths[i].first(levels)
}

// series names what a row is the next point of.
func (f *found) series(r rows.Row, at []int) string {
	if !f.Totals && !f.Cumulative {
		return ""
	}
	var b strings.Builder
	fmt.Fprint(&b, r.Arm, " ", r.Role)
	for _, name := range slices.Sorted(maps.Keys(r.Labels)) {
		fmt.Fprintf(&b, " %q=%q", name, r.Labels[name])
	}
	if f.tags.path == nil && len(f.labels) == 0 && len(at) > 1 && !f.Cumulative {
		fmt.Fprint(&b, " ", at[:len(at)-1])
	}
	return b.String()
}

func (f *found) labelsOf(levels []any, inner map[string]any) map[string]string {
	labels := map[string]string{}
	for _, node := range f.tags.all(levels) {
		addTags(labels, node)
	}
	for name, p := range f.labels {
		if node, ok := p.first(levels); ok {
			labels[name] = textOf(node)
		}
	}
	for _, name := range f.q.Metric.By {
		if node, ok := inner[name]; ok && labels[name] == "" {
			labels[name] = textOf(node)
		}
	}
	return labels
}

// addTags adds the labels that a node is made of.
func addTags(labels map[string]string, node any) {
	switch v := node.(type) {
	case map[string]any:
		for name, value := range v {
			labels[name] = textOf(value)
		}
	case []any:
		for _, item := range v {
			addTags(labels, item)
		}
	case string:
		for _, one := range strings.Split(v, ",") {
			if name, value, ok := strings.Cut(one, ":"); ok {
				labels[strings.TrimSpace(name)] = strings.TrimSpace(value)
			}
		}
	}
}

// armOf is the arm of a row, -1 for none of the arms. A row of the other arm than
// the one that was asked for says that the question does not tell them apart.
func (f *found) armOf(levels []any, inner map[string]any, labels map[string]string) (int, error) {
	told, said := f.told(levels, inner, labels)
	if f.arm == everyArm {
		f.note(told, said)
		return told, nil
	}
	if told >= 0 && told != f.arm {
		return -1, fmt.Errorf("asked for %s alone, it answers with rows of %s (%s), too: let the question select the arm, or leave the arm's values out of it, to be asked once for both: %w",
			f.q.Arms[f.arm].Name, f.q.Arms[told].Name, said, release.ErrInvalid)
	}
	return f.arm, nil
}

// told is the arm that a row says it is of, by name or by its labels, and what it
// says; -1 for none, or several.
func (f *found) told(levels []any, inner map[string]any, labels map[string]string) (int, string) {
	told := -1
	if f.Arm != "" {
		node, _ := f.reader.arm.first(levels)
		names, ok := node.([]any)
		if !ok {
			names = []any{node}
		}
		for _, name := range names {
			if i := rows.ArmOf(f.q.Arms, textOf(name)); i >= 0 {
				told = i
			}
		}
		return told, fmt.Sprintf("%.100s", shown(node))
	}
	for i, arm := range f.q.Arms {
		all := len(arm.Labels) > 0
		for name, value := range arm.Labels {
			got, ok := labels[name]
			if !ok {
				got = textOf(inner[name])
			}
			all = all && got == value
		}
		if all && told >= 0 {
			return -1, fmt.Sprintf("both arms' labels: %.200s", fmt.Sprint(labels))
		}
		if all {
			told = i
		}
	}
	return told, fmt.Sprintf("%.200s", fmt.Sprint(labels))
}

func (f *found) note(arm int, said string) {
	if arm < 0 && f.noted == "" {
		f.noted = said
	}
}

func (f *found) boundOf(levels []any, labels map[string]string) (float64, error) {
	if f.q.Metric.Kind != release.Histogram {
		return 0, nil
	}
	node, _ := f.bound.first(levels)
	if f.bound.path == nil {
		node = labels[f.Bound]
	}
	v, ok, err := numberOf(node)
	if err != nil {
		return 0, fmt.Errorf("bound: %w", err)
	}
	if !ok {
		return math.Inf(1), nil
	}
	return v, nil
}

// instant reads a time.
func (f *found) instant(node any) (time.Time, error) {
	text := textOf(node)
	unit, isUnit := map[string]time.Duration{"s": time.Second, "ms": time.Millisecond, "us": time.Microsecond, "ns": time.Nanosecond}[f.TimeFormat]
	if !isUnit {
		t, err := time.Parse(cmp.Or(f.TimeFormat, time.RFC3339Nano), text)
		if err != nil {
			return t, fmt.Errorf("time %.60q is not as %s: %w", text, cmp.Or(f.TimeFormat, "RFC 3339 has it"), release.ErrInvalid)
		}
		return t, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n >= 0 && n <= math.MaxInt64/int64(unit) {
		return time.Unix(0, n*int64(unit)), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if v *= float64(unit); err != nil || !(v >= 0 && v < math.MaxInt64) {
		return time.Time{}, fmt.Errorf("time %.60q is no number of %s since 1970: %w", text, f.TimeFormat, release.ErrInvalid)
	}
	return time.Unix(0, int64(v)).Round(time.Microsecond), nil
}

// numberOf reads a number; false for nothing.
func numberOf(node any) (float64, bool, error) {
	switch node.(type) {
	case nil:
		return 0, false, nil
	case json.Number, float64, string:
	default:
		return 0, false, fmt.Errorf("%.60s is no number: %w", shown(node), release.ErrInvalid)
	}
	text := strings.TrimSpace(textOf(node))
	if text == "" || text == "null" {
		return 0, false, nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(v, 0) {
		return 0, false, fmt.Errorf("%.60q is no number: %w", text, release.ErrInvalid)
	}
	return v, true, nil
}

// textOf is a scalar as text.
func textOf(node any) string {
	switch v := node.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
