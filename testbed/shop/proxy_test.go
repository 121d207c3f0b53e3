//go:build cluster && linux

package shop_test

import (
	"context"
	"fmt"
	"math/rand/v2"
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

const token = "a-token-of-the-tests"

// splitter is a real `linnet proxy` before a shop.
type splitter struct {
	traffic, admin string
	client         *proxy.Client
}

func openSplitter(t *testing.T, s *shop.Shop) splitter {
	t.Helper()
	root, err := program.Root()
	if err != nil {
		t.Fatal(err)
	}
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
	t.Cleanup(client.Close)
	return splitter{traffic: said[1], admin: said[2], client: client}
}

func (s splitter) weight(ctx context.Context) (release.Weight, error) {
	seen, err := s.client.Observed(ctx)
	return engine.CandidateWeight(seen.Route), err
}

func TestProxy(t *testing.T) {
	t.Parallel()
	s := shop.Open(t)
	p := openSplitter(t, s)
	s.RollsBack(t, shop.Place{
		Name: "proxy", URL: p.traffic, Traffic: fmt.Sprintf("proxy: { admin: %q }", p.admin),
		Weight: p.weight, Env: []string{"LINNET_TOKEN=" + token},
	})
}

// Two regions with a splitter each, and users in both.
func TestSeveral(t *testing.T) {
	t.Parallel()
	s := shop.Open(t)
	east, west := openSplitter(t, s), openSplitter(t, s)
	s.RollsBack(t, shop.Place{
		Name: "several", Env: []string{"LINNET_TOKEN=" + token},
		URL: front(t, east.traffic, west.traffic, func() bool { return rand.IntN(2) == 1 }),
		Traffic: fmt.Sprintf("several: [ { name: east, proxy: { admin: %q } }, { name: west, proxy: { admin: %q } } ]",
			east.admin, west.admin),
		Weight: func(ctx context.Context) (release.Weight, error) {
			e, err := east.weight(ctx)
			if err != nil {
				return 0, err
			}
			w, err := west.weight(ctx)
			return (e + w) / 2, err
		},
	})
}
