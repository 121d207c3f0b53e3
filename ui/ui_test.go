package ui_test

import (
	"compress/gzip"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/ui"
)

// server serves the pages alone, and asks without a browser's own unpacking.
func server(t *testing.T) func(path string, packed bool) (*http.Response, string) {
	t.Helper()
	mux := http.NewServeMux()
	ui.Register(mux)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	client := s.Client()
	client.Transport = &http.Transport{DisableCompression: true}
	t.Cleanup(client.CloseIdleConnections)
	return func(path string, packed bool) (*http.Response, string) {
		t.Helper()
		ask, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if packed {
			ask.Header.Set("Accept-Encoding", "gzip, br")
		}
		answer, err := client.Do(ask)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var from io.Reader = answer.Body
		if answer.Header.Get("Content-Encoding") == "gzip" {
			if from, err = gzip.NewReader(from); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(from)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(text)
	}
}

func needBuild(t *testing.T) {
	t.Helper()
	if ui.Built() {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("the pages are not built: make pages")
	}
	t.Skip("the pages are not built: make pages")
}

func TestPageLetsNothingInFromElsewhere(t *testing.T) {
	needBuild(t)
	get := server(t)
	answer, first := get("/", false)
	policy := answer.Header.Get("Content-Security-Policy")
	nonce := regexp.MustCompile(`'nonce-([^']+)'`).FindStringSubmatch(policy)
	if nonce == nil || !strings.Contains(first, nonce[1]) {
		t.Fatalf("the nonce of %q is not in the page:\n%s", policy, first)
	}
	for _, must := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, must) {
			t.Errorf("the policy %q lacks %s", policy, must)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http:") || strings.Contains(policy, "https:") {
		t.Errorf("the policy %q lets in what it should not", policy)
	}
	if strings.Contains(first, "{{") {
		t.Errorf("a mark is left in the page:\n%s", first)
	}
	if _, again := get("/", false); again == first {
		t.Error("two pages have the same nonce")
	}
	if links := regexp.MustCompile(`(?:src|href)="(https?:)?//[^"]*"`).FindAllString(first, -1); links != nil {
		t.Errorf("the page loads from elsewhere: %v", links)
	}
}

func TestEveryPlaceIsThePage(t *testing.T) {
	needBuild(t)
	get := server(t)
	for _, place := range []string{"/", "/?q=checkout", "/releases/checkout-1.5.0/2", "/plan", "/services", "/services/checkout", "/audit", "/system"} {
		answer, text := get(place, false)
		if answer.StatusCode != http.StatusOK || !strings.Contains(text, `id="root"`) {
			t.Errorf("%s: %s\n%s", place, answer.Status, text)
		}
	}
	if answer, _ := get("/nowhere", false); answer.StatusCode != http.StatusNotFound {
		t.Errorf("/nowhere: %s", answer.Status)
	}
	if answer, said := get("/assets/index-gone.js", false); answer.StatusCode != http.StatusNotFound || !strings.Contains(said, "reload") {
		t.Errorf("a file of an older version: %s %q", answer.Status, said)
	}
}

// What the build has is served as it is and packed, and kept by browsers for good.
func TestFilesOfTheBuild(t *testing.T) {
	needBuild(t)
	get := server(t)
	seen := 0
	names, err := fs.Glob(os.DirFS("built/app"), "assets/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		want, err := os.ReadFile("built/app/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, packed := range []bool{false, true} {
			answer, text := get("/"+name, packed)
			if text != string(want) {
				t.Errorf("%s (packed: %v) is not what was built", name, packed)
			}
			if packed != (answer.Header.Get("Content-Encoding") == "gzip") {
				t.Errorf("%s: asked packed %v, got %q", name, packed, answer.Header.Get("Content-Encoding"))
			}
			if !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
				t.Errorf("%s is not kept: %q", name, answer.Header.Get("Cache-Control"))
			}
			kind := answer.Header.Get("Content-Type")
			if strings.HasSuffix(name, ".js") && !strings.HasPrefix(kind, "text/javascript") || strings.HasSuffix(name, ".css") && !strings.HasPrefix(kind, "text/css") {
				t.Errorf("%s has the type %q", name, kind)
			}
			seen++
		}
	}
	if seen < 4 {
		t.Errorf("only %d files were seen", seen)
	}
}

// mostPacked is how much a browser loads at most to show everything, packed.
const mostPacked = 400 << 10

func TestPagesAreLight(t *testing.T) {
	needBuild(t)
	get := server(t)
	names, err := fs.Glob(os.DirFS("built/app"), "assets/*")
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, name := range names {
		answer, _ := get("/"+name, true)
		total += answer.ContentLength
	}
	t.Logf("%d KiB packed in %d files", total>>10, len(names))
	if total > mostPacked {
		t.Errorf("the pages have %d KiB packed, more than %d", total>>10, mostPacked>>10)
	}
}
