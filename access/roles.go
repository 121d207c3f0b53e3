package access

import (
	"slices"

	"github.com/linnet-project/linnet/spec"
)

// roles is what each role may do, where it is given.
var roles = map[spec.Role][]Action{
	spec.Viewer:   {View},
	spec.Operator: {View, Create, Pause, Advance, Abort, Annotate, Break},
	spec.Approver: {View, Approve},
	spec.Owner:    {View, Create, Pause, Advance, Abort, Approve, Annotate, Break, Confirm, Tokens},
	spec.Admin:    {View, Create, Pause, Advance, Abort, Approve, Annotate, Break, Confirm, Tokens, Audit, Manage},
}

// Roles lists the roles, from those who may do least.
func Roles() []spec.Role {
	return []spec.Role{spec.Viewer, spec.Operator, spec.Approver, spec.Owner, spec.Admin}
}

// May tells whether a role allows an action, where it is given.
func May(role spec.Role, action Action) bool { return slices.Contains(roles[role], action) }
