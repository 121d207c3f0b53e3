package apiserver

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// Pods stand in for the controllers of Deployments in one namespace: they write
// the status that a Deployment would have, its pods being there and ready at
// once, or as few of them as a test says. The full tier has the real ones.
type Pods struct {
	t           testing.TB
	deployments dynamic.ResourceInterface

	mu    sync.Mutex
	ready map[string]int64
	most  int64
}

// Pods starts them for the length of a test.
func (s *Server) Pods(t testing.TB, namespace string) *Pods {
	t.Helper()
	p := &Pods{t: t, deployments: s.client.Resource(Deployments).Namespace(namespace), ready: map[string]int64{}}
	// What is under way at the end of the test ends by itself.
	ctx := context.WithoutCancel(t.Context())
	events, err := p.deployments.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range events.ResultChan() {
			if d, ok := event.Object.(*unstructured.Unstructured); ok && event.Type != "DELETED" {
				p.settle(ctx, d)
			}
		}
	}()
	t.Cleanup(func() {
		events.Stop()
		<-done
	})
	return p
}

// Ready bounds how many pods of a Deployment are ready; -1 ends the bound.
func (p *Pods) Ready(name string, most int64) {
	p.mu.Lock()
	p.ready[name] = most
	if most < 0 {
		delete(p.ready, name)
	}
	p.mu.Unlock()
	d, err := p.deployments.Get(p.t.Context(), name, get)
	if err != nil {
		p.t.Fatal(err)
	}
	p.settle(p.t.Context(), d)
}

// Most is the largest number of pods that there were together.
func (p *Pods) Most() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most
}

// settle writes the status of a Deployment that has what it asks for.
func (p *Pods) settle(ctx context.Context, d *unstructured.Unstructured) {
	replicas, _, _ := unstructured.NestedInt64(d.Object, "spec", "replicas")
	p.mu.Lock()
	ready := replicas
	if most, bound := p.ready[d.GetName()]; bound {
		ready = min(ready, most)
	}
	p.mu.Unlock()
	status := map[string]any{"observedGeneration": d.GetGeneration(), "replicas": replicas, "readyReplicas": ready}
	if was, _, _ := unstructured.NestedMap(d.Object, "status"); same(was, status) {
		return
	}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		p.t.Error(err)
		return
	}
	// One that is gone meanwhile needs no status; the test itself notices the rest.
	_, err = p.deployments.Patch(ctx, d.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: "kube-controller-manager"}, "status")
	if err == nil {
		p.count(ctx)
	}
}

// count notes how many pods there are now.
func (p *Pods) count(ctx context.Context) {
	all, err := p.deployments.List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	sum := int64(0)
	for _, d := range all.Items {
		n, _, _ := unstructured.NestedInt64(d.Object, "status", "replicas")
		sum += n
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = max(p.most, sum)
}

func same(was, is map[string]any) bool {
	for key, value := range is {
		if was[key] != value {
			return false
		}
	}
	return true
}
