package gatewayapi

import "github.com/linnet-project/linnet/traffic/kube"

// Rights are the least that a Router needs in the namespace of its route, an
// HTTPRoute or GRPCRoute by its kind. One that mirrors reads the route's Gateways
// too, and their GatewayClasses: those are in no namespace, and a ClusterRole has
// to give that right.
func Rights(cfg Config, mirrors bool) []kube.Rule {
	out := []kube.Rule{kube.ReadWrite(group, cfg.Kind.Resource, cfg.Name)}
	if mirrors {
		out = append(out, kube.Rule{Group: group, Resource: "gateways", Verbs: []string{"get"}})
	}
	return out
}
