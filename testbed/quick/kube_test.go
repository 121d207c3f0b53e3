package quick_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/traefik"
)

const ingress = `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: { example.com/note: "keep ~this/ too" }
spec:
  rules: [ { host: shop.example.com } ]
`

// weight is an annotation with a character that a JSON pointer must escape.
const weight = "example.com/canary-weight"

func (c *cluster) ingress(t *testing.T) *kube.Object {
	t.Helper()
	server.Create(t, apiserver.Ingresses, c.namespace, ingress)
	return c.client.Object(apiserver.Ingresses, "", "web")
}

// byHand patches an object past Linnet, as a named field manager.
func (c *cluster) byHand(t *testing.T, manager, patch string) {
	t.Helper()
	_, err := server.Client().Resource(apiserver.Ingresses).Namespace(c.namespace).Patch(
		soon(t), "web", types.MergePatchType, []byte(patch), metav1.PatchOptions{FieldManager: manager})
	if err != nil {
		t.Fatal(err)
	}
}

func set(key, value string) *kube.Change {
	c := &kube.Change{}
	c.Annotate(key, value)
	return c
}

func TestPatchChangesOnlyWhatItNames(t *testing.T) {
	c := newCluster(t)
	object := c.ingress(t)
	read, err := object.Get(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	change := set(weight, "10")
	change.Stamp(release.Route{Owner: "shop/1", Epoch: 4})
	change.Replace(kube.Path{"spec", "rules", "0", "host"}, "shop.example.com", "shop2.example.com")
	got, err := object.Patch(soon(t), read, change)
	if err != nil {
		t.Fatal(err)
	}
	want := read.DeepCopy()
	want.SetAnnotations(map[string]string{"example.com/note": "keep ~this/ too", weight: "10", kube.StampKey: `epoch=4 owner="shop/1"`})
	if a, b := got.GetAnnotations(), want.GetAnnotations(); len(a) != len(b) || a[weight] != "10" || a["example.com/note"] != b["example.com/note"] {
		t.Errorf("annotations are %v, want %v", a, b)
	}
	if rules, _, _ := unstructured.NestedSlice(got.Object, "spec", "rules"); rules[0].(map[string]any)["host"] != "shop2.example.com" {
		t.Errorf("rules are %v", rules)
	}
	if stamp := kube.StampOf(got); stamp.Epoch != 4 || stamp.Owner != "shop/1" {
		t.Errorf("stamped with %+v", stamp)
	}
	undo := &kube.Change{}
	undo.Unannotate(weight)
	undo.Unannotate(kube.StampKey)
	undo.Unannotate("not/there")
	undo.Replace(kube.Path{"spec", "rules", "0", "host"}, "shop2.example.com", "shop.example.com")
	got, err = object.Patch(soon(t), got, undo)
	if err != nil {
		t.Fatal(err)
	}
	if a := got.GetAnnotations(); len(a) != 1 {
		t.Errorf("annotations are %v, want the user's alone", a)
	}
}

func TestPatchOfWhatSomebodyChangedIsAConflict(t *testing.T) {
	c := newCluster(t)
	object := c.ingress(t)
	read, err := object.Get(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	c.byHand(t, "kubectl-edit", `{"metadata":{"labels":{"a":"b"}}}`)
	if _, err := object.Patch(soon(t), read, set(weight, "10")); !errors.Is(err, release.ErrConflict) {
		t.Errorf("an older version: %v, want %q", err, release.ErrConflict)
	}
	read, err = object.Get(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	change := &kube.Change{}
	change.Replace(kube.Path{"spec", "rules", "0", "host"}, "another", "mine")
	if _, err := object.Patch(soon(t), read, change); !errors.Is(err, release.ErrConflict) {
		t.Errorf("another value: %v, want %q", err, release.ErrConflict)
	}
	change = &kube.Change{}
	change.Replace(kube.Path{"spec", "no", "such"}, "another", "mine")
	if _, err := object.Patch(soon(t), read, change); !errors.Is(err, release.ErrConflict) {
		t.Errorf("no value: %v, want %q", err, release.ErrConflict)
	}
	change = &kube.Change{}
	change.Replace(kube.Path{"spec", "rules"}, []any{map[string]any{"host": "shop.example.com"}}, []any{})
	change.Replace(kube.Path{"metadata", "name"}, "web", "other")
	if _, err := object.Patch(soon(t), read, change); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("what the API refuses: %v, want %q", err, release.ErrInvalid)
	}
}

func TestFenceOfAnObject(t *testing.T) {
	c := newCluster(t)
	object := c.ingress(t)
	read, err := object.Get(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := object.Fence(read, release.Route{Epoch: 1, Owner: "a"}); err != nil {
		t.Errorf("an object without a stamp: %v", err)
	}
	stamp := &kube.Change{}
	stamp.Stamp(release.Route{Epoch: 7, Owner: `a "quoted" one`})
	read, err = object.Patch(soon(t), read, stamp)
	if err != nil {
		t.Fatal(err)
	}
	err = object.Fence(read, release.Route{Epoch: 6, Owner: "a"})
	if !errors.Is(err, release.ErrConflict) || !strings.Contains(err.Error(), object.String()) {
		t.Errorf("a lower epoch: %v, want %q naming %s", err, release.ErrConflict, object)
	}
}

func TestErrorsHaveTheirMeaning(t *testing.T) {
	t.Parallel()
	c := newClusterWith(t, kube.Config{Timeout: time.Second})
	object := c.ingress(t)
	read, err := object.Get(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		fault   apiserver.Fault
		meaning error
		says    string
	}{
		{"forbidden", apiserver.Fault{Status: 403, Reason: "Forbidden", Message: `User "linnet" cannot patch resource "ingresses" in API group "networking.k8s.io"`}, release.ErrInvalid,
			`needs the right: apiGroups: ["networking.k8s.io"], resources: ["ingresses"], resourceNames: ["web"], verbs: ["patch"]`},
		{"refused by admission", apiserver.Fault{Status: 403, Reason: "Forbidden", Message: "exceeded quota"}, release.ErrInvalid, "exceeded quota: invalid"},
		{"unauthorized", apiserver.Fault{Status: 401, Reason: "Unauthorized", Message: "Unauthorized"}, release.ErrInvalid, "credentials"},
		{"bad request", apiserver.Fault{Status: 400, Reason: "BadRequest", Message: "bad"}, release.ErrInvalid, "bad"},
		{"method", apiserver.Fault{Status: 405, Reason: "MethodNotAllowed", Message: "no patch"}, release.ErrInvalid, "no patch"},
		{"not found", apiserver.Fault{Status: 404, Reason: "NotFound", Message: "ingresses web not found"}, release.ErrNotFound, "not found"},
		{"no such kind", apiserver.Fault{Status: 404, Plain: true}, release.ErrNotFound, "does the cluster serve"},
		{"conflict", apiserver.Fault{Status: 409, Reason: "Conflict", Message: "modified"}, release.ErrConflict, "since it was read"},
		{"throttled", apiserver.Fault{Status: 429, Reason: "TooManyRequests", Message: "slow down"}, release.ErrUnavailable, "slow down"},
		{"throttled for longer", apiserver.Fault{Status: 429, Reason: "TooManyRequests", RetryAfter: 30}, release.ErrUnavailable, ""},
		{"internal", apiserver.Fault{Status: 500, Reason: "InternalError", Message: "etcd"}, release.ErrUnavailable, "etcd"},
		{"unavailable", apiserver.Fault{Status: 503, Plain: true}, release.ErrUnavailable, ""},
		{"hangs", apiserver.Fault{Hang: true}, release.ErrUnavailable, "deadline"},
		{"half an answer", apiserver.Fault{Half: true}, release.ErrUnavailable, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			c.Set(test.fault)
			_, err := object.Patch(soon(t), read, set(weight, "1"))
			if !errors.Is(err, test.meaning) {
				t.Errorf("%v, want %q", err, test.meaning)
			}
			for _, words := range []string{test.says, "patch ingresses.networking.k8s.io " + c.namespace + "/web"} {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%v: does not say %q", err, words)
				}
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: is told as the end of the caller's context", err)
			}
			if strings.Contains(err.Error(), "a-secret-token") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: tells too much, or on more than one line", err)
			}
		})
	}
	nowhere, err := kube.Connect(kube.Config{Kubeconfig: apiserver.Kubeconfig(t, c.URL, c.namespace), Context: "elsewhere", Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nowhere.Object(apiserver.Ingresses, "", "web").Get(soon(t)); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("nobody listens: %v, want %q", err, release.ErrUnavailable)
	}
}

func TestGivingUpIsTold(t *testing.T) {
	c := newCluster(t)
	object := c.ingress(t)
	c.Set(apiserver.Fault{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := object.Get(ctx)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("%v, want %v and %q", err, context.DeadlineExceeded, release.ErrUnavailable)
	}
}

func TestConnect(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.WriteFile(broken, []byte("apiVersion: v1\nkind: Config\nusers: [{name: a, user: {token: [a-secret-token]}}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := apiserver.Kubeconfig(t, "http://127.0.0.1:1", "shop")
	for _, test := range []struct {
		cfg  kube.Config
		says string
	}{
		{kube.Config{Kubeconfig: "/no/such/file"}, "/no/such/file"},
		{kube.Config{Kubeconfig: broken}, broken},
		{kube.Config{Kubeconfig: good, Context: "unknown"}, "unknown"},
		{kube.Config{Kubeconfig: good, Timeout: -1}, "timeout"},
	} {
		_, err := kube.Connect(test.cfg)
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: %v, want %q saying %q", test.cfg, err, release.ErrInvalid, test.says)
		}
		if err != nil && strings.Contains(err.Error(), "a-secret-token") {
			t.Errorf("the error holds the token: %v", err)
		}
	}
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "none"))
	t.Setenv("HOME", t.TempDir())
	if _, err := kube.Connect(kube.Config{}); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "no kubeconfig") {
		t.Errorf("without any kubeconfig: %v", err)
	}
	t.Setenv("KUBECONFIG", good)
	for want, cfg := range map[string]kube.Config{
		"shop":      {},
		"elsewhere": {Context: "elsewhere"},
		"mine":      {Namespace: "mine"},
	} {
		client, err := kube.Connect(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if client.Namespace() != want {
			t.Errorf("%+v: namespace %q, want %q", cfg, client.Namespace(), want)
		}
	}
}

func TestRolesAreComplete(t *testing.T) {
	got := kube.RoleYAML("shop", "shop", "linnet", []kube.Rule{
		kube.ReadWrite("networking.k8s.io", "ingresses", "web-canary"),
		kube.Read("networking.k8s.io", "ingresses", "web"),
	})
	for _, want := range []string{
		`- { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], resourceNames: ["web-canary"], verbs: ["get", "watch", "patch"] }`,
		`- { apiGroups: ["networking.k8s.io"], resources: ["ingresses"], resourceNames: ["web"], verbs: ["get", "watch"] }`,
		`kind: RoleBinding`, `namespace: "shop"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the role lacks %s:\n%s", want, got)
		}
	}
}

// A cluster whose kinds are older than what we write must not drop it silently.
func TestPatchOfAFieldThatTheClusterDoesNotKnow(t *testing.T) {
	c := newCluster(t)
	server.Install(t, traefikCRD(t))
	made := server.Create(t, traefik.Services(), c.namespace, strings.Split(traefikServices, "---")[0])
	change := &kube.Change{}
	change.Add(kube.Path{"spec", "weighted", "newer"}, "x")
	_, err := c.client.Object(traefik.Services(), "", "shop").Patch(soon(t), made, change)
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "newer") {
		t.Errorf("%v, want %q naming the field", err, release.ErrInvalid)
	}
}
