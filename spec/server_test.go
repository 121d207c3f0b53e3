package spec

import (
	"reflect"
	"strings"
	"testing"
)

func FuzzParseServer(f *testing.F) {
	f.Add([]byte("apiVersion: linnet/v1\nkind: Server\n"))
	f.Add([]byte("apiVersion: linnet/v1\nkind: Server\nspec:\n  listen: 0.0.0.0:80\n  publicURL: https://linnet.example.com\n  releases: [a, b]\n  retain: 30d\n"))
	f.Add([]byte("kind: Server\nspec: {listen: nowhere}\n"))
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
