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
	s := &servers{t: t, handler: handler, open: map[string]*podServer{}}
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
		s.close()
	})
	if !cache.WaitForCacheSync(t.Context().Done(), pods.HasSynced) {
		t.Fatal("the pods could not be listed")
	}
}

// servers are the listeners of a namespace's pods.
type servers struct {
	t       testing.TB
	handler func(*corev1.Pod) http.Handler

	mu     sync.Mutex
	open   map[string]*podServer // by address
	closed bool
}

// podServer listens at the address of one pod after another.
type podServer struct {
	server *http.Server
	pod    string // the UID of the present one
	answer atomic.Pointer[http.Handler]
}

func (s *podServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*s.answer.Load()).ServeHTTP(w, r)
}

// see begins to serve a pod that has become ready.
func (s *servers) see(object any) {
	pod := object.(*corev1.Pod)
	address, ok := addressOf(pod)
	if !ok || !ready(pod) {
		return
	}
	handler := s.handler(pod)
	if handler == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	present := s.open[address]
	if present == nil {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			s.t.Errorf("pod %s: %v", pod.Name, err)
			return
		}
		present = &podServer{}
		present.server = &http.Server{Handler: present, ReadHeaderTimeout: 5 * time.Second}
		s.open[address] = present
		go func() { _ = present.server.Serve(listener) }() // until close
	}
	present.pod = string(pod.UID)
	present.answer.Store(&handler)
}

// linger is how long a pod that is gone answers.
const linger = 2 * time.Second

// gone ends the service of a pod, unless its address has a new one by then.
func (s *servers) gone(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	pod := object.(*corev1.Pod)
	address, ok := addressOf(pod)
	if !ok {
		return
	}
	time.AfterFunc(linger, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if present := s.open[address]; present != nil && present.pod == string(pod.UID) {
			delete(s.open, address)
			present.server.Close()
		}
	})
}

func (s *servers) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, present := range s.open {
		present.server.Close()
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
