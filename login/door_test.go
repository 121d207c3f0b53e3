package login

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/spec"
)

func TestWhereARequestComesFrom(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:1::/48")}
	for _, c := range []struct{ peer, said, want string }{
		{"192.0.2.1", "", "192.0.2.1"},
		{"192.0.2.1", "203.0.113.9", "192.0.2.1"}, // nobody believes it
		{"127.0.0.1", "203.0.113.9", "127.0.0.1"},
		{"10.0.0.1", "", "10.0.0.1"},
		{"10.0.0.1", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"}, // the first is the client's own invention
		{"10.0.0.1", "203.0.113.9, 10.2.2.2", "203.0.113.9"},
		{"10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"},
		{"10.0.0.1", "garbage", "10.0.0.1"},
		{"10.0.0.1", "203.0.113.9, garbage", "10.0.0.1"},
		{"10.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"},
		{"2001:db8:1::5", "2001:db8:9::1", "2001:db8:9::1"},
		{"10.0.0.1", strings.Repeat("10.1.1.1,", 50) + "10.1.1.1", "10.1.1.1"},
	} {
		r := request("GET", c.peer, "X-Forwarded-For", c.said)
		if got := wayOf(r, trusted).from.String(); got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.peer, c.said, got, c.want)
		}
	}
	several := request("GET", "10.0.0.1", "X-Forwarded-For", "203.0.113.9", "X-Forwarded-For", "198.51.100.1")
	if got := wayOf(several, trusted).from.String(); got != "198.51.100.1" {
		t.Errorf("several headers: %s", got)
	}
	t.Run("guesses do not come from elsewhere by saying so", func(t *testing.T) {
		b := newBed(t, databasetest.Folder(t), nil)
		_, text := b.token(t, Wish{Owner: "service:ci"})
		locked := 0
		for i := range 20 {
			r := withToken(text[:len(text)-2]+"00", "192.0.2.66")
			r.Header.Set("X-Forwarded-For", netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String())
			if _, err := b.Authenticate(r); status(err) == 429 {
				locked++
			}
		}
		if locked < 10 {
			t.Errorf("%d of 20", locked)
		}
	})
}

func TestWhatEveryAnswerHas(t *testing.T) {
	b := newBed(t, databasetest.Folder(t), nil)
	h := b.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for _, c := range []struct {
		path        string
		tls         bool
		hsts, cache string
	}{
		{"/", true, "max-age=31536000", ""}, {"/v1/releases", true, "max-age=31536000", "no-store"}, {"/v1/releases", false, "", "no-store"},
	} {
		r := request("GET", "127.0.0.1")
		r.URL, _ = url.Parse(c.path)
		if !c.tls {
			r.TLS = nil
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Strict-Transport-Security": c.hsts, "Cache-Control": c.cache} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", c.path, name, got, want)
			}
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'self'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("the policy of pages is %q", csp)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "" || w.Code != http.StatusTeapot {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	}
	t.Run("measures are for those who have logged in", func(t *testing.T) {
		_, text := b.token(t, Wish{Owner: "service:prometheus"})
		for want, r := range map[int]*http.Request{401: request("GET", "192.0.2.1"), 418: withToken(text, "192.0.2.1")} {
			r.URL, _ = url.Parse("/metrics")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%d, want %d", w.Code, want)
			}
		}
	})
	t.Run("a made-up token or session does not hurry a login", func(t *testing.T) {
		fast := newBed(t, databasetest.Folder(t), func(c *Config) {
			c.Settings = newSettings()
			c.Settings.Rates.Anonymous = 1
		})
		for _, header := range []string{"Authorization", "Cookie"} {
			slowed := 0
			for range 20 {
				r := request("POST", "192.0.2.1", header, map[string]string{"Authorization": "Bearer x", "Cookie": "__Host-linnet_session=x"}[header])
				r.URL, _ = url.Parse("/v1/login/device")
				w := httptest.NewRecorder()
				fast.Wrap(http.NotFoundHandler()).ServeHTTP(w, r)
				if w.Code == 429 {
					slowed++
				}
			}
			if slowed < 15 {
				t.Errorf("%s: %d of 20 were too fast", header, slowed)
			}
		}
	})
	t.Run("pages of others send nothing", func(t *testing.T) {
		for want, r := range map[int]*http.Request{
			403: request("POST", "192.0.2.1", "Sec-Fetch-Site", "cross-site"),
			418: request("POST", "192.0.2.1", "Origin", "https://linnet.example.com"),
		} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != want {
				t.Errorf("%d, want %d", w.Code, want)
			}
		}
	})
}

// The settings that docs/login.md shows, and those of the compose file, can be
// served; without what they say of the way to the server they cannot.
func TestSettingsThatCanBeServed(t *testing.T) {
	page, err1 := os.ReadFile("../docs/login.md")
	compose, err2 := os.ReadFile("../deploy/server.yaml")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	_, block, _ := strings.Cut(string(page), "```yaml\n")
	block, _, _ = strings.Cut(block, "```")
	for _, text := range []string{block, string(compose)} {
		s, err := spec.ParseServer("server.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		everywhere := netip.IPv4Unspecified()
		if err := MayListen(s, everywhere); err != nil {
			t.Error(err)
		}
		s.TLS, s.TrustedProxies = nil, nil
		if err := MayListen(s, everywhere); err == nil || !strings.Contains(err.Error(), "spec.tls {certFile, keyFile}") {
			t.Errorf("tokens for all to read: %v", err)
		}
		s.Login = nil
		if err := MayListen(s, everywhere); err == nil || !strings.Contains(err.Error(), "no login is configured") {
			t.Errorf("no login: %v", err)
		}
		if err := MayListen(s, netip.MustParseAddr("::1")); err != nil {
			t.Error(err)
		}
	}
}

func TestACertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	write := func(name string, at time.Time) {
		key := newKey(t)
		made := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: noon.Add(time.Hour)}
		cert, err1 := x509.CreateCertificate(rand.Reader, made, made, key.Public(), key)
		private, err2 := x509.MarshalECPrivateKey((*ecdsa.PrivateKey)(key))
		for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "EC PRIVATE KEY", Bytes: private}} {
			if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil || err1 != nil || err2 != nil {
				t.Fatal(err, err1, err2)
			}
			if err := os.Chtimes(file, at, at); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := NewCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), time.Now); err == nil {
		t.Error("no files, and no error")
	}
	c := &clock{at: noon}
	write("one", noon)
	shown, err := NewCertificate(certFile, keyFile, slog.New(slog.DiscardHandler), c.now)
	if err != nil {
		t.Fatal(err)
	}
	name := func() string {
		got, err := shown.Config().GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(got.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.Subject.CommonName
	}
	write("two", noon.Add(time.Minute))
	if got := name(); got != "one" {
		t.Errorf("at once: %s", got)
	}
	c.pass(certificateLook)
	if got := name(); got != "two" {
		t.Errorf("a look later: %s", got)
	}
	if err := os.WriteFile(keyFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.pass(certificateLook)
	if got := name(); got != "two" {
		t.Errorf("with a key that cannot be used: %s", got)
	}
}

func FuzzCredential(f *testing.F) {
	for _, s := range []string{"", "Bearer", "Bearer ", "Bearer lnt_x", "bearer  lnt_00000000000000000000_x", "Basic YTpi", "Bearer a b", "Bearer \x00"} {
		f.Add(s, "linnet_session=x; __Host-linnet_session=\"y\"")
	}
	b := fuzzBed(f)
	f.Fuzz(func(t *testing.T, authorization, cookies string) {
		r := request("POST", "192.0.2.1")
		r.Header["Authorization"], r.Header["Cookie"] = []string{authorization}, []string{cookies}
		who, err := b.Authenticate(r)
		if err == nil || who.Name != "" || status(err) == 0 {
			t.Fatalf("%+v, %v", who, err)
		}
		if len(authorization) > 40 && strings.Contains(err.Error(), authorization[20:]) {
			t.Error("the error repeats what was sent")
		}
	})
}

func fuzzBed(f *testing.F) *Login {
	f.Helper()
	l, err := New(f.Context(), Config{DB: databasetest.Folder(f), Settings: newSettings(), Policy: access.Everybody{}, Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	return l
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "/releases?q=1#x", "//evil.example", "/\\evil.example", "https://evil.example", "/%2f/evil", "/\t/evil.example", "javascript:alert(1)", "", "/..//evil.example", "/%5cevil.example"} {
		f.Add(s)
	}
	here, _ := url.Parse("https://linnet.example.com/v1/login/callback")
	f.Fuzz(func(t *testing.T, s string) {
		got := localPath(s)
		// As a browser reads it: backslashes are slashes, tabs and line breaks nothing.
		read := strings.NewReplacer("\\", "/", "\t", "", "\n", "", "\r", "").Replace(got)
		to, err := here.Parse(read)
		if err != nil || to.Host != here.Host || to.Scheme != "https" || to.User != nil || !strings.HasPrefix(read, "/") || strings.HasPrefix(read, "//") {
			t.Errorf("%q leads to %v (%v)", s, to, err)
		}
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest("GET", here.String(), nil), got, http.StatusSeeOther)
		if at := w.Header().Get("Location"); !strings.HasPrefix(at, "/") || strings.HasPrefix(at, "//") {
			t.Errorf("%q is sent to %q", s, at)
		}
	})
}

func FuzzReadAttempt(f *testing.F) {
	f.Add(attempt{State: "s", Nonce: "n", Verifier: "v", To: "/x"}.text())
	f.Add("e30")
	f.Add("!")
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := readAttempt(s)
		if !ok && a != (attempt{}) {
			t.Error("half of an attempt came back")
		}
		if again, same := readAttempt(a.text()); ok && (!same || again != a) {
			t.Errorf("%+v becomes %+v", a, again)
		}
	})
}
