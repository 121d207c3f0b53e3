package slack

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/release"
)

// The actions of buttons.
const (
	Approve = "approve"
	Abort   = "abort"
	Ack     = "ack"
)

// Press is what somebody presses a button for.
type Press struct {
	Release string `json:"release"`
	Attempt int    `json:"attempt"`
	Notice  string `json:"notice"`
	// Action is one of the actions, or "open", which asks nothing of us. User is
	// the person's id in Slack, Trigger what makes this press the same one when it
	// comes twice, Answer a URL that takes an answer for that person alone.
	Action  string `json:"-"`
	User    string `json:"-"`
	Trigger string `json:"-"`
	Answer  string `json:"-"`
}

// MaxBody bounds what Slack sends for a press, in bytes.
const MaxBody = 256 << 10

// tooOld is how far a request's time may be from ours.
const tooOld = 5 * time.Minute

// Verify tells whether a request comes from Slack, as
// https://docs.slack.dev/authentication/verifying-requests-from-slack says: "v0="
// and the HMAC-SHA256 of "v0:", the time, ":" and the body, of a time at most five
// minutes off. Its error is release.ErrInvalid.
func Verify(signingSecret string, h http.Header, body []byte, now time.Time) error {
	at := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("the request says no time: %w", release.ErrInvalid)
	}
	if apart := now.Sub(time.Unix(seconds, 0)); apart > tooOld || apart < -tooOld {
		return fmt.Errorf("the request is more than %s off our clock: %w", tooOld, release.ErrInvalid)
	}
	mac := hmac.New(sha256.New, []byte(signingSecret))
	mac.Write([]byte("v0:" + at + ":"))
	mac.Write(body)
	want := "v0=" + hex.EncodeToString(mac.Sum(nil))
	if !hmac.Equal([]byte(want), []byte(h.Get("X-Slack-Signature"))) {
		return fmt.Errorf("the request is not signed by the signing secret: %w", release.ErrInvalid)
	}
	return nil
}

// ParsePress reads the body of a verified request: a form whose field payload is
// the JSON of block_actions
// (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload).
func ParsePress(body []byte) (Press, error) {
	bad := func(what string) (Press, error) {
		return Press{}, fmt.Errorf("not a press of a button: %s: %w", what, release.ErrInvalid)
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return bad("it is no form")
	}
	var payload struct {
		Type      string `json:"type"`
		TriggerID string `json:"trigger_id"`
		Response  string `json:"response_url"`
		User      struct {
			ID string `json:"id"`
		} `json:"user"`
		Actions []struct {
			ActionID string `json:"action_id"`
			ActionTS string `json:"action_ts"`
			Value    string `json:"value"`
		} `json:"actions"`
	}
	if err := json.Unmarshal([]byte(form.Get("payload")), &payload); err != nil {
		return bad("its payload is no JSON")
	}
	if payload.Type != "block_actions" || len(payload.Actions) != 1 || payload.User.ID == "" {
		return bad("one action of one person is expected")
	}
	a := payload.Actions[0]
	p := Press{}
	if a.ActionID == "open" {
		p.Action, p.User = a.ActionID, payload.User.ID
		return p, nil
	}
	if err := json.Unmarshal([]byte(a.Value), &p); err != nil || p.Release == "" || p.Attempt <= 0 {
		return bad("the button's value is not ours")
	}
	p.Action, p.User, p.Answer = a.ActionID, payload.User.ID, payload.Response
	p.Trigger = "slack/" + payload.User.ID + "/" + p.Notice + "/" + a.ActionID + "/" + a.ActionTS
	switch p.Action {
	case Approve, Abort, Ack:
		return p, nil
	}
	return bad("unknown action " + strconv.Quote(a.ActionID))
}

// MayAnswer tells whether a URL that a press names for its answer is Slack's own,
// or of the host that the API is at: nothing is posted anywhere else.
func MayAnswer(api, answer string) bool {
	a, err := url.Parse(answer)
	b, err2 := url.Parse(api)
	if err != nil || err2 != nil || a.User != nil {
		return false
	}
	return a.Scheme == "https" && a.Host == "hooks.slack.com" || a.Scheme == b.Scheme && a.Host == b.Host
}
