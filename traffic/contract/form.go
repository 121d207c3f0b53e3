package contract

import (
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// version is that of the forms below. A field may be added within a version,
// since receivers ignore what they do not know; needs tells what they must not
// ignore.
const version = 1

// The operations.
const (
	apply   = "apply"
	observe = "observe"
	renew   = "renew"
	ready   = "ready"
)

// requestForm is what the other side is asked.
type requestForm struct {
	Version   int      `json:"version"`
	Operation string   `json:"operation"`
	Service   string   `json:"service"`
	Arms      []string `json:"arms"`

	// Route and Needs come with apply. Needs are the abilities that the route
	// asks for: whoever lacks one has to refuse.
	Route *routeForm        `json:"route,omitempty"`
	Needs []release.Ability `json:"needs,omitempty"`
	// Owner, Epoch and Lease come with renew.
	Owner string  `json:"owner,omitempty"`
	Epoch uint64  `json:"epoch,omitempty"`
	Lease seconds `json:"lease,omitempty"`
	// Arm comes with ready.
	Arm string `json:"arm,omitempty"`
}

type routeForm struct {
	Weights []weightForm   `json:"weights"`
	Salt    string         `json:"salt,omitempty"`
	Epoch   uint64         `json:"epoch"`
	Owner   string         `json:"owner"`
	Lease   seconds        `json:"lease,omitempty"`
	Testers testersForm    `json:"testers,omitzero"`
	Sticky  stickyForm     `json:"sticky,omitzero"`
	Mirror  release.Weight `json:"mirror,omitempty"`
}

type weightForm struct {
	Arm    string         `json:"arm"`
	Weight release.Weight `json:"weight"`
}

type testersForm struct {
	Header string `json:"header,omitempty"`
	Cookie string `json:"cookie,omitempty"`
}

type stickyForm struct {
	Header string  `json:"header,omitempty"`
	Cookie string  `json:"cookie,omitempty"`
	For    seconds `json:"for,omitempty"`
}

// seconds is how every length of time is written, fractions allowed.
type seconds float64

func secondsOf(d time.Duration) seconds { return seconds(d.Seconds()) }

func (s seconds) duration() time.Duration {
	return time.Duration(float64(s) * float64(time.Second)).Round(time.Microsecond)
}

// longest bounds a length of time that the other side tells.
const longest = seconds(366 * 24 * 60 * 60)

func toForm(r release.Route) (*routeForm, []release.Ability) {
	form := &routeForm{
		Salt: r.Salt, Epoch: r.Epoch, Owner: r.Owner, Lease: secondsOf(r.Lease), Mirror: r.Mirror,
		Testers: testersForm(r.Testers),
		Sticky:  stickyForm{Header: r.Sticky.Header, Cookie: r.Sticky.Cookie, For: secondsOf(r.Sticky.For)},
	}
	for _, w := range r.Weights {
		form.Weights = append(form.Weights, weightForm(w))
	}
	return form, split.Asked(r)
}

func (f *routeForm) route(service string) release.Route {
	r := release.Route{
		Service: service, Salt: f.Salt, Epoch: f.Epoch, Owner: f.Owner, Lease: f.Lease.duration(), Mirror: f.Mirror,
		Testers: release.Testers(f.Testers),
		Sticky:  release.Sticky{Header: f.Sticky.Header, Cookie: f.Sticky.Cookie, For: f.Sticky.For.duration()},
	}
	for _, w := range f.Weights {
		r.Weights = append(r.Weights, release.ArmWeight(w))
	}
	return r
}

// seenForm is the answer to observe.
type seenForm struct {
	Version *int       `json:"version"`
	Service *string    `json:"service"`
	Route   *routeForm `json:"route"`
	Lapsed  bool       `json:"lapsed"`
	Writers []string   `json:"writers"`
}

// failureForm is the answer of a side that did not do what it was asked.
type failureForm struct {
	Code  string `json:"code"`
	Error string `json:"error"`
}

// codes are those of failures, and what they mean.
var codes = map[string]error{
	"invalid":     release.ErrInvalid,
	"not_found":   release.ErrNotFound,
	"conflict":    release.ErrConflict,
	"unavailable": release.ErrUnavailable,
}
