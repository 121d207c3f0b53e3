package googletest

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Series is what points are written to.
type Series struct {
	// Type is the metric's, Kind is DELTA or GAUGE.
	Type, Kind                         string
	Labels, ResourceLabels, UserLabels map[string]string
	// ResourceType is the monitored resource's.
	ResourceType string
	// Buckets are a distribution's options, as the API writes them; nil for
	// numbers.
	Buckets map[string]any
}

// held is a series with its points.
type held struct {
	Series
	points []point
}

// point is one of a series: a number, or counts of buckets.
type point struct {
	end    time.Time
	value  float64
	counts []int64
}

// Put writes a number for the time up to end.
func (s *Server) Put(to Series, end time.Time, v float64) { s.put(to, point{end: end, value: v}) }

// PutBuckets writes a distribution for the time up to end.
func (s *Server) PutBuckets(to Series, end time.Time, counts ...int64) {
	s.put(to, point{end: end, counts: counts})
}

func (s *Server) put(to Series, p point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := to.Type + "|" + to.ResourceType
	for _, labels := range []map[string]string{to.Labels, to.ResourceLabels, to.UserLabels} {
		for _, name := range slices.Sorted(maps.Keys(labels)) {
			id += "|" + name + "=" + labels[name]
		}
		id += "|"
	}
	if s.series[id] == nil {
		s.series[id] = &held{Series: to}
	}
	s.series[id].points = append(s.series[id].points, p)
}

var fieldLike = regexp.MustCompile(`^(metric\.labels?|resource\.labels?|metadata\.user_labels)\.[A-Za-z_]\w*$`)

// get is the value of a field.
func (s Series) get(field string) string {
	kind, name := field[:strings.LastIndex(field, ".")], field[strings.LastIndex(field, ".")+1:]
	switch {
	case field == "metric.type":
		return s.Type
	case field == "resource.type":
		return s.ResourceType
	case strings.HasPrefix(kind, "metric."):
		return s.Labels[name]
	case strings.HasPrefix(kind, "resource."):
		return s.ResourceLabels[name]
	}
	return s.UserLabels[name]
}

// filter is a conjunction of equalities.
type filter []struct{ field, value string }

var equality = regexp.MustCompile(`^\s*([a-z_.]+[A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:AND\s|$)`)

func parseFilter(text string) (out filter, refused *refusal) {
	for rest := text; rest != ""; {
		m := equality.FindStringSubmatch(rest)
		if m == nil || m[1] != "metric.type" && m[1] != "resource.type" && !fieldLike.MatchString(m[1]) {
			return nil, invalid("Field filter had an invalid value of %q: The lefthand side of each expression must be prefixed with one of {group, metadata, metric, project, resource}.", text)
		}
		value, err := strconv.Unquote(`"` + m[2] + `"`)
		if err != nil {
			return nil, invalid("Field filter had an invalid value of %q: Could not parse filter.", text)
		}
		out = append(out, struct{ field, value string }{m[1], value})
		rest = rest[len(m[0]):]
	}
	types := 0
	for _, one := range out {
		if one.field == "metric.type" {
			types++
		}
	}
	if types != 1 {
		return nil, invalid("Field filter had an invalid value of %q: must specify a single metric type.", text)
	}
	return out, nil
}

// group is series that are reduced to one.
type group struct {
	like   Series
	points map[int64][]point // by the end of their period
}

// answer aligns and reduces.
func (s *Server) answer(in request) ([]*group, *refusal) {
	groups, known := map[string]*group{}, false
	for _, id := range slices.Sorted(maps.Keys(s.series)) {
		h := s.series[id]
		fits := true
		for _, one := range in.filter {
			known = known || one.field == "metric.type" && one.value == h.Type
			fits = fits && h.get(one.field) == one.value
		}
		if !fits {
			continue
		}
		if in.aligner == "ALIGN_DELTA" && h.Kind != "DELTA" || in.aligner == "ALIGN_MEAN" && h.Buckets != nil {
			return nil, invalid("Field aggregation.perSeriesAligner had an invalid value of %q: The aligner cannot be applied to metrics with kind %s.", in.aligner, h.Kind)
		}
		at := id
		if in.reducer != "REDUCE_NONE" {
			at = ""
			for _, field := range in.by {
				at += "|" + h.get(field)
			}
		}
		if groups[at] == nil {
			groups[at] = &group{like: h.kept(in), points: map[int64][]point{}}
		}
		for end, p := range h.aligned(in) {
			groups[at].points[end] = append(groups[at].points[end], p)
		}
	}
	if !known {
		return nil, &refusal{404, "NOT_FOUND", "Cannot find metric(s) that match type = \"" + in.filter[0].value + "\". If a metric was created recently, it could take up to 10 minutes to become available."}
	}
	var out []*group
	for _, at := range slices.Sorted(maps.Keys(groups)) {
		if g := groups[at]; len(g.points) > 0 {
			g.reduce(in.reducer)
			out = append(out, g)
		}
	}
	return out, nil
}

// kept is a series with the labels that are left by the reduction.
func (h *held) kept(in request) Series {
	if in.reducer == "REDUCE_NONE" {
		return h.Series
	}
	out := Series{Type: h.Type, Kind: h.Kind, ResourceType: h.ResourceType, Buckets: h.Buckets, Labels: map[string]string{}, ResourceLabels: map[string]string{}, UserLabels: map[string]string{}}
	for _, field := range in.by {
		kind, name, _ := strings.Cut(field, ".")
		_, name, _ = strings.Cut(name, ".")
		v := h.get(field)
		switch {
		case v == "":
		case kind == "metric":
			out.Labels[name] = v
		case kind == "resource":
			out.ResourceLabels[name] = v
		default:
			out.UserLabels[name] = v
		}
	}
	return out
}

// aligned has one point for each period, counted back from the end.
func (h *held) aligned(in request) map[int64]point {
	all := map[int64][]point{}
	for _, p := range h.points {
		if !p.end.After(in.from) || p.end.After(in.to) {
			continue
		}
		end := in.to.Add(-in.to.Sub(p.end).Truncate(in.period))
		all[end.Unix()] = append(all[end.Unix()], p)
	}
	out := map[int64]point{}
	for end, points := range all {
		one := sum(points)
		if in.aligner == "ALIGN_MEAN" {
			one.value /= float64(len(points))
		}
		out[end] = one
	}
	return out
}

func sum(points []point) (out point) {
	for _, p := range points {
		out.value += p.value
		for len(out.counts) < len(p.counts) {
			out.counts = append(out.counts, 0)
		}
		for i, n := range p.counts {
			out.counts[i] += n
		}
	}
	return out
}

// reduce makes one point of those of a group.
func (g *group) reduce(reducer string) {
	if reducer == "REDUCE_NONE" || reducer == "REDUCE_SUM" {
		for end, points := range g.points {
			g.points[end] = []point{sum(points)}
		}
		return
	}
	for end, points := range g.points {
		one := sum(points)
		v := one.value / float64(len(points))
		if g.like.Buckets != nil {
			v = float64(one.quantile(reducer))
		}
		g.points[end] = []point{{value: v}}
	}
	g.like.Buckets = nil
}

// quantile is the bucket that a quantile lies in; the mean is taken for the median.
func (p point) quantile(reducer string) int {
	q := map[string]float64{"REDUCE_PERCENTILE_95": 0.95, "REDUCE_PERCENTILE_99": 0.99}[reducer]
	if q == 0 {
		q = 0.5
	}
	all, upTo := int64(0), int64(0)
	for _, n := range p.counts {
		all += n
	}
	for i, n := range p.counts {
		if upTo += n; float64(upTo) >= math.Ceil(q*float64(all)) {
			return i
		}
	}
	return len(p.counts)
}

// page gives so many points, of each series the newest first.
func page(all []*group, in request) map[string]any {
	var out []any
	at, more := 0, false
	for _, g := range all {
		var points []any
		ends := slices.Sorted(maps.Keys(g.points))
		slices.Reverse(ends)
		for _, end := range ends {
			if at++; at <= in.skip {
				continue
			}
			if at > in.skip+in.size {
				more = true
				break
			}
			points = append(points, g.written(end, in.period))
		}
		if len(points) > 0 {
			out = append(out, map[string]any{
				"metric":   map[string]any{"type": g.like.Type, "labels": g.like.Labels},
				"resource": map[string]any{"type": g.like.ResourceType, "labels": g.like.ResourceLabels},
				"metadata": map[string]any{"userLabels": g.like.UserLabels}, "metricKind": g.like.Kind, "points": points,
			})
		}
	}
	answer := map[string]any{"timeSeries": out, "unit": "1"}
	if more {
		answer["nextPageToken"] = strconv.Itoa(in.skip + in.size)
	}
	return answer
}

// written is a point as the API writes it.
func (g *group) written(end int64, period time.Duration) map[string]any {
	p := g.points[end][0]
	value := map[string]any{"doubleValue": p.value}
	switch {
	case g.like.Buckets != nil:
		n := int64(0)
		var counts []string
		for _, c := range p.counts {
			n += c
			counts = append(counts, strconv.FormatInt(c, 10))
		}
		value = map[string]any{"distributionValue": map[string]any{"count": strconv.FormatInt(n, 10), "bucketOptions": g.like.Buckets, "bucketCounts": counts}}
	case math.IsNaN(p.value) || math.IsInf(p.value, 0):
		value = map[string]any{"doubleValue": map[bool]string{true: "NaN", false: "Infinity"}[math.IsNaN(p.value)]}
	case p.value == math.Trunc(p.value):
		value = map[string]any{"int64Value": strconv.FormatInt(int64(p.value), 10)}
	}
	to := time.Unix(end, 0).UTC()
	return map[string]any{
		"interval": map[string]any{"startTime": to.Add(-period).Format(time.RFC3339), "endTime": to.Format(time.RFC3339)}, "value": value,
	}
}
