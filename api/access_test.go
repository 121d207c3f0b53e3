package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/database/databasetest"
	"github.com/linnet-project/linnet/spec"
)

// Everybody learns what they may, and only who manages a team what its others may.
func TestExplainAccess(t *testing.T) {
	w := newWorld(t, databasetest.Folder(t))
	const about = "/v1/access/explain?who=service:ci&what=pause&claim=eng&claim=ops&team="
	for _, role := range roleNames() {
		rules, err := spec.ParseAccess("access.yaml", fmt.Appendf(nil, `apiVersion: linnet/v1
kind: Access
spec:
  bindings:
    - { role: %s, to: [ann@example.com], teams: [red] }
    - { role: operator, to: ["service:*"], teams: [red] }
`, role))
		if err != nil {
			t.Fatal(err)
		}
		w.set(func() { w.policy = access.New("access.yaml", rules).Decide })
		var said api.Explanation
		w.ask("GET", "/v1/access/explain?what=approve&team=red", "").want(200, &said).fits("Explanation")
		if may := slices.Contains([]string{"approver", "owner", "admin"}, role); said.Who != "ann@example.com" || said.Action != "approve" || said.Allowed != may || len(said.Groups) > 0 {
			t.Errorf("%s about oneself: %+v", role, said)
		}
		w.ask("GET", "/v1/access/explain?who=ann@example.com&what=approve&team=blue", "").want(200, &said)
		if said.Allowed || !strings.Contains(said.Why, "it needs the role approver, owner or admin of service (none), team blue") {
			t.Errorf("%s about oneself elsewhere: %+v", role, said)
		}
		if role != string(spec.Admin) {
			w.ask("GET", about+"red", "").want(403, nil).problem("may not manage here")
			continue
		}
		w.ask("GET", about+"red", "").want(200, &said)
		if !said.Allowed || said.Why != "access.yaml:6 gives the role operator of team red to service:*" || !slices.Equal(said.Groups, []string{"eng", "ops"}) {
			t.Errorf("about another: %+v", said)
		}
		w.ask("GET", about+"blue", "").want(403, nil)
	}
	w.ask("GET", "/v1/access/explain?what=dance", "").want(422, nil).problem(`nobody can \"dance\"`)
	w.ask("GET", "/v1/access/explain?what=pause&claim=eng", "").want(422, nil).problem("your own groups are known")
	w.ask("GET", "/v1/access/explain", "").want(422, nil)
}
