package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/linnet-project/linnet/notify/notifyconf"
	"github.com/linnet-project/linnet/notify/webhook"
)

func TestWebhook(t *testing.T) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	const key = "a secret of webhooks"
	notifyconf.Exercise(t, notifyconf.Harness{
		Secret: key,
		New: func(s *httptest.Server, file string, timeout time.Duration) notifyconf.Channel {
			return webhook.New(webhook.Config{URL: s.URL + "/hook", SecretFile: file, Client: s.Client(), Timeout: timeout, Now: func() time.Time { return at }})
		},
		Accept: func(_ http.ResponseWriter, r *http.Request, body []byte) error {
			var got struct {
				ID      string `json:"id"`
				Title   string `json:"title"`
				Notices []struct {
					Event string `json:"event"`
				} `json:"notices"`
			}
			switch err := json.Unmarshal(body, &got); {
			case err != nil:
				return err
			case r.Header.Get("X-Linnet-Timestamp") != fmt.Sprint(at.Unix()), r.Header.Get("X-Linnet-Signature") != webhook.Sign(key, fmt.Sprint(at.Unix()), body):
				return errors.New("not signed")
			case r.URL.Path != "/hook", got.ID == "", got.ID != r.Header.Get("X-Linnet-Delivery"), got.Title == "", got.Notices[0].Event != "rollback":
				return fmt.Errorf("%s", body)
			}
			return nil
		},
		Key: func(r *http.Request, _ []byte) string { return r.Header.Get("X-Linnet-Delivery") },
	})
}

// The signature is one that anybody can compute: printf '%s' '1.{}' | openssl dgst
// -sha256 -hmac key.
func TestSign(t *testing.T) {
	const want = "v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224"
	if got := webhook.Sign("key", "1", []byte("{}")); got != want {
		t.Error(got)
	}
}
