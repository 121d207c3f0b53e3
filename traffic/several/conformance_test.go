package several_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/proxy"
	"github.com/linnet-project/linnet/traffic/several"
	"github.com/linnet-project/linnet/traffic/split"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// clock is the time of proxies.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// proxies are two regions with a real splitter each, before the same upstreams.
type proxies struct {
	t       *testing.T
	clock   clock
	configs []proxy.Config
	servers []*proxy.Server
}

func newProxies(t *testing.T) *proxies {
	t.Helper()
	p := &proxies{t: t, clock: clock{now: time.Unix(1_700_000_000, 0)}}
	var upstreams []proxy.Upstream
	for _, arm := range arms {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, arm) }))
		t.Cleanup(server.Close)
		upstreams = append(upstreams, proxy.Upstream{Name: arm, URL: server.URL})
	}
	for range 2 {
		p.configs = append(p.configs, proxy.Config{
			Service: service, Arms: upstreams, StickyHeader: "User", StateFile: filepath.Join(t.TempDir(), "state.json"), Now: p.clock.Now,
		})
	}
	return p
}

// start starts all, or starts them again on what they keep.
func (p *proxies) start() split.Router {
	p.t.Helper()
	cfg := several.Config{Service: service, Arms: arms}
	p.servers = nil
	for i, c := range p.configs {
		server, err := proxy.New(c)
		if err != nil {
			p.t.Fatal(err)
		}
		p.servers = append(p.servers, server)
		cfg.Parts = append(cfg.Parts, several.Part{Name: fmt.Sprint("region-", i), Router: server})
	}
	router, err := several.New(cfg)
	if err != nil {
		p.t.Fatal(err)
	}
	return router
}

// split sends requests of n users to the regions in turn.
func (p *proxies) split(n int) map[string]int {
	got := map[string]int{}
	for i := range n {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("User", fmt.Sprint("user-", i))
		w := httptest.NewRecorder()
		p.servers[i%2].Handler().ServeHTTP(w, r)
		got[w.Body.String()]++
	}
	return got
}

func twoProxies(t *testing.T) trafficconf.Harness {
	p := newProxies(t)
	return trafficconf.Harness{
		Router: p.start(), Service: service, Arms: arms, Fences: true,
		Abilities: []release.Ability{release.Leases, release.ManyArms},
		Restart:   func() trafficconf.Router { return p.start() },
		Advance:   p.clock.Advance, Split: p.split,
	}
}

func TestTwoProxiesConform(t *testing.T) { trafficconf.Exercise(t, twoProxies) }

func TestTwoProxiesInChaos(t *testing.T) { chaos.Exercise(t, twoProxies) }

// theSecondBreaks is two parts of which the second alone fails. They lie together: a part that
// lies alone is one that somebody lowered, and the others follow it down.
func theSecondBreaks(t *testing.T) trafficconf.Harness {
	parts := []*part{newPart(), newPart()}
	return trafficconf.Harness{
		Router: together(t, parts...), Service: service, Arms: arms, Fences: true, Abilities: []release.Ability{release.ManyArms},
		Restart: func() trafficconf.Router { return together(t, parts...) },
		Break: func(fault trafficconf.Fault) func() {
			broken := parts[1:]
			if fault == trafficconf.Lying {
				broken = parts
			}
			for _, p := range broken {
				p.breaks(fault)
			}
			return func() {
				for _, p := range broken {
					p.breaks("")
				}
			}
		},
	}
}

func TestOneThatBreaksInChaos(t *testing.T) { chaos.Exercise(t, theSecondBreaks) }

// TestAProxyWithAnotherConforms: one of the two cannot lease, sets whole percents
// and tells readiness; both together do what one of them can.
func TestAProxyWithAnotherConforms(t *testing.T) {
	trafficconf.Exercise(t, func(t *testing.T) trafficconf.Harness {
		p := newProxies(t)
		p.start()
		other := newPart(release.Readiness, release.HeaderTesters, release.CookieTesters, release.Mirrors)
		other.rules.Grain = 1000
		router, err := several.New(several.Config{Service: service, Arms: arms, Parts: []several.Part{
			{Name: "proxy", Router: p.servers[0]},
			{Name: "other", Router: split.Only(other, other.rules.Abilities), Grain: 1000,
				Testers: release.Testers{Header: "X-Arm", Cookie: "arm"}, Mirror: 10_000},
		}})
		if err != nil {
			t.Fatal(err)
		}
		return trafficconf.Harness{
			Router: router, Service: service, Arms: arms, Fences: true, Grain: 1000,
			Abilities: []release.Ability{
				release.Leases, release.ManyArms, release.Readiness, release.HeaderTesters, release.CookieTesters, release.Mirrors,
			},
			Advance: p.clock.Advance,
			SetReady: func(arm string, ready bool) {
				other.mu.Lock()
				defer other.mu.Unlock()
				other.sick[arm] = !ready
			},
		}
	})
}
