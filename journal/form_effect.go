package journal

import (
	"fmt"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
)

// storedEffect holds exactly one effect.
type storedEffect struct {
	SetRoute *storedSetRoute `json:"route,omitempty"`
	Notify   *storedNotify   `json:"notify,omitempty"`
}

type storedEffectID struct {
	Release string `json:"r"`
	Attempt int    `json:"a"`
	Seq     uint64 `json:"s"`
	Index   int    `json:"i"`
}

type storedSetRoute struct {
	Effect storedEffectID `json:"id"`
	Route  storedRoute    `json:"r"`
}

type storedNotify struct {
	Effect storedEffectID `json:"id"`
	Notice storedNotice   `json:"n"`
}

type storedRoute struct {
	Service string            `json:"s,omitempty"`
	Weights []storedArmWeight `json:"w,omitempty"`
	Salt    string            `json:"k,omitempty"`
	Epoch   uint64            `json:"e,omitempty"`
	Owner   string            `json:"o,omitempty"`
	Lease   time.Duration     `json:"l,omitempty"`
	Testers storedTesters     `json:"t,omitzero"`
	Sticky  storedSticky      `json:"y,omitzero"`
	Mirror  release.Weight    `json:"m,omitempty"`
}

type storedTesters struct {
	Header string `json:"h,omitempty"`
	Cookie string `json:"c,omitempty"`
}

type storedSticky struct {
	Header string        `json:"h,omitempty"`
	Cookie string        `json:"c,omitempty"`
	For    time.Duration `json:"f,omitempty"`
}

type storedArmWeight struct {
	Arm    string         `json:"a"`
	Weight release.Weight `json:"w"`
}

type storedNotice struct {
	ID      string          `json:"id,omitempty"`
	Release string          `json:"r,omitempty"`
	Urgency release.Urgency `json:"u,omitempty"`
	Title   string          `json:"t,omitempty"`
	Text    string          `json:"x,omitempty"`
	Links   []storedLink    `json:"l,omitempty"`

	Happening   release.Happening `json:"h,omitempty"`
	Topic       string            `json:"to,omitempty"`
	Over        bool              `json:"ov,omitempty"`
	Attempt     int               `json:"a,omitempty"`
	Service     string            `json:"s,omitempty"`
	Team        string            `json:"te,omitempty"`
	Environment string            `json:"en,omitempty"`
	Step        int               `json:"st,omitempty"`
	At          time.Time         `json:"at,omitzero"`
	Next        string            `json:"nx,omitempty"`
	Runbook     string            `json:"rb,omitempty"`
}

func storeEffects(effects []engine.Effect) ([]storedEffect, error) {
	var stored []storedEffect
	for _, effect := range effects {
		switch e := effect.(type) {
		case engine.SetRoute:
			stored = append(stored, storedEffect{SetRoute: &storedSetRoute{
				Effect: storedEffectID(e.Effect), Route: storeRoute(e.Route),
			}})
		case engine.Notify:
			stored = append(stored, storedEffect{Notify: &storedNotify{
				Effect: storedEffectID(e.Effect), Notice: storeNotice(e.Notice),
			}})
		default:
			return nil, fmt.Errorf("the journal has no form for the effect %T: %w", effect, release.ErrInvalid)
		}
	}
	return stored, nil
}

func loadEffects(stored []storedEffect) ([]engine.Effect, error) {
	var effects []engine.Effect
	for _, s := range stored {
		switch {
		case s.SetRoute != nil && s.Notify == nil:
			effects = append(effects, engine.SetRoute{
				Effect: engine.EffectID(s.SetRoute.Effect), Route: s.SetRoute.Route.load(),
			})
		case s.Notify != nil && s.SetRoute == nil:
			effects = append(effects, engine.Notify{
				Effect: engine.EffectID(s.Notify.Effect), Notice: s.Notify.Notice.load(),
			})
		default:
			return nil, fmt.Errorf("an effect of a record holds none or several, expected one: %w", release.ErrInvalid)
		}
	}
	return effects, nil
}

func storeRoute(r release.Route) storedRoute {
	return storedRoute{
		Service: r.Service, Salt: r.Salt, Epoch: r.Epoch, Owner: r.Owner, Lease: r.Lease,
		Weights: each(r.Weights, storeWeight),
		Testers: storedTesters(r.Testers), Sticky: storedSticky(r.Sticky), Mirror: r.Mirror,
	}
}

func storeWeight(w release.ArmWeight) storedArmWeight { return storedArmWeight(w) }
func (s storedArmWeight) load() release.ArmWeight     { return release.ArmWeight(s) }

func (s storedRoute) load() release.Route {
	return release.Route{
		Service: s.Service, Salt: s.Salt, Epoch: s.Epoch, Owner: s.Owner, Lease: s.Lease,
		Weights: each(s.Weights, storedArmWeight.load),
		Testers: release.Testers(s.Testers), Sticky: release.Sticky(s.Sticky), Mirror: s.Mirror,
	}
}

func storeNotice(n release.Notice) storedNotice {
	return storedNotice{
		ID: n.ID, Release: n.Release, Urgency: n.Urgency, Title: n.Title, Text: n.Text,
		Links:     each(n.Links, func(l release.Link) storedLink { return storedLink(l) }),
		Happening: n.Happening, Topic: n.Topic, Over: n.Over, Attempt: n.Attempt, Service: n.Service, Team: n.Team,
		Environment: n.Environment, Step: n.Step, At: n.At.UTC(), Next: n.Next, Runbook: n.Runbook,
	}
}

func (s storedNotice) load() release.Notice {
	return release.Notice{
		ID: s.ID, Release: s.Release, Urgency: s.Urgency, Title: s.Title, Text: s.Text,
		Links:     each(s.Links, func(l storedLink) release.Link { return release.Link(l) }),
		Happening: s.Happening, Topic: s.Topic, Over: s.Over, Attempt: s.Attempt, Service: s.Service, Team: s.Team,
		Environment: s.Environment, Step: s.Step, At: s.At, Next: s.Next, Runbook: s.Runbook,
	}
}
