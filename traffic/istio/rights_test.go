package istio_test

import (
	"fmt"
	"testing"

	"github.com/linnet-project/linnet/traffic/istio"
)

// A host in another namespace may have its DestinationRules there, and a host as
// a whole needs none.
func TestRights(t *testing.T) {
	const patch = `apiGroups: ["networking.istio.io"], resources: ["virtualservices"], resourceNames: ["checkout"], verbs: ["get", "watch", "patch"]`
	const list = `apiGroups: ["networking.istio.io"], resources: ["destinationrules"], verbs: ["list"]`
	for _, c := range []struct {
		host, subset, want string
	}{
		{"checkout", "v2", "map[shop:[" + patch + " " + list + "]]"},
		{"checkout.shop.svc.cluster.local", "v2", "map[shop:[" + patch + " " + list + "]]"},
		{"checkout.pay.svc.cluster.local", "v2", "map[pay:[" + list + "] shop:[" + patch + " " + list + "]]"},
		{"checkout.pay.svc.cluster.local", "", "map[shop:[" + patch + "]]"},
	} {
		got := fmt.Sprint(istio.Rights("shop", "checkout", []istio.Arm{{Name: "candidate", Host: c.host, Subset: c.subset}}))
		if got != c.want {
			t.Errorf("for the host %s, subset %q:\n%s\nexpected\n%s", c.host, c.subset, got, c.want)
		}
	}
}
