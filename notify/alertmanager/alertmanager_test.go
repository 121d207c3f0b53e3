package alertmanager_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnet-project/linnet/notify/alertmanager"
	"github.com/linnet-project/linnet/notify/notifyconf"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testprogram"
)

const token = "a token of alertmanager"

// alert is one as the API v2 of Alertmanager has it, and gives it back.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

func TestAlertmanager(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 1, 0, 0, time.UTC)
	notifyconf.Exercise(t, notifyconf.Harness{
		Secret: token,
		New: func(s *httptest.Server, file string, timeout time.Duration) notifyconf.Channel {
			return alertmanager.New(alertmanager.Config{URL: s.URL, BearerTokenFile: file, Client: s.Client(), Timeout: timeout, Now: func() time.Time { return now }})
		},
		Accept: func(_ http.ResponseWriter, r *http.Request, body []byte) error {
			var alerts []alert
			if err := json.Unmarshal(body, &alerts); err != nil {
				return err
			}
			if r.URL.Path != "/api/v2/alerts" || r.Header.Get("Authorization") != "Bearer "+token || len(alerts) == 0 {
				return errors.New(r.URL.Path)
			}
			for _, a := range alerts {
				if a.Labels["alertname"] == "" || a.EndsAt.Before(a.StartsAt) || a.StartsAt.After(now) || a.Annotations["summary"] == "" {
					return fmt.Errorf("%+v", a)
				}
			}
			return nil
		},
		Key: func(_ *http.Request, body []byte) string {
			var alerts []alert
			_ = json.Unmarshal(body, &alerts)
			return fmt.Sprint(alerts[0].Labels)
		},
	})
}

// A real one takes alerts, takes doubles for one, and ends what is over.
func TestARealAlertmanager(t *testing.T) {
	url := startAlertmanager(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	c := alertmanager.New(alertmanager.Config{URL: url, BearerTokenFile: file, Labels: map[string]string{"cluster": "one"}, Client: &http.Client{}, Timeout: 10 * time.Second, Now: time.Now})
	m := notifyconf.Message()
	m.Notices[0].At = time.Now().Add(-time.Minute)
	send := func(m release.Message) {
		t.Helper()
		if _, err := c.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	send(m)
	send(m)
	eventually(t, "one alert", func() bool {
		all := active(t, url)
		return len(all) == 1 && all[0].Labels["service"] == "checkout" && all[0].Labels["cluster"] == "one" && all[0].Labels["event"] == "rollback" &&
			all[0].Annotations["link_dash_boards"] != "" && all[0].StartsAt.Before(time.Now().Add(-30*time.Second)) && all[0].EndsAt.After(time.Now().Add(time.Hour))
	})
	hostile := notifyconf.Hostile()
	hostile.Notices[0].At = time.Now()
	send(hostile)
	over := notifyconf.Message()
	over.Notices[0].Over, over.Notices[0].Urgency, over.Notices[0].At = true, release.Inform, time.Now()
	send(over)
	eventually(t, "its end", func() bool { return len(active(t, url)) == 1 })
}

func active(t *testing.T, url string) (alerts []alert) {
	t.Helper()
	resp, err := http.Get(url + "/api/v2/alerts?active=true")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&alerts); err != nil {
		t.Fatal(err)
	}
	return alerts
}

// startAlertmanager runs a real one and returns its URL.
func startAlertmanager(t *testing.T) string {
	t.Helper()
	const name = "prometheus-alertmanager"
	binary, address := testprogram.Find(t, name, name), testprogram.Address(t)
	file := filepath.Join(t.TempDir(), "alertmanager.yml")
	if err := os.WriteFile(file, []byte("route: { receiver: nobody }\nreceivers: [{ name: nobody }]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	testprogram.Start(t, "http://"+address+"/-/ready", binary, "--config.file", file, "--storage.path", t.TempDir(), "--web.listen-address", address, "--cluster.listen-address=")
	return "http://" + address
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatalf("waited 20s for %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
