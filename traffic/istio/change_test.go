package istio

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
)

// nowhere is a client of a cluster that is never called.
func nowhere(t testing.TB) *kube.Client {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	err := os.WriteFile(file, []byte(`{ apiVersion: v1, kind: Config, current-context: here,
		clusters: [ { name: here, cluster: { server: "http://127.0.0.1:1" } } ],
		contexts: [ { name: here, context: { cluster: here, namespace: shop } } ] }`), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	client, err := kube.Connect(kube.Config{Kubeconfig: file})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Whatever an object holds, looking at it and changing it either works or says
// that the object is at fault.
func FuzzChange(f *testing.F) {
	f.Add([]byte(`{"spec":{"http":[{"name":"a","match":[{"uri":{"prefix":"/a"}}],"route":[{"destination":{"host":"old"},"weight":100},{"destination":{"host":"new"}}]}]}}`), true)
	f.Add([]byte(`{"spec":{"tcp":[{"route":[{"destination":{"host":"old"},"weight":-5},{"destination":{"host":"new.shop.svc.cluster.local"}}]}]}}`), false)
	f.Add([]byte(`{"spec":{"http":[{"match":[null],"route":[{"destination":{"host":"old"}},{"destination":{"host":"new"},"weight":"1"}],"mirrors":[null]}]}}`), true)
	f.Add([]byte(`{"spec":{"http":[{"name":"linnet-testers-x"},null,{"delegate":{"name":"d"}}]},"metadata":{"annotations":{"linnet.dev/mirror":"1%"}}}`), true)
	f.Add([]byte(`{"spec":{"http":{"route":7}}}`), false)
	client := nowhere(f)
	r, err := New(Config{
		Client: client, Service: "shop", VirtualService: "checkout", Routes: []string{AllRoutes},
		Arms: []Arm{{Name: "baseline", Host: "old"}, {Name: "candidate", Host: "new"}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte, asks bool) {
		object := map[string]any{}
		if json.Unmarshal(text, &object) != nil {
			return
		}
		target := target{reader: r.root, object: &unstructured.Unstructured{Object: object}}
		faulty := func(err error) bool {
			if err != nil && !errors.Is(err, release.ErrInvalid) {
				t.Errorf("%v, expected %q", err, release.ErrInvalid)
			}
			return err != nil
		}
		if target.places, err = r.pick(target, ""); faulty(err) {
			return
		}
		complaints(target.object)
		for _, p := range target.places {
			_, err := p.shares()
			faulty(err)
		}
		route := release.Route{Service: "shop"}
		if asks && target.http() {
			route.Testers, route.Mirror = release.Testers{Header: "X-Arm", Cookie: "arm"}, 1000
		}
		_, err := r.change(target, route, []release.Weight{90_000, 10_000})
		faulty(err)
	})
}
