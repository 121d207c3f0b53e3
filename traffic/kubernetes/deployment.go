package kubernetes

import (
	"context"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// orderedKey holds the replicas that we asked for, so that scaling by somebody
// else can be told from pods that are on their way.
const orderedKey = "linnet.dev/replicas"

// aloneKey marks a baseline that got all while the candidate was gone, so that one
// that is back can be told from one that is about to be lowered.
const aloneKey = "linnet.dev/alone"

// deployment is what counts of a Deployment.
type deployment struct {
	name     string
	object   *unstructured.Unstructured // nil where it is gone
	replicas int64                      // asked for
	pods     int64                      // there
	ready    int64                      // of them
	current  bool                       // its controller has seen what is asked for
	ordered  string
	alone    bool // the candidate was gone when it was scaled
	stamp    split.Stamp
}

func read(ctx context.Context, r *kube.Reader) (deployment, error) {
	object, err := r.Read(ctx)
	if err != nil {
		return deployment{}, err
	}
	return parse(object), nil
}

// gone stands for a candidate that somebody deleted in the middle of a release: it
// has no pods, and nothing more is to be done to it.
func gone(name string, b deployment) deployment {
	return deployment{name: b.object.GetNamespace() + "/" + name, current: true, stamp: b.stamp}
}

// parse reads a Deployment; the API server has checked its form.
func parse(object *unstructured.Unstructured) deployment {
	number := func(missing int64, path ...string) int64 {
		if n, found, err := unstructured.NestedInt64(object.Object, path...); found && err == nil {
			return n
		}
		return missing
	}
	return deployment{
		name:     object.GetNamespace() + "/" + object.GetName(),
		object:   object,
		replicas: max(number(1, "spec", "replicas"), 0),
		pods:     number(0, "status", "replicas"),
		ready:    number(0, "status", "readyReplicas"),
		current:  number(0, "status", "observedGeneration") >= object.GetGeneration(),
		ordered:  object.GetAnnotations()[orderedKey],
		alone:    object.GetAnnotations()[aloneKey] != "",
		stamp:    kube.StampOf(object),
	}
}

func (d deployment) String() string { return "Deployment " + d.name }

// selector tells which pods are its own.
func (d deployment) selector() map[string]any {
	selector, _, _ := unstructured.NestedMap(d.object.Object, "spec", "selector")
	return selector
}

// asOrdered is false where somebody scaled it since we did. One that we never
// scaled is as it was ordered.
func (d deployment) asOrdered() bool {
	return d.ordered == "" || d.ordered == strconv.FormatInt(d.replicas, 10)
}

// waits says for what a Deployment waits; "" where all its pods are ready and
// there are no more.
func (d deployment) waits() string {
	if d.current && d.pods == d.replicas && d.ready == d.replicas {
		return ""
	}
	return fmt.Sprintf("%s has %d pods, %d of them ready, and should have %d", d, d.pods, d.ready, d.replicas)
}

// lost says whether a candidate is gone.
func (d deployment) lost() bool { return d.object == nil }

// settled says what is missing for the pods to split the traffic as ordered; ""
// where nothing is. One without pods takes no traffic whatever the other does.
func settled(b, c deployment) string {
	switch {
	case c.replicas == 0:
		return c.waits()
	case b.replicas == 0:
		return b.waits()
	}
	if waits := c.waits(); waits != "" {
		return waits
	}
	return b.waits()
}

// parted says what is missing for a deleted candidate to take no traffic.
func parted(b, c deployment) string {
	if !c.lost() {
		return fmt.Sprintf("%s was deleted and is there again, with %d replicas", c, c.replicas)
	}
	return settled(b, c)
}

// order scales a Deployment, and stamps it where the route says so.
func order(d deployment, replicas int64, route *release.Route) *kube.Change {
	c := &kube.Change{}
	if d.replicas != replicas {
		c.Replace(kube.Path{"spec", "replicas"}, d.replicas, replicas)
	}
	c.Annotate(orderedKey, strconv.FormatInt(replicas, 10))
	if route != nil {
		c.Stamp(*route)
	}
	return c
}
