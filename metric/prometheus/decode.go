package prometheus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/metric/series"
	"github.com/linnet-project/linnet/metric/web"
)

var errTooMany = errors.New("too many series")

// answer is what the API says.
type answer struct {
	status, errorType, message string
	kind                       string // matrix, vector, …
	series                     []series.Series
	warnings                   []string // and infos
	clock                      web.Clock
}

// decode reads an answer element by element, so that an answer of more series
// than limit is dropped before it is in memory.
func decode(r io.Reader, limit int) (answer, error) {
	var a answer
	d := json.NewDecoder(r)
	err := object(d, func(key string) error {
		switch key {
		case "status":
			return d.Decode(&a.status)
		case "errorType":
			return d.Decode(&a.errorType)
		case "error":
			return d.Decode(&a.message)
		case "warnings", "infos":
			var said []string
			err := d.Decode(&said)
			for _, text := range said[:min(len(said), 20)] {
				a.warnings = append(a.warnings, web.Clip(text))
			}
			return err
		case "data":
			return a.data(d, limit)
		}
		return skip(d)
	})
	if err == nil && a.status == "" {
		err = errors.New("no status")
	}
	return a, err
}

// object calls f for each key of an object, with its value next to be read. A
// null is an empty object.
func object(d *json.Decoder, f func(key string) error) error {
	open, err := d.Token()
	if err != nil || open == nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("found %v in place of an object", open)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("found %v in place of a key", key)
		}
		if err := f(name); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func skip(d *json.Decoder) error {
	var any json.RawMessage
	return d.Decode(&any)
}

func (a *answer) data(d *json.Decoder, limit int) error {
	return object(d, func(key string) error {
		switch key {
		case "resultType":
			return d.Decode(&a.kind)
		case "result":
			return a.result(d, limit)
		}
		return skip(d)
	})
}

func (a *answer) result(d *json.Decoder, limit int) error {
	open, err := d.Token()
	if err != nil || open == nil {
		return err
	}
	if open != json.Delim('[') {
		return fmt.Errorf("found %v in place of a list of results", open)
	}
	for d.More() {
		if a.kind == "scalar" || a.kind == "string" {
			if err := skip(d); err != nil {
				return err
			}
			continue
		}
		if len(a.series) == limit {
			return errTooMany
		}
		var one element
		if err := d.Decode(&one); err != nil {
			return err
		}
		s, err := one.series()
		if err != nil {
			return err
		}
		a.series = append(a.series, s)
	}
	_, err = d.Token()
	return err
}

// element is one series of a vector or matrix.
type element struct {
	Metric     map[string]string `json:"metric"`
	Value      *point            `json:"value"`
	Values     []point           `json:"values"`
	Histogram  *dist             `json:"histogram"`
	Histograms []dist            `json:"histograms"`
}

func (e element) series() (series.Series, error) {
	s := series.Series{Labels: labels.FromMap(e.Metric)}
	if e.Value != nil {
		e.Values = append(e.Values, *e.Value)
	}
	if e.Histogram != nil {
		e.Histograms = append(e.Histograms, *e.Histogram)
	}
	s.Points = make([]series.Point, len(e.Values))
	for i, p := range e.Values {
		s.Points[i] = series.Point(p)
		if i > 0 && s.Points[i-1].T >= p.T {
			return s, errors.New("samples are not in order of time")
		}
	}
	for i, h := range e.Histograms {
		s.Dists = append(s.Dists, series.Dist(h))
		if i > 0 && s.Dists[i-1].T >= h.T {
			return s, errors.New("samples are not in order of time")
		}
	}
	return s, nil
}

// point is [1700000000.123,"4.5"].
type point series.Point

func (p *point) UnmarshalJSON(text []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("sample has %d parts, want time and value", len(pair))
	}
	var err error
	if p.T, err = stamp(pair[0]); err != nil {
		return err
	}
	p.V, err = quoted(pair[1])
	return err
}

// stamp reads seconds as milliseconds.
func stamp(text json.RawMessage) (int64, error) {
	t, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(math.Abs(t) < 1e12) {
		return 0, fmt.Errorf("%.40q is no time", text)
	}
	return int64(math.Round(t * 1000)), nil
}

// quoted reads a number in quotes, as the API writes all values.
func quoted(text json.RawMessage) (float64, error) {
	if n := len(text); n >= 2 && text[0] == '"' && text[n-1] == '"' {
		if v, err := strconv.ParseFloat(string(text[1:n-1]), 64); err == nil || errors.Is(err, strconv.ErrRange) {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%.40q is no value", text)
}

// dist is a native histogram: [time, {"count":…, "buckets":[[rule, lower,
// upper, count], …]}], of buckets that hold anything.
type dist series.Dist

func (h *dist) UnmarshalJSON(text []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(text, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("sample has %d parts, want time and histogram", len(pair))
	}
	var err error
	if h.T, err = stamp(pair[0]); err != nil {
		return err
	}
	var said struct {
		Buckets [][]json.RawMessage `json:"buckets"`
	}
	if err := json.Unmarshal(pair[1], &said); err != nil {
		return err
	}
	for _, b := range said.Buckets {
		if len(b) != 4 {
			return fmt.Errorf("bucket has %d parts, want rule, bounds and count", len(b))
		}
		lo, err1 := quoted(b[1])
		hi, err2 := quoted(b[2])
		n, err3 := quoted(b[3])
		if err := errors.Join(err1, err2, err3); err != nil {
			return err
		}
		if !(lo <= hi) || !(n >= 0) || math.IsInf(n, 1) {
			return fmt.Errorf("bucket from %g to %g cannot hold %g", lo, hi, n)
		}
		h.Cells = append(h.Cells, series.Cell{Lo: lo, Hi: hi, N: n})
	}
	h.Cells = series.Fold(h.Cells)
	return nil
}
