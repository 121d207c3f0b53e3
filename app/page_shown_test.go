package app_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What a page that only shows answers: all that there is to see, and to orders a
// plain sentence.
func onlyShows(t *testing.T, at, release string) {
	t.Helper()
	for path, says := range map[string]string{
		"/": "<!doctype html>", "/releases/" + release + "/latest": "<!doctype html>",
		"/v1/releases": `"name":"` + release + `"`, "/v1/releases/" + release + "/latest/course": `"tracks"`,
		"/v1/sources": `"kind":"embedded"`, "/v1/system": `"login":false`, "/v1/audit": `"items"`, "/v1/services": `"items"`, "/v1/annotations": `"items":[]`,
	} {
		// A binary without the pages says how to get them.
		if status, text := fetch(t, at+path); status != http.StatusOK && (status != http.StatusNotImplemented || strings.HasPrefix(path, "/v1")) || !strings.Contains(strings.ToLower(text), strings.ToLower(says)) {
			t.Errorf("%s: %d %.300s, want it to say %s", path, status, text, says)
		}
	}
	ask := func(method, path, host string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), method, at+path, strings.NewReader(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if host != "" {
			req.Host = host
		}
		answer, err := (&http.Client{Timeout: 5 * time.Second}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text)
	}
	for _, path := range []string{"/v1/releases", "/v1/releases/" + release + "/1/abort", "/v1/releases/" + release + "/1/assessment", "/v1/annotations", "/v1/tokens", "/v1/glass/x/confirm"} {
		if status, text := ask(http.MethodPost, path, ""); status != http.StatusForbidden || !strings.Contains(text, "this page only shows") {
			t.Errorf("POST %s: %d %s", path, status, text)
		}
	}
	if status, text := ask(http.MethodGet, "/v1/access/explain?what=abort", ""); status != http.StatusOK || !strings.Contains(text, "this page only shows") {
		t.Errorf("why: %d %s", status, text)
	}
	if status, text := ask(http.MethodGet, "/v1/releases", "evil.example.com"); status != http.StatusForbidden && status != http.StatusMisdirectedRequest {
		t.Errorf("by another name: %d %s", status, text)
	}
}

// `linnet demo` shows what it does, beside another that has the port.
func TestPageOfTheDemo(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := linnet(t, "demo", "--page", taken.Addr().String())
	at := p.says(`look at it on (http://127\.0\.0\.1:\d+)`)[1]
	if strings.HasSuffix(at, taken.Addr().String()) {
		t.Errorf("the page is at %s, which is taken", at)
	}
	p.says(`the provider serves 10 %`)
	onlyShows(t, at, "good-1.1.0")
}

// A page is for this machine alone.
func TestPageForThisMachineAlone(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:8440", "192.0.2.1:8440", ":8440", "nonsense"} {
		expect(t, 2, []string{"demo", "--page", address}, "expected an address of this machine alone")
	}
}
