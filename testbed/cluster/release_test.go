//go:build cluster && linux

package cluster_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/program"
	"github.com/linnet-project/linnet/testbed/shop"
	"github.com/linnet-project/linnet/traffic/ingressnginx"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/kubernetes"
)

// town is a shop whose versions answer as pods.
type town struct {
	*shop.Shop
	namespace string
}

func newTown(t *testing.T) town {
	t.Helper()
	program.NeedsAddresses(t)
	w := town{Shop: shop.Open(t), namespace: bed.Namespace(t)}
	bed.Serve(t, w.namespace, func(pod *corev1.Pod) http.Handler {
		if v := w.Of(pod.Labels["version"]); v != nil {
			return v
		}
		return nil
	})
	return w
}

// run makes the Deployment of a version and waits for its pods.
func (w town) run(t *testing.T, v *shop.Version, replicas int32) (name string) {
	t.Helper()
	name = deploy(t, w.namespace, v.Name, replicas).Name
	readyReplicas(t, w.namespace, name, replicas)
	return name
}

// service makes a Service over the pods with some labels.
func (w town) service(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	_, err := bed.Client().CoreV1().Services(w.namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.ServiceSpec{
			Selector: labels,
			Ports:    []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// account is the kubeconfig of an account with just the rights that a provider
// says it needs.
func (w town) account(t *testing.T, rules []kube.Rule) string {
	t.Helper()
	var all []rbacv1.PolicyRule
	for _, r := range rules {
		all = append(all, rbacv1.PolicyRule{APIGroups: []string{r.Group}, Resources: []string{r.Resource}, ResourceNames: r.Names, Verbs: r.Verbs})
	}
	return bed.Account(t, w.namespace, all)
}

// readyPods counts the pods of a version that take traffic.
func (w town) readyPods(ctx context.Context, v *shop.Version) (n int, err error) {
	pods, err := bed.Client().CoreV1().Pods(w.namespace).List(ctx, metav1.ListOptions{LabelSelector: "version=" + v.Name})
	if err != nil {
		return 0, err
	}
	for _, pod := range pods.Items {
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue && pod.DeletionTimestamp == nil {
				n++
			}
		}
	}
	return n, nil
}

// Two Deployments behind one Service, which any of its pods may answer for.
func TestReleaseByReplicas(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	baseline, candidate := w.run(t, w.Base, 10), w.run(t, w.Next, 0)
	w.service(t, "shop", map[string]string{"app": "shop"})
	w.RollsBack(t, shop.Place{
		Name: "kubernetes", URL: bed.Front(t, w.namespace, "shop"),
		Traffic: fmt.Sprintf("kubernetes: { baseline: %q, candidate: %q, replicas: 10, kubeconfig: %q }",
			baseline, candidate, w.account(t, kubernetes.Rights(baseline, candidate))),
		Weight: func(ctx context.Context) (release.Weight, error) {
			base, err := w.readyPods(ctx, w.Base)
			if err != nil {
				return 0, err
			}
			next, err := w.readyPods(ctx, w.Next)
			if err != nil || base+next == 0 {
				return 0, fmt.Errorf("no pod is ready: %w", err)
			}
			return release.Weight(int(release.Whole) * next / (base + next)), nil
		},
	})
}

// A canary Ingress. The controller of ingress-nginx cannot be had here: what it
// does with weight and total is played by canary.
func TestReleaseByIngressNginx(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	served := &canary{}
	for name, v := range map[string]*shop.Version{"shop": w.Base, "shop-canary": w.Next} {
		w.run(t, v, 2)
		w.service(t, name, map[string]string{"version": v.Name})
	}
	w.ingress(t, "shop", nil)
	w.ingress(t, "shop-canary", map[string]string{canaryKey: "true", canaryKey + "-weight": "0"})
	served.follow(t, w.namespace, "shop-canary")
	w.RollsBack(t, shop.Place{
		Name: "ingressnginx", URL: served.between(t, bed.Front(t, w.namespace, "shop"), bed.Front(t, w.namespace, "shop-canary")),
		Traffic: fmt.Sprintf("ingressNginx: { ingresses: [ { main: shop, canary: shop-canary } ], kubeconfig: %q }",
			w.account(t, ingressnginx.Rights([]ingressnginx.Pair{{Main: "shop", Canary: "shop-canary"}}))),
		Weight: func(context.Context) (release.Weight, error) { return release.Weight(served.weight.Load()), nil },
	})
}

const canaryKey = "nginx.ingress.kubernetes.io/canary"

// ingress makes an Ingress of a Service of the same name.
func (w town) ingress(t *testing.T, name string, annotations map[string]string) {
	t.Helper()
	class, prefix := "nginx", networkingv1.PathTypePrefix
	_, err := bed.Client().NetworkingV1().Ingresses(w.namespace).Create(t.Context(), &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations},
		Spec: networkingv1.IngressSpec{IngressClassName: &class, Rules: []networkingv1.IngressRule{{
			Host: "shop.example.com",
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: &prefix,
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: name, Port: networkingv1.ServiceBackendPort{Name: "http"}}},
			}}}},
		}}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// canary splits requests as a canary Ingress says.
type canary struct {
	weight atomic.Int64 // in release.Weight
}

// follow watches a canary Ingress until the test ends.
func (c *canary) follow(t *testing.T, namespace, name string) {
	t.Helper()
	watch, err := bed.Client().NetworkingV1().Ingresses(namespace).Watch(t.Context(), metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String(),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range watch.ResultChan() {
			if ingress, ok := event.Object.(*networkingv1.Ingress); ok {
				c.weight.Store(share(ingress.Annotations))
			}
		}
	}()
	t.Cleanup(func() { watch.Stop(); <-done })
}

// share is what ingress-nginx makes of a canary's annotations, of release.Whole.
func share(annotations map[string]string) int64 {
	weight, _ := strconv.ParseInt(annotations[canaryKey+"-weight"], 10, 64)
	total, err := strconv.ParseInt(annotations[canaryKey+"-weight-total"], 10, 64)
	if err != nil || total < 100 {
		total = 100
	}
	if annotations[canaryKey] != "true" {
		return 0
	}
	return min(weight, total) * int64(release.Whole) / total
}

// between listens before two URLs and gives its own.
func (c *canary) between(t *testing.T, base, next string) string {
	t.Helper()
	var targets [2]*url.URL
	for i, text := range []string{base, next} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		targets[i] = u
	}
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		target := targets[0]
		if rand.Int64N(int64(release.Whole)) < c.weight.Load() {
			target = targets[1]
		}
		r.SetURL(target)
	}})
	t.Cleanup(front.Close)
	return front.URL
}
