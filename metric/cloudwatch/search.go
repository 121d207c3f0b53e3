package cloudwatch

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// A metric that is judged by segments has them as dimensions beside those that
// its question names. CloudWatch is asked to search for all metrics that have
// just these dimensions, and to write the segment into the label of each.

// between separates the values of several dimensions in a label; no dimension
// can hold it, since they are ASCII.
const between = "¦"

// queryOf asks for one statistic of a term, in all segments where by has labels.
func (s *Source) queryOf(id, stat string, t term, by []string) types.MetricDataQuery {
	period := int32(s.config.Period / time.Second)
	if len(by) == 0 {
		m := &types.Metric{Namespace: &t.namespace, MetricName: &t.metric}
		for _, d := range t.dimensions {
			m.Dimensions = append(m.Dimensions, types.Dimension{Name: &d.name, Value: &d.value})
		}
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Metric: m, Period: &period, Stat: &stat}}
	}
	names, filter := []string{quoted(t.namespace)}, "MetricName="+quoted(t.metric)
	for _, d := range t.dimensions {
		names = append(names, quoted(d.name))
		filter += fmt.Sprintf(` %s=%s`, quoted(d.name), quoted(d.value))
	}
	var label []string
	for _, name := range by {
		names = append(names, quoted(name))
		label = append(label, "${PROP('Dim."+name+"')}")
	}
	return types.MetricDataQuery{
		Id: &id, Label: aws.String(strings.Join(label, between)), Period: &period,
		Expression: aws.String(fmt.Sprintf("SEARCH('{%s} %s', '%s', %d)", strings.Join(names, ","), filter, stat, period)),
	}
}

// quoted is a word of a search that is matched as a whole.
func quoted(word string) string { return `"` + word + `"` }

// labelsOf reads the segment from a label.
func labelsOf(label string, by []string) map[string]string {
	out := map[string]string{}
	for i, value := range strings.SplitN(label, between, len(by)) {
		if i < len(by) {
			out[by[i]] = value
		}
	}
	return out
}
