package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// The admin API and the state file share these JSON forms.

type weightForm struct {
	Arm    string         `json:"arm"`
	Weight release.Weight `json:"weight"`
}

type routeForm struct {
	Service string       `json:"service"`
	Weights []weightForm `json:"weights"`
	Salt    string       `json:"salt,omitempty"`
	Epoch   uint64       `json:"epoch"`
	Owner   string       `json:"owner,omitempty"`
	Lease   span         `json:"lease,omitzero"`
}

type seenForm struct {
	Route  routeForm `json:"route"`
	Lapsed bool      `json:"lapsed"`
}

type renewForm struct {
	Owner string `json:"owner"`
	Epoch uint64 `json:"epoch"`
	Lease span   `json:"lease"`
}

type errorForm struct {
	Code  string `json:"code"`
	Error string `json:"error"`
}

type healthForm struct {
	Service   string         `json:"service"`
	Upstreams []upstreamForm `json:"upstreams"`
}

type upstreamForm struct {
	Arm     string `json:"arm"`
	URL     string `json:"url"`
	Version string `json:"version,omitempty"`
	Healthy bool   `json:"healthy"`
	// Probed is false where there is no health path, or no probe yet.
	Probed bool `json:"probed"`
	// Since is when Healthy became what it is.
	Since time.Time `json:"since,omitzero"`
	// Error is why the last probe was bad.
	Error string `json:"error,omitempty"`
}

// span is a duration written as people do: "30s".
type span time.Duration

// MarshalText implements encoding.TextMarshaler.
func (s span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%.40q is not a duration such as 30s", text)
	}
	*s = span(d)
	return nil
}

func toForm(r release.Route) routeForm {
	form := routeForm{Service: r.Service, Salt: r.Salt, Epoch: r.Epoch, Owner: r.Owner, Lease: span(r.Lease)}
	form.Weights = make([]weightForm, len(r.Weights))
	for i, w := range r.Weights {
		form.Weights[i] = weightForm(w)
	}
	return form
}

func (f routeForm) route() release.Route {
	r := release.Route{Service: f.Service, Salt: f.Salt, Epoch: f.Epoch, Owner: f.Owner, Lease: time.Duration(f.Lease)}
	for _, w := range f.Weights {
		r.Weights = append(r.Weights, release.ArmWeight(w))
	}
	return r
}

// decode reads exactly one JSON value, with no key that is not known.
func decode(from io.Reader, into any) error {
	d := json.NewDecoder(from)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("is empty, JSON is expected")
		}
		var kind *json.UnmarshalTypeError
		if errors.As(err, &kind) {
			return fmt.Errorf("%s: a %s does not belong there", kind.Field, kind.Value)
		}
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("has more than one JSON value")
	}
	return nil
}
