package quick_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/apiserver"
	"github.com/linnet-project/linnet/traffic/kube"
)

// read gives the weight as a reader tells it.
func read(t *testing.T, r *kube.Reader) string {
	t.Helper()
	got, err := r.Read(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	return got.GetAnnotations()[weight]
}

// quiet waits until reading costs no call.
func (c *cluster) quiet(t *testing.T, r *kube.Reader) {
	t.Helper()
	apiserver.Eventually(t, "reading needs no calls", func() bool {
		before := c.Calls("GET")
		read(t, r)
		return c.Calls("GET") == before
	})
}

func TestReaderSeesChangesWithoutAsking(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	reader := c.ingress(t).Reader()
	defer reader.Close()
	c.quiet(t, reader)
	before := c.Calls("GET")
	c.byHand(t, "kubectl-edit", `{"metadata":{"annotations":{"`+weight+`":"30"}}}`)
	apiserver.Eventually(t, "the change is seen", func() bool { return read(t, reader) == "30" })
	if after := c.Calls("GET"); after != before {
		t.Errorf("it took %d calls", after-before)
	}
}

func TestReaderIsNeverBehindOurOwnWrite(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	object := c.ingress(t)
	reader := object.Reader()
	defer reader.Close()
	c.quiet(t, reader)
	for _, value := range []string{"1", "2", "3", "4", "5", "6", "7", "8"} {
		present, err := reader.Read(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		got, err := object.Patch(soon(t), present, set(weight, value))
		if err != nil {
			t.Fatal(err)
		}
		reader.Saw(got)
		if seen := read(t, reader); seen != value {
			t.Fatalf("read %q after writing %q", seen, value)
		}
	}
}

func TestReaderDoesNotTrustADeadWatch(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	reader := c.ingress(t).Reader()
	defer reader.Close()
	c.quiet(t, reader)

	// The watch breaks and cannot be opened again.
	c.Set(apiserver.Fault{Status: 500, Methods: []string{"WATCH"}})
	c.Cut()
	c.byHand(t, "kubectl-edit", `{"metadata":{"annotations":{"`+weight+`":"30"}}}`)
	apiserver.Eventually(t, "the broken watch is noticed", func() bool { return read(t, reader) == "30" })
	c.byHand(t, "kubectl-edit", `{"metadata":{"annotations":{"`+weight+`":"40"}}}`)
	if got := read(t, reader); got != "40" {
		t.Errorf("read %q with a dead watch, want 40", got)
	}
	// Nor is anything answered while nothing works.
	c.Set(apiserver.Fault{Status: 500})
	if got, err := reader.Read(soon(t)); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("read %v and %v while the cluster is down, want %q", got, err, release.ErrUnavailable)
	}
	c.Lift()
	c.quiet(t, reader)
	if got := read(t, reader); got != "40" {
		t.Errorf("read %q after all is well again, want 40", got)
	}
}

// A watch whose connection is gone looks like one on an object that nobody
// changes, until it is opened anew.
func TestReaderAsksWhereTheWatchIsQuiet(t *testing.T) {
	t.Parallel()
	const quiet = 200 * time.Millisecond
	c := newClusterWith(t, kube.Config{Quiet: quiet, Silence: time.Hour})
	reader := c.ingress(t).Reader()
	defer reader.Close()
	c.quiet(t, reader)
	c.Mute()
	c.byHand(t, "kubectl-edit", `{"metadata":{"annotations":{"`+weight+`":"30"}}}`)
	apiserver.Eventually(t, "the change is seen", func() bool { return read(t, reader) == "30" })
	c.byHand(t, "kubectl-edit", `{"metadata":{"annotations":{"`+weight+`":"40"}}}`)
	if got := read(t, reader); got != "40" {
		t.Errorf("read %q where the watch is known to be behind, want 40", got)
	}
	if n := c.Calls("WATCH"); n != 1 {
		t.Errorf("%d watches were opened, want the first to be kept", n)
	}
}

// An answer counts as a word of the cluster: where nothing changes, most reads
// cost no call.
func TestReaderAsksSeldomOfAQuietObject(t *testing.T) {
	t.Parallel()
	c := newClusterWith(t, kube.Config{Quiet: 100 * time.Millisecond, Silence: time.Hour})
	reader := c.ingress(t).Reader()
	defer reader.Close()
	for range 3 {
		before := c.Calls("GET")
		apiserver.Eventually(t, "the cluster is asked", func() bool {
			read(t, reader)
			return c.Calls("GET") > before
		})
		c.quiet(t, reader)
	}
	if n := c.Calls("WATCH"); n != 1 {
		t.Errorf("%d watches were opened, want one", n)
	}
}

func TestReaderWithoutTheRightToWatch(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.Set(apiserver.Fault{Status: 403, Reason: "Forbidden", Methods: []string{"WATCH"}})
	reader := c.ingress(t).Reader()
	defer reader.Close()
	for _, value := range []string{"1", "2", "3"} {
		c.byHand(t, "kubectl-edit", `{"metadata":{"annotations":{"`+weight+`":"`+value+`"}}}`)
		if got := read(t, reader); got != value {
			t.Errorf("read %q, want %s", got, value)
		}
	}
}

func TestReaderOpensASilentWatchAnew(t *testing.T) {
	t.Parallel()
	c := newClusterWith(t, kube.Config{Silence: 50 * time.Millisecond})
	reader := c.ingress(t).Reader()
	defer reader.Close()
	read(t, reader)
	apiserver.Eventually(t, "the watch is opened again", func() bool { return c.Calls("WATCH") >= 3 })
}

func TestReaderOfADeletedObject(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	reader := c.ingress(t).Reader()
	defer reader.Close()
	c.quiet(t, reader)
	ingresses := server.Client().Resource(apiserver.Ingresses).Namespace(c.namespace)
	if err := ingresses.Delete(soon(t), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	apiserver.Eventually(t, "the deletion is seen", func() bool {
		_, err := reader.Read(soon(t))
		return errors.Is(err, release.ErrNotFound)
	})
	c.ingress(t)
	c.quiet(t, reader)
}

func TestReaderEndsAndMayStartAgain(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	reader := c.ingress(t).Reader()
	reader.Close() // nothing to end
	c.quiet(t, reader)
	reader.Close()
	reader.Close()
	c.byHand(t, "kubectl-edit", `{"metadata":{"annotations":{"`+weight+`":"30"}}}`)
	if got := read(t, reader); got != "30" {
		t.Errorf("read %q after a close, want 30", got)
	}
	reader.Close()
}

func TestWritersAreNamed(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	object := c.ingress(t)
	at := kube.Path{"metadata", "annotations", weight}
	present, err := object.Get(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	present, err = object.Patch(soon(t), present, set(weight, "10"))
	if err != nil {
		t.Fatal(err)
	}
	if got := kube.Writers(present, at); len(got) != 0 {
		t.Errorf("writers are %q after ours, want none", got)
	}

	c.byHand(t, "kubectl-edit", `{"metadata":{"annotations":{"`+weight+`":"30"}}}`)
	c.byHand(t, "somebody", `{"metadata":{"annotations":{"other":"30"}}}`)
	present, err = object.Get(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(kube.Writers(present, at), "; "); got != "kubectl-edit (update)" {
		t.Errorf("writers are %q, want kubectl-edit alone", got)
	}

	force := true
	applied := `{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"name":"web",
		"annotations":{"` + weight + `":"50","argocd.argoproj.io/tracking-id":"shop:networking.k8s.io/Ingress:ns/web"},
		"labels":{"app.kubernetes.io/instance":"shop"}}}`
	_, err = server.Client().Resource(apiserver.Ingresses).Namespace(c.namespace).Patch(soon(t), "web",
		types.ApplyPatchType, []byte(applied), metav1.PatchOptions{FieldManager: "argocd-controller", Force: &force})
	if err != nil {
		t.Fatal(err)
	}
	present, err = object.Get(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(kube.Writers(present, at), "; ")
	for _, want := range []string{"argocd-controller (server-side apply)", "Argo CD (shop:networking.k8s.io/Ingress:ns/web)", "Argo CD (shop)"} {
		if !strings.Contains(got, want) {
			t.Errorf("writers are %q, want also %q", got, want)
		}
	}
	if got := kube.Writers(present, kube.Path{"spec", "rules"}); !strings.Contains(strings.Join(got, "; "), "test (update)") {
		t.Errorf("writers of the rules are %q, want their creator among them", got)
	}
}
