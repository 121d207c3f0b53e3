package several_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/several"
	"github.com/linnet-project/linnet/traffic/split"
)

func TestWhatIsSeen(t *testing.T) {
	parts, r := three(t, 5_000)
	seen, err := r.Observed(t.Context())
	if err != nil || len(seen.Parts) != 0 || seen.Route.Weights[1].Weight != 5_000 || seen.Route.Epoch != 1 || seen.Route.Owner != "checkout-1.5.0/1" {
		t.Errorf("where all agree: %+v, %v", seen, err)
	}
	other := route(9, 2_000)
	other.Owner = "checkout-1.6.0/1"
	if err := parts[1].Apply(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	parts[2].writers = []string{"argo-cd"}
	seen, err = r.Observed(t.Context())
	if err != nil || seen.Route.Epoch != 9 || seen.Route.Owner != other.Owner || seen.Route.Weights[1].Weight != 2_000 || seen.Route.Service != service {
		t.Errorf("where they differ: %+v, %v", seen, err)
	}
	if got := fmt.Sprint(seen.Parts); got != "[{a [{baseline 95000} {candidate 5000} {third 0}]} {b [{baseline 98000} {candidate 2000} {third 0}]} {c [{baseline 95000} {candidate 5000} {third 0}]}]" {
		t.Errorf("the parts are %s", got)
	}
	if got := strings.Join(seen.Writers, ", "); got != "c: argo-cd" {
		t.Errorf("the writers are %s", got)
	}
}

// TestAnotherOwnerInOnePart is seen, though the weights are the same.
func TestAnotherOwnerInOnePart(t *testing.T) {
	parts, r := three(t, 5_000)
	other := route(9, 5_000)
	other.Owner = "checkout-1.6.0/1"
	if err := parts[2].Apply(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	seen, err := r.Observed(t.Context())
	if err != nil || seen.Route.Owner != other.Owner || seen.Route.Epoch != 9 || len(seen.Parts) != 0 {
		t.Errorf("%+v, %v", seen, err)
	}
}

func TestAPartThatCannotBeRead(t *testing.T) {
	parts, r := three(t, 5_000)
	parts[1].fail(nil, nil, func() error { return fmt.Errorf("it is gone: %w", release.ErrNotFound) })
	const says = "several: b cannot be read: it is gone: not found; a serves 5%; c serves 5%"
	if _, err := r.Observed(t.Context()); !errors.Is(err, release.ErrUnavailable) || err.Error() != says {
		t.Errorf("%v, expected %s", err, says)
	}
	parts[1].fail(nil, nil, nil)
	parts[1].mu.Lock()
	parts[1].route.Weights = []release.ArmWeight{{Arm: "dark", Weight: release.Whole}}
	parts[1].mu.Unlock()
	if _, err := r.Observed(t.Context()); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), `"dark", which is no arm`) {
		t.Errorf("%v", err)
	}
}

// TestEachPartIsAskedForItsOwn, while the route asks for any.
func TestEachPartIsAskedForItsOwn(t *testing.T) {
	first, second := newPart(release.HeaderTesters, release.Mirrors), newPart(release.CookieSticky, release.Leases)
	r, err := several.New(several.Config{Service: service, Arms: arms, Parts: []several.Part{
		{Name: "a", Router: split.Only(first, first.rules.Abilities), Testers: release.Testers{Header: "X-A"}, Mirror: 10_000},
		{Name: "b", Router: split.Only(second, second.rules.Abilities), Sticky: release.Sticky{Cookie: "user"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ask := route(1, 5_000)
	ask.Testers.Header, ask.Sticky.Cookie, ask.Mirror, ask.Lease = "X-A", "user", 10_000, time.Minute
	apply(t, r, ask)
	if got := first.applied[0]; got.Testers.Header != "X-A" || got.Mirror != 10_000 || got.Sticky.Cookie != "" || got.Lease != 0 {
		t.Errorf("the first got %+v", got)
	}
	if got := second.applied[0]; got.Testers.Header != "" || got.Mirror != 0 || got.Sticky.Cookie != "user" || got.Lease != time.Minute {
		t.Errorf("the second got %+v", got)
	}
	second.fail(failing(release.ErrConflict), nil, nil)
	plain := route(2, 10_000)
	if err := r.Apply(t.Context(), plain); err == nil {
		t.Error("it did not fail")
	}
	if got := first.applied[len(first.applied)-1]; got.Testers.Header != "" || got.Mirror != 0 || got.Weights[1].Weight != 5_000 {
		t.Errorf("put back without being asked for any: %+v", got)
	}
	refused := route(3, 5_000)
	refused.Testers.Cookie = "arm"
	if err := r.Apply(t.Context(), refused); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("what none can do: %v", err)
	}
}

// TestRenewAndReadyAskThoseThatCan.
func TestRenewAndReadyAskThoseThatCan(t *testing.T) {
	first, second := newPart(release.Readiness), newPart(release.Leases)
	r := together(t, first, second)
	if err := r.(interface {
		Renew(context.Context, string, uint64, time.Duration) error
	}).Renew(t.Context(), "checkout-1.5.0/1", 1, time.Minute); err != nil {
		t.Error(err)
	}
	ready := r.(interface {
		Ready(context.Context, string) error
	}).Ready
	if err := ready(t.Context(), arms[1]); err != nil {
		t.Error(err)
	}
	first.sick[arms[1]], second.sick[arms[1]] = true, true
	if err := ready(t.Context(), arms[1]); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "not ready in a") || strings.Contains(err.Error(), "in b") {
		t.Errorf("%v", err)
	}
}
