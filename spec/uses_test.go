package spec

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// useFile is a release file with a source and a metric of one's choice.
func useFile(source, metric string) string {
	return fmt.Sprintf(`apiVersion: linnet/v1
kind: Release
metadata: { name: checkout-2 }
spec:
  service: checkout
  baseline:  { version: "1", labels: { version: a } }
  candidate: { version: "2", labels: { version: b } }
  traffic: { several: [
    { name: a, exec: { command: [./split, -x], folder: /opt, env: [TOKEN] } },
    { name: b, alb: { listener: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shop/0123456789abcdef/0123456789abcdef", groups: { baseline: a, candidate: b }, endpoint: "https://aws.example.com" } } ] }
  steps: [ { weight: 5%%, atLeast: 1m, atMost: 1h } ]
  analysis:
    source: { %s }
    metrics: [ { name: errors, %s, worse: higher } ]
`, source, metric)
}

func TestWhatAReleaseFileUses(t *testing.T) {
	const ratio = "ratio: { bad: a, of: b }"
	for _, c := range []struct {
		source, metric string
		want           []string
	}{
		{`datadog: { apiKeyFile: /k/api, appKeyFile: /k/app }`, ratio,
			[]string{"site datadoghq.com", "file /k/api", "file /k/app"}},
		{`json: { url: "http://x", time: $.t, value: $.v, oauth2: { tokenURL: "http://y", clientID: c, clientSecretFile: s }, tls: { caFile: ca } }`, ratio,
			[]string{"host http://x", "host http://y", "file s", "file ca"}},
		{`sql: { postgres: { host: /run/pg, database: d, user: u, passwordFile: p } }`, `ratio: { bad: a, of: b }, query: "SELECT 1"`,
			[]string{"socket /run/pg", "file p"}},
		{`sql: { sqlite: { file: shop.db } }`, `ratio: { bad: a, of: b }, query: "SELECT 1"`, []string{"file shop.db"}},
		{`googleMonitoring: { project: shop-7, credentialsFile: c }`, ratio, []string{"own https://monitoring.googleapis.com", "file c"}},
		{`cloudWatch: { endpoint: "http://x", logsEndpoint: "http://y" }`, ratio, []string{"own http://x", "own http://y"}},
		{`exec: { command: [python, "a b"] }`, ratio, []string{"command  [python a b] "}},
	} {
		f, err := Parse("f", []byte(useFile(c.source, c.metric)))
		if err != nil {
			t.Fatalf("%s: %v", c.source, err)
		}
		want := append([]string{"command  [./split -x] /opt", "file /opt", "own https://aws.example.com"}, c.want...)
		var got []string
		for _, u := range Uses(f) {
			text := string(u.Kind) + " " + u.Text
			if u.Kind == UseCommand {
				text += fmt.Sprint(" ", u.Words, " ", u.Folder)
			}
			got = append(got, text)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%q\nwant\n%q", c.source, got, want)
		}
		err = CheckUses("f", f, func(u Use) (string, string) { return "is too much", "take it out" })
		var all Errors
		if !errors.As(err, &all) || len(all) != len(want) || all[0].Path != "spec.traffic.several[0].exec.command" || all[0].Line != 9 {
			t.Errorf("%s: %v", c.source, err)
		}
	}
}

// What lies in the data folder is called after the service: it lies nowhere else.
func TestAServiceWithAFolderOfItsOwnHasNoSlash(t *testing.T) {
	for service, fine := range map[string]bool{"../../etc/x": false, `a\b`: false, "a/b": false, "..": true, "check out": true} {
		text := fmt.Sprintf(`{apiVersion: linnet/v1, kind: Release, metadata: {name: a}, spec: {service: %q, baseline: {version: "1", labels: {v: a}}, candidate: {version: "2", labels: {v: b}},
 traffic: {proxy: {listen: "127.0.0.1:1", upstreams: {baseline: "http://a", candidate: "http://b"}}},
 analysis: {source: {prometheus: {url: "http://p"}}, metrics: [{name: e, ratio: {bad: a, of: b}, worse: higher}]}}}`, service)
		if _, err := Parse("f", []byte(text)); (err == nil) != fine {
			t.Errorf("%q: %v", service, err)
		}
	}
}

func TestSettingsOfTheReach(t *testing.T) {
	s, err := ParseServer("f", []byte("apiVersion: linnet/v1\nkind: Server\nspec:\n  reach: { hosts: [A.example.com, \"*.B.com\", 10.0.0.0/8, \"::1\"] }\n"))
	if err != nil || s.Reach == nil || !slices.Equal(s.Reach.Hosts, []string{"a.example.com", "*.b.com", "10.0.0.0/8", "::1"}) {
		t.Fatalf("%+v, %v", s.Reach, err)
	}
	for _, bad := range []string{`"*"`, `"http://a"`, `"a:80"`, "10.0.0.1/8", `"*.*.a"`} {
		if _, err := ParseServer("f", []byte("apiVersion: linnet/v1\nkind: Server\nspec:\n  reach: { hosts: ["+bad+"] }\n")); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	empty, err := ParseServer("f", []byte("apiVersion: linnet/v1\nkind: Server\nspec: { reach: {} }\n"))
	if err != nil || empty.Reach == nil {
		t.Fatal(err)
	}
	if again, err := ParseServer("f", FormatServer(empty)); err != nil || again.Reach == nil {
		t.Errorf("what is not allowed gets lost: %v\n%s", err, FormatServer(empty))
	}
}
