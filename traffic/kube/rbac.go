package kube

import (
	"fmt"
	"strings"
)

// Rule is one right that an account needs in a namespace.
type Rule struct {
	// Group is the API group; empty for the core one.
	Group string
	// Resource is its plural name.
	Resource string
	// Names bound the right to some objects; none means all of the namespace.
	Names []string
	Verbs []string
}

// String writes a rule as in a Role, on one line.
func (r Rule) String() string {
	text := fmt.Sprintf("apiGroups: [%q], resources: [%q]", r.Group, r.Resource)
	if len(r.Names) > 0 {
		text += fmt.Sprintf(", resourceNames: [%s]", quoted(r.Names))
	}
	return text + fmt.Sprintf(", verbs: [%s]", quoted(r.Verbs))
}

// ReadWrite are the least rights on objects that are patched and watched. That
// watching is bound to names works because each watch asks for one name.
func ReadWrite(group, resource string, names ...string) Rule {
	return Rule{Group: group, Resource: resource, Names: names, Verbs: []string{"get", "watch", "patch"}}
}

// Read are the least rights on objects that are only watched.
func Read(group, resource string, names ...string) Rule {
	return Rule{Group: group, Resource: resource, Names: names, Verbs: []string{"get", "watch"}}
}

// RoleYAML writes rules as a Role in a namespace, and a RoleBinding for a service
// account that is at home in that or another one.
func RoleYAML(namespace, home, account string, rules []Rule) string {
	var b strings.Builder
	fmt.Fprintf(&b, `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: linnet, namespace: %[1]q }
rules:
`, namespace)
	for _, r := range rules {
		fmt.Fprintf(&b, "  - { %s }\n", r)
	}
	fmt.Fprintf(&b, `---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: linnet, namespace: %[1]q }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: linnet }
subjects:
  - { kind: ServiceAccount, name: %[2]q, namespace: %[3]q }
`, namespace, account, home)
	return b.String()
}

func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(out, ", ")
}
