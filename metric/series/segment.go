package series

import (
	"fmt"
	"slices"
	"strings"
)

// maxSegments is how many segments of one metric are judged on their own.
const maxSegments = 100

// group is an arm's slice of the traffic; segment "" is all of it.
type group struct {
	arm     int
	segment string
}

// segmentOf names the segment that labels fall into; false where one of the
// labels of By is missing.
func segmentOf(by []string, get func(string) string) (string, bool) {
	if len(by) == 0 {
		return "", false
	}
	var b strings.Builder
	for i, name := range by {
		v := get(name)
		if v == "" || name == SampleRatio {
			return "", false
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(name + "=" + v)
	}
	return b.String(), true
}

// groupsOf are the groups a series of an arm counts in: all, and its segment.
func (l *look) groupsOf(arm int, get func(string) string) []group {
	all := group{arm: arm}
	if len(l.metric.By) == 0 {
		return []group{all}
	}
	if name, ok := segmentOf(l.metric.By, get); ok {
		return []group{all, {arm, name}}
	}
	l.warnings = append(l.warnings, fmt.Sprintf("metric %s: some series of arm %s lack a label of by (%s) and are in no segment",
		l.metric.Name, l.arms[arm].Name, strings.Join(l.metric.By, ", ")))
	return []group{all}
}

// segments lists the segments among groups in order of name, "" first, and no
// more than are judged. The choice depends on names alone, so that it is the
// same at every look while the segments are.
func segments[T any](l *look, groups map[group]T) []string {
	var names []string
	for g := range groups {
		names = append(names, g.segment)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxSegments+1 {
		l.warnings = append(l.warnings, fmt.Sprintf("metric %s: %d segments, of which the first %d by name are judged on their own",
			l.metric.Name, len(names)-1, maxSegments))
		names = names[:maxSegments+1]
	}
	return names
}

// each calls f for every window, segment and arm, in this order.
func each[T any](l *look, groups map[group]T, f func(window int, g group, v T)) {
	names := segments(l, groups)
	for w := range l.windows {
		for _, name := range names {
			for arm := range l.arms {
				if v, ok := groups[group{arm, name}]; ok {
					f(w, group{arm, name}, v)
				}
			}
		}
	}
}
