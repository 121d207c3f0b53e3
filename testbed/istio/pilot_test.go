package istio

import (
	"testing"

	_ "google.golang.org/grpc/xds"
	"istio.io/istio/pilot/test/xds"
	_ "istio.io/istio/pkg/config/validation"
	_ "github.com/linnet-project/linnet/release"
)

func TestPilot(t *testing.T) {
	xds.NewFakeDiscoveryServer(t, xds.FakeOptions{})
}
