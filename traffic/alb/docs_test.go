package alb_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/alb"
	"github.com/linnet-project/linnet/traffic/alb/albtest"
)

// asked are the operations of the API that a policy can allow.
var asked = []string{
	"DescribeRules", "DescribeListeners", "DescribeTags", "DescribeTargetHealth", "DescribeTargetGroups", "DescribeTargetGroupAttributes",
	"ModifyRule", "ModifyListener", "AddTags", "RemoveTags",
}

// TestTheManualTellsTheTruth: its release file is one, and its policies allow
// what is asked of AWS, and no more.
func TestTheManualTellsTheTruth(t *testing.T) {
	text, err := os.ReadFile("../../docs/alb.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string) (out []string) {
		for _, m := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			out = append(out, m[1])
		}
		return out
	}
	f, err := spec.Parse("docs/alb.md", []byte(block("yaml")[0]))
	if err != nil {
		t.Fatal(err)
	}
	if f.Traffic.ALB == nil || f.Traffic.Grain() != alb.Grain {
		t.Errorf("the release file has %+v", f.Traffic)
	}
	policies := block("json")
	if len(policies) != 2 {
		t.Fatalf("%d policies", len(policies))
	}

	b := newBed(t, 2, albtest.Config{})
	works(t, b, func(c *alb.Config) {
		c.Listener, c.Host, c.Rule = "", "", b.rule
		c.Arms[0].Group, c.Arms[1].Group = b.groups[0], b.groups[1]
	}, false)
	same(t, b, policies[0])
	b = newBed(t, 2, albtest.Config{})
	works(t, b, func(c *alb.Config) { c.Host = "" }, true)
	same(t, b, policies[1])
}

// works does all that a release does.
func works(t *testing.T, b *bed, change func(*alb.Config), sticky bool) {
	t.Helper()
	r := b.router(t, change)
	if err := r.Ready(t.Context(), release.Candidate); err != nil {
		t.Fatal(err)
	}
	asks := route(1, 1000)
	if sticky {
		asks.Sticky.Cookie = alb.Cookie
	}
	apply(t, r, asks)
	observe(t, r)
	apply(t, r, route(2, 0))
}

// same holds a policy to allow what was asked for.
func same(t *testing.T, b *bed, policy string) {
	t.Helper()
	var p struct {
		Statement []struct{ Action []string }
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		t.Fatal(err)
	}
	var allowed []string
	for _, s := range p.Statement {
		for _, a := range s.Action {
			allowed = append(allowed, strings.TrimPrefix(a, "elasticloadbalancing:"))
		}
	}
	for _, name := range asked {
		if called := b.api.Calls(name) > 0; called != slices.Contains(allowed, name) {
			t.Errorf("%s: asked for: %v; the policy allows %v", name, called, allowed)
		}
	}
}
