package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/spec"
)

const sample = `apiVersion: linnet/v1
kind: Access
spec:
  groups:
    - { name: release-managers, members: [ann@example.com, bob@example.com] }
    - { name: payments, claims: [eng-payments] }
    - { name: oncall, members: [kim@example.com] }
  bindings:
    - { role: viewer, to: [everyone] }
    - { role: operator, to: ["group:payments", "service:ci-*"], teams: [payments] }
    - { role: approver, to: ["group:release-managers", "*@example.com"], environments: ["prod*"] }
    - { role: owner, to: [lea@example.com], services: [checkout, "cart-*"] }
    - { role: admin, to: [root@example.com] }
    - { role: operator, to: ["folder:*"] }
  glass: { confirmedBy: oncall }
`

func policy(t testing.TB, text string) *access.Rules {
	t.Helper()
	rules, err := spec.ParseAccess("access.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return access.New("access.yaml", rules)
}

func person(name string, groups ...string) access.Actor {
	return access.Actor{Name: name, Kind: access.Person, Groups: groups}
}

var (
	checkout = access.Resource{Service: "checkout", Team: "payments", Environment: "production"}
	search   = access.Resource{Service: "search", Team: "discovery", Environment: "staging"}
)

// Every role against every action, where it is given and elsewhere. The table is
// what docs/access.md says; a new action fails it until somebody has decided.
func TestWhatEachRoleMay(t *testing.T) {
	table := map[access.Action]string{
		access.View:     "viewer operator approver owner admin",
		access.Create:   "operator owner admin",
		access.Pause:    "operator owner admin",
		access.Advance:  "operator owner admin",
		access.Abort:    "operator owner admin",
		access.Approve:  "approver owner admin",
		access.Annotate: "operator owner admin",
		access.Break:    "operator owner admin",
		access.Confirm:  "owner admin",
		access.Tokens:   "owner admin",
		access.Audit:    "admin",
		access.Manage:   "admin",
	}
	for _, role := range access.Roles() {
		p := policy(t, fmt.Sprintf("apiVersion: linnet/v1\nkind: Access\nspec:\n  bindings:\n    - { role: %s, to: [ann], teams: [payments] }\n", role))
		everywhere := policy(t, fmt.Sprintf("apiVersion: linnet/v1\nkind: Access\nspec:\n  bindings:\n    - { role: %s, to: [ann] }\n", role))
		for _, action := range access.Actions() {
			roles, known := table[action]
			if !known {
				t.Errorf("the table does not say who may %s", action)
			}
			may := slices.Contains(strings.Fields(roles), string(role))
			if got := p.Decide(person("ann"), action, checkout); got.Allowed != may {
				t.Errorf("%s of the team, %s: %v (%s)", role, action, got.Allowed, got.Why)
			}
			if got := p.Decide(person("ann"), action, search); got.Allowed {
				t.Errorf("%s of another team, %s: allowed, %s", role, action, got.Why)
			}
			if got := p.Decide(person("ann"), action, access.Resource{}); got.Allowed {
				t.Errorf("%s of a team, %s of everything: allowed, %s", role, action, got.Why)
			}
			if got := everywhere.Decide(person("ann"), action, access.Resource{}); got.Allowed != may {
				t.Errorf("%s of everything, %s: %v (%s)", role, action, got.Allowed, got.Why)
			}
			if got := everywhere.Decide(person("bob"), action, checkout); got.Allowed {
				t.Errorf("somebody else, %s: allowed, %s", action, got.Why)
			}
			program := access.Actor{Name: "ann", Kind: access.Service}
			if got := everywhere.Decide(program, action, checkout); got.Allowed != (may && action != access.Approve) {
				t.Errorf("a program as %s, %s: %v (%s)", role, action, got.Allowed, got.Why)
			}
		}
	}
}

func TestDecide(t *testing.T) {
	p := policy(t, sample)
	narrow := person("root@example.com")
	narrow.Scopes = []access.Action{access.View}
	inGroup := func(r access.Resource, group string) access.Resource { r.Group = group; return r }
	for name, c := range map[string]struct {
		who    access.Actor
		action access.Action
		on     access.Resource
		may    bool
		why    string
	}{
		"anybody sees":               {person("x@other.org"), access.View, search, true, "access.yaml:9 gives the role viewer to everyone"},
		"a program is not everyone":  {access.Actor{Name: "service:x", Kind: access.Service}, access.View, search, false, "it needs the role viewer, operator, approver, owner or admin"},
		"group of the provider":      {person("x@other.org", "eng-payments"), access.Abort, checkout, true, "access.yaml:10 gives the role operator of team payments to group:payments"},
		"not by its own name":        {person("x@other.org", "payments"), access.Abort, checkout, false, ""},
		"another team":               {person("x@other.org", "eng-payments"), access.Abort, search, false, "of service search, team discovery, environment staging; its admins are root@example.com (access.yaml:13)"},
		"a pipeline":                 {access.Actor{Name: "service:ci-7", Kind: access.Service}, access.Create, checkout, true, "to service:ci-*"},
		"another pipeline":           {access.Actor{Name: "service:cd", Kind: access.Service}, access.Create, checkout, false, ""},
		"approver by environment":    {person("ann@example.com"), access.Approve, checkout, true, "of environment prod*"},
		"of the group that is asked": {person("ann@example.com"), access.Approve, inGroup(checkout, "release-managers"), true, ""},
		"of another group":           {person("eve@example.com"), access.Approve, inGroup(checkout, "release-managers"), false, "release-managers is asked, and eve@example.com is not in it (access.yaml:5)"},
		"a group nobody knows":       {person("ann@example.com"), access.Approve, inGroup(checkout, "sre"), false, "knows no such group"},
		"no approval of a program":   {access.Actor{Name: "service:ci-7", Kind: access.Service}, access.Approve, checkout, false, "only people approve"},
		"a * is not for programs":    {access.Actor{Name: "service:x@example.com", Kind: access.Service}, access.View, checkout, false, ""},
		"owner of a service":         {person("lea@example.com"), access.Advance, access.Resource{Service: "cart-7"}, true, "of service checkout or cart-*"},
		"a service not known":        {person("lea@example.com"), access.Advance, access.Resource{Team: "payments"}, false, ""},
		"a folder":                   {access.Actor{Name: "folder:/srv/releases", Kind: access.Machine}, access.Create, search, true, "to folder:*"},
		"the second person":          {person("kim@example.com"), access.Confirm, checkout, true, "access.yaml lets oncall be the second person"},
		"no second person":           {person("eve@example.com"), access.Confirm, checkout, false, "it needs the role owner or admin"},
		"a narrow token":             {narrow, access.Abort, checkout, false, "the token is for view alone"},
		"an admin":                   {person("root@example.com"), access.Manage, access.Resource{}, true, "access.yaml:13"},
	} {
		got := p.Decide(c.who, c.action, c.on)
		if got.Allowed != c.may || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: allowed %v, because %s; want %v, because … %s", name, got.Allowed, got.Why, c.may, c.why)
		}
	}
	if got := p.Groups(person("ann@example.com", "eng-payments", "*")); !slices.Equal(got, []string{"payments", "release-managers"}) {
		t.Errorf("ann is in %v", got)
	}
}

// drawRules draws rules in which things meet often.
func drawRules(t *rapid.T) spec.AccessRules {
	some := func(from []string, name string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(from), 0, 2).Draw(t, name)
	}
	r := spec.AccessRules{ConfirmedBy: rapid.SampledFrom([]string{"", "g0", "g1"}).Draw(t, "confirmedBy")}
	for i := range rapid.IntRange(0, 2).Draw(t, "groups") {
		r.Groups = append(r.Groups, spec.AccessGroup{Name: fmt.Sprint("g", i), Members: some(names, "members"), Claims: some(claims, "claims"), Line: i})
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "bindings") {
		b := spec.AccessBinding{Role: rapid.SampledFrom(access.Roles()).Draw(t, "role"), Line: i}
		b.To = append(some(subjects, "to"), rapid.SampledFrom(subjects).Draw(t, "first"))
		b.Services, b.Teams, b.Environments = some(scopes, "services"), some(scopes, "teams"), some(scopes, "environments")
		r.Bindings = append(r.Bindings, b)
	}
	return r
}

var (
	names    = []string{"ann", "bob", "service:ci", "folder:/x"}
	claims   = []string{"eng", "ops"}
	subjects = []string{"ann", "a*", "service:*", "service:ci", "group:g0", "group:g1", spec.Everyone, "folder:*"}
	scopes   = []string{"x", "y", "x*", "*"}
)

func drawQuestion(t *rapid.T) (access.Actor, access.Action, access.Resource) {
	who := access.Actor{Name: rapid.SampledFrom(names).Draw(t, "who"), Groups: rapid.SliceOfN(rapid.SampledFrom(claims), 0, 2).Draw(t, "groups of the provider")}
	who.Kind = rapid.SampledFrom([]access.Kind{access.Person, access.Service, access.Machine}).Draw(t, "kind")
	is := func(name string) string { return rapid.SampledFrom([]string{"", "x", "y", "xy", "z"}).Draw(t, name) }
	return who, rapid.SampledFrom(access.Actions()).Draw(t, "action"),
		access.Resource{Service: is("service"), Team: is("team"), Environment: is("environment"), Group: rapid.SampledFrom([]string{"", "", "g0"}).Draw(t, "group")}
}

// A binding more never takes a right away, none at all deny everything, and their
// order means nothing.
func TestBindingsOnlyGive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rules := drawRules(t)
		who, action, on := drawQuestion(t)
		all := access.New("f", rules).Decide(who, action, on)
		if all.Why == "" {
			t.Fatal("an answer without a reason")
		}
		fewer := rules
		fewer.Bindings = rules.Bindings[:len(rules.Bindings)/2]
		if access.New("f", fewer).Decide(who, action, on).Allowed && !all.Allowed {
			t.Fatalf("%v more bindings took %s away: %s", len(rules.Bindings)-len(fewer.Bindings), action, all.Why)
		}
		turned := rules
		turned.Bindings, turned.Groups = slices.Clone(rules.Bindings), slices.Clone(rules.Groups)
		slices.Reverse(turned.Bindings)
		slices.Reverse(turned.Groups)
		if access.New("f", turned).Decide(who, action, on).Allowed != all.Allowed {
			t.Fatalf("turned round, %s is another answer", action)
		}
		if got := access.New("f", spec.AccessRules{}).Decide(who, action, on); got.Allowed {
			t.Fatalf("without any rule %s is allowed: %s", action, got.Why)
		}
	})
}
