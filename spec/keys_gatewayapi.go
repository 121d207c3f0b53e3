package spec

import (
	"strings"

	"github.com/linnet-project/linnet/release"
)

// GatewayAPI splits by the weights of a route of the Gateway API.
type GatewayAPI struct {
	Asks
	Cluster
	// HTTPRoute or GRPCRoute is the route's name; one of them is set.
	HTTPRoute, GRPCRoute string
	// Rules are the rules that split, by name or place; none means all that lead
	// to both arms.
	Rules []string
	// Baseline and Candidate are their backends: [namespace/]name[:port].
	Baseline, Candidate string
}

func (*GatewayAPI) grain() release.Weight { return 1 }

var gatewayAPIKeys = &object[GatewayAPI]{exactly: []string{"httpRoute", "grpcRoute"}, keys: append([]key[GatewayAPI]{
	{name: "httpRoute", doc: "The HTTPRoute that splits the traffic.",
		bind: at(func(g *GatewayAPI) *string { return &g.HTTPRoute }, objectName)},
	{name: "grpcRoute", doc: "The GRPCRoute that does.",
		bind: at(func(g *GatewayAPI) *string { return &g.GRPCRoute }, objectName)},
	{name: "rules", doc: "The route's rules to split, each by its name or its place, counted from 0.", words: "all that lead to both arms",
		bind: at(func(g *GatewayAPI) *[]string { return &g.Rules }, &listOf[string]{item: freeText, min: 1})},
	{name: "baseline", doc: "The baseline's Service in the backendRefs: its name, or namespace/name:port where the name alone is not enough.", need: true, sample: "checkout-stable",
		bind: at(func(g *GatewayAPI) *string { return &g.Baseline }, backendName)},
	{name: "candidate", doc: "The candidate's, in the same rules with weight 0.", need: true, sample: "checkout-canary",
		bind: at(func(g *GatewayAPI) *string { return &g.Candidate }, backendName)},
	testersKey(func(g *GatewayAPI) *release.Testers { return &g.Testers }, testerHeader),
	mirrorKey(func(g *GatewayAPI) *release.Weight { return &g.Mirror }),
}, clusterKeys(func(g *GatewayAPI) *Cluster { return &g.Cluster })...)}

// backendName is an object that a route leads to.
var backendName = &kind[string]{noun: "name, name:port, namespace/name or namespace/name:port",
	pattern: `^([a-z0-9][a-z0-9.-]*/)?[a-z0-9][a-z0-9.-]*(:[a-z0-9-]+)?$`, format: same,
	parse: func(s string) (string, fault) {
		bad := fault{"names no Service", "write its name, or namespace/name:port where the name alone is not enough"}
		namespace, rest, within := strings.Cut(s, "/")
		if !within {
			namespace, rest = "any", s
		}
		name, port, ported := strings.Cut(rest, ":")
		if !ported {
			port = "any"
		}
		for _, part := range []string{namespace, name, port} {
			if _, odd := objectName.parse(part); odd != (fault{}) {
				return "", bad
			}
		}
		return s, fault{}
	}}
