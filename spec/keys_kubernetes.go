package spec

import (
	"github.com/linnet-project/linnet/release"
)

// Kubernetes splits by the replicas of two Deployments.
type Kubernetes struct {
	Asks
	Cluster
	// Baseline and Candidate are the Deployments.
	Baseline, Candidate string
	// Replicas is how many pods both have together.
	Replicas int64
	// Surge is how many more there may be during a raise; 0 is a quarter.
	Surge int64
}

func (k *Kubernetes) grain() release.Weight {
	if k.Replicas < 1 {
		return 0
	}
	return release.Whole / release.Weight(k.Replicas)
}

var kubernetesKeys = &object[Kubernetes]{keys: append([]key[Kubernetes]{
	{name: "baseline", doc: "The baseline's Deployment.", need: true, sample: "checkout",
		bind: at(func(k *Kubernetes) *string { return &k.Baseline }, objectName)},
	{name: "candidate", doc: "The candidate's Deployment, with 0 replicas before the release.", need: true, sample: "checkout-canary",
		bind: at(func(k *Kubernetes) *string { return &k.Candidate }, objectName)},
	{name: "replicas", doc: "How many pods both have together. Every weight must be a whole number of them.", need: true, sample: "20",
		bind: at(func(k *Kubernetes) *int64 { return &k.Replicas }, replicaCounts)},
	{name: "surge", doc: "How many pods more there may be while the candidate is raised.", words: "a quarter of replicas",
		bind: at(func(k *Kubernetes) *int64 { return &k.Surge }, between(wholes, 1, 1000))},
}, clusterKeys(func(k *Kubernetes) *Cluster { return &k.Cluster })...)}

// replicaCounts are numbers of pods that split the whole evenly.
var replicaCounts = &kind[int64]{noun: "a whole number that divides 100,000", classes: []class{number}, format: formatWhole,
	parse: func(text string) (int64, fault) {
		n, bad := parseWhole(text)
		switch {
		case bad != (fault{}):
			return 0, bad
		case n < 2 || n > 1000:
			return 0, fault{"is not from 2 to 1000", "write how many pods both have together"}
		case int64(release.Whole)%n != 0:
			return 0, fault{"pods do not split 100% evenly", "take 4, 5, 8, 10, 16, 20, 25, 32, 40, 50 or 100"}
		}
		return n, fault{}
	}}
