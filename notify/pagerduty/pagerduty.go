// Package pagerduty tells PagerDuty, by its Events API v2: what lasts triggers an
// alert, and its end resolves it. What is told of one topic has one dedup_key, so
// that doubles and updates join one alert.
//
// https://developer.pagerduty.com/docs/send-alert-event says what an event is: a
// summary of at most 1,024 characters, a severity, and 202 for one that is taken.
package pagerduty

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
)

// Config says where messages go. All must be set.
type Config struct {
	URL, KeyFile string
	Client       *http.Client
	Timeout      time.Duration
}

// Channel is an integration of PagerDuty.
type Channel struct{ cfg Config }

// New returns a Channel.
func New(cfg Config) *Channel { return &Channel{cfg} }

const (
	maxSummary = 1024
	maxKey     = 255
	maxDetail  = 4000
)

type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Payload    *payload `json:"payload,omitempty"`
	Links      []link   `json:"links,omitempty"`
}

type payload struct {
	Summary   string            `json:"summary"`
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp time.Time         `json:"timestamp,omitzero"`
	Component string            `json:"component,omitempty"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// Send sends an event for each notice, so that each alert can be resolved. A
// digest is one event of its own.
func (c *Channel) Send(ctx context.Context, m release.Message) (release.Sent, error) {
	key, err := post.Secret(c.cfg.KeyFile)
	if err != nil {
		return release.Sent{}, err
	}
	var events []event
	if m.Digest {
		events = []event{{Action: "trigger", DedupKey: m.ID, Payload: &payload{Summary: m.Title, Source: "linnet", Severity: "info", Details: map[string]string{"text": post.Cut(m.Text, maxDetail)}}}}
	}
	for _, n := range m.Notices {
		if !m.Digest {
			events = append(events, eventOf(n, m))
		}
	}
	for _, e := range events {
		e.RoutingKey, e.DedupKey = key, short(e.DedupKey)
		if _, sent, err := post.Do(ctx, post.Request{
			Client: c.cfg.Client, URL: strings.TrimSuffix(c.cfg.URL, "/") + "/v2/enqueue", Hidden: []string{key}, Timeout: c.cfg.Timeout, Body: e,
		}); err != nil {
			return sent, err
		}
	}
	return release.Sent{}, nil
}

func eventOf(n release.Notice, m release.Message) event {
	if n.Over {
		return event{Action: "resolve", DedupKey: n.Topic}
	}
	e := event{Action: "trigger", DedupKey: n.Topic, Client: "Linnet", ClientURL: m.Page, Payload: &payload{
		Summary: post.Cut(n.Title, maxSummary), Source: source(n), Severity: "info", Timestamp: n.At,
		Component: n.Service, Group: n.Team, Class: string(n.Happening), Details: map[string]string{},
	}}
	if n.Urgency == release.Page {
		e.Payload.Severity = "critical"
	}
	if len(m.Notices) == 1 {
		e.Payload.Summary = post.Cut(m.Title, maxSummary)
		e.Payload.Details["message"] = post.Cut(m.Text, maxDetail)
	}
	for name, value := range map[string]string{"text": n.Text, "release": n.Release, "environment": n.Environment, "next": n.Next, "runbook": n.Runbook} {
		if value != "" {
			e.Payload.Details[name] = post.Cut(value, maxDetail)
		}
	}
	for _, l := range n.Links {
		e.Links = append(e.Links, link{l.URL, l.Name})
	}
	return e
}

func source(n release.Notice) string {
	if n.Service != "" {
		return n.Service
	}
	return "linnet"
}

// short keeps a key within what PagerDuty takes; what is longer differs at its
// end, where the topic says what happens.
func short(key string) string {
	if len(key) <= maxKey {
		return key
	}
	return key[len(key)-maxKey:]
}
