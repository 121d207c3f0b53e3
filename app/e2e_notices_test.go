package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/testprogram"
)

// ear is a server that keeps what it was sent, and answers like Slack.
type ear struct {
	*httptest.Server
	mu   sync.Mutex
	down bool
	got  []string
}

func newEar(t *testing.T) *ear {
	l := &ear{}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		l.got = append(l.got, r.URL.Path+" "+string(body))
		fmt.Fprint(w, `{"ok":true,"ts":"1.1"}`)
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *ear) heard(words ...string) (found string) {
	l.mu.Lock()
	defer l.mu.Unlock()
next:
	for _, g := range l.got {
		for _, w := range words {
			if !strings.Contains(g, w) {
				continue next
			}
		}
		return g
	}
	return ""
}

func (l *ear) is(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

// A release that waits for an approval tells people in Slack, with a button; one
// who is known presses it, and the release goes on. A channel that is down gets
// what it missed, also over a restart of the server; who may see it sees it.
func TestServeTellsPeople(t *testing.T) {
	t.Parallel()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	const secret = "the signing secret"
	chat, wall := newEar(t), newEar(t)
	wall.is(true)
	s := openShop(t, "told", demo.None)
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("token", "xoxb-1")
	write("secret", secret)
	write("notices.yaml", fmt.Sprintf(`apiVersion: linnet/v1
kind: Notices
spec:
  channels:
    - name: chat
      slack: { url: %s/api, channel: C1, tokenFile: token, signingSecretFile: secret, people: { U1: "local:%s" } }
    - { name: wall, webhook: { url: %s, secretFile: secret } }
  routes:
    - { to: [chat, wall], group: 0s }
`, chat.URL, me.Username, wall.URL))
	config := write("server.yaml", "apiVersion: linnet/v1\nkind: Server\nspec: { notices: notices.yaml }\n")
	data, folder := t.TempDir(), t.TempDir()
	file := s.write(story{traffic: s.embedded(testprogram.Address(t)), source: s.scraping(), metrics: []string{ownErrors},
		steps: "[ { weight: 30%, atLeast: 2s, atMost: 5m, approval: { from: release-managers } } ]"})
	if err := os.Rename(file, filepath.Join(folder, "told.yaml")); err != nil {
		t.Fatal(err)
	}
	p, address := serve(t, data, "--releases", folder, "--config", config)
	eventually(t, "Slack to be told", func() bool {
		return chat.heard("chat.postMessage", "told asks for approval", "linnet release approve told --server") != ""
	})
	eventually(t, "the wall's failure to be seen", func() bool {
		_, text := fetch(t, address+"/v1/notices?release=told")
		return strings.Contains(text, `"channel":"wall","state":"waiting"`) && strings.Contains(text, "answered 503")
	})
	if out, code := told(t, "notices", "list", "--data", data); code != 0 || !strings.Contains(out, "wall waiting after") || !strings.Contains(out, "chat sent") {
		t.Errorf("%d: %s", code, out)
	}
	_, metrics := fetch(t, address+"/metrics")
	matches(t, metrics, `(?m)^linnet_notices_waiting [1-9]`, `(?m)^linnet_notices_dead 0$`)
	var posted struct {
		Blocks []struct {
			Elements []struct {
				ActionID string `json:"action_id"`
				Value    string `json:"value"`
			} `json:"elements"`
		} `json:"blocks"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(chat.heard("asks for approval"), "/api/chat.postMessage ")), &posted); err != nil {
		t.Fatal(err)
	}
	press := func(person, key string) int {
		t.Helper()
		value := ""
		for _, e := range posted.Blocks[len(posted.Blocks)-1].Elements {
			if e.ActionID == "approve" {
				value = e.Value
			}
		}
		payload, err := json.Marshal(map[string]any{"type": "block_actions", "user": map[string]string{"id": person}, "response_url": chat.URL + "/answer",
			"actions": []map[string]string{{"action_id": "approve", "action_ts": "1.5", "value": value}}})
		if err != nil {
			t.Fatal(err)
		}
		body := url.Values{"payload": {string(payload)}}.Encode()
		at := fmt.Sprint(time.Now().Unix())
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte("v0:" + at + ":" + body))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/v1/slack/actions", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Slack-Request-Timestamp", at)
		req.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if got := press("U1", "another secret"); got != http.StatusUnauthorized {
		t.Errorf("a press that is not signed gets %d", got)
	}
	if got := press("U9", secret); got != http.StatusOK {
		t.Errorf("a stranger's press gets %d", got)
	}
	eventually(t, "the stranger to be answered", func() bool { return chat.heard("/answer", "does not know who you are") != "" })
	id := journal.ID{Name: "told", Attempt: 1}
	if got := summary(t, data, id); got.Phase != engine.Waiting {
		t.Errorf("after a stranger's press it is %s", got.Phase)
	}
	if got := press("U1", secret); got != http.StatusOK {
		t.Errorf("the press gets %d", got)
	}
	eventually(t, "the answer", func() bool { return chat.heard("/answer", "approved") != "" })
	eventually(t, "the release to go on", func() bool { return summary(t, data, id).Phase != engine.Waiting })
	eventually(t, "the end of the wait to be told, in the thread", func() bool {
		return chat.heard("no longer waits for an answer", `"thread_ts":"1.1"`) != ""
	})

	if !p.kill() {
		t.Error("the server had ended before it was killed")
	}
	wall.is(false)
	serve(t, data, "--config", config)
	eventually(t, "the wall to get what it missed", func() bool { return wall.heard("told asks for approval") != "" && wall.heard("no longer waits") != "" })
}
