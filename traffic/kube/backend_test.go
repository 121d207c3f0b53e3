package kube_test

import (
	"errors"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

func TestBackendsAreToldApart(t *testing.T) {
	ref := func(namespace, name string, port any) map[string]any {
		out := map[string]any{"name": name, "port": port}
		if namespace != "" {
			out["namespace"] = namespace
		}
		return out
	}
	for _, c := range []struct {
		text string
		ref  map[string]any
		is   bool
	}{
		{"stable", ref("", "stable", int64(80)), true},
		{"stable", ref("home", "stable", int64(80)), true},
		{"stable", ref("away", "stable", int64(80)), false},
		{"home/stable", ref("", "stable", int64(80)), true},
		{"away/stable", ref("away", "stable", int64(80)), true},
		{"away/stable", ref("", "stable", int64(80)), false},
		{"stable:80", ref("", "stable", int64(80)), true},
		{"stable:http", ref("", "stable", "http"), true},
		{"stable:80", ref("", "stable", int64(8080)), false},
		{"stable:80", ref("", "stable", nil), false},
		{"stable", ref("", "canary", int64(80)), false},
	} {
		b, err := kube.ParseBackend(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
		}
		if got := b.Is(c.ref, "home"); got != c.is {
			t.Errorf("%s is %v: %v, expected %v", c.text, c.ref, got, c.is)
		}
	}
}

func FuzzParseBackend(f *testing.F) {
	for _, text := range []string{"stable", "shop/stable", "stable:80", "shop/stable:http", "", "/a", "a:", "a/b/c", "a:1:2", "a b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := kube.ParseBackend(text)
		if err != nil {
			if !errors.Is(err, release.ErrInvalid) || b != (kube.Backend{}) {
				t.Fatalf("%q: %+v, %v", text, b, err)
			}
			return
		}
		if b.String() != text {
			t.Fatalf("%q is read as %+v, which is %q", text, b, b)
		}
	})
}
