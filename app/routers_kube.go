package app

import (
	"context"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/ingressnginx"
	"github.com/linnet-project/linnet/traffic/istio"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/kubernetes"
)

// cluster reaches the cluster that a release file names.
func cluster(c spec.Cluster) (*kube.Client, error) {
	return kube.Connect(kube.Config{Kubeconfig: c.Kubeconfig, Context: c.Context, Namespace: c.Namespace})
}

func istioRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.Istio
	client, err := cluster(c.Cluster)
	if err != nil {
		return nil, err
	}
	return istio.New(istio.Config{
		Client: client, Service: f.Service, VirtualService: c.VirtualService, Routes: c.Routes,
		Arms: istioArms(t),
	})
}

func istioArms(t spec.Traffic) []istio.Arm {
	c := t.Istio
	return []istio.Arm{
		{Name: release.Baseline, Host: c.Baseline.Host, Subset: c.Baseline.Subset},
		{Name: release.Candidate, Host: c.Candidate.Host, Subset: c.Candidate.Subset},
	}
}

func ingressNginxRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.IngressNginx
	client, err := cluster(c.Cluster)
	if err != nil {
		return nil, err
	}
	cfg := ingressnginx.Config{Client: client, Service: f.Service, Arms: arms(f)}
	for _, i := range c.Ingresses {
		cfg.Ingresses = append(cfg.Ingresses, ingressnginx.Pair{Main: i.Main, Canary: i.Canary})
	}
	return ingressnginx.New(cfg)
}

func kubernetesRouter(_ context.Context, t spec.Traffic, f spec.File) (run.Router, error) {
	c := t.Kubernetes
	client, err := cluster(c.Cluster)
	if err != nil {
		return nil, err
	}
	return kubernetes.New(kubernetes.Config{
		Client: client, Service: f.Service, Arms: arms(f),
		Baseline: c.Baseline, Candidate: c.Candidate,
		Replicas: int(c.Replicas), Surge: int(c.Surge),
	})
}
