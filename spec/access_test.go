package spec

import (
	"reflect"
	"strings"
	"testing"
)

const accessSample = `apiVersion: linnet/v1
kind: Access
spec:
  groups:
    - { name: release-managers, members: [ann@example.com] }
    - name: payments
      claims: [eng-payments]
  bindings:
    - { role: viewer, to: [everyone] }
    - role: operator
      to: ["group:payments", "service:ci"]
      teams: [payments]
      environments: ["prod*"]
  glass: { confirmedBy: release-managers }
`

func TestParseAccess(t *testing.T) {
	a, err := ParseAccess("access.yaml", []byte(accessSample))
	if err != nil {
		t.Fatal(err)
	}
	if a.Groups[1].Line != 6 || a.Bindings[0].Line != 9 || a.Bindings[1].Line != 10 || a.ConfirmedBy != "release-managers" {
		t.Errorf("read %+v", a)
	}
}

func TestAnAddressInCapitalsIsTheSamePerson(t *testing.T) {
	a, err := ParseAccess("access.yaml", []byte(strings.NewReplacer("ann@example.com", "Ann@Example.com",
		"[everyone]", `["*@Example.com", "service:CI@x"]`).Replace(accessSample)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := a.Groups[0].Members, []string{"ann@example.com"}; !reflect.DeepEqual(got, want) {
		t.Errorf("members %q, want %q", got, want)
	}
	if got, want := a.Bindings[0].To, []string{"*@example.com", "service:CI@x"}; !reflect.DeepEqual(got, want) {
		t.Errorf("to %q, want %q", got, want)
	}
	n, err := ParseNotices("notices.yaml", []byte(`apiVersion: linnet/v1
kind: Notices
spec:
  channels:
    - { name: c, slack: { channel: C0, tokenFile: t, signingSecretFile: s, people: { U0: Ann@Example.com } } }
  routes: [{ to: [c] }]
`))
	if err != nil || n.Channels[0].Slack.People["U0"] != "ann@example.com" {
		t.Errorf("%+v, %v", n.Channels, err)
	}
}

func TestBadAccess(t *testing.T) {
	bad := `apiVersion: linnet/v1
kind: Access
spec:
  groups:
    - { name: payments, members: ["*@example.com"] }
    - { name: payments }
    - { name: "*" }
  bindings:
    - { role: operater, to: ["group:payment"] }
    - { role: admin, to: ["**"] }
    - { role: admin, to: [] }
  glass: { confirmedBy: nobody }
`
	a, err := ParseAccess("access.yaml", []byte(bad))
	if err == nil || !reflect.DeepEqual(a, AccessRules{}) {
		t.Fatalf("it is taken: %+v", a)
	}
	for _, want := range []string{
		`access.yaml:5:35: spec.groups[0].members[0]: "*@example.com" has a *`,
		`access.yaml:6:15: spec.groups[1].name: "payments" is there already`,
		`access.yaml:7:15: spec.groups[2].name: "*" is no group`,
		`access.yaml:9:15: spec.bindings[0].role: "operater" is not known here; did you mean operator?`,
		`access.yaml:9:30: spec.bindings[0].to[0]: group "payment" is not among spec.groups; did you mean payments?`,
		`access.yaml:10:27: spec.bindings[1].to[0]: "**" would be anybody at all`,
		`access.yaml:11:22: spec.bindings[2].to: is empty`,
		`access.yaml:12:25: spec.glass.confirmedBy: group "nobody" is not among spec.groups`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%s is not said in\n%v", want, err)
		}
	}
}

func FuzzParseAccess(f *testing.F) {
	f.Add([]byte("apiVersion: linnet/v1\nkind: Access\n"))
	f.Add([]byte(accessSample))
	f.Add([]byte("kind: Access\nspec: {bindings: [{role: admin}]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := ParseAccess("f", text)
		if err != nil {
			if !reflect.DeepEqual(a, AccessRules{}) {
				t.Fatal("half of the rules came back with an error")
			}
			return
		}
		again, err := ParseAccess("f", FormatAccess(a))
		for _, r := range []*AccessRules{&a, &again} {
			r.Text, r.Hash = nil, ""
			for i := range r.Groups {
				r.Groups[i].Line = 0
			}
			for i := range r.Bindings {
				r.Bindings[i].Line = 0
			}
		}
		if err != nil || !reflect.DeepEqual(a, again) {
			t.Fatalf("%v; got\n%+v\nwant\n%+v", err, again, a)
		}
	})
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		fits          bool
	}{
		{"checkout", "checkout", true}, {"checkout", "checkout-2", false}, {"checkout*", "checkout-2", true},
		{"*", "", true}, {"a?", "ab", false}, {"[a]", "a", false}, {"[a]", "[a]", true}, {`a\b`, `a\b`, true},
		{"folder:*", "folder:/srv/a", true}, {"*/b", "a/x/b", true}, {"*-eu", "-eu", true},
		{"a*b*c", "axbxc", true}, {"a*b*c", "acb", false}, {"a*a", "aa", true}, {"a*a", "a", false}, {"ab*ba", "aba", false},
	} {
		if Fits([]string{c.pattern}, c.name) != c.fits {
			t.Errorf("%q fits %q: want %v", c.pattern, c.name, c.fits)
		}
	}
}
