package istio

import "github.com/linnet-project/linnet/traffic/kube"

// Rights are the least that a Router needs, by namespace; "" is the client's
// own. Where the VirtualService delegates, the delegate's name belongs beside
// its own.
func Rights(namespace, virtualService string, arms []Arm) map[string][]kube.Rule {
	const group = "networking.istio.io"
	out := map[string][]kube.Rule{namespace: {kube.ReadWrite(group, "virtualservices", virtualService)}}
	listed := map[string]bool{}
	for _, a := range arms {
		if a.Subset == "" {
			continue
		}
		for _, ns := range namespaces(a.Host, namespace) {
			if !listed[ns] {
				listed[ns] = true
				out[ns] = append(out[ns], kube.Rule{Group: group, Resource: "destinationrules", Verbs: []string{"list"}})
			}
		}
	}
	return out
}
