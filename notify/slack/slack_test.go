package slack_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/linnet-project/linnet/notify/notifyconf"
	"github.com/linnet-project/linnet/notify/slack"
	"github.com/linnet-project/linnet/release"
)

const token = "xoxb-1234567890-abcdef"

// posted is a message as https://docs.slack.dev/reference/methods/chat.postMessage
// and the pages on blocks document it.
type posted struct {
	Channel  string `json:"channel"`
	Text     string `json:"text"`
	ThreadTS string `json:"thread_ts"`
	Blocks   []struct {
		Type string `json:"type"`
		Text struct {
			Type string `json:"type"`
			Text string `json:"text"`
		} `json:"text"`
		Elements []struct {
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			URL      string `json:"url"`
		} `json:"elements"`
	} `json:"blocks"`
}

func accept(w http.ResponseWriter, r *http.Request, body []byte) error {
	var m posted
	if err := json.Unmarshal(body, &m); err != nil {
		return err
	}
	if r.URL.Path != "/api/chat.postMessage" || r.Header.Get("Authorization") != "Bearer "+token || m.Channel != "C1" || m.Text == "" {
		return fmt.Errorf("%s %s", r.URL, body)
	}
	for _, b := range m.Blocks {
		most := map[string]int{"header": 150, "section": 3000}[b.Type]
		if utf8.RuneCountInString(b.Text.Text) > most {
			return fmt.Errorf("a %s of %d characters", b.Type, len(b.Text.Text))
		}
		if b.Text.Type == "mrkdwn" && strings.ContainsAny(b.Text.Text, "<>") {
			return errors.New("markup that does something: " + b.Text.Text)
		}
		ids := map[string]bool{}
		for _, e := range b.Elements {
			if e.ActionID == "" || ids[e.ActionID] || len(e.Value) > 2000 {
				return fmt.Errorf("a button %+v", e)
			}
			ids[e.ActionID] = true
		}
	}
	_, err := w.Write([]byte(`{"ok":true,"channel":"C1","ts":"1503435956.000247"}`))
	return err
}

func open(s *httptest.Server, file string, timeout time.Duration) notifyconf.Channel {
	return slack.New(slack.Config{URL: s.URL + "/api", Channel: "C1", TokenFile: file, Buttons: true, Client: s.Client(), Timeout: timeout})
}

func TestSlack(t *testing.T) {
	notifyconf.Exercise(t, notifyconf.Harness{Secret: token, New: open, Accept: accept})
}

// Slack's errors come with status 200; messages about a release go to its thread;
// an approval has its buttons.
func TestThreadsButtonsAndErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	var got posted
	fault := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault != "" {
			fmt.Fprintf(w, `{"ok":false,"error":%q}`, fault)
			return
		}
		got = posted{}
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		fmt.Fprint(w, `{"ok":true,"ts":"1.5"}`)
	}))
	defer s.Close()
	c := open(s, file, time.Second)
	m := notifyconf.Message()
	m.Notices[0].Happening = release.ToldApproval
	sent, err := c.Send(t.Context(), m)
	if err != nil || sent.Thread != "1.5" || got.ThreadTS != "" {
		t.Fatalf("%+v, %v", sent, err)
	}
	var actions []string
	for _, e := range got.Blocks[len(got.Blocks)-1].Elements {
		actions = append(actions, e.ActionID)
	}
	if strings.Join(actions, " ") != "open ack approve abort" {
		t.Errorf("the buttons are %v", actions)
	}
	m.Thread = sent.Thread
	if again, err := c.Send(t.Context(), m); err != nil || again.Thread != "1.5" || got.ThreadTS != "1.5" {
		t.Errorf("%+v, %v, in thread %q", again, err, got.ThreadTS)
	}
	for code, meaning := range map[string]error{"channel_not_found": release.ErrInvalid, "ratelimited": release.ErrUnavailable} {
		fault = code
		if _, err := c.Send(t.Context(), m); !errors.Is(err, meaning) || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// The example of https://docs.slack.dev/authentication/verifying-requests-from-slack
// is signed as it says.
func TestVerify(t *testing.T) {
	const secret, at = "8f742231b10e8888abcd99yyyzzz85a5", "1531420618"
	body := []byte("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")
	h := http.Header{}
	h.Set("X-Slack-Request-Timestamp", at)
	h.Set("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
	now := time.Unix(1531420618, 0)
	if err := slack.Verify(secret, h, body, now.Add(4*time.Minute)); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"replayed":       slack.Verify(secret, h, body, now.Add(6*time.Minute)),
		"from later":     slack.Verify(secret, h, body, now.Add(-6*time.Minute)),
		"another body":   slack.Verify(secret, h, append(body, '&'), now),
		"another secret": slack.Verify("x", h, body, now),
		"no headers":     slack.Verify(secret, http.Header{}, body, now),
	} {
		if !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + at + ":"))
	mac.Write(body)
	if "v0="+hex.EncodeToString(mac.Sum(nil)) != h.Get("X-Slack-Signature") {
		t.Error("the example of the documentation does not hold")
	}
}

func FuzzParsePress(f *testing.F) {
	press := func(payload string) []byte { return []byte(url.Values{"payload": {payload}}.Encode()) }
	f.Add(press(`{"type":"block_actions","trigger_id":"t","user":{"id":"U1"},"actions":[{"action_id":"approve","action_ts":"1.2","value":"{\"release\":\"a\",\"attempt\":1,\"notice\":\"a/1/2/3\"}"}]}`))
	f.Add(press(`{"type":"block_actions","user":{"id":"U1"},"actions":[{"action_id":"open"}]}`))
	f.Add([]byte("payload=%zz"))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := slack.ParsePress(body)
		if err != nil && p != (slack.Press{}) || err == nil && p.User == "" || err == nil && p.Action != "open" && (p.Release == "" || p.Attempt <= 0) {
			t.Fatalf("%+v, %v", p, err)
		}
	})
}
