package tsdb

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/common/model"
)

// timeOf reads seconds since 1970 or RFC 3339.
func timeOf(r *http.Request, name string, otherwise time.Time) (time.Time, error) {
	text := r.FormValue(name)
	if text == "" {
		return otherwise, nil
	}
	if t, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(t) < 1e12 {
		return time.UnixMilli(int64(math.Round(t * 1000))).UTC(), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	return time.Time{}, badData("invalid parameter %q: cannot parse %.60q to a valid timestamp", name, text)
}

// durationOf reads seconds or a duration such as 1m30s.
func durationOf(r *http.Request, name string) (time.Duration, error) {
	text := r.FormValue(name)
	if d, err := strconv.ParseFloat(text, 64); err == nil && d > 0 && d < 1e9 {
		return time.Duration(d * float64(time.Second)), nil
	}
	if d, err := model.ParseDuration(text); err == nil && d > 0 {
		return time.Duration(d), nil
	}
	return 0, badData("invalid parameter %q: cannot parse %.60q to a valid duration", name, text)
}
