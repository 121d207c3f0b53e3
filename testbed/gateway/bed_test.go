//go:build cluster && linux

// Package gateway_test sends real requests through a real Traefik, which splits
// them by an HTTPRoute of the Gateway API, by a TraefikService, and by a file.
package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/cluster"
	"github.com/linnet-project/linnet/testbed/program"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

var bed *cluster.Cluster

func TestMain(m *testing.M) { cluster.Main(m, &bed) }

const (
	service = "shop"
	editor  = "kubectl-edit"
	// patience bounds what a test waits for; a busy machine must not fail it.
	patience = time.Minute
)

// arms and the Services behind them.
var arms = []struct{ arm, service string }{{"baseline", "stable"}, {"candidate", "canary"}, {"third", "third"}}

func armNames() (out []string) {
	for _, a := range arms {
		out = append(out, a.arm)
	}
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// gvr is a kind of objects that Traefik goes by.
func gvr(group, version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

func client(t testing.TB) dynamic.Interface {
	t.Helper()
	c, err := dynamic.NewForConfig(bed.Config())
	must(t, err)
	return c
}

// create makes the objects of a YAML text; what is there already stays.
func create(t testing.TB, resource schema.GroupVersionResource, namespace, text string) {
	t.Helper()
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return
		}
		must(t, err)
		if len(object.Object) == 0 {
			continue
		}
		_, err = client(t).Resource(resource).Namespace(namespace).Create(t.Context(), object, metav1.CreateOptions{FieldManager: "test"})
		if !apierrors.IsAlreadyExists(err) {
			must(t, err)
		}
	}
}

// install serves the CRDs of a module's files.
func install(t testing.TB, module, folder string, glob string, served ...schema.GroupVersionResource) {
	t.Helper()
	of := ".."
	if strings.Contains(module, "traefik") {
		of = "../traefik"
	}
	dir, err := exec.CommandContext(t.Context(), "go", "-C", of, "list", "-m", "-f", "{{.Dir}}", module).Output()
	must(t, err)
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), folder, glob))
	must(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(t, err)
		if bytes.Contains(text, []byte("kind: CustomResourceDefinition")) {
			create(t, gvr("apiextensions.k8s.io", "v1", "customresourcedefinitions"), "", string(text))
		}
	}
	for _, r := range served {
		cluster.Eventually(t, r.String()+" to be served", func(ctx context.Context) bool {
			_, err := client(t).Resource(r).List(ctx, metav1.ListOptions{Limit: 1})
			return err == nil
		})
	}
}

// backends are the versions of a service: they answer with their arm's name, and
// count.
type backends struct {
	addresses map[string]string // by Service
	hits      map[string]*atomic.Int64
}

func openBackends(t testing.TB) *backends {
	t.Helper()
	b := &backends{addresses: map[string]string{}, hits: map[string]*atomic.Int64{}}
	for _, a := range arms {
		listener, err := net.Listen("tcp", net.JoinHostPort(program.Address(), "0"))
		must(t, err)
		hits := &atomic.Int64{}
		server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			hits.Add(1)
			fmt.Fprint(w, a.arm)
		})}
		ended := make(chan error, 1)
		go func() { ended <- server.Serve(listener) }()
		t.Cleanup(func() { server.Close(); <-ended })
		b.addresses[a.service], b.hits[a.arm] = listener.Addr().String(), hits
	}
	return b
}

// services makes Services that lead to addresses, without pods.
func services(t testing.TB, namespace string, addresses map[string]string) {
	t.Helper()
	for name, address := range addresses {
		host, port, err := net.SplitHostPort(address)
		must(t, err)
		create(t, gvr("", "v1", "services"), namespace, fmt.Sprintf(`
apiVersion: v1
kind: Service
metadata: { name: %s }
spec: { ports: [ { name: http, port: 80, targetPort: %s } ] }
`, name, port))
		create(t, gvr("discovery.k8s.io", "v1", "endpointslices"), namespace, fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: %[1]s-1, labels: { kubernetes.io/service-name: %[1]s } }
addressType: IPv4
ports: [ { name: http, port: %[3]s, protocol: TCP } ]
endpoints: [ { addresses: [ %[2]s ], conditions: { ready: true } } ]
`, name, host, port))
	}
}

// traefik is a Traefik that runs.
type traefik struct {
	web, api string // URLs
	port     string // of web
}

// free gives two addresses on which nothing listens.
func free(t testing.TB) (out [2]string) {
	t.Helper()
	for i := range out {
		l, err := net.Listen("tcp", program.Address()+":0")
		must(t, err)
		defer l.Close() // both are held until both are found
		out[i] = l.Addr().String()
	}
	return out
}

// startTraefik starts one with more options. Throttle is the time within which
// it takes changes together; "" leaves it at its own, 2s.
func startTraefik(t testing.TB, throttle string, options ...string) *traefik {
	t.Helper()
	program.NeedsAddresses(t)
	path, err := program.Built("traefik")
	must(t, err)
	at := free(t)
	_, port, err := net.SplitHostPort(at[0])
	must(t, err)
	args := append([]string{
		"--entrypoints.web.address=" + at[0], "--entrypoints.traefik.address=" + at[1],
		"--api.insecure=true", "--api.dashboard=false", "--ping=true", "--log.level=ERROR",
		"--global.checknewversion=false", "--global.sendanonymoususage=false",
	}, options...)
	if throttle != "" {
		args = append(args, "--providers.providersthrottleduration="+throttle)
	}
	p := program.ForTest(t, program.Config{Path: path, Args: args, Env: []string{"KUBECONFIG=" + bed.Kubeconfig()}})
	x := &traefik{web: "http://" + at[0], api: "http://" + at[1], port: port}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	must(t, p.Until(ctx, "answers", func(ctx context.Context) bool { return x.ask(ctx, "/ping", nil) == nil }))
	return x
}

// ask reads from Traefik's API.
func (x *traefik) ask(ctx context.Context, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, x.api+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

// weights are those that Traefik serves for the weighted services whose names
// have a part, each in the order of its services.
func (x *traefik) weights(ctx context.Context, part string) (out [][]int, err error) {
	var all []struct {
		Name     string
		Weighted struct{ Services []struct{ Weight int } }
	}
	err = x.ask(ctx, "/api/http/services?per_page=1000", &all)
	for _, s := range all {
		if !strings.Contains(s.Name, part) || len(s.Weighted.Services) == 0 {
			continue
		}
		var one []int
		for _, c := range s.Weighted.Services {
			one = append(one, c.Weight)
		}
		out = append(out, one)
	}
	return out, err
}

// site is a way through a Traefik to the backends.
type site struct {
	*traefik
	*backends
	t    testing.TB
	host string
}

// get sends one request and gives the arm that answered, or the status, and the
// cookies set.
func (s *site) get(header http.Header, path string) (string, []*http.Cookie) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.web+path, nil)
	must(s.t, err)
	r.Host = s.host
	r.Header = maps.Clone(header)
	resp, err := http.DefaultClient.Do(r)
	must(s.t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return strconv.Itoa(resp.StatusCode), nil
	}
	body, err := io.ReadAll(resp.Body)
	must(s.t, err)
	return string(body), resp.Cookies()
}

// send sends requests to all the rules of the routes below, in turn.
func (s *site) send(n int, header http.Header) map[string]int {
	s.t.Helper()
	out := map[string]int{}
	for i := range n {
		arm, _ := s.get(header, []string{"/", "/cart/1"}[i%2])
		out[arm]++
	}
	return out
}

func (s *site) split(n int) map[string]int { return s.send(n, nil) }

// answers waits until requests are answered at all.
func (s *site) answers() {
	s.t.Helper()
	cluster.Eventually(s.t, "requests to be answered", func(context.Context) bool {
		a, _ := s.get(nil, "/")
		b, _ := s.get(nil, "/cart/1")
		return len(a) > len("404") && len(b) > len("404")
	})
}

// copies is how many requests the candidate got; with no weight all of them are
// copies.
func (s *site) copies() int { return int(s.hits["candidate"].Load()) }

// edit patches an object past Linnet.
func edit(t testing.TB, resource schema.GroupVersionResource, namespace, name, patch string) {
	t.Helper()
	_, err := client(t).Resource(resource).Namespace(namespace).Patch(t.Context(), name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{FieldManager: editor})
	must(t, err)
}

// noticed waits until a router has seen an edit: a watch needs a moment.
func noticed(t testing.TB, r trafficconf.Router, second release.Weight) {
	t.Helper()
	cluster.Eventually(t, "the edit to be noticed", func(ctx context.Context) bool {
		seen, err := r.Observed(ctx)
		return err == nil && len(seen.Parts) == 0 && seen.Route.Weights[1].Weight == second
	})
}

func connect(t testing.TB, namespace string) *kube.Client {
	t.Helper()
	c, err := kube.Connect(kube.Config{Kubeconfig: bed.Kubeconfig(), Namespace: namespace})
	must(t, err)
	return c
}

// route gives the candidate a weight.
func route(epoch uint64, second release.Weight) release.Route {
	return release.Route{Service: service, Epoch: epoch, Owner: "live/1", Weights: []release.ArmWeight{
		{Arm: "baseline", Weight: release.Whole - second}, {Arm: "candidate", Weight: second},
	}}
}

// reaches tells how long single changes take, from the call of Apply until it
// returns and until every request goes where it should. Between two is more
// than the time in which Traefik takes changes together, or less.
func reaches(t testing.TB, what string, r trafficconf.Router, s *site, pause time.Duration) {
	t.Helper()
	seen, err := r.Observed(t.Context())
	must(t, err)
	for i := range 4 {
		second, want := release.Weight(release.Whole), "candidate"
		if i%2 == 1 {
			second, want = 0, "baseline"
		}
		timer := time.NewTimer(pause)
		<-timer.C
		begun := time.Now()
		must(t, r.Apply(t.Context(), route(seen.Route.Epoch+uint64(i)+1, second)))
		returned := time.Since(begun)
		for well := 0; well < 4; {
			if arm, _ := s.get(nil, []string{"/", "/cart/1"}[well%2]); arm == want {
				well++
			} else {
				well = 0
			}
			if time.Since(begun) > patience {
				t.Fatalf("%s: the change does not reach traffic", what)
			}
		}
		fmt.Printf("change to traffic: %-28s %v apart: Apply returned after %5.3f s, requests followed after %5.3f s\n",
			what, pause, returned.Seconds(), time.Since(begun).Seconds())
	}
}
