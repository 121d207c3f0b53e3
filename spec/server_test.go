package spec

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func FuzzParseServer(f *testing.F) {
	f.Add([]byte("apiVersion: linnet/v1\nkind: Server\n"))
	f.Add([]byte("apiVersion: linnet/v1\nkind: Server\nspec:\n  listen: 0.0.0.0:80\n  publicURL: https://linnet.example.com\n  releases: [a, b]\n  retain: 30d\n"))
	f.Add([]byte("kind: Server\nspec: {listen: nowhere}\n"))
	f.Add([]byte(loginSettings))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseServer("f", text)
		if err != nil {
			if !reflect.DeepEqual(s, Server{}) {
				t.Fatal("half of the settings came back with an error")
			}
			return
		}
		again, err := ParseServer("f", FormatServer(s))
		s.Text, s.Hash, again.Text, again.Hash = nil, "", nil, ""
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Fatalf("%v; got\n%+v\nwant\n%+v", err, again, s)
		}
	})
}

func TestKinds(t *testing.T) {
	for _, k := range Kinds() {
		text := []byte("apiVersion: linnet/v1\nkind: " + k.Name + "\nspec: {nonsense: 1}\n")
		if got, ok := KindOf(text); !ok || got.Name != k.Name {
			t.Errorf("%s is taken for %q", k.Name, got.Name)
		}
		if err := k.Check("f.yaml", text); err == nil || !strings.Contains(err.Error(), "f.yaml:3:8") {
			t.Errorf("%s: an unknown key gives %v", k.Name, err)
		}
	}
	if _, ok := KindOf([]byte("kind: Release\n")); ok {
		t.Error("a release file is taken for another kind")
	}
	if s := DefaultServer(); s.Listen != "127.0.0.1:8440" || s.Retain == 0 {
		t.Errorf("the defaults of a server are %+v", s)
	}
}

const loginSettings = `apiVersion: linnet/v1
kind: Server
spec:
  publicURL: https://linnet.example.com
  login:
    oidc: { issuer: https://login.example.com, clientID: linnet, clientSecretFile: /run/secrets/oidc, allowedDomains: [example.com] }
    sessions: { idle: 1h, longest: 12h }
  tls: { certFile: a.crt, keyFile: a.key }
  trustedProxies: [10.0.0.0/8, 192.0.2.7, "2001:db8::/32"]
`

func TestSettingsOfTheLogin(t *testing.T) {
	s, err := ParseServer("s.yaml", []byte(loginSettings))
	if err != nil {
		t.Fatal(err)
	}
	l := s.Login
	if l.OIDC.NameClaim != "email" || len(l.OIDC.Scopes) != 3 || l.Tokens.Longest != 90*day || s.TrustedProxies[1].String() != "192.0.2.7/32" {
		t.Errorf("%+v %+v %v", l, l.OIDC, s.TrustedProxies)
	}
	if s, err := ParseServer("s.yaml", []byte("apiVersion: linnet/v1\nkind: Server\nspec: {login: {}}\n")); err != nil || s.Login == nil || s.Login.OIDC != nil {
		t.Errorf("tokens alone: %+v, %v", s.Login, err)
	}
	for part, change := range map[string][2]string{
		"spec.publicURL":             {"https://linnet", "http://linnet"},
		"spec.login.oidc.issuer":     {"https://login", "http://login"},
		"spec.login.oidc: needs":     {"publicURL: https://linnet.example.com", "retain: 30d"},
		"spec.login.oidc.scopes":     {"clientID: linnet", "clientID: linnet, scopes: [email]"},
		"spec.login.sessions.idle":   {"idle: 1h", "idle: 13h"},
		"spec.trustedProxies[0]":     {"10.0.0.0/8", "10.0.0.1/8"},
		"spec.trustedProxies[1]":     {"192.0.2.7", "proxy"},
		"spec.tls.keyFile":           {", keyFile: a.key", ""},
		"spec.login.oidc.allowedDom": {"[example.com]", "[\"@example.com\"]"},
	} {
		_, err := ParseServer("s.yaml", []byte(strings.Replace(loginSettings, change[0], change[1], 1)))
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", part, err)
		}
	}
}

func TestSettingsOfWhatIsKept(t *testing.T) {
	const text = `apiVersion: linnet/v1
kind: Server
spec:
  retain: 30d
  retention: { audit: 400d, databaseFile: owner.url }
  anchors: { file: anchors, keyFile: anchors.key, every: 30m, put: https://store.example.com/linnet, tokenFile: token }
`
	s, err := ParseServer("s.yaml", []byte(text))
	if err != nil || s.Retention.Audit != 400*day || s.Anchors == nil || s.Anchors.Every != 30*time.Minute {
		t.Errorf("%+v %+v, %v", s.Retention, s.Anchors, err)
	}
	if s := DefaultServer(); s.Anchors != nil || s.Retention != (Keeping{}) {
		t.Errorf("by default %+v is kept, and anchored in %+v", s.Retention, s.Anchors)
	}
	for part, change := range map[string][2]string{
		"spec.retain: would":   {"retain: 30d", "retain: 1m"},
		"spec.retention.audit": {"400d", "1h"},
		"spec.anchors.every":   {"30m", "1s"},
		"spec.anchors.put":     {"https:", "http:"},
		"spec.anchors.keyFile": {"keyFile: anchors.key, ", ""},
	} {
		_, err := ParseServer("s.yaml", []byte(strings.Replace(text, change[0], change[1], 1)))
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v", part, err)
		}
	}
}
