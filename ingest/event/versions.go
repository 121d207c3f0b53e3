package event

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/unit"
)

// A version that was released never changes what it reads. What must change
// becomes a version of its own, beside those that there are.

// one reads linnet.event/1, the newest: names in full, times as RFC 3339 or
// seconds since 1970, outcome or HTTP status, units in names.
func one(r *reader, e *draft, name string, c cell) (string, bool) {
	switch name {
	case "id":
		return r.text(&e.ID, c), true
	case "time":
		return r.time(&e.Time, c), true
	case "name":
		return r.filled(&e.Name, c), true
	case "service":
		return r.text(&e.Service, c), true
	case "version":
		return r.text(&e.Version, c), true
	case "arm":
		return r.text(&e.Arm, c), true
	case "route":
		return r.text(&e.Route, c), true
	case "trace":
		return r.text(&e.Trace, c), true
	case "environment", "region", "device", "experiment":
		return r.tag(e, name, c), true
	case "outcome":
		e.judged = true
		return outcome(&e.Outcome, c), true
	case "status":
		n, problem := whole(c, 100, 599)
		e.status = n
		return problem, true
	case "count":
		n, problem := whole(c, 1, item.MaxCount)
		e.Count = n
		return problem, true
	case "kept":
		problem := share(&e.Kept, c)
		return problem, true
	case "tags":
		return r.tags(e, c), true
	case "duration":
		e.BareSeconds = true
		return r.measure(&e.Seconds, c, unit.Unit{}), true
	case "value":
		e.BareValue = true
		return r.measure(&e.Value, c, unit.Unit{}), true
	}
	if tag, ok := strings.CutPrefix(name, "tags."); ok && c.kind == bare && tag != "" {
		return r.tag(e, tag, c), true
	}
	return r.united(e, name, c)
}

// zero reads linnet.event/0, of before the first release: short names, times in
// milliseconds, ok as true or false.
func zero(r *reader, e *draft, name string, c cell) (string, bool) {
	switch name {
	case "id":
		return r.text(&e.ID, c), true
	case "t":
		n, problem := whole(c, 0, math.MaxInt64)
		e.Time = time.UnixMilli(int64(n)).UTC()
		return problem, true
	case "name":
		return r.filled(&e.Name, c), true
	case "svc":
		return r.text(&e.Service, c), true
	case "ver":
		return r.text(&e.Version, c), true
	case "arm":
		return r.text(&e.Arm, c), true
	case "route":
		return r.text(&e.Route, c), true
	case "ms":
		ms, _ := unit.Of("ms")
		return r.measure(&e.Seconds, c, ms), true
	case "ok":
		e.judged = true
		return fine(&e.Outcome, c), true
	}
	return "", false
}

// united reads duration_ms and such: a measure with its unit in its name.
func (r *reader) united(e *draft, name string, c cell) (string, bool) {
	stem, short, ok := strings.Cut(name, "_")
	if !ok || stem != "duration" && stem != "value" {
		return "", false
	}
	_, u, known := unit.Ending(name)
	if !known && stem == "duration" {
		u, known = unit.Of(short) // of a duration, min and h can mean nothing else
	}
	if !known {
		return "", false
	}
	into := &e.Value
	if stem == "duration" {
		into = &e.Seconds
		if u.Base != "seconds" {
			return "is no unit of time; send duration_ms or duration_s", true
		}
	}
	if *into != nil {
		return "is there in two units; send it once", true
	}
	return r.measure(into, c, u), true
}

// text reads a text.
func (r *reader) text(into *string, c cell) string {
	switch c.kind {
	case text, bare:
		*into = r.word(c.value)
		return ""
	case number:
		return fmt.Sprintf("is a number; send text, in quotes: %q", c.value)
	}
	return fmt.Sprintf("is %s; send text", c.kind)
}

// filled reads a text that must not be empty.
func (r *reader) filled(into *string, c cell) string {
	if problem := r.text(into, c); problem != "" {
		return problem
	}
	if *into == "" {
		return "is empty; send a name, or leave it out"
	}
	return ""
}

func (r *reader) tag(e *draft, tag string, c cell) string {
	var value string
	if problem := r.text(&value, c); problem != "" {
		return problem
	}
	if e.Tags == nil {
		e.Tags = map[string]string{}
	}
	if _, there := e.Tags[tag]; there {
		return "is there twice, once among tags; send it once"
	}
	e.Tags[tag] = value
	return ""
}

// tags reads an object of texts.
func (r *reader) tags(e *draft, c cell) string {
	if c.kind != object {
		return fmt.Sprintf("is %s; send an object of texts: {\"region\": \"eu\"}", c.kind)
	}
	problem := ""
	s := scanner{text: c.value}
	n := 0
	_ = s.object(func(name []byte, v cell) bool {
		if n++; n > maxFields {
			problem = fmt.Sprintf("has more than %d entries; send fewer", maxFields)
		} else if v.kind != null {
			tag := r.word(name)
			if p := r.tag(e, tag, v); p != "" {
				problem = fmt.Sprintf("has %.64s, which %s", tag, p)
			}
		}
		return problem == ""
	})
	return problem
}

// measure reads a number and turns it into base units; the zero Unit leaves it.
func (r *reader) measure(into **float64, c cell, u unit.Unit) string {
	if *into != nil {
		return "is there in two units; send it once"
	}
	v, problem := float(c)
	if problem != "" {
		return problem
	}
	if u.Base != "" {
		v = u.ToBase(v)
	}
	*into = r.number(v)
	return ""
}

// time reads RFC 3339, or seconds since 1970.
func (r *reader) time(into *time.Time, c cell) string {
	const hint = "send RFC 3339 such as 2026-01-02T15:04:05.000Z, or seconds since 1970"
	switch c.kind {
	case text, bare:
		t, err := time.Parse(time.RFC3339Nano, string(c.value))
		if err == nil {
			*into = t.UTC()
			return ""
		}
		if c.kind == text {
			return fmt.Sprintf("%.64q is no time; %s", c.value, hint)
		}
	case number:
	default:
		return fmt.Sprintf("is %s; %s", c.kind, hint)
	}
	// The whole part is read apart, so that a float's 53 bits go to what is left.
	before, after, _ := strings.Cut(string(c.value), ".")
	whole, err := strconv.ParseInt(before, 10, 64)
	if err != nil || whole < 0 || strings.Trim(after, "0123456789") != "" {
		return fmt.Sprintf("%.64q is no time; %s", c.value, hint)
	}
	if whole > 100_000_000_000 {
		return fmt.Sprintf("%.64s looks like milliseconds or finer; %s", c.value, hint)
	}
	nanos := 0
	if after != "" {
		nanos, _ = strconv.Atoi((after + "000000000")[:9])
	}
	*into = time.Unix(whole, int64(nanos)).UTC()
	return ""
}

func float(c cell) (float64, string) {
	switch c.kind {
	case number, bare:
		v, err := strconv.ParseFloat(string(c.value), 64)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return 0, fmt.Sprintf("%.64q is no number that could be measured; send one such as 0.25", c.value)
		}
		return v, ""
	case text:
		return 0, "is text; send a number, without quotes and unit (units go into the name: duration_ms)"
	}
	return 0, fmt.Sprintf("is %s; send a number", c.kind)
}

func whole(c cell, least, most int) (int, string) {
	if c.kind != number && c.kind != bare {
		return 0, fmt.Sprintf("is %s; send a whole number", c.kind)
	}
	n, err := strconv.Atoi(string(c.value))
	switch {
	case err != nil:
		return 0, fmt.Sprintf("%.64q is no whole number; send one from %d on", c.value, least)
	case n < least || n > most:
		return 0, fmt.Sprintf("%d is out of range; send %d to %d", n, least, most)
	}
	return n, ""
}

func share(into *float64, c cell) string {
	v, problem := float(c)
	if problem == "" && !(v > 0 && v <= 1) {
		problem = fmt.Sprintf("%v is no share that could be kept; send one from 0.000001 to 1", v)
	}
	*into = v
	return problem
}

func outcome(into *item.Outcome, c cell) string {
	if c.kind != text && c.kind != bare {
		return fmt.Sprintf("is %s; send \"ok\" or \"error\"", c.kind)
	}
	switch string(c.value) {
	case "ok":
		*into = item.OK
	case "error":
		*into = item.Error
	default:
		return fmt.Sprintf("is %.64q; send ok or error", c.value)
	}
	return ""
}

func fine(into *item.Outcome, c cell) string {
	switch {
	case c.kind != boolean && c.kind != bare:
	case string(c.value) == "true":
		*into = item.OK
		return ""
	case string(c.value) == "false":
		*into = item.Error
		return ""
	}
	return "is not true or false; send one of them"
}
