package quick_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/kubernetes"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const twoDeployments = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: %[1]s, labels: { team: payments }, annotations: { example.com/note: "as it was" } }
spec:
  replicas: %[2]d
  selector: { matchLabels: { app: web, track: %[1]s } }
  template:
    metadata: { labels: { app: web, track: %[1]s } }
    spec: { containers: [ { name: web, image: "web:1" } ] }
`

const ofStable = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec: { scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: stable }, maxReplicas: 20 }
`

// replicas makes two Deployments and a router over them.
func (c *cluster) replicas(t *testing.T, total, candidate int) (*kubernetes.Router, *apiserver.Pods) {
	t.Helper()
	pods := server.Pods(t, c.namespace)
	server.Create(t, apiserver.Deployments, c.namespace, fmt.Sprintf(twoDeployments, "stable", total-candidate))
	server.Create(t, apiserver.Deployments, c.namespace, fmt.Sprintf(twoDeployments, "canary", candidate))
	router, err := kubernetes.New(kubernetes.Config{
		Client: c.client, Service: service, Arms: arms(), Baseline: "stable", Candidate: "canary", Replicas: total,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(router.Close)
	return router, pods
}

func (c *cluster) replicasOf(t *testing.T, name string) int64 {
	t.Helper()
	n, _, _ := unstructured.NestedInt64(server.Get(t, apiserver.Deployments, c.namespace, name).Object, "spec", "replicas")
	return n
}

// harnessReplicas is how many pods the suite splits by: its writers set up to 33
// of them at a time.
const harnessReplicas = 40

// replicasHarness begins with so many pods of the candidate.
func replicasHarness(t *testing.T, candidate int) trafficconf.Harness {
	const total = harnessReplicas
	c := newCluster(t)
	router, pods := c.replicas(t, total, candidate)
	names := map[string]string{"baseline": "stable", "candidate": "canary"}
	users := func(name string) string {
		object := server.Get(t, apiserver.Deployments, c.namespace, name)
		unstructured.RemoveNestedField(object.Object, "spec", "replicas")
		unstructured.RemoveNestedField(object.Object, "status")
		return usersPart(t, object, "linnet.dev/replicas")
	}
	return trafficconf.Harness{
		Router: router, Service: service, Arms: arms(), Grain: release.Whole / total,
		Abilities: []release.Ability{release.Readiness},
		Fences:    true,
		Moves:     true,
		Edit: func(second release.Weight) {
			n := int64(second) * total / int64(release.Whole)
			c.edit(t, editor, apiserver.Deployments, "canary", fmt.Sprintf(`{"spec":{"replicas":%d}}`, n))
			c.edit(t, editor, apiserver.Deployments, "stable", fmt.Sprintf(`{"spec":{"replicas":%d}}`, total-n))
			noticed(t, router, second)
		},
		Editor: editor,
		Users:  func() string { return users("stable") + users("canary") },
		SetReady: func(arm string, ready bool) {
			most := int64(0)
			if ready {
				most = -1
			}
			pods.Ready(names[arm], most)
		},
		Meddle: map[string]func(){
			"the candidate is deleted": func() { c.remove(t, apiserver.Deployments, "canary") },
			"the candidate is deleted and comes back": func() {
				c.remove(t, apiserver.Deployments, "canary")()
			},
			"the candidate is made anew": func() {
				c.remove(t, apiserver.Deployments, "canary")
				server.Create(t, apiserver.Deployments, c.namespace, fmt.Sprintf(twoDeployments, "canary", 7))
			},
			"both are scaled": func() {
				c.edit(t, editor, apiserver.Deployments, "stable", `{"spec":{"replicas":3}}`)
				c.edit(t, editor, apiserver.Deployments, "canary", `{"spec":{"replicas":9}}`)
			},
			"an autoscaler": func() { server.Create(t, apiserver.Autoscalers, c.namespace, ofStable) },
		},
		Break:  c.breaks(t, apiserver.Deployments, "canary"),
		Secret: secret,
	}
}

func TestKubernetesReplicas(t *testing.T) {
	t.Parallel()
	// Without any pods there are none that could be unready.
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness { return replicasHarness(t, 4) })
}

func TestKubernetesReplicasInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, func(t *testing.T) trafficconf.Harness {
		h := replicasHarness(t, 0)
		h.Edit = nil // scales one Deployment after the other, and what is seen in between nobody set
		return h
	})
}

// No pod of the baseline goes before the candidate's are ready, and a raise that
// waits is gone on with.
func TestKubernetesRaisesOnlyOntoReadyPods(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, pods := c.replicas(t, 10, 0)
	pods.Ready("canary", 1)
	short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	err := router.Apply(short, routeOf(1, release.Whole))
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "has 3 pods, 1 of them ready, and should have 3") {
		t.Errorf("with one pod of three ready: %v", err)
	}
	if got := c.replicasOf(t, "stable"); got != 10 {
		t.Errorf("the baseline has %d replicas before the candidate is ready, want 10", got)
	}
	if err := router.Ready(soon(t), "candidate"); !errors.Is(err, release.ErrUnavailable) || !strings.HasPrefix(err.Error(), "kubernetes: ") {
		t.Errorf("the candidate is ready: %v", err)
	}
	if seen, err := router.Observed(soon(t)); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("in the middle of a move %+v is seen (%v), want %q", seen, err, release.ErrUnavailable)
	}
	pods.Ready("canary", -1)
	if err := router.Apply(soon(t), routeOf(1, release.Whole)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, release.Whole)
	if most := pods.Most(); most > 13 {
		t.Errorf("there were up to %d pods, want at most 10 and a surge of 3", most)
	}
}

// To the whole there are never more pods than the surge allows, and a way down
// does not wait for the baseline's pods before it takes the candidate's away.
func TestKubernetesSurgeAndRollback(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, pods := c.replicas(t, 10, 0)
	if err := router.Apply(soon(t), routeOf(1, release.Whole)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, release.Whole)
	if most := pods.Most(); most > 13 {
		t.Errorf("there were up to %d pods, want at most 10 and a surge of 3", most)
	}
	pods.Ready("stable", 0)
	if err := router.Apply(soon(t), routeOf(2, 0)); err != nil {
		t.Fatalf("a rollback while the baseline's pods are starting: %v", err)
	}
	if got := c.replicasOf(t, "canary"); got != 0 {
		t.Errorf("the candidate has %d replicas after a rollback", got)
	}
	noticed(t, router, 0)
}

// What keeps the baseline from growing does not keep the candidate up where the
// baseline has pods, and is told; a baseline of a newer route's does.
func TestKubernetesGoesDownBesideABaselineThatCannotGrow(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, pods := c.replicas(t, 10, 0)
	if err := router.Apply(soon(t), routeOf(1, 50_000)); err != nil {
		t.Fatal(err)
	}
	quota := apiserver.Fault{Status: 403, Reason: "Forbidden", Message: "exceeded quota", Methods: []string{"PATCH"}, Times: 1}
	pods.Ready("stable", 0)
	apiserver.Eventually(t, "the baseline has no ready pods", func() bool { return router.Ready(soon(t), "baseline") != nil })
	c.Set(quota)
	if err := router.Apply(soon(t), routeOf(2, 0)); !errors.Is(err, release.ErrInvalid) || c.replicasOf(t, "canary") != 5 {
		t.Errorf("without a ready pod of the baseline: %v, and the candidate has %d replicas, want %q and 5", err, c.replicasOf(t, "canary"), release.ErrInvalid)
	}
	pods.Ready("stable", -1)
	apiserver.Eventually(t, "the baseline is ready", func() bool { return router.Ready(soon(t), "baseline") == nil })
	c.Set(quota)
	err := router.Apply(soon(t), routeOf(2, 0))
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "exceeded quota") || !strings.Contains(err.Error(), "lowered all the same") {
		t.Errorf("a rollback without quota: %v", err)
	}
	if got := c.replicasOf(t, "canary"); got != 0 {
		t.Errorf("the candidate has %d replicas after it", got)
	}
	if err := router.Apply(soon(t), routeOf(2, 0)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, 0)

	if err := router.Apply(soon(t), routeOf(3, 50_000)); err != nil {
		t.Fatal(err)
	}
	if err := router.Apply(soon(t), routeOf(2, 0)); !errors.Is(err, release.ErrConflict) || c.replicasOf(t, "canary") != 5 {
		t.Errorf("a stale rollback: %v, and the candidate has %d replicas", err, c.replicasOf(t, "canary"))
	}
}

// A candidate that was deleted has no weight, and one that comes back has that of
// its pods, whoever it was.
func TestKubernetesACandidateThatWasDeleted(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, _ := c.replicas(t, 10, 0)
	if err := router.Apply(soon(t), routeOf(1, 20_000)); err != nil {
		t.Fatal(err)
	}
	c.remove(t, apiserver.Deployments, "canary")
	apiserver.Eventually(t, "the deletion is seen", func() bool {
		seen, err := router.Observed(soon(t))
		return err == nil && seen.Route.Weights[1].Weight == 0 && seen.Route.Epoch == 1
	})
	if err := router.Apply(soon(t), routeOf(2, 30_000)); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("a raise: %v, want %q", err, release.ErrNotFound)
	}
	if err := router.Apply(soon(t), routeOf(2, 0)); err != nil || c.replicasOf(t, "stable") != 10 {
		t.Errorf("a rollback: %v, and the baseline has %d replicas", err, c.replicasOf(t, "stable"))
	}
	server.Create(t, apiserver.Deployments, c.namespace, fmt.Sprintf(twoDeployments, "canary", 10))
	noticed(t, router, 50_000)
	if err := router.Apply(soon(t), routeOf(2, 0)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, 0)

	// Back with its old stamp it is seen all the same.
	if err := router.Apply(soon(t), routeOf(3, 50_000)); err != nil {
		t.Fatal(err)
	}
	restore := c.remove(t, apiserver.Deployments, "canary")
	if err := router.Apply(soon(t), routeOf(4, 0)); err != nil {
		t.Fatal(err)
	}
	restore()
	apiserver.Eventually(t, "it is back", func() bool {
		seen, err := router.Observed(soon(t))
		return err == nil && seen.Route.Weights[1].Weight > 30_000
	})
	if err := router.Apply(soon(t), routeOf(4, 0)); err != nil {
		t.Fatal(err)
	}
	noticed(t, router, 0)

	other := newCluster(t)
	router, _ = other.replicas(t, 10, 0)
	other.remove(t, apiserver.Deployments, "canary")
	if seen, err := router.Observed(soon(t)); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("a release may begin without its candidate: %+v, %v", seen, err)
	}
}

// Pods that come and go are no change of the weight.
func TestKubernetesPodsThatFailAreNoBrake(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, pods := c.replicas(t, 10, 0)
	if err := router.Apply(soon(t), routeOf(1, 20_000)); err != nil {
		t.Fatal(err)
	}
	pods.Ready("canary", 1)
	apiserver.Eventually(t, "the failed pod is noticed", func() bool {
		seen, err := router.Observed(soon(t))
		if err == nil && seen.Route.Weights[1].Weight != 20_000 {
			t.Fatalf("a failed pod is taken for a weight: %+v", seen)
		}
		return errors.Is(err, release.ErrUnavailable)
	})
	// Scaling by hand is seen all the same.
	c.edit(t, editor, apiserver.Deployments, "canary", `{"spec":{"replicas":8}}`)
	noticed(t, router, 50_000)
}

func TestKubernetesRefusesWhatItCannotHold(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, _ := c.replicas(t, 10, 0)
	err := router.Apply(soon(t), routeOf(1, 25_000))
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "the nearest are") {
		t.Errorf("a weight between two pods: %v", err)
	}

	server.Create(t, apiserver.Autoscalers, c.namespace, ofStable)
	if err := router.Apply(soon(t), routeOf(1, 20_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "HorizontalPodAutoscaler web") {
		t.Errorf("a raise beside an autoscaler: %v", err)
	}
	if _, err := router.Observed(soon(t)); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a release beside an autoscaler may begin: %v", err)
	}
	if got := c.replicasOf(t, "canary"); got != 0 {
		t.Errorf("and yet the candidate has %d replicas", got)
	}

	other := newCluster(t)
	router, _ = other.replicas(t, 10, 0)
	other.edit(t, editor, apiserver.Deployments, "stable", `{"spec":{"replicas":20}}`)
	if err := router.Apply(soon(t), routeOf(1, 20_000)); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "20 replicas together") {
		t.Errorf("a baseline of another size: %v", err)
	}
	if _, err := kubernetes.New(kubernetes.Config{Client: c.client, Arms: arms(), Baseline: "a", Candidate: "b", Replicas: 3}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("three replicas: %v", err)
	}
}

// A tool whose manifest does not say the replicas leaves them alone once they are
// ours; one that says them is seen and named.
func TestKubernetesBesideFlux(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	router, _ := c.replicas(t, 10, 0)
	if err := router.Apply(soon(t), routeOf(1, 20_000)); err != nil {
		t.Fatal(err)
	}
	c.applyAs(t, "kustomize-controller", apiserver.Deployments, "canary",
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"canary","labels":{"kustomize.toolkit.fluxcd.io/name":"shop"}},"spec":{"minReadySeconds":1}}`)
	noticed(t, router, 20_000)
	c.applyAs(t, "kustomize-controller", apiserver.Deployments, "canary",
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"canary"},"spec":{"replicas":8}}`)
	noticed(t, router, 50_000)
	seen, err := router.Observed(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(seen.Writers, "; "); !strings.Contains(got, "kustomize-controller (server-side apply)") {
		t.Errorf("writers are %q, want Flux among them", got)
	}
}
