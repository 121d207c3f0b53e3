package cloudtest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What of Logs Insights' language is understood: filter with comparisons joined
// by and, and one stats with sums, counts, averages and extremes, by fields and a
// bin. Anything else is refused.

// aggregate is one of stats.
type aggregate struct {
	function, field, operator, value, name string
}

// group is one of what stats groups by.
type group struct {
	field, name string
	bin         time.Duration
}

var (
	aggregateLike = regexp.MustCompile(`^(count|sum|avg|min|max)\((\*|[@\w.]+)(?:\s*(=|!=|>=|<=|>|<)\s*("[^"]*"|[\d.]+))?\)(?:\s+as\s+(\w+))?$`)
	binLike       = regexp.MustCompile(`^bin\((\d+)(s|m|h)\)(?:\s+as\s+(\w+))?$`)
	fieldLike     = regexp.MustCompile(`^([@\w.]+)(?:\s+as\s+(\w+))?$`)
	filterLike    = regexp.MustCompile(`^([@\w.]+)\s*(=|!=|>=|<=|>|<)\s*("[^"]*"|[\d.]+)$`)
	presentLike   = regexp.MustCompile(`^ispresent\(([@\w.]+)\)$`)
)

// run runs a query over lines.
func run(text string, lines []line) ([][]field, error) {
	var out [][]field
	counted := false
	for _, command := range strings.Split(text, "|") {
		command = strings.TrimSpace(command)
		name, rest, _ := strings.Cut(command, " ")
		var err error
		switch {
		case name == "filter" && !counted:
			lines, err = filter(strings.TrimSpace(rest), lines)
		case name == "stats" && !counted:
			counted = true
			out, err = stats(strings.TrimSpace(rest), lines)
		case name == "fields" && !counted:
		default:
			err = fmt.Errorf("unexpected symbol found %q", command)
		}
		if err != nil {
			return nil, err
		}
	}
	if !counted {
		return nil, fmt.Errorf("a query without stats is not understood here")
	}
	return out, nil
}

func filter(text string, lines []line) ([]line, error) {
	for _, condition := range strings.Split(text, " and ") {
		condition = strings.TrimSpace(condition)
		var keep func(line) bool
		if m := presentLike.FindStringSubmatch(condition); m != nil {
			keep = func(l line) bool { return l.fields[m[1]] != "" }
		} else if m := filterLike.FindStringSubmatch(condition); m != nil {
			keep = func(l line) bool { return holds(l.fields[m[1]], m[2], m[3]) }
		} else {
			return nil, fmt.Errorf("unexpected condition %q", condition)
		}
		var kept []line
		for _, l := range lines {
			if keep(l) {
				kept = append(kept, l)
			}
		}
		lines = kept
	}
	return lines, nil
}

// holds compares as numbers where both are, else as text.
func holds(a, operator, b string) bool {
	b = strings.Trim(b, `"`)
	x, err := strconv.ParseFloat(a, 64)
	y, err2 := strconv.ParseFloat(b, 64)
	order := strings.Compare(a, b)
	if err == nil && err2 == nil {
		order = 0
		if x != y {
			order = int(math.Copysign(1, x-y))
		}
	}
	switch operator {
	case "=":
		return order == 0
	case "!=":
		return order != 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "<":
		return order < 0
	}
	return order <= 0
}

// stats counts lines by groups, in the order in which the groups come.
func stats(text string, lines []line) ([][]field, error) {
	what, by, _ := strings.Cut(text, " by ")
	var aggregates []aggregate
	for _, one := range strings.Split(what, ",") {
		m := aggregateLike.FindStringSubmatch(strings.TrimSpace(one))
		if m == nil || m[2] == "*" && m[1] != "count" {
			return nil, fmt.Errorf("unexpected aggregate %q", one)
		}
		a := aggregate{m[1], m[2], m[3], m[4], m[5]}
		if a.name == "" {
			a.name = strings.TrimSpace(one)
		}
		aggregates = append(aggregates, a)
	}
	groups, err := groupsOf(by)
	if err != nil {
		return nil, err
	}
	var order []string
	members, heads := map[string][]line{}, map[string][]field{}
	for _, l := range lines {
		head := headOf(l, groups)
		key := fmt.Sprint(head)
		if members[key] == nil {
			order, heads[key] = append(order, key), head
		}
		members[key] = append(members[key], l)
	}
	var out [][]field
	for _, key := range order {
		row := slices.Clone(heads[key])
		for _, a := range aggregates {
			if v, ok := a.of(members[key]); ok {
				row = append(row, field{a.name, strconv.FormatFloat(v, 'f', -1, 64)})
			}
		}
		out = append(out, row)
	}
	return out, nil
}

func groupsOf(text string) (out []group, err error) {
	for _, one := range strings.Split(text, ",") {
		one = strings.TrimSpace(one)
		if m := binLike.FindStringSubmatch(one); m != nil {
			n, _ := strconv.Atoi(m[1])
			g := group{bin: time.Duration(n) * map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[m[2]], name: m[3]}
			if g.name == "" {
				g.name = one
			}
			out = append(out, g)
		} else if m := fieldLike.FindStringSubmatch(one); m != nil {
			g := group{field: m[1], name: m[2]}
			if g.name == "" {
				g.name = m[1]
			}
			out = append(out, g)
		} else {
			return nil, fmt.Errorf("unexpected group %q", one)
		}
	}
	return out, nil
}

// headOf are the fields of the groups that a line is in; one without a value is
// left out.
func headOf(l line, groups []group) (out []field) {
	for _, g := range groups {
		value := l.fields[g.field]
		if g.bin > 0 {
			value = l.at.UTC().Truncate(g.bin).Format("2006-01-02 15:04:05.000")
		}
		if value != "" {
			out = append(out, field{g.name, value})
		}
	}
	return out
}

// of is an aggregate over lines.
func (a aggregate) of(lines []line) (float64, bool) {
	n, sum, low, high := 0.0, 0.0, math.Inf(1), math.Inf(-1)
	for _, l := range lines {
		v, err := strconv.ParseFloat(l.fields[a.field], 64)
		switch {
		case a.field == "*":
			v = 1
		case a.operator != "":
			if v = 0; holds(l.fields[a.field], a.operator, a.value) {
				v = 1
			}
		case err != nil:
			continue
		}
		n, sum, low, high = n+1, sum+v, min(low, v), max(high, v)
	}
	switch a.function {
	case "count":
		return n, true
	case "sum":
		return sum, n > 0
	case "avg":
		return sum / n, n > 0
	case "min":
		return low, n > 0
	}
	return high, n > 0
}
