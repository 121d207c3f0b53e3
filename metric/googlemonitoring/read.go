package googlemonitoring

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

// page is an answer of the API.
type page struct {
	TimeSeries      []series                   `json:"timeSeries"`
	NextPageToken   string                     `json:"nextPageToken"`
	ExecutionErrors []struct{ Message string } `json:"executionErrors"`
	Unreachable     []string                   `json:"unreachable"`
}

type series struct {
	Metric   struct{ Labels map[string]string } `json:"metric"`
	Resource struct{ Labels map[string]string } `json:"resource"`
	Metadata struct {
		SystemLabels map[string]any    `json:"systemLabels"`
		UserLabels   map[string]string `json:"userLabels"`
	} `json:"metadata"`
	Points []struct {
		Interval struct {
			EndTime time.Time `json:"endTime"`
		} `json:"interval"`
		Value value `json:"value"`
	} `json:"points"`
}

// value is one of the kinds that the API has.
type value struct {
	Bool         *bool         `json:"boolValue"`
	Int64        *string       `json:"int64Value"`
	Double       *number       `json:"doubleValue"`
	Distribution *distribution `json:"distributionValue"`
}

// number is written as one, or as a text where it is none.
type number float64

// UnmarshalJSON reads also "NaN" and "Infinity".
func (n *number) UnmarshalJSON(text []byte) error {
	v, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	*n = number(v)
	return err
}

// distribution is a histogram; bucket counts at its end that are zero may be left
// out.
type distribution struct {
	Count         string        `json:"count"`
	BucketOptions bucketOptions `json:"bucketOptions"`
	BucketCounts  []string      `json:"bucketCounts"`
}

type bucketOptions struct {
	Explicit *struct {
		Bounds []float64 `json:"bounds"`
	} `json:"explicitBuckets"`
	Linear *struct {
		NumFiniteBuckets int     `json:"numFiniteBuckets"`
		Width            float64 `json:"width"`
		Offset           float64 `json:"offset"`
	} `json:"linearBuckets"`
	Exponential *struct {
		NumFiniteBuckets int     `json:"numFiniteBuckets"`
		GrowthFactor     float64 `json:"growthFactor"`
		Scale            float64 `json:"scale"`
	} `json:"exponentialBuckets"`
}

// maxBuckets is more than the API allows.
const maxBuckets = 1000

// bounds are the upper bounds of the buckets but the last, rising; the first is
// also where the finite ones begin.
func (o bucketOptions) bounds() ([]float64, error) {
	var out []float64
	n, at := 0, func(int) float64 { return 0 }
	switch {
	case o.Explicit != nil:
		n, at = len(o.Explicit.Bounds), func(i int) float64 { return o.Explicit.Bounds[i] }
	case o.Linear != nil:
		n, at = o.Linear.NumFiniteBuckets+1, func(i int) float64 { return o.Linear.Offset + o.Linear.Width*float64(i) }
	case o.Exponential != nil:
		n, at = o.Exponential.NumFiniteBuckets+1, func(i int) float64 {
			return o.Exponential.Scale * math.Pow(o.Exponential.GrowthFactor, float64(i))
		}
	}
	if n <= 0 || n > maxBuckets {
		return nil, invalid("a distribution has %d bounds of buckets", n)
	}
	for i := range n {
		b := at(i)
		if math.IsNaN(b) || math.IsInf(b, 0) || i > 0 && b <= out[i-1] {
			return nil, invalid("the bounds of a distribution's buckets do not rise at %g", b)
		}
		out = append(out, b)
	}
	return out, nil
}

// rows makes rows of all that was found.
func (l *look) rows() (out []rows.Row, err error) {
	same := l.sameBuckets()
	strangers := 0
	for _, f := range l.found {
		labels := map[string]string{}
		for _, by := range f.by {
			labels[by.name] = f.label(by)
		}
		row := rows.Row{Arm: f.arm, Role: f.role, Labels: labels}
		if f.arm < 0 {
			if row.Arm = armOf(l.q.Arms, labels); row.Arm < 0 {
				strangers++
				continue
			}
		}
		for _, p := range f.Points {
			row.To = p.Interval.EndTime
			if f.role != rows.Bucket {
				if row.Value, err = p.Value.number(); err != nil {
					return nil, err
				}
				out = append(out, row)
				continue
			}
			more, err := p.Value.Distribution.rows(row, same)
			if err != nil {
				return nil, err
			}
			if out = append(out, more...); len(out) > rows.Most {
				return out, nil // more than one answer may have, which is said there
			}
		}
	}
	if strangers > 0 && strangers == len(l.found) {
		l.warn("none of %d series names an arm, by its name, version or a label; group by a field that does", strangers)
	}
	return out, nil
}

// label is a field's value in a series.
func (s series) label(f field) string {
	switch {
	case strings.HasPrefix(f.kind, "metric."):
		return s.Metric.Labels[f.name]
	case strings.HasPrefix(f.kind, "resource."):
		return s.Resource.Labels[f.name]
	case f.kind == "metadata.user_labels":
		return s.Metadata.UserLabels[f.name]
	}
	if v, ok := s.Metadata.SystemLabels[f.name]; ok {
		return fmt.Sprint(v)
	}
	return ""
}

// armOf finds the one arm that a series names.
func armOf(arms []release.Arm, labels map[string]string) int {
	found := -1
	for _, text := range labels {
		arm := rows.ArmOf(arms, text)
		if arm >= 0 && found >= 0 && arm != found {
			return -1
		}
		found = max(found, arm)
	}
	return found
}

// number is a value that counts or tells a level; of a distribution how many
// values it has.
func (v value) number() (float64, error) {
	switch {
	case v.Int64 != nil:
		return count(*v.Int64)
	case v.Double != nil:
		return float64(*v.Double), nil
	case v.Bool != nil && *v.Bool:
		return 1, nil
	case v.Bool != nil:
		return 0, nil
	case v.Distribution != nil:
		return count(v.Distribution.Count)
	}
	return 0, invalid("a point has no number; is the metric one of texts")
}

// count reads a 64-bit integer, which the API writes as a text; none is zero.
func count(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, invalid("%.60q is no integer", text)
	}
	return float64(n), nil
}

// rows are the buckets of a distribution. Where all of an answer have the same
// bounds, only those with values, and where each of these begins.
func (d *distribution) rows(row rows.Row, same bool) (out []rows.Row, err error) {
	if d == nil {
		return nil, invalid("a point is no distribution; ask for the metric as a ratio, a count or a gauge")
	}
	if len(d.BucketCounts) == 0 { // a distribution of nothing
		return nil, nil
	}
	bounds, err := d.BucketOptions.bounds()
	if err != nil {
		return nil, err
	}
	if len(d.BucketCounts) > len(bounds)+1 {
		return nil, invalid("a distribution has %d bounds and %d buckets", len(bounds), len(d.BucketCounts))
	}
	counts := make([]float64, len(bounds)+1)
	for i, text := range d.BucketCounts {
		if counts[i], err = count(text); err != nil {
			return nil, err
		}
	}
	add := func(i int) {
		row.Value, row.Bound = counts[i], math.Inf(1)
		if i < len(bounds) {
			row.Bound = bounds[i]
		}
		out = append(out, row)
	}
	for i := range counts {
		if row.Role = rows.Bucket; same {
			row.Role = rows.Sparse
		}
		// An empty bucket below one with values is where these begin.
		if !same || counts[i] > 0 || i+1 < len(counts) && counts[i+1] > 0 {
			add(i)
		}
	}
	return out, nil
}

// sameBuckets tells whether all distributions have the same bounds.
func (l *look) sameBuckets() bool {
	var first *bucketOptions
	for _, f := range l.found {
		for _, p := range f.Points {
			d := p.Value.Distribution
			switch {
			case d == nil || len(d.BucketCounts) == 0:
			case first == nil:
				first = &d.BucketOptions
			case !reflect.DeepEqual(*first, d.BucketOptions):
				return false
			}
		}
	}
	return true
}
