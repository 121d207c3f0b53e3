package access

import (
	"strings"
	"testing"
)

func TestATokenDoesLessThanItsOwner(t *testing.T) {
	owner := Actor{Name: "service:ci", Kind: Service}
	narrow := owner
	narrow.Scopes, narrow.Services, narrow.Teams = []Action{View, Create}, []string{"checkout"}, []string{"payments"}
	here := Resource{Service: "checkout", Team: "payments"}
	for _, c := range []struct {
		who    Actor
		action Action
		on     Resource
		why    string
	}{
		{owner, Abort, Resource{}, ""},
		{narrow, Create, here, ""},
		{narrow, Abort, here, "view, create alone, not for abort"},
		{narrow, View, Resource{Service: "cart", Team: "payments"}, "services checkout alone"},
		{narrow, View, Resource{Service: "checkout"}, "teams payments alone"},
		{narrow, View, Resource{}, "services checkout alone"},
		{Actor{Scopes: []Action{}}, View, here, "not for view"},
	} {
		got := Everybody{}.Decide(c.who, c.action, c.on)
		if got.Allowed != (c.why == "") || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s on %v: %v", c.action, c.on, got)
		}
	}
}
