// Package alertmanager tells an Alertmanager: what lasts is an alert that starts,
// and ends when it is over; what happens at a moment is one that ends by itself.
//
// An alert is told apart by its labels, so that what comes twice is one alert; see
// https://prometheus.io/docs/alerting/latest/clients/ and the API v2 of
// Alertmanager. Alerts of the same labels end by a later endsAt.
package alertmanager

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
)

// Config says where messages go. Labels and BearerTokenFile may be empty.
type Config struct {
	URL, BearerTokenFile string
	Labels               map[string]string
	Client               *http.Client
	Timeout              time.Duration
	Now                  func() time.Time
}

// Channel is an Alertmanager.
type Channel struct{ cfg Config }

// New returns a Channel.
func New(cfg Config) *Channel { return &Channel{cfg} }

const (
	// pageLasts and informLasts are how long an alert stands that nothing ends.
	// Alertmanager would end one without endsAt after five minutes.
	pageLasts   = 24 * time.Hour
	informLasts = 15 * time.Minute
	maxText     = 4000
)

type alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

// Send posts an alert for each notice.
func (c *Channel) Send(ctx context.Context, m release.Message) (release.Sent, error) {
	header, hidden := map[string]string{}, []string(nil)
	if c.cfg.BearerTokenFile != "" {
		token, err := post.Secret(c.cfg.BearerTokenFile)
		if err != nil {
			return release.Sent{}, err
		}
		header["Authorization"], hidden = "Bearer "+token, []string{token}
	}
	now := c.cfg.Now().UTC()
	alerts := []alert{}
	for _, n := range m.Notices {
		alerts = append(alerts, c.alert(n, m, now))
	}
	_, sent, err := post.Do(ctx, post.Request{
		Client: c.cfg.Client, URL: strings.TrimSuffix(c.cfg.URL, "/") + "/api/v2/alerts", Header: header, Hidden: hidden, Timeout: c.cfg.Timeout, Body: alerts,
	})
	return sent, err
}

func (c *Channel) alert(n release.Notice, m release.Message, now time.Time) alert {
	a := alert{
		Labels:      map[string]string{"alertname": "LinnetRelease", "topic": n.Topic},
		Annotations: map[string]string{}, GeneratorURL: m.Page, StartsAt: n.At,
	}
	for name, value := range c.cfg.Labels {
		a.Labels[name] = value
	}
	for name, value := range map[string]string{"event": string(n.Happening), "service": n.Service, "team": n.Team, "environment": n.Environment, "release": n.Release} {
		if value != "" {
			a.Labels[name] = value
		}
	}
	for name, value := range map[string]string{"summary": n.Title, "description": n.Text, "next": n.Next, "runbook": n.Runbook} {
		if value != "" {
			a.Annotations[name] = post.Cut(value, maxText)
		}
	}
	for _, l := range n.Links {
		a.Annotations["link_"+labelName(l.Name)] = l.URL
	}
	if a.StartsAt.IsZero() || a.StartsAt.After(now) {
		a.StartsAt = now
	}
	switch {
	case n.Over:
		a.EndsAt = now
	case n.Urgency == release.Page:
		a.EndsAt = now.Add(pageLasts)
	default:
		a.EndsAt = now.Add(informLasts)
	}
	return a
}

// labelName makes a name of what Prometheus takes for one.
func labelName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, s)
}
