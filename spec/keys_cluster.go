package spec

// Cluster says how a provider on Kubernetes reaches its cluster; it is part of
// the form of each.
type Cluster struct {
	// Kubeconfig is a kubeconfig file; "" is what kubectl would take, or the
	// service account of the pod that Linnet runs in.
	Kubeconfig string
	// Context is one of the kubeconfig's; "" is its current one.
	Context string
	// Namespace is where the objects are; "" is the context's or the pod's.
	Namespace string
}

func clusterKeys[T any](place func(*T) *Cluster) []key[T] {
	return []key[T]{
		{name: "kubeconfig", doc: "The kubeconfig file.", words: "what kubectl takes, or inside a cluster the pod's service account",
			bind: at(func(t *T) *string { return &place(t).Kubeconfig }, filePath)},
		{name: "context", doc: "The kubeconfig's context.", words: "its current one",
			bind: at(func(t *T) *string { return &place(t).Context }, freeText)},
		{name: "namespace", doc: "The namespace of the objects.", words: "the context's, or the pod's",
			bind: at(func(t *T) *string { return &place(t).Namespace }, objectName)},
	}
}

// objectName is what Kubernetes calls objects.
var objectName = &kind[string]{noun: "an object's name: lower-case letters, digits, - and .",
	pattern: `^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`, format: same,
	parse: func(s string) (string, fault) {
		const hint = "write a name as kubectl shows it, such as checkout-canary"
		switch {
		case s == "":
			return "", fault{"is empty", hint}
		case len(s) > 253:
			return "", fault{"is longer than 253 characters", hint}
		case !isReleaseName(s):
			return "", fault{"is no name of an object", hint}
		}
		return s, fault{}
	}}
