// Package apiserver runs a real Kubernetes API server inside a test process:
// the one that serves custom resources, over an etcd of its own, ready in about
// half a second. What it serves is real (validation by the CRDs' schemas,
// resource versions, patches, field managers, server-side apply, watches);
// what it lacks is a cluster: no controllers, no namespaces that must exist
// first, no authorisation. The full tier runs kube-apiserver itself.
//
// A test package starts it in TestMain and all its tests share it, each in a
// namespace of its own:
//
//	var server *apiserver.Server
//
//	func TestMain(m *testing.M) { apiserver.Main(m, &server) }
package apiserver

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	extensions "k8s.io/apiextensions-apiserver/pkg/cmd/server/testing"
)

// Server is an API server in this process. Tests use it at the same time.
type Server struct {
	config *rest.Config
	client dynamic.Interface
	etcd   *clientv3.Client
	count  atomic.Int64
	stop   []func()
}

// Main runs the tests of a package beside one API server, which into then
// points to, and ends the process. Go's -list and a run without tests do not
// start it.
func Main(m *testing.M, into **Server) {
	flag.Parse()
	if list := flag.Lookup("test.list"); list != nil && list.Value.String() != "" {
		os.Exit(m.Run())
	}
	server, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	*into = server
	code := m.Run()
	server.Stop()
	os.Exit(code)
}

// Start starts a server; Stop ends it.
func Start() (*Server, error) {
	// The server tells much of what it does. Errors come back as errors.
	klog.SetLogger(logr.Discard())
	folder, err := os.MkdirTemp("", "linnet-apiserver")
	if err != nil {
		return nil, err
	}
	s := &Server{stop: []func(){func() { os.RemoveAll(folder) }}}
	if err := s.start(folder); err != nil {
		s.Stop()
		return nil, fmt.Errorf("API server in process: %w", err)
	}
	return s, nil
}

func (s *Server) start(folder string) error {
	etcd, url, err := startEtcd(filepath.Join(folder, "etcd"))
	if err != nil {
		return err
	}
	s.stop = append(s.stop, etcd.Close)
	s.etcd = v3client.New(etcd.Server)
	s.stop = append(s.stop, func() { s.etcd.Close() })

	nowhere := filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(nowhere, []byte(kubeconfig("http://127.0.0.1:1", "default")), 0o600); err != nil {
		return err
	}
	server, err := extensions.StartTestServer(quiet{}, nil, []string{
		"--etcd-prefix", etcdPrefix, "--etcd-servers", url,
		// It would otherwise ask a kube-apiserver who may do what.
		"--authentication-skip-lookup",
		"--authentication-kubeconfig", nowhere, "--authorization-kubeconfig", nowhere, "--kubeconfig", nowhere,
		"--enable-priority-and-fairness=false",
		"--disable-admission-plugins", "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
	}, nil)
	if err != nil {
		return err
	}
	s.stop = append(s.stop, server.TearDownFn)
	s.config = rest.CopyConfig(server.ClientConfig)
	s.config.QPS = -1 // tests ask as fast as they can
	s.client, err = dynamic.NewForConfig(s.config)
	return err
}

// Stop ends the server and removes its files.
func (s *Server) Stop() {
	for i := len(s.stop) - 1; i >= 0; i-- {
		s.stop[i]()
	}
}

// Config is how an administrator reaches the server: a copy, free to change.
func (s *Server) Config() *rest.Config { return rest.CopyConfig(s.config) }

// Client reaches the server as an administrator.
func (s *Server) Client() dynamic.Interface { return s.client }

// Namespace is one that no other test uses. It need not be created: custom
// resources live in any.
func (s *Server) Namespace(t testing.TB) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name()))
	return fmt.Sprintf("t%d-%s", s.count.Add(1), strings.Trim(name[:min(len(name), 40)], "-"))
}

// Create makes an object from YAML in a namespace and gives it as stored.
func (s *Server) Create(t testing.TB, resource schema.GroupVersionResource, namespace, text string) *unstructured.Unstructured {
	t.Helper()
	objects, err := documents([]byte(text))
	if err != nil || len(objects) != 1 {
		t.Fatalf("one YAML document is needed, got %d: %v", len(objects), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	made, err := s.client.Resource(resource).Namespace(namespace).Create(ctx, objects[0], create)
	if err != nil {
		t.Fatalf("create %s in %s: %v", resource.Resource, namespace, err)
	}
	return made
}

// Get reads an object as it is stored now.
func (s *Server) Get(t testing.TB, resource schema.GroupVersionResource, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := s.client.Resource(resource).Namespace(namespace).Get(ctx, name, get)
	if err != nil {
		t.Fatalf("get %s %s/%s: %v", resource.Resource, namespace, name, err)
	}
	return got
}

// patience bounds each call that a test makes on its own behalf.
const patience = 30 * time.Second

// quiet takes what the test server says of itself; what goes wrong comes back
// as an error as well.
type quiet struct{}

func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(string, ...any) {}
func (quiet) Logf(string, ...any)   {}
