package apiserver_test

import (
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/linnet-project/linnet/testbed/apiserver"
)

func through(t *testing.T) (*apiserver.Faulty, dynamic.ResourceInterface, string) {
	t.Helper()
	server.InstallBuiltin(t)
	ns := server.Namespace(t)
	server.Create(t, apiserver.Deployments, ns, deployment)
	faulty := server.Faulty(t)
	config := faulty.Config()
	config.Timeout = 2 * time.Second
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return faulty, client.Resource(apiserver.Deployments).Namespace(ns), ns
}

func TestFaultsAreWhatTheySay(t *testing.T) {
	faulty, deployments, ns := through(t)
	get := func() error {
		_, err := deployments.Get(t.Context(), "web", metav1.GetOptions{})
		return err
	}
	scale := func() error {
		_, err := deployments.Patch(t.Context(), "web", types.MergePatchType, []byte(`{"spec":{"replicas":9}}`), metav1.PatchOptions{})
		return err
	}
	if err := get(); err != nil {
		t.Fatal(err)
	}

	faulty.Set(apiserver.Fault{Status: 403, Reason: "Forbidden", Message: "no", Methods: []string{"PATCH"}})
	if err := scale(); !apierrors.IsForbidden(err) {
		t.Errorf("patch: %v, want forbidden", err)
	}
	if err := get(); err != nil {
		t.Errorf("get is not among the methods struck: %v", err)
	}
	faulty.Set(apiserver.Fault{Lie: true})
	if err := scale(); err != nil {
		t.Errorf("patch: %v", err)
	}
	faulty.Lift()
	if n := server.Get(t, apiserver.Deployments, ns, "web").GetGeneration(); n != 1 {
		t.Errorf("a lie changed the object: generation %d", n)
	}
	faulty.Set(apiserver.Fault{Status: 500, Plain: true, After: true})
	if err := scale(); !apierrors.IsInternalError(err) {
		t.Errorf("patch: %v, want an internal error", err)
	}
	if n := server.Get(t, apiserver.Deployments, ns, "web").GetGeneration(); n != 2 {
		t.Errorf("the change should have happened before the answer was lost: generation %d", n)
	}
	faulty.Set(apiserver.Fault{Half: true})
	if err := get(); err == nil {
		t.Error("half an answer was taken for a whole one")
	}
	faulty.Set(apiserver.Fault{Hang: true, Times: 1})
	if err := get(); err == nil || !strings.Contains(err.Error(), "Timeout") && !strings.Contains(err.Error(), "deadline") {
		t.Errorf("get: %v, want a timeout", err)
	}
	if err := get(); err != nil {
		t.Errorf("the fault was to strike once: %v", err)
	}
}

func TestWatchesAreCut(t *testing.T) {
	faulty, deployments, _ := through(t)
	seen, err := deployments.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if event := <-seen.ResultChan(); event.Type != "ADDED" {
		t.Fatalf("the first event is %v", event)
	}
	faulty.Cut()
	if event, open := <-seen.ResultChan(); open && event.Type != "ERROR" {
		t.Errorf("after the cut came %v", event)
	}
	if faulty.Calls("WATCH") != 1 {
		t.Errorf("%d watches were seen, want 1", faulty.Calls("WATCH"))
	}
}
