package spec

import "github.com/linnet-project/linnet/release"

// IngressNginx splits by canary Ingresses of ingress-nginx.
type IngressNginx struct {
	Asks
	Cluster
	// Ingresses move together, in their order.
	Ingresses []CanaryIngress
}

// CanaryIngress is a canary Ingress and the one beside which it stands.
type CanaryIngress struct {
	Main, Canary string
}

func (*IngressNginx) grain() release.Weight { return 1 }

var ingressNginxKeys = &object[IngressNginx]{keys: append([]key[IngressNginx]{
	{name: "ingresses", doc: "The Ingresses of the service, each with its canary. Several move together, in their order.", need: true,
		sample: "[{ main: checkout, canary: checkout-canary }]",
		bind: at(func(i *IngressNginx) *[]CanaryIngress { return &i.Ingresses },
			&listOf[CanaryIngress]{item: canaryIngressKeys, min: 1})},
	testersKey(func(i *IngressNginx) *release.Testers { return &i.Testers }, testerHeader),
}, clusterKeys(func(i *IngressNginx) *Cluster { return &i.Cluster })...)}

var canaryIngressKeys = &object[CanaryIngress]{keys: []key[CanaryIngress]{
	{name: "main", doc: "The Ingress that leads to the baseline. It is only read.", need: true, sample: "checkout",
		bind: at(func(c *CanaryIngress) *string { return &c.Main }, objectName)},
	{name: "canary", doc: "The Ingress that leads to the candidate, marked as a canary.", need: true, sample: "checkout-canary",
		bind: at(func(c *CanaryIngress) *string { return &c.Canary }, objectName)},
}}
