//go:build linux

package cluster

import (
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	"github.com/linnet-project/linnet/testbed/program"
)

// Serve makes the ready pods of a namespace answer requests, until the test
// ends: each on its own address, at the first port of its first container, with
// what handler gives for it; a pod with nil stays deaf. A pod that goes answers
// for a moment longer, as one with a preStop hook does.
func (c *Cluster) Serve(t testing.TB, namespace string, handler func(*corev1.Pod) http.Handler) {
	t.Helper()
	program.NeedsAddresses(t)
	s := &serving{t: t, handler: handler, doors: &c.doors}
	factory := informers.NewSharedInformerFactoryWithOptions(c.client, 0, informers.WithNamespace(namespace))
	pods := factory.Core().V1().Pods().Informer()
	_, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    s.see,
		UpdateFunc: func(_, pod any) { s.see(pod) },
		DeleteFunc: s.gone,
	})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	factory.Start(stop)
	t.Cleanup(func() {
		close(stop)
		factory.Shutdown()
		c.doors.close(func(d *door) bool { return d.of == s })
	})
	if !cache.WaitForCacheSync(t.Context().Done(), pods.HasSynced) {
		t.Fatal("the pods could not be listed")
	}
}

// serving makes the pods of one namespace answer.
type serving struct {
	t       testing.TB
	handler func(*corev1.Pod) http.Handler
	doors   *doors
}

// see begins to serve a pod that has become ready.
func (s *serving) see(object any) {
	pod := object.(*corev1.Pod)
	address, ok := addressOf(pod)
	if !ok || !ready(pod) {
		return
	}
	if handler := s.handler(pod); handler != nil {
		if err := s.doors.open(address, s, pod.UID, handler); err != nil {
			s.t.Errorf("pod %s: %v", pod.Name, err)
		}
	}
}

// linger is how long a pod that is gone answers.
const linger = 2 * time.Second

// gone ends the service of a pod, unless its address has a new one by then.
func (s *serving) gone(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	uid := object.(*corev1.Pod).UID
	time.AfterFunc(linger, func() {
		s.doors.close(func(d *door) bool { return d.pod == uid })
	})
}

// doors are the listeners of all pods that answer, by address: kwok gives an
// address away again as soon as its pod is gone, to a pod of any namespace.
type doors struct {
	mu sync.Mutex
	at map[string]*door
}

// door listens at the address of one pod after another.
type door struct {
	server *http.Server
	of     *serving  // who serves the present pod
	pod    types.UID // the present one
	answer atomic.Pointer[http.Handler]
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) { (*d.answer.Load()).ServeHTTP(w, r) }

// open has a handler answer for a pod at an address.
func (d *doors) open(address string, of *serving, pod types.UID, handler http.Handler) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	present := d.at[address]
	if present == nil {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return err
		}
		present = &door{}
		present.answer.Store(&handler)
		present.server = &http.Server{Handler: present, ReadHeaderTimeout: 5 * time.Second}
		if d.at == nil {
			d.at = map[string]*door{}
		}
		d.at[address] = present
		go func() { _ = present.server.Serve(listener) }() // until it is closed
	}
	present.of, present.pod = of, pod
	present.answer.Store(&handler)
	return nil
}

// close closes the doors that match.
func (d *doors) close(match func(*door) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for address, present := range d.at {
		if match(present) {
			delete(d.at, address)
			present.server.Close()
		}
	}
}

// addressOf is where a pod listens, if it has an address and a port.
func addressOf(pod *corev1.Pod) (string, bool) {
	if pod.Status.PodIP == "" || len(pod.Spec.Containers) == 0 || len(pod.Spec.Containers[0].Ports) == 0 {
		return "", false
	}
	port := int(pod.Spec.Containers[0].Ports[0].ContainerPort)
	return net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(port)), true
}

func ready(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil
		}
	}
	return false
}
