//go:build cluster && linux

package shop_test

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// installed finds a program that scripts/setup installs. Where the machine has
// none the test is skipped, but not in CI.
func installed(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil { // not everybody's PATH has Debian's folder of servers
		path, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not installed (apt-get install %s), and CI must not skip the tests with it", name, name)
		}
		t.Skipf("%s is not installed (apt-get install %s): skipped", name, name)
	}
	return path
}

// write writes a file into a folder of its own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// front listens before two URLs, the second of which gets the requests for which
// second says so, and gives its own.
func front(t *testing.T, one, two string, second func() bool) string {
	t.Helper()
	var targets []*url.URL
	for _, text := range []string{one, two} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		targets = append(targets, u)
	}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if second() {
			r.SetURL(targets[1])
		} else {
			r.SetURL(targets[0])
		}
	}})
	t.Cleanup(server.Close)
	return server.URL
}
