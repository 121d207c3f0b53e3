//go:build cluster && linux

package shop_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/testbed/shop"
	"github.com/linnet-project/linnet/traffic/alb/albtest"
)

// An Application Load Balancer as the server of the provider's own tests plays
// it: AWS itself is not to be had here.
func TestALB(t *testing.T) {
	t.Parallel()
	s := shop.Open(t)
	const key, secret = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	aws := albtest.New(albtest.Config{AccessKey: key, SecretKey: secret, Now: time.Now, Seed: 7})
	var groups []string
	for _, v := range []*shop.Version{s.Base, s.Next} {
		group, err := aws.AddGroup("shop-"+strings.ReplaceAll(v.Name, ".", "-"), v)
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, group)
	}
	listener, err := aws.AddListener(aws.AddBalancer("shop"), "HTTP", albtest.ForwardTo("DefaultActions.member.1", groups, 100, 0))
	if err != nil {
		t.Fatal(err)
	}
	api, front := httptest.NewServer(aws), httptest.NewServer(aws.Traffic(listener))
	t.Cleanup(api.Close)
	t.Cleanup(front.Close)
	none := t.TempDir() + "/none"
	s.RollsBack(t, shop.Place{
		Name: "alb", URL: front.URL, Unfenced: true,
		Traffic: fmt.Sprintf("alb: { listener: %q, groups: { baseline: %q, candidate: %q }, endpoint: %q }", listener, groups[0], groups[1], api.URL),
		Env: []string{
			"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=", "AWS_PROFILE=",
			"AWS_CONFIG_FILE=" + none, "AWS_SHARED_CREDENTIALS_FILE=" + none, "AWS_EC2_METADATA_DISABLED=true",
		},
		Weight: func(context.Context) (release.Weight, error) {
			w := aws.Weights(listener)
			all := w[groups[0]] + w[groups[1]]
			if all == 0 {
				return 0, errors.New("the action has no weights")
			}
			return release.Weight(int(release.Whole) * w[groups[1]] / all), nil
		},
	})
}
