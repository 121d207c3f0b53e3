// Package slack tells a channel of Slack, by an app's bot: one thread for each
// attempt of a release, with buttons that order what the release asks for.
//
// Messages go by chat.postMessage (https://docs.slack.dev/reference/methods/chat.postMessage):
// errors come with status 200 and "ok": false, "ts" of the first message is the
// thread of those that follow. &, < and > are escaped as
// https://docs.slack.dev/messaging/formatting-message-text says, so that no text
// can call people or make links. Slack has no key against doubles: a message that
// is sent again comes twice.
package slack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
)

// Config says where messages go. All must be set but Buttons.
type Config struct {
	URL, Channel, TokenFile string
	// Buttons says that messages have them, since somebody answers their presses.
	Buttons bool
	Client  *http.Client
	Timeout time.Duration
}

// Channel is a channel of Slack.
type Channel struct{ cfg Config }

// New returns a Channel.
func New(cfg Config) *Channel { return &Channel{cfg} }

// What Slack takes at most, in characters.
const (
	maxHeader  = 150
	maxSection = 3000
	maxValue   = 2000
	maxText    = 4000
)

type message struct {
	Channel     string  `json:"channel"`
	Text        string  `json:"text"`
	ThreadTS    string  `json:"thread_ts,omitempty"`
	Broadcast   bool    `json:"reply_broadcast,omitempty"`
	UnfurlLinks bool    `json:"unfurl_links"`
	UnfurlMedia bool    `json:"unfurl_media"`
	Blocks      []block `json:"blocks"`
}

type block struct {
	Type     string    `json:"type"`
	Text     *text     `json:"text,omitempty"`
	Elements []element `json:"elements,omitempty"`
}

type text struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type element struct {
	Type     string `json:"type"`
	Text     text   `json:"text"`
	ActionID string `json:"action_id"`
	Value    string `json:"value,omitempty"`
	URL      string `json:"url,omitempty"`
	Style    string `json:"style,omitempty"`
}

// Send posts a message.
func (c *Channel) Send(ctx context.Context, m release.Message) (release.Sent, error) {
	token, err := post.Secret(c.cfg.TokenFile)
	if err != nil {
		return release.Sent{}, err
	}
	out := message{Channel: c.cfg.Channel, Text: post.Cut(escape(m.Title), maxText), ThreadTS: m.Thread, Blocks: c.blocks(m)}
	// A page in a thread is shown in the channel, too.
	for _, n := range m.Notices {
		out.Broadcast = out.Broadcast || m.Thread != "" && n.Urgency == release.Page
	}
	answer, sent, err := post.Do(ctx, post.Request{
		Client: c.cfg.Client, URL: strings.TrimSuffix(c.cfg.URL, "/") + "/chat.postMessage", Hidden: []string{token}, Timeout: c.cfg.Timeout,
		Header: map[string]string{"Authorization": "Bearer " + token}, Body: out,
	})
	if err != nil {
		return sent, err
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
		TS    string `json:"ts"`
	}
	switch err := json.Unmarshal(answer.Body, &said); {
	case err != nil:
		return release.Sent{}, fmt.Errorf("%s answers what is not Slack's API%s: %w", c.cfg.URL, post.Shown(answer.Body, []string{token}), release.ErrInvalid)
	case !said.OK:
		return release.Sent{}, fmt.Errorf("slack refuses the message%s: %w", post.Shown([]byte(said.Error), []string{token}), meaning(said.Error))
	case m.Thread != "":
		return release.Sent{Thread: m.Thread}, nil
	}
	return release.Sent{Thread: said.TS}, nil
}

// meaning is what an error of Slack's means.
func meaning(code string) error {
	switch code {
	case "ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org":
		return release.ErrUnavailable
	}
	return release.ErrInvalid
}

func (c *Channel) blocks(m release.Message) []block {
	blocks := []block{{Type: "header", Text: &text{"plain_text", post.Cut(m.Title, maxHeader)}}}
	if body := strings.TrimSpace(m.Text); body != "" {
		blocks = append(blocks, block{Type: "section", Text: &text{"mrkdwn", post.Cut(escape(body), maxSection)}})
	}
	if buttons := c.buttons(m); len(buttons) > 0 {
		blocks = append(blocks, block{Type: "actions", Elements: buttons})
	}
	return blocks
}

// buttons are those of the last notice of a message about one release.
func (c *Channel) buttons(m release.Message) (all []element) {
	if m.Page != "" {
		all = append(all, element{Type: "button", Text: text{"plain_text", "Open"}, ActionID: "open", URL: m.Page})
	}
	if !c.cfg.Buttons || m.Digest || len(m.Notices) == 0 {
		return all
	}
	n := m.Notices[len(m.Notices)-1]
	if n.Over || n.Release == "" || n.Attempt == 0 {
		return all
	}
	value, err := json.Marshal(Press{Release: n.Release, Attempt: n.Attempt, Notice: n.ID})
	if err != nil || len(value) > maxValue {
		return all
	}
	add := func(label, action, style string) {
		all = append(all, element{Type: "button", Text: text{"plain_text", label}, ActionID: action, Value: string(value), Style: style})
	}
	if n.Urgency == release.Page {
		add("I take care of it", Ack, "")
	}
	switch n.Happening {
	case release.ToldApproval:
		add("Approve", Approve, "primary")
		add("Abort", Abort, "danger")
	case release.ToldHold, release.ToldBlind, release.ToldProvider, release.ToldNotReady, release.ToldLowered, release.ToldTakenOver, release.ToldHarm:
		add("Abort", Abort, "danger")
	}
	return all
}

// escape keeps Slack from reading a text as markup that does something.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// Check asks Slack whether the token is one (auth.test), which tells nobody
// anything.
func (c *Channel) Check(ctx context.Context) error {
	token, err := post.Secret(c.cfg.TokenFile)
	if err != nil {
		return err
	}
	answer, _, err := post.Do(ctx, post.Request{
		Client: c.cfg.Client, URL: strings.TrimSuffix(c.cfg.URL, "/") + "/auth.test", Hidden: []string{token}, Timeout: c.cfg.Timeout,
		Header: map[string]string{"Authorization": "Bearer " + token}, Body: struct{}{},
	})
	if err != nil {
		return err
	}
	var said struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(answer.Body, &said); err != nil || !said.OK {
		return fmt.Errorf("slack refuses the token%s: %w", post.Shown([]byte(said.Error), []string{token}), release.ErrInvalid)
	}
	return nil
}
