package proxy_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTheManualTellsTheTruth: what docs/proxy.md prints is what comes, and
// every metric is in it.
func TestTheManualTellsTheTruth(t *testing.T) {
	text, err := os.ReadFile("../../docs/proxy.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(text)
	s := newServer(t, namedPair(t))
	h := adminOf(t, s)
	body := regexp.MustCompile(`(?s)/v1/route -d '(.*?)'`).FindStringSubmatch(manual)
	if body == nil {
		t.Fatal("the manual has no example of PUT /v1/route")
	}
	for _, answer := range []*httptest.ResponseRecorder{
		call(h, http.MethodGet, "/v1/route", ""),
		call(h, http.MethodPut, "/v1/route", body[1]),
		call(h, http.MethodPut, "/v1/route", strings.Replace(body[1], `"epoch": 3`, `"epoch": 2`, 1)),
	} {
		if got := strings.TrimSpace(answer.Body.String()); !strings.Contains(manual, "    "+got+"\n") {
			t.Errorf("the manual does not show this answer (%d):\n%s", answer.Code, got)
		}
	}
	w := httptest.NewRecorder()
	s.MetricsHandler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, name := range regexp.MustCompile(`(?m)^# TYPE (\S+)`).FindAllStringSubmatch(w.Body.String(), -1) {
		if !strings.Contains(manual, "`"+name[1]+"`") {
			t.Errorf("the manual does not know the metric %s", name[1])
		}
	}
}
