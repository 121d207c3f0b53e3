// Package istio_test holds Istio's provider against Istio itself: what it
// writes into a real API server is held to Istio's own validation, goes through
// pilot in this process, and is followed by gRPC requests to real servers, whose
// client takes its routes from pilot without a proxy in between.
//
// It is a module of its own for what Istio needs; its tests belong to the tier of
// make test-kube.
package istio_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/log"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/istio"
	"github.com/linnet-project/linnet/traffic/kube"
)

var (
	virtualServices  = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "virtualservices"}
	destinationRules = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "destinationrules"}
	serviceEntries   = schema.GroupVersionResource{Group: "networking.istio.io", Version: "v1", Resource: "serviceentries"}
)

var server *apiserver.Server

func TestMain(m *testing.M) {
	quiet := log.DefaultOptions()
	quiet.SetDefaultOutputLevel("all", log.NoneLevel)
	if err := log.Configure(quiet); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	apiserver.Main(m, &server)
}

// mesh is an API server with Istio's kinds, a pilot that follows it, and the
// servers of each arm.
type mesh struct {
	namespace  string
	kubeconfig string
	client     *kube.Client
	pilot      *xds.FakeDiscoveryServer
	clients    clients

	mu sync.Mutex
	// By kind and name of an object: the version that was looked at last, and the
	// version and specification that pilot got last. The same specification again
	// is no news to it.
	seen, given, spec map[string]string
	// refused is what Istio's validation said of objects.
	refused []string
}

// install serves Istio's kinds, once for all tests.
var install sync.Once

func newMesh(t *testing.T) *mesh {
	t.Helper()
	install.Do(func() {
		server.Install(t, apiserver.Only(apiserver.Module(t, "istio.io/api", "kubernetes/customresourcedefinitions.gen.yaml"),
			virtualServices.GroupResource().String(), destinationRules.GroupResource().String(), serviceEntries.GroupResource().String()))
	})
	m := &mesh{namespace: server.Namespace(t), seen: map[string]string{}, given: map[string]string{}, spec: map[string]string{}}
	m.kubeconfig = apiserver.Kubeconfig(t, server.Faulty(t).URL, m.namespace)
	var err error
	if m.client, err = kube.Connect(kube.Config{Kubeconfig: m.kubeconfig}); err != nil {
		t.Fatal(err)
	}
	m.pilot = xds.NewFakeDiscoveryServer(t, xds.FakeOptions{ListenerBuilder: func() (net.Listener, error) {
		return net.Listen("tcp", "127.0.0.1:0")
	}})
	m.clients = clients{pilot: m.pilot.Listener.Addr().String(), namespace: m.namespace}
	var wg sync.WaitGroup
	for _, of := range []schema.GroupVersionResource{virtualServices, destinationRules, serviceEntries} {
		events, err := server.Client().Resource(of).Namespace(m.namespace).Watch(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for event := range events.ResultChan() {
				if object, ok := event.Object.(*unstructured.Unstructured); ok {
					m.follow(t, object)
				}
			}
		})
		t.Cleanup(func() { events.Stop(); wg.Wait() })
	}
	return m
}

// follow validates an object as Istio's webhook does, and gives it to pilot.
func (m *mesh) follow(t *testing.T, object *unstructured.Unstructured) {
	text, err := json.Marshal(object)
	if err != nil {
		t.Error(err)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() { m.seen[key(object)] = object.GetResourceVersion() }()
	spec := fmt.Sprint(object.Object["spec"])
	if m.spec[key(object)] == spec {
		return
	}
	configs, _, err := crd.ParseInputs(string(text))
	if err != nil {
		m.refused = append(m.refused, err.Error())
		return
	}
	for _, c := range configs {
		c.ResourceVersion, c.Domain = "", "cluster.local"
		if c.Annotations == nil {
			c.Annotations = map[string]string{}
		}
		c.Annotations[versionNote] = object.GetResourceVersion()
		m.given[key(object)], m.spec[key(object)] = object.GetResourceVersion(), spec
		store := m.pilot.Env().ConfigStore
		if store.Get(c.GroupVersionKind, c.Name, c.Namespace) == nil {
			_, err = store.Create(c)
		} else {
			_, err = store.Update(c)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// valid fails a test where Istio refused anything that was written.
func (m *mesh) valid(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.refused) > 0 {
		t.Errorf("Istio refuses what was written: %s", strings.Join(m.refused, "; "))
	}
}

// versionNote is the annotation by which pilot's routes tell of which version of
// a VirtualService they are.
const versionNote = "linnet.test/version"

func key(object *unstructured.Unstructured) string { return object.GetKind() + "/" + object.GetName() }

// settled waits until an object was looked at as it is now, and pilot gives out
// what it was given of it last.
func (m *mesh) settled(t *testing.T, of schema.GroupVersionResource, name string) {
	t.Helper()
	object := server.Get(t, of, m.namespace, name)
	apiserver.Eventually(t, "pilot has "+name, func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		d := m.pilot.Discovery
		if m.seen[key(object)] != object.GetResourceVersion() || d.CommittedUpdates.Load() < d.InboundUpdates.Load() {
			return false
		}
		if of != virtualServices {
			return true
		}
		for _, c := range m.pilot.PushContext().VirtualServicesForGateway(m.namespace, "mesh") {
			if c.Name == name && c.Annotations[versionNote] == m.given[key(object)] {
				return true
			}
		}
		return false
	})
}

func (m *mesh) router(t *testing.T, change func(*istio.Config)) *istio.Router {
	t.Helper()
	cfg := istio.Config{Client: m.client, Service: "checkout", VirtualService: "checkout", Arms: arms("stable", "canary")}
	if change != nil {
		change(&cfg)
	}
	r, err := istio.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// names are what the arms are called, in their order.
var names = []string{"baseline", "candidate", "third"}

// arms are those of subsets of the host checkout.
func arms(subsets ...string) (out []istio.Arm) {
	for i, subset := range subsets {
		out = append(out, istio.Arm{Name: names[i], Host: "checkout", Subset: subset})
	}
	return out
}

// byHand patches an object past Linnet.
func (m *mesh) byHand(t *testing.T, of schema.GroupVersionResource, name, patch string) {
	t.Helper()
	_, err := server.Client().Resource(of).Namespace(m.namespace).Patch(
		t.Context(), name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{FieldManager: "kubectl-edit"})
	if err != nil {
		t.Fatal(err)
	}
}
