// Package unit knows the units that values come in, and turns them into base
// units: seconds, bytes, ratios.
package unit

import "strings"

// Unit is a unit of measurement.
type Unit struct {
	// Base is its base unit: "seconds", "bytes" or "ratio".
	Base string
	// times and over turn a value into the base unit. Dividing by a whole number
	// is closer than multiplying with its inverse: 5 ms are 0.005 s.
	times, over float64
}

// ToBase turns a value of this unit into the base unit.
func (u Unit) ToBase(v float64) float64 { return v * u.times / u.over }

// IsBase tells whether it is a base unit itself.
func (u Unit) IsBase() bool { return u.times == u.over }

var units = map[string]Unit{
	"ns": {"seconds", 1, 1e9}, "us": {"seconds", 1, 1e6}, "µs": {"seconds", 1, 1e6}, "ms": {"seconds", 1, 1e3},
	"s": {"seconds", 1, 1}, "min": {"seconds", 60, 1}, "h": {"seconds", 3600, 1},
	"bytes": {"bytes", 1, 1}, "KB": {"bytes", 1e3, 1}, "MB": {"bytes", 1e6, 1}, "GB": {"bytes", 1e9, 1},
	"KiB": {"bytes", 1 << 10, 1}, "MiB": {"bytes", 1 << 20, 1}, "GiB": {"bytes", 1 << 30, 1},
	"ratio": {"ratio", 1, 1}, "percent": {"ratio", 1, 100},
}

// Of gives the unit of a name, such as "ms".
func Of(name string) (Unit, bool) {
	u, ok := units[name]
	return u, ok
}

// endings are the words at the end of a name that say its unit. What may as well
// be something else, such as _min and _h, is not among them.
var endings = map[string]string{
	"ns": "ns", "nanoseconds": "ns", "us": "us", "microseconds": "us", "ms": "ms", "millis": "ms", "milliseconds": "ms",
	"s": "s", "sec": "s", "secs": "s", "seconds": "s", "minutes": "min", "hours": "h",
	"bytes": "bytes", "kb": "KB", "kilobytes": "KB", "mb": "MB", "megabytes": "MB", "gb": "GB", "gigabytes": "GB",
	"kib": "KiB", "kibibytes": "KiB", "mib": "MiB", "mebibytes": "MiB", "gib": "GiB", "gibibytes": "GiB",
	"ratio": "ratio", "percent": "percent", "pct": "percent",
}

// Ending splits a name such as "latency_ms" into "latency" and the unit that its
// last word says; ok is false where that is no unit. Words are set apart by _ or
// a point.
func Ending(name string) (stem string, u Unit, ok bool) {
	at := strings.LastIndexAny(name, "_.")
	if at <= 0 {
		return "", Unit{}, false
	}
	short, ok := endings[strings.ToLower(name[at+1:])]
	if !ok {
		return "", Unit{}, false
	}
	return name[:at], units[short], true
}
