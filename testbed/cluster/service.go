//go:build linux

package cluster

import (
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"strconv"
	"sync"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/linnet-project/linnet/testbed/program"
)

// Front listens for a Service until the test ends and gives its URL: each
// request goes to any of the Service's ready endpoints, all alike, as
// kube-proxy does with connections.
func (c *Cluster) Front(t testing.TB, namespace, service string) string {
	t.Helper()
	program.NeedsAddresses(t)
	b := &balancer{slices: map[string][]string{}}
	factory := informers.NewSharedInformerFactoryWithOptions(c.client, 0, informers.WithNamespace(namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.LabelSelector = labels.Set{discoveryv1.LabelServiceName: service}.String()
		}))
	endpoints := factory.Discovery().V1().EndpointSlices().Informer()
	_, err := endpoints.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    b.see,
		UpdateFunc: func(_, slice any) { b.see(slice) },
		DeleteFunc: b.gone,
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	factory.Start(stop)
	b.proxy = httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = "http", b.pick()
	}}
	front := httptest.NewServer(&b.proxy)
	t.Cleanup(func() {
		front.Close()
		close(stop)
		factory.Shutdown()
	})
	if !cache.WaitForCacheSync(t.Context().Done(), endpoints.HasSynced) {
		t.Fatal("the EndpointSlices could not be listed")
	}
	return front.URL
}

// balancer spreads requests over the endpoints of a Service.
type balancer struct {
	proxy httputil.ReverseProxy

	mu     sync.Mutex
	slices map[string][]string // ready addresses, by the EndpointSlice's name
}

func (b *balancer) see(object any) {
	slice := object.(*discoveryv1.EndpointSlice)
	var ready []string
	for _, e := range slice.Endpoints {
		if e.Conditions.Ready != nil && !*e.Conditions.Ready || len(slice.Ports) == 0 || slice.Ports[0].Port == nil {
			continue
		}
		ready = append(ready, net.JoinHostPort(e.Addresses[0], strconv.Itoa(int(*slice.Ports[0].Port))))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.slices[slice.Name] = ready
}

func (b *balancer) gone(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.slices, object.(*discoveryv1.EndpointSlice).Name)
}

// pick draws an endpoint; one that refuses where there is none.
func (b *balancer) pick() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, ready := range b.slices {
		all = append(all, ready...)
	}
	if len(all) == 0 {
		return "127.0.0.1:1"
	}
	return all[rand.IntN(len(all))]
}
