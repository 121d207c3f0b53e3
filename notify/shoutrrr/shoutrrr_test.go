package shoutrrr_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/notify/notifyconf"
	"github.com/linnet-project/linnet/notify/shoutrrr"
	"github.com/linnet-project/linnet/release"
)

const key = "geheimer-schluessel"

// TestShoutrrr takes the library's generic service to a server of the suite.
func TestShoutrrr(t *testing.T) {
	const library = "the library makes its requests itself"
	notifyconf.Exercise(t, notifyconf.Harness{
		Secret: key,
		New: func(s *httptest.Server, file string, timeout time.Duration) notifyconf.Channel {
			own := filepath.Join(t.TempDir(), "url")
			if _, err := os.Stat(file); err != nil {
				own = file
			} else if err := os.WriteFile(own, []byte("generic://"+strings.TrimPrefix(s.URL, "http://")+"/"+key+"?disabletls=yes"), 0o600); err != nil {
				t.Fatal(err)
			}
			return shoutrrr.New(shoutrrr.Config{URLFile: own, Timeout: timeout})
		},
		Accept: func(_ http.ResponseWriter, r *http.Request, body []byte) error {
			if r.URL.Path != "/"+key || len(body) == 0 || len([]rune(string(body))) > 1900 {
				return fmt.Errorf("%s: %d bytes", r.URL, len(body))
			}
			return nil
		},
		Cannot: map[string]string{"waits": library, "redirects": library, "refusals": library},
	})
}

// What is no URL of the library's is told without showing it.
func TestURLs(t *testing.T) {
	for _, address := range []string{"nonsense://" + key, "discord://" + key, key, "://" + key, "telegram://" + key + "@telegram"} {
		file := filepath.Join(t.TempDir(), "url")
		if err := os.WriteFile(file, []byte(address), 0o600); err != nil {
			t.Fatal(err)
		}
		c := shoutrrr.New(shoutrrr.Config{URLFile: file, Timeout: time.Second})
		if err := c.Check(t.Context()); !errors.Is(err, release.ErrInvalid) || strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
