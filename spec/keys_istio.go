package spec

import "github.com/linnet-project/linnet/release"

// Istio splits by a VirtualService.
type Istio struct {
	Asks
	Cluster
	// VirtualService is its name; it may delegate to the one that has the arms.
	VirtualService string
	// Routes are those that move; none means the only one with both arms, "*"
	// alone all of them.
	Routes []string
	// Baseline and Candidate are the arms' destinations.
	Baseline, Candidate IstioDestination
}

// IstioDestination is where requests go: a host, or a subset of it.
type IstioDestination struct{ Host, Subset string }

// grain is a percent: Istio's weights are whole numbers, of which a hundred are
// all.
func (*Istio) grain() release.Weight { return release.Whole / 100 }

var istioKeys = &object[Istio]{keys: append([]key[Istio]{
	{name: "virtualService", doc: "The VirtualService, or the one that delegates to it.", need: true, sample: "checkout",
		bind: at(func(i *Istio) *string { return &i.VirtualService }, objectName)},
	{name: "baseline", doc: "The destination of the baseline, as the routes have it.", need: true, sample: "{ host: checkout, subset: stable }",
		bind: at(func(i *Istio) *IstioDestination { return &i.Baseline }, istioDestinationKeys)},
	{name: "candidate", doc: "The destination of the candidate; it is in the routes before the release, with weight 0.", need: true, sample: "{ host: checkout, subset: canary }",
		bind: at(func(i *Istio) *IstioDestination { return &i.Candidate }, istioDestinationKeys)},
	{name: "routes", doc: "The routes that move, by name, or as `http[0]`, `tls[0]`, `tcp[0]`; `[\"*\"]` for all that have both arms.", words: "the only one that has both arms",
		bind: at(func(i *Istio) *[]string { return &i.Routes }, &listOf[string]{item: freeText, min: 1})},
	testersKey(func(i *Istio) *release.Testers { return &i.Testers }, testerAny),
	mirrorKey(func(i *Istio) *release.Weight { return &i.Mirror }),
}, clusterKeys(func(i *Istio) *Cluster { return &i.Cluster })...)}

var istioDestinationKeys = &object[IstioDestination]{keys: []key[IstioDestination]{
	{name: "host", doc: "Its host, in short or in full.", need: true, sample: "checkout",
		bind: at(func(d *IstioDestination) *string { return &d.Host }, freeText)},
	{name: "subset", doc: "The subset of the host that a DestinationRule defines.", words: "the host as a whole",
		bind: at(func(d *IstioDestination) *string { return &d.Subset }, freeText)},
}}
