//go:build linux

// Package cluster runs a whole Kubernetes for tests: etcd, kube-apiserver,
// kube-controller-manager and kube-scheduler as people run them, and kwok, which
// plays the nodes: a pod becomes ready as soon as it has one. Serve makes pods
// answer requests. The programs come from scripts/testbed.
//
// A test package starts it in TestMain and all its tests share it, each in a
// namespace of its own:
//
//	var bed *cluster.Cluster
//
//	func TestMain(m *testing.M) { cluster.Main(m, &bed) }
package cluster

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/linnet-project/linnet/testbed/program"
)

// patience bounds every wait for the cluster; a machine with other work must
// not fail a test.
const patience = 2 * time.Minute

// podNetwork is where kwok takes the pods' addresses from. All of it leads to
// this machine, within scripts/netns.
const podNetwork = "10.99.1.0/24"

// Cluster is a Kubernetes that runs. Tests use it at the same time.
type Cluster struct {
	folder   string
	address  string
	server   string // the API server's URL
	etcd     string // etcd's URL
	config   *rest.Config
	client   kubernetes.Interface
	programs []*program.Program
	doors    doors
}

// Main runs the tests of a package beside one cluster, which into then points
// to, and ends the process. It prints how long the start took, and the end of
// what each program said when a test failed. Go's -list does not start it.
func Main(m *testing.M, into **Cluster) {
	flag.Parse()
	if list := flag.Lookup("test.list"); list != nil && list.Value.String() != "" {
		os.Exit(m.Run())
	}
	begun := time.Now()
	c, err := Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("kubernetes: ready in %.1f s, on %s\n", time.Since(begun).Seconds(), c.address)
	*into = c
	code := m.Run()
	if code != 0 {
		for _, p := range c.programs {
			fmt.Println(p.Tail())
		}
	}
	c.Stop()
	os.Exit(code)
}

// Start starts a cluster with one node and returns when pods can become ready.
// It listens on program.Address.
func Start(ctx context.Context) (*Cluster, error) {
	folder, err := os.MkdirTemp("", "linnet-cluster")
	if err != nil {
		return nil, err
	}
	c := &Cluster{folder: folder, address: program.Address()}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.start(ctx); err != nil {
		c.Stop()
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	if err := c.plan(); err != nil {
		return err
	}
	if err := c.secrets(); err != nil {
		return err
	}
	var err error
	if c.config, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig()); err != nil {
		return err
	}
	c.config.QPS = -1 // tests ask as fast as they can
	if c.client, err = kubernetes.NewForConfig(c.config); err != nil {
		return err
	}
	if _, err := c.launch("etcd", c.etcdArgs()); err != nil {
		return err
	}
	server, err := c.launch("kube-apiserver", c.serverArgs())
	if err != nil {
		return err
	}
	if err := server.Until(ctx, "is ready", c.serverReady); err != nil {
		return err
	}
	return c.populate(ctx)
}

// populate starts what works on the API server's objects, and adds the node.
func (c *Cluster) populate(ctx context.Context) error {
	if _, err := c.launch("kube-scheduler", c.schedulerArgs()); err != nil {
		return err
	}
	manager, err := c.launch("kube-controller-manager", c.managerArgs())
	if err != nil {
		return err
	}
	kwok, err := c.launch("kwok", c.kwokArgs())
	if err != nil {
		return err
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
	if _, err := c.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return err
	}
	if err := kwok.Until(ctx, "has a node ready", c.nodeReady); err != nil {
		return err
	}
	return manager.Until(ctx, "has made a namespace's account", c.accountMade)
}

func (c *Cluster) serverReady(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return c.client.CoreV1().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error() == nil
}

func (c *Cluster) nodeReady(ctx context.Context) bool {
	node, err := c.client.CoreV1().Nodes().Get(ctx, "node-1", metav1.GetOptions{})
	if err != nil || len(node.Spec.Taints) > 0 {
		return false
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

func (c *Cluster) accountMade(ctx context.Context) bool {
	_, err := c.client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
	return err == nil
}

// launch starts a program that scripts/testbed built; c.Stop ends it.
func (c *Cluster) launch(name string, args []string) (*program.Program, error) {
	path, err := program.Built(name)
	if err != nil {
		return nil, err
	}
	p, err := program.Start(program.Config{Path: path, Args: args, Log: filepath.Join(c.folder, name+".log")})
	if err == nil {
		c.programs = append(c.programs, p)
	}
	return p, err
}

// Stop ends all programs and removes their files.
func (c *Cluster) Stop() {
	for i := len(c.programs) - 1; i >= 0; i-- {
		c.programs[i].Stop()
	}
	os.RemoveAll(c.folder)
}

// Config is how an administrator reaches the cluster: a copy, free to change.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Client reaches the cluster as an administrator.
func (c *Cluster) Client() kubernetes.Interface { return c.client }

// Kubeconfig is the file of an administrator.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.folder, "kubeconfig") }

// Namespace makes one for a test; it goes with the cluster.
func (c *Cluster) Namespace(t testing.TB) string {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(t.Name()))
	wanted := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: strings.Trim(name[:min(len(name), 40)], "-") + "-"}}
	made, err := c.client.CoreV1().Namespaces().Create(t.Context(), wanted, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made.Name
}

// Eventually waits until a condition holds, and fails the test where it does
// not within a bound that no healthy machine needs.
func Eventually(t testing.TB, what string, holds func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("not in time"))
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited %s for %s: %v", patience, what, context.Cause(ctx))
		}
	}
}
