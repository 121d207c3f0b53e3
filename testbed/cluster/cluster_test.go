//go:build cluster && linux

package cluster_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	appsac "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/linnet-project/linnet/testbed/cluster"
	"github.com/linnet-project/linnet/testbed/program"
)

var bed *cluster.Cluster

func TestMain(m *testing.M) { cluster.Main(m, &bed) }

// deploy makes a Deployment of a version of the shop.
func deploy(t *testing.T, namespace, version string, replicas int32) *appsv1.Deployment {
	t.Helper()
	labels := map[string]string{"app": "shop", "version": version}
	made, err := bed.Client().AppsV1().Deployments(namespace).Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "shop-" + version},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "shop", Image: "shop:" + version, Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				}}},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// readyReplicas waits until a Deployment has just so many pods, all ready, and
// gives the time it took.
func readyReplicas(t *testing.T, namespace, name string, want int32) time.Duration {
	t.Helper()
	begun := time.Now()
	cluster.Eventually(t, fmt.Sprintf("%d ready pods of %s", want, name), func(ctx context.Context) bool {
		d, err := bed.Client().AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && d.Status.ObservedGeneration == d.Generation && d.Status.Replicas == want && d.Status.ReadyReplicas == want
	})
	return time.Since(begun)
}

func scale(t *testing.T, namespace, name string, replicas int) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	_, err := bed.Client().AppsV1().Deployments(namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}, "scale")
	if err != nil {
		t.Fatal(err)
	}
}

func TestADeploymentBecomesReadyAndScales(t *testing.T) {
	t.Parallel()
	ns := bed.Namespace(t)
	deploy(t, ns, "stable", 3)
	first := readyReplicas(t, ns, "shop-stable", 3)
	scale(t, ns, "shop-stable", 7)
	up := readyReplicas(t, ns, "shop-stable", 7)
	scale(t, ns, "shop-stable", 0)
	down := readyReplicas(t, ns, "shop-stable", 0)
	t.Logf("3 ready after %s, 7 after %s more, none after %s more", first, up, down)
}

// A Deployment whose new pods never become ready keeps the old ones: nothing
// about readiness is made up.
func TestABrokenRolloutDoesNotBecomeReady(t *testing.T) {
	t.Parallel()
	ns := bed.Namespace(t)
	deploy(t, ns, "stable", 2)
	readyReplicas(t, ns, "shop-stable", 2)
	patch := []byte(`{"spec":{"template":{"metadata":{"annotations":{"linnet.test/broken":"yes"}}}}}`)
	deployments := bed.Client().AppsV1().Deployments(ns)
	if _, err := deployments.Patch(t.Context(), "shop-stable", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	cluster.Eventually(t, "a new pod beside the old ones", func(ctx context.Context) bool {
		d, err := deployments.Get(ctx, "shop-stable", metav1.GetOptions{})
		return err == nil && d.Status.UpdatedReplicas == 1 && d.Status.UnavailableReplicas == 1 && d.Status.ReadyReplicas == 2
	})
}

func TestTwoFieldManagersConflict(t *testing.T) {
	t.Parallel()
	ns := bed.Namespace(t)
	deployments := bed.Client().AppsV1().Deployments(ns)
	deploy(t, ns, "stable", 1)
	apply := func(manager string, replicas int32, force bool) error {
		wanted := appsac.Deployment("shop-stable", ns).WithSpec(appsac.DeploymentSpec().WithReplicas(replicas))
		_, err := deployments.Apply(t.Context(), wanted, metav1.ApplyOptions{FieldManager: manager, Force: force})
		return err
	}
	if err := apply("linnet", 2, true); err != nil {
		t.Fatal(err)
	}
	if err := apply("argocd", 2, false); err != nil {
		t.Errorf("two managers that want the same conflict: %v", err)
	}
	err := apply("argocd", 5, false)
	if !apierrors.IsConflict(err) || !strings.Contains(err.Error(), "linnet") || !strings.Contains(err.Error(), ".spec.replicas") {
		t.Errorf("a second manager's apply: %v, want a conflict that names linnet and .spec.replicas", err)
	}
	if err := apply("argocd", 5, true); err != nil {
		t.Errorf("by force: %v", err)
	}
	if err := apply("linnet", 2, false); !apierrors.IsConflict(err) || !strings.Contains(err.Error(), "argocd") {
		t.Errorf("the first manager's next apply: %v, want a conflict that names argocd", err)
	}
}

func TestAnAccountMayDoOnlyWhatItsRulesSay(t *testing.T) {
	t.Parallel()
	ns := bed.Namespace(t)
	deploy(t, ns, "stable", 1)
	kubeconfig := bed.Account(t, ns, []rbacv1.PolicyRule{{APIGroups: []string{"apps"}, Resources: []string{"deployments"}, Verbs: []string{"get"}}})
	client, err := kubernetes.NewForConfig(cluster.Reach(t, kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.AppsV1().Deployments(ns).Get(t.Context(), "shop-stable", metav1.GetOptions{}); err != nil {
		t.Errorf("get: %v", err)
	}
	if _, err := client.AppsV1().Deployments(ns).List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("list: %v, want forbidden", err)
	}
	if _, err := client.AppsV1().Deployments("default").Get(t.Context(), "shop-stable", metav1.GetOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("get elsewhere: %v, want forbidden", err)
	}
}

func TestPodsAnswerThroughTheirService(t *testing.T) {
	t.Parallel()
	program.NeedsAddresses(t)
	ns := bed.Namespace(t)
	deploy(t, ns, "stable", 3)
	deploy(t, ns, "canary", 1)
	_, err := bed.Client().CoreV1().Services(ns).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "shop"},
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromString("http")}},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	bed.Serve(t, ns, func(pod *corev1.Pod) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, pod.Labels["version"]) })
	})
	front := bed.Front(t, ns, "shop")
	readyReplicas(t, ns, "shop-stable", 3)
	readyReplicas(t, ns, "shop-canary", 1)
	const asked = 400
	cluster.Eventually(t, "a quarter of the requests at one of four pods", func(ctx context.Context) bool {
		got := ask(ctx, t, front, asked)
		return got["stable"]+got["canary"] == asked && got["canary"] > asked/8 && got["canary"] < asked*3/8
	})
	scale(t, ns, "shop-canary", 0)
	cluster.Eventually(t, "all requests at the stable pods", func(ctx context.Context) bool {
		return ask(ctx, t, front, asked)["stable"] == asked
	})
}

// ask asks many times and counts the answers; "" is for errors.
func ask(ctx context.Context, t *testing.T, url string, times int) map[string]int {
	t.Helper()
	count := map[string]int{}
	for range times {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := http.DefaultClient.Do(r)
		if err != nil {
			count[""]++
			continue
		}
		body, _ := io.ReadAll(got.Body)
		got.Body.Close()
		if got.StatusCode != http.StatusOK {
			body = nil
		}
		count[string(body)]++
	}
	return count
}
