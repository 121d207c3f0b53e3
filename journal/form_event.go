package journal

import (
	"fmt"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// storedEvent holds exactly one event.
type storedEvent struct {
	Started      *storedStarted      `json:"started,omitempty"`
	Looked       *storedLooked       `json:"look,omitempty"`
	Acknowledged *storedAcknowledged `json:"ack,omitempty"`
	Commanded    *storedCommanded    `json:"cmd,omitempty"`
}

type storedStarted struct {
	At      time.Time  `json:"t,omitzero"`
	Attempt int        `json:"a"`
	Plan    storedPlan `json:"p"`
	Salt    string     `json:"s,omitempty"`
	Epoch   uint64     `json:"e,omitempty"`
	Methods int        `json:"m"`
	By      string     `json:"by,omitempty"`
	Glass   string     `json:"bg,omitempty"`
}

type storedAcknowledged struct {
	At      time.Time      `json:"t,omitzero"`
	Effect  storedEffectID `json:"f"`
	Failure *storedReason  `json:"x,omitempty"`
}

// The stored structs below have the fields of the domain's, so that a plain
// conversion copies them and a field added there breaks the build here.

type storedCommanded struct {
	At     time.Time   `json:"t,omitzero"`
	ID     string      `json:"id,omitempty"`
	Verb   engine.Verb `json:"v"`
	Who    string      `json:"w,omitempty"`
	Reason string      `json:"r,omitempty"`
	Groups []string    `json:"g,omitempty"`
	From   string      `json:"f,omitempty"`
	Glass  string      `json:"bg,omitempty"`
}

type storedReason struct {
	Code release.Code `json:"c,omitempty"`
	Text string       `json:"t,omitempty"`
}

type storedWindow struct {
	From time.Time `json:"f,omitzero"`
	To   time.Time `json:"t,omitzero"`
}

func storeEvent(event engine.Event) (storedEvent, error) {
	switch e := event.(type) {
	case engine.Started:
		return storedEvent{Started: storeStarted(e)}, nil
	case engine.Looked:
		return storedEvent{Looked: storeLooked(e)}, nil
	case engine.Acknowledged:
		return storedEvent{Acknowledged: &storedAcknowledged{
			At: e.At.UTC(), Effect: storedEffectID(e.Effect), Failure: storeReason(e.Failure),
		}}, nil
	case engine.Commanded:
		e.At = e.At.UTC()
		stored := storedCommanded(e)
		return storedEvent{Commanded: &stored}, nil
	default:
		return storedEvent{}, fmt.Errorf("the journal has no form for the event %T: %w", event, release.ErrInvalid)
	}
}

func (s storedEvent) load() (engine.Event, error) {
	var found []engine.Event
	if s.Started != nil {
		found = append(found, s.Started.load())
	}
	if s.Looked != nil {
		looked, err := s.Looked.load()
		if err != nil {
			return nil, err
		}
		found = append(found, looked)
	}
	if a := s.Acknowledged; a != nil {
		found = append(found, engine.Acknowledged{
			At: a.At, Effect: engine.EffectID(a.Effect), Failure: a.Failure.load(),
		})
	}
	if s.Commanded != nil {
		found = append(found, engine.Commanded(*s.Commanded))
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("a record holds %d events, expected one: %w", len(found), release.ErrInvalid)
	}
	return found[0], nil
}

func storeStarted(e engine.Started) *storedStarted {
	return &storedStarted{
		At: e.At.UTC(), Attempt: e.Attempt, Plan: storePlan(e.Plan),
		Salt: e.Salt, Epoch: e.Epoch, Methods: e.Methods, By: e.By, Glass: e.Glass,
	}
}

func (s *storedStarted) load() engine.Started {
	return engine.Started{
		At: s.At, Attempt: s.Attempt, Plan: s.Plan.load(),
		Salt: s.Salt, Epoch: s.Epoch, Methods: s.Methods, By: s.By, Glass: s.Glass,
	}
}

func storeReason(r *release.Reason) *storedReason {
	if r == nil {
		return nil
	}
	stored := storedReason(*r)
	return &stored
}

func (s *storedReason) load() *release.Reason {
	if s == nil {
		return nil
	}
	r := release.Reason(*s)
	return &r
}

func storeWindow(w release.Window) storedWindow {
	return storedWindow{From: w.From.UTC(), To: w.To.UTC()}
}
