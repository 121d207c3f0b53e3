package pagerduty_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/linnet-project/linnet/notify/notifyconf"
	"github.com/linnet-project/linnet/notify/pagerduty"
)

const key = "0123456789abcdef0123456789abcdef"

// event is one as https://developer.pagerduty.com/docs/send-alert-event documents
// it.
type event struct {
	RoutingKey  string `json:"routing_key"`
	EventAction string `json:"event_action"`
	DedupKey    string `json:"dedup_key"`
	Payload     *struct {
		Summary  string `json:"summary"`
		Source   string `json:"source"`
		Severity string `json:"severity"`
	} `json:"payload"`
	Links []struct {
		Href string `json:"href"`
	} `json:"links"`
}

func accept(w http.ResponseWriter, r *http.Request, body []byte) error {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	switch {
	case r.URL.Path != "/v2/enqueue" || r.Method != http.MethodPost:
		return errors.New(r.Method + " " + r.URL.Path)
	case e.RoutingKey != key, e.DedupKey == "", len(e.DedupKey) > 255, len(body) > 512<<10:
		return fmt.Errorf("%s", body)
	case e.EventAction == "resolve":
	case e.EventAction != "trigger", e.Payload == nil, e.Payload.Summary == "", e.Payload.Source == "", utf8.RuneCountInString(e.Payload.Summary) > 1024,
		!slices.Contains([]string{"critical", "warning", "error", "info"}, e.Payload.Severity):
		return fmt.Errorf("%s", body)
	}
	w.WriteHeader(http.StatusAccepted)
	_, err := fmt.Fprintf(w, `{"status":"success","message":"Event processed","dedup_key":%q}`, e.DedupKey)
	return err
}

func dedupKey(_ *http.Request, body []byte) string {
	var e event
	_ = json.Unmarshal(body, &e)
	return e.DedupKey
}

func open(s *httptest.Server, file string, timeout time.Duration) notifyconf.Channel {
	return pagerduty.New(pagerduty.Config{URL: s.URL, KeyFile: file, Client: s.Client(), Timeout: timeout})
}

func TestPagerDuty(t *testing.T) {
	notifyconf.Exercise(t, notifyconf.Harness{Secret: key, New: open, Accept: accept, Key: dedupKey})
}
