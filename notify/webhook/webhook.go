// Package webhook tells programs: a message as JSON, signed so that they know who
// sent it and when.
//
// The body is {"id", "title", "text", "url", "digest", "escalated", "notices": […]}
// and its headers are X-Linnet-Delivery, the id, the same whenever the message is
// sent again; X-Linnet-Timestamp, the seconds since 1970; and X-Linnet-Signature,
// "v1=" and the HMAC-SHA256 in hex, by the secret, of timestamp, a dot and the body.
package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
)

// Config says where messages go. All must be set.
type Config struct {
	URL, SecretFile string
	Client          *http.Client
	Timeout         time.Duration
	Now             func() time.Time
}

// Channel is a webhook.
type Channel struct{ cfg Config }

// New returns a Channel.
func New(cfg Config) *Channel { return &Channel{cfg} }

// message is the body.
type message struct {
	ID        string   `json:"id"`
	Title     string   `json:"title"`
	Text      string   `json:"text"`
	URL       string   `json:"url,omitempty"`
	Digest    bool     `json:"digest"`
	Escalated bool     `json:"escalated"`
	Notices   []notice `json:"notices"`
}

type notice struct {
	ID          string    `json:"id"`
	Topic       string    `json:"topic"`
	Event       string    `json:"event"`
	Over        bool      `json:"over"`
	Severity    string    `json:"severity"`
	Title       string    `json:"title"`
	Text        string    `json:"text"`
	Release     string    `json:"release"`
	Attempt     int       `json:"attempt"`
	Service     string    `json:"service"`
	Team        string    `json:"team,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Step        int       `json:"step"`
	At          time.Time `json:"at,omitzero"`
	Next        string    `json:"next,omitempty"`
	Runbook     string    `json:"runbook,omitempty"`
	Links       []link    `json:"links"`
}

type link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Send sends a message.
func (c *Channel) Send(ctx context.Context, m release.Message) (release.Sent, error) {
	key, err := post.Secret(c.cfg.SecretFile)
	if err != nil {
		return release.Sent{}, err
	}
	out := message{ID: m.ID, Title: m.Title, Text: m.Text, URL: m.Page, Digest: m.Digest, Escalated: m.Escalated, Notices: []notice{}}
	for _, n := range m.Notices {
		links := []link{}
		for _, l := range n.Links {
			links = append(links, link(l))
		}
		out.Notices = append(out.Notices, notice{
			ID: n.ID, Topic: n.Topic, Event: string(n.Happening), Over: n.Over, Severity: string(n.Urgency), Title: n.Title, Text: n.Text,
			Release: n.Release, Attempt: n.Attempt, Service: n.Service, Team: n.Team, Environment: n.Environment, Step: n.Step, At: n.At,
			Next: n.Next, Runbook: n.Runbook, Links: links,
		})
	}
	body, err := json.Marshal(out)
	if err != nil {
		return release.Sent{}, err
	}
	at := strconv.FormatInt(c.cfg.Now().Unix(), 10)
	_, sent, err := post.Do(ctx, post.Request{
		Client: c.cfg.Client, URL: c.cfg.URL, Hidden: []string{key}, Timeout: c.cfg.Timeout, Body: body,
		Header: map[string]string{"X-Linnet-Delivery": m.ID, "X-Linnet-Timestamp": at, "X-Linnet-Signature": Sign(key, at, body)},
	})
	return sent, err
}

// Sign is the signature of a body that was sent at a time.
func Sign(key, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}
