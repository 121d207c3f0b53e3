package spec

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

func noticesExample(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/notices.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func FuzzParseNotices(f *testing.F) {
	f.Add(noticesExample(f))
	f.Add([]byte("apiVersion: linnet/v1\nkind: Notices\n"))
	f.Add([]byte("apiVersion: linnet/v1\nkind: Notices\nspec:\n  channels: [{name: a, shoutrrr: {urlFile: x}}]\n  routes: [{to: [a]}]\n"))
	f.Add([]byte("kind: Notices\nspec: {quietHours: [{name: n, from: \"25:00\", to: 7}]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, err := ParseNotices("f", text)
		if err != nil {
			if !reflect.DeepEqual(n, Notices{}) {
				t.Fatal("half of it came back with an error")
			}
			return
		}
		again, err := ParseNotices("f", FormatNotices(n))
		n.Text, n.Hash, again.Text, again.Hash = nil, "", nil, ""
		if err != nil || !reflect.DeepEqual(n, again) {
			t.Fatalf("%v; got\n%+v\nwant\n%+v", err, again, n)
		}
	})
}

func TestNotices(t *testing.T) {
	n, err := ParseNotices("notices.yaml", noticesExample(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Channels) != 6 || len(n.Routes) != 4 || n.Quiet[0].From.Hours() != 22 || n.Digests[0].Days[0] != "mon" || n.Channels[0].Slack.URL == "" {
		t.Errorf("%+v", n)
	}
}

// What can never do what it says is refused, with what to do.
func TestNoticesRules(t *testing.T) {
	const channels = "  channels: [{name: a, shoutrrr: {urlFile: x}}, {name: b, shoutrrr: {urlFile: x}}]\n"
	for text, want := range map[string]string{
		"  routes: [{to: [x]}]\n":                                                         "\"x\" is no channel of this file",
		"  routes: [{to: [a, a]}]\n":                                                      "\"a\" is told already by this route",
		"  routes: [{to: [a], escalate: [{after: 5m, to: [a]}]}]\n":                       "\"a\" is told already by this route",
		"  routes: [{to: [a], escalate: [{after: 5m, to: [b]}, {after: 1m, to: [b]}]}]\n": "is not later than the one before",
		"  routes: [{to: [a]}, {match: {teams: [x]}, to: [b]}]\n":                         "is never reached",
		"  routes: [{match: {teams: [x]}, to: [b]}]\n":                                    "have none that takes every page",
		"  routes: [{match: {severities: [inform]}, to: [b]}]\n":                          "have none that takes every page",
		"":                                       "have none that takes every page",
		"  routes: [{to: [a], digest: daily}]\n": "\"daily\" is no digest of this file",
		"  routes: [{to: [a], quiet: nights}]\n": "\"nights\" is no entry of quietHours",
		"  routes: [{match: {events: [rolback]}, to: [a]}]\n":         "did you mean rollback?",
		"  quietHours: [{name: n, from: \"07:00\", to: \"07:00\"}]\n": "never or always quiet",
		"  templates: [{name: t, title: x}, {name: t, title: y}]\n":   "\"t\" is there already",
	} {
		_, err := ParseNotices("n.yaml", []byte("apiVersion: linnet/v1\nkind: Notices\nspec:\n"+channels+text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, expected %q", text, err, want)
		}
	}
	for _, text := range []string{"  routes: [{match: {severities: [page]}, to: [a]}]\n", "  routes: [{to: [a], also: true}, {match: {teams: [x]}, to: [b]}]\n"} {
		if _, err := ParseNotices("n.yaml", []byte("apiVersion: linnet/v1\nkind: Notices\nspec:\n"+channels+text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
