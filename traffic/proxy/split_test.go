package proxy_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/proxy"
)

func get(header, value string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if header != "" {
		r.Header.Set(header, value)
	}
	return r
}

func TestEachRequestIsDrawnByWeight(t *testing.T) {
	const n, share = 4000, 0.2
	cfg := namedPair(t)
	cfg.Draw = rand.New(rand.NewPCG(5, 6)).Uint64
	s := newServer(t, cfg)
	apply(t, s, route(1, release.Whole/5))
	got := 0
	for range n {
		if send(s, get("", "")).Body.String() == release.Candidate {
			got++
		}
	}
	if room := 4.5 * math.Sqrt(n*share*(1-share)); math.Abs(float64(got)-n*share) > room {
		t.Errorf("%d of %d requests went to the candidate, expected %v ± %.0f", got, n, n*share, room)
	}
}

func TestUsersStayWhileTheWeightGrows(t *testing.T) {
	const users = 300
	cfg := namedPair(t)
	cfg.StickyHeader, cfg.StickyCookie = "User", "linnet"
	s := newServer(t, cfg)
	cookies := make([]*http.Cookie, users)
	inCandidate := make([]bool, users)
	reached := 0
	for epoch, weight := range []release.Weight{1_000, 10_000, 50_000, release.Whole} {
		apply(t, s, route(uint64(epoch+1), weight))
		reached = 0
		for i := range users {
			r := get("", "")
			if i%2 == 0 {
				r.Header.Set("User", fmt.Sprint("user-", i))
			} else if cookies[i] != nil {
				r.AddCookie(cookies[i])
			}
			w := send(s, r)
			if set := w.Result().Cookies(); i%2 == 1 && cookies[i] == nil {
				cookies[i] = set[0]
			} else if len(set) > 0 {
				t.Fatalf("user %d was given a second cookie", i)
			}
			arm := w.Body.String()
			if inCandidate[i] && arm != release.Candidate {
				t.Fatalf("at weight %d user %d went back", weight, i)
			}
			if inCandidate[i] = arm == release.Candidate; inCandidate[i] {
				reached++
			}
		}
	}
	if reached != users {
		t.Errorf("at the whole weight %d of %d users see the candidate", reached, users)
	}
}

func TestStickyCookieIsSetOnce(t *testing.T) {
	cfg := namedPair(t)
	cfg.StickyCookie = "linnet"
	s := newServer(t, cfg)
	w := send(s, get("", ""))
	text := w.Header().Get("Set-Cookie")
	for _, want := range []string{"linnet=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=2592000"} {
		if !strings.Contains(text, want) {
			t.Errorf("the cookie %q has no %q", text, want)
		}
	}
	other := send(s, get("", "")).Result().Cookies()
	if first := w.Result().Cookies(); first[0].Value == other[0].Value || len(first[0].Value) < 20 {
		t.Errorf("two users were given %q and %q", first[0].Value, other[0].Value)
	}
	r := get("", "")
	r.AddCookie(other[0])
	if again := send(s, r).Header().Get("Set-Cookie"); again != "" {
		t.Errorf("a user with a cookie was given %q", again)
	}
}

func TestTestersChooseTheirArm(t *testing.T) {
	cfg := namedPair(t)
	cfg.TesterHeader, cfg.StickyCookie = "X-Linnet-Arm", "linnet"
	s := newServer(t, cfg)
	w := send(s, get("X-Linnet-Arm", release.Candidate))
	if w.Body.String() != release.Candidate || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("the tester got %q with headers %v", w.Body, w.Header())
	}
	if users, testers := requests(t, s, release.Candidate, "2xx", false), requests(t, s, release.Candidate, "2xx", true); users != "0" || testers != "1" {
		t.Errorf("counted as %s users and %s testers", users, testers)
	}
	if got := metric(t, s, `linnet_proxy_request_duration_seconds_count{arm="candidate",service="checkout",tester="false",version="1.5.0"}`); got != "0" {
		t.Errorf("the tester's time was taken among the users' (%s)", got)
	}
	w = send(s, get("X-Linnet-Arm", "canary"))
	if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "baseline, candidate") {
		t.Errorf("an unknown arm gave %d %q", w.Code, w.Body)
	}
}

func TestAllSeriesAreThereFromTheStart(t *testing.T) {
	s := newServer(t, namedPair(t))
	for _, arm := range []string{release.Baseline, release.Candidate} {
		for _, class := range []string{"1xx", "2xx", "3xx", "4xx", "5xx", "client_gone"} {
			for _, tester := range []bool{false, true} {
				if got := requests(t, s, arm, class, tester); got != "0" {
					t.Errorf("%s %s begins at %s", arm, class, got)
				}
			}
		}
	}
}

func TestMetricsOfTheRoute(t *testing.T) {
	now := newClock()
	cfg := namedPair(t)
	cfg.Now = now.Now
	s := newServer(t, cfg)
	const lease = `linnet_proxy_lease_remaining_seconds{service="checkout"}`
	if _, ok := lookup(s, lease); ok {
		t.Error("a lease is shown where there is none")
	}
	apply(t, s, leased(3, 25_000, 30e9))
	now.Advance(10e9)
	for sample, want := range map[string]string{
		`linnet_proxy_weight_ratio{arm="baseline",service="checkout"}`:      "0.75",
		`linnet_proxy_weight_ratio{arm="candidate",service="checkout"}`:     "0.25",
		`linnet_proxy_upstream_healthy{arm="candidate",service="checkout"}`: "1",
		`linnet_proxy_epoch{service="checkout"}`:                            "3",
		`linnet_proxy_lapses_total{service="checkout"}`:                     "0",
		lease: "20",
	} {
		if got := metric(t, s, sample); got != want {
			t.Errorf("%s is %s, expected %s", sample, got, want)
		}
	}
	now.Advance(20e9)
	if got := metric(t, s, `linnet_proxy_weight_ratio{arm="candidate",service="checkout"}`); got != "0" {
		t.Errorf("after the lapse the candidate has %s", got)
	}
	observe(t, s)
	if got := metric(t, s, `linnet_proxy_lapses_total{service="checkout"}`); got != "1" {
		t.Errorf("%s lapses counted", got)
	}
}

func TestThreeArms(t *testing.T) {
	cfg := namedPair(t)
	cfg.Arms = append(cfg.Arms, proxy.Upstream{Name: "other", URL: backend(t, named("other")).URL})
	cfg.Draw = rand.New(rand.NewPCG(7, 8)).Uint64
	s := newServer(t, cfg)
	r := route(1, 30_000)
	r.Weights[0].Weight = 30_000
	r.Weights = append(r.Weights, release.ArmWeight{Arm: "other", Weight: 40_000})
	apply(t, s, r)
	got := map[string]int{}
	for range 600 {
		got[send(s, get("", "")).Body.String()]++
	}
	for arm, want := range map[string]int{release.Baseline: 180, release.Candidate: 180, "other": 240} {
		if d := got[arm] - want; d < -60 || d > 60 {
			t.Errorf("%s got %d requests, expected about %d", arm, got[arm], want)
		}
	}
}
