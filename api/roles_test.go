package api_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/spec"
)

// calls are all operations: what each asks, and which roles may in their own team.
// TEAM stands for a release's name. A new operation fails the test until somebody
// has decided.
var calls = map[string]struct {
	method, path, body string
	roles              string
}{
	"list-releases":    {"GET", "/v1/releases", "", "nobody viewer operator approver owner admin"}, // shows what one may see
	"list-services":    {"GET", "/v1/services", "", "nobody viewer operator approver owner admin"}, // the same
	"get-service":      {"GET", "/v1/services/checkout?team=OFTEAM", "", "viewer operator approver owner admin"},
	"follow-events":    {"HEAD", "/v1/events", "", "nobody viewer operator approver owner admin"}, // the same
	"get-system":       {"GET", "/v1/system", "", "nobody viewer operator approver owner admin"},
	"list-sources":     {"GET", "/v1/sources", "", "nobody viewer operator approver owner admin"}, // shows what one may see
	"list-replicas":    {"GET", "/v1/replicas", "", "nobody viewer operator approver owner admin"},
	"plan-release":     {"POST", "/v1/plan", "FILE", "nobody viewer operator approver owner admin"},
	"create-release":   {"POST", "/v1/releases", "FILE", "operator owner admin"},
	"get-release":      {"GET", "/v1/releases/TEAM/1", "", "viewer operator approver owner admin"},
	"get-record":       {"GET", "/v1/releases/TEAM/1/record", "", "viewer operator approver owner admin"},
	"get-file":         {"GET", "/v1/releases/TEAM/1/file", "", "viewer operator approver owner admin"},
	"get-course":       {"GET", "/v1/releases/TEAM/1/course", "", "viewer operator approver owner admin"},
	"replay-release":   {"GET", "/v1/releases/TEAM/1/replay", "", "viewer operator approver owner admin"},
	"list-events":      {"GET", "/v1/releases/TEAM/1/events", "", "viewer operator approver owner admin"},
	"approve-release":  {"POST", "/v1/releases/TEAM/1/approve?wait=0s", "", "approver owner admin"},
	"pause-release":    {"POST", "/v1/releases/TEAM/1/pause?wait=0s", "", "operator owner admin"},
	"resume-release":   {"POST", "/v1/releases/TEAM/1/resume?wait=0s", "", "operator owner admin"},
	"advance-release":  {"POST", "/v1/releases/TEAM/1/advance?wait=0s", "", "operator owner admin"},
	"abort-release":    {"POST", "/v1/releases/TEAM/1/abort?wait=0s", "", "operator owner admin"},
	"reject-release":   {"POST", "/v1/releases/TEAM/1/reject?wait=0s", "", "approver owner admin"},
	"retract-release":  {"POST", "/v1/releases/TEAM/1/retract?wait=0s", "", "approver owner admin"},
	"list-glass":       {"GET", "/v1/glass", "", "nobody viewer operator approver owner admin"},         // shows what one may see
	"backtest-release": {"POST", "/v1/backtest", "FILE", "nobody viewer operator approver owner admin"}, // plays on what one may see
	// There is no request of that id; who may agree to one is tested with package glass.
	"confirm-glass": {"POST", "/v1/glass/none/confirm", "", "nobody viewer operator approver owner admin"},
	"retry-release": {"POST", "/v1/releases/TEAM/1/retry", "", "operator owner admin"},
	// About oneself; about others see TestExplainAccess.
	"explain-access":    {"GET", "/v1/access/explain?what=abort&team=TEAM", "", "nobody viewer operator approver owner admin"},
	"list-audit":        {"GET", "/v1/audit", "", ""},                                                  // is about all teams
	"prove-audit":       {"GET", "/v1/audit/proof", "", ""},                                            // the same
	"list-annotations":  {"GET", "/v1/annotations", "", "nobody viewer operator approver owner admin"}, // shows what one may see
	"create-annotation": {"POST", "/v1/annotations", `{"kind": "note", "title": "x", "service": "checkout", "team": "TEAM"}`, "operator owner admin"},
	"assess-release":    {"POST", "/v1/releases/TEAM/1/assessment", `{"judgement": "right", "reason": "x"}`, "operator owner admin"},
}

// TestEveryRoleAgainstEveryCall: each role in its team, and in another.
func TestEveryRoleAgainstEveryCall(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	w.begin("checkout-red", "red")
	w.begin("checkout-blue", "blue")
	document := map[string]bool{}
	for _, item := range w.api.Document().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete, item.Patch} {
			if op != nil {
				document[op.OperationID] = true
			}
		}
	}
	if got, want := slices.Sorted(maps.Keys(calls)), slices.Sorted(maps.Keys(document)); !slices.Equal(got, want) {
		t.Errorf("the table has %v, the document %v", got, want)
	}
	for _, role := range append(roleNames(), "nobody") {
		binding := fmt.Sprintf("    - { role: %s, to: [ann@example.com], teams: [red] }\n", role)
		if role == "nobody" {
			binding = "    - { role: viewer, to: [somebody-else] }\n"
		}
		rules, err := spec.ParseAccess("access.yaml", []byte("apiVersion: linnet/v1\nkind: Access\nspec:\n  bindings:\n"+binding))
		if err != nil {
			t.Fatal(err)
		}
		w.set(func() { w.policy = access.New("access.yaml", rules).Decide })
		for id, c := range calls {
			for _, team := range []string{"red", "blue"} {
				may := slices.Contains(strings.Fields(c.roles), role) && (team == "red" || strings.Contains(c.roles, "nobody"))
				text := c.body
				if text == "FILE" {
					text = body(map[string]any{"file": file("checkout-"+team, team, 5)})
				}
				text = strings.ReplaceAll(text, "TEAM", team)
				r := w.ask(c.method, strings.NewReplacer("OFTEAM", team, "TEAM", "checkout-"+team).Replace(c.path), text)
				// What one may not see is told apart from nothing by nobody.
				hidden := r.status == 404 && strings.Contains(string(r.body), "that you may see") && (team == "blue" || role == "nobody")
				if denied := r.status == 403; (denied || hidden) == may || r.status >= 500 {
					t.Errorf("%s, %s of team %s: %d %s", role, id, team, r.status, r.body)
				} else if denied {
					r.problem("denied", "may not")
				}
			}
		}
	}
}

func roleNames() (all []string) {
	for _, r := range access.Roles() {
		all = append(all, string(r))
	}
	return all
}
