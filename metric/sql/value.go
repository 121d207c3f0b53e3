package sql

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// textOf is a value as people read it.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// numberOf is a value as a number: decimals come as text.
func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case uint64:
		return float64(v), true
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case string, []byte:
		n, err := strconv.ParseFloat(strings.TrimSpace(textOf(v)), 64)
		return n, err == nil
	}
	return 0, false
}

// forms are how databases write times as text; without a zone they mean UTC.
var forms = []string{
	time.RFC3339Nano,
	"2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999Z07",
	"2006-01-02 15:04:05.999999999 -0700 MST",
	"2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04",
	"2006-01-02",
}

// timeOf is a value as an instant: a time, a text, or a number of seconds since
// 1970; of milli-, micro- or nanoseconds where seconds would be after the year
// 5000.
func timeOf(v any) (time.Time, bool) {
	if t, ok := v.(time.Time); ok {
		return t, plausible(t)
	}
	if n, ok := numberOf(v); ok {
		if _, isBool := v.(bool); isBool || !(math.Abs(n) < 1e19) {
			return time.Time{}, false
		}
		for math.Abs(n) >= 1e11 {
			n /= 1000
		}
		whole, part := math.Modf(n)
		// A float of seconds is no finer than a microsecond.
		return time.Unix(int64(whole), int64(math.Round(part*1e6))*1000), true
	}
	text := strings.TrimSpace(textOf(v))
	for _, form := range forms {
		if t, err := time.Parse(form, text); err == nil {
			return t, plausible(t)
		}
	}
	return time.Time{}, false
}

// plausible tells whether a time can be counted with.
func plausible(t time.Time) bool { return t.Year() >= 1 && t.Year() < 5000 }
