package istio_test

import (
	"os"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/istio"
	"github.com/linnet-project/linnet/traffic/kube"
)

// The page's release file can be used, and its rights are those that the
// provider asks for.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/istio.md")
	if err != nil {
		t.Fatal(err)
	}
	var file string
	for i, block := range strings.Split(string(text), "```") {
		if body, ok := strings.CutPrefix(block, "yaml\n"); ok && i%2 == 1 && strings.HasPrefix(body, "apiVersion: linnet/v1") {
			file = body
		}
	}
	f, err := spec.Parse("release.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	c := f.Traffic.Istio
	arms := []istio.Arm{
		{Name: "baseline", Host: c.Baseline.Host, Subset: c.Baseline.Subset},
		{Name: "candidate", Host: c.Candidate.Host, Subset: c.Candidate.Subset},
	}
	rights := istio.Rights(c.Namespace, c.VirtualService, arms)
	if role := kube.RoleYAML(c.Namespace, rights[c.Namespace]); len(rights) != 1 || !strings.Contains(string(text), role) {
		t.Errorf("the page does not have the rights\n%s", role)
	}
	arms[1].Host = "checkout.other.svc.cluster.local"
	if rights := istio.Rights("shop", "checkout", arms); len(rights["other"]) != 1 || len(rights["shop"]) != 2 {
		t.Errorf("with a host elsewhere the rights are %v", rights)
	}
}
