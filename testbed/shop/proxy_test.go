//go:build cluster && linux

package shop_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/program"
	"github.com/linnet-project/linnet/testbed/shop"
	"github.com/linnet-project/linnet/traffic/proxy"
)

func TestProxy(t *testing.T) {
	s := shop.Open(t)
	root, err := program.Root()
	if err != nil {
		t.Fatal(err)
	}
	const token = "a-token-of-the-tests"
	p := program.ForTest(t, program.Config{
		Path: filepath.Join(root, "bin", "linnet"), Env: []string{"LINNET_TOKEN=" + token},
		Args: []string{"proxy", "--service", "shop", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
			"--arm", "baseline@" + s.Base.Name + "=http://" + s.Base.Address,
			"--arm", "candidate@" + s.Next.Name + "=http://" + s.Next.Address,
			"--state", filepath.Join(t.TempDir(), "state.json")},
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	said, err := p.Says(ctx, regexp.MustCompile(`traffic on (http://\S+), admin API on (http://\S+)`))
	if err != nil {
		t.Fatal(err)
	}
	client, err := proxy.NewClient(proxy.ClientConfig{URL: said[2], Token: token, Service: "shop", Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	s.RollsBack(t, shop.Place{
		Name: "proxy", URL: said[1], Traffic: fmt.Sprintf("proxy: { admin: %q }", said[2]), Env: []string{"LINNET_TOKEN=" + token},
		Weight: func(ctx context.Context) (release.Weight, error) {
			seen, err := client.Observed(ctx)
			return engine.CandidateWeight(seen.Route), err
		},
	})
}
