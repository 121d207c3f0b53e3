package sql

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

// The columns that every answer has, and the one of histograms in buckets.
const (
	armColumn   = "arm"
	timeColumn  = "time"
	boundColumn = "bound"
)

const (
	maxBytes   = 64 << 20 // of texts in one answer
	maxStrange = 3        // arms that are not ours, to be named
)

// reader makes rows of an answer.
type reader struct {
	q      release.Query
	enough context.CancelFunc // ends the answer
	err    error

	arm, time int
	bound     int // -1 for none
	counts    []count
	by        []int

	rows    []rows.Row
	bytes   int
	read    int
	nowhere int // rows without arm or time
	strange map[string]bool
	seen    []bool // arms that have rows
}

// count is a column with a number.
type count struct {
	at   int
	role rows.Role
}

// columns implements taker.
func (r *reader) columns(names []string) error {
	*r = reader{q: r.q, enough: r.enough} // the try before may have broken off
	r.seen, r.strange = make([]bool, len(r.q.Arms)), map[string]bool{}
	find := func(name string) int {
		at := slices.Index(names, name)
		if at < 0 { // databases fold names as they like
			at = slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
		}
		if at < 0 && r.err == nil {
			r.err = invalid("the answer has no column %q (it has %.300s); name it in the query with AS", name, strings.Join(names, ", "))
		}
		return at
	}
	m := r.q.Metric
	r.arm, r.time, r.bound = find(armColumn), find(timeColumn), -1
	role := rows.Events
	switch m.Kind {
	case release.Gauge:
		role = rows.Level
	case release.Histogram:
		role = rows.Single
		if r.bound = slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, boundColumn) }); r.bound >= 0 {
			role = rows.Sparse
		}
	}
	r.counts = append(r.counts, count{find(m.Events), role})
	if m.Of != "" {
		r.counts = append(r.counts, count{find(m.Of), rows.Of})
	}
	for _, label := range m.By {
		r.by = append(r.by, find(label))
	}
	return r.err
}

// row implements taker.
func (r *reader) row(values []any) error {
	if r.read++; r.read > rows.Most {
		return r.fail(invalid("the answer has more than %d rows; let the query group them", rows.Most))
	}
	for _, v := range values {
		switch v := v.(type) {
		case string:
			r.bytes += len(v)
		case []byte:
			r.bytes += len(v)
		}
	}
	if r.bytes > maxBytes {
		return r.fail(invalid("the answer has more than %d MiB of text; let the query group it, and leave out columns", maxBytes>>20))
	}
	if values[r.arm] == nil || values[r.time] == nil {
		r.nowhere++
		return nil
	}
	name := textOf(values[r.arm])
	arm := rows.ArmOf(r.q.Arms, name)
	if arm < 0 {
		if len(r.strange) < maxStrange {
			r.strange[name] = true
		}
		return nil
	}
	r.seen[arm] = true
	at, ok := timeOf(values[r.time])
	if !ok {
		return r.fail(invalid("column %s has %.40q, which is no time; let it be a timestamp, or seconds since 1970", timeColumn, textOf(values[r.time])))
	}
	row := rows.Row{Arm: arm, To: at, Labels: r.labels(values)}
	for _, c := range r.counts {
		if values[c.at] == nil {
			continue
		}
		n, ok := numberOf(values[c.at])
		if !ok {
			return r.fail(invalid("%.40q is no number, and %s is to be counted", textOf(values[c.at]), r.columnOf(c.role)))
		}
		row.Role, row.Value = c.role, n
		if c.role == rows.Sparse {
			row.Bound = math.Inf(1)
			if v := values[r.bound]; v != nil {
				if row.Bound, ok = numberOf(v); !ok {
					return r.fail(invalid("column %s has %.40q, which is no number", boundColumn, textOf(v)))
				}
			}
		}
		r.rows = append(r.rows, row)
	}
	return nil
}

func (r *reader) labels(values []any) map[string]string {
	if len(r.by) == 0 {
		return nil
	}
	labels := map[string]string{}
	for i, at := range r.by {
		if values[at] != nil {
			labels[r.q.Metric.By[i]] = textOf(values[at])
		}
	}
	return labels
}

func (r *reader) columnOf(role rows.Role) string {
	if role == rows.Of {
		return r.q.Metric.Of
	}
	return r.q.Metric.Events
}

// fail ends the answer: what is still to come need not be read.
func (r *reader) fail(err error) error {
	r.err = err
	r.enough()
	return err
}

// warnings are what the rows themselves gave cause to.
func (r *reader) warnings() (said []string) {
	warn := func(format string, args ...any) {
		said = append(said, "metric "+r.q.Metric.Name+": "+fmt.Sprintf(format, args...))
	}
	if r.nowhere > 0 {
		warn("%d rows have no arm or no time (NULL) and were skipped", r.nowhere)
	}
	if len(r.strange) > 0 && slices.Contains(r.seen, false) {
		var names []string
		for name := range r.strange {
			names = append(names, fmt.Sprintf("%.40q", name))
		}
		slices.Sort(names)
		warn("column %s has %s, which is neither the name of an arm nor its version or a label of it", armColumn, strings.Join(names, ", "))
	}
	return said
}
