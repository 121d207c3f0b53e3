package proxy_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/proxy"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// process is a proxy that can be killed and started again on its state file.
type process struct {
	cfg proxy.Config
	now atomic.Pointer[proxy.Server]
}

func (p *process) start(t *testing.T) { p.now.Store(newServer(t, p.cfg)) }

func (p *process) server() *proxy.Server { return p.now.Load() }

// split sends requests of n users and counts who answered.
func (p *process) split(n int) map[string]int {
	got := map[string]int{}
	for i := range n {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("User", fmt.Sprint("user-", i))
		got[send(p.server(), r).Body.String()]++
	}
	return got
}

// third is an arm beside the two of an ordinary release.
const third = "third"

func start(t *testing.T) (*process, *clock) {
	now := newClock()
	cfg := namedPair(t)
	cfg.Arms = append(cfg.Arms, proxy.Upstream{Name: third, URL: backend(t, named(third)).URL})
	cfg.StickyHeader, cfg.StateFile, cfg.Now = "User", stateFile(t), now.Now
	p := &process{cfg: cfg}
	p.start(t)
	return p, now
}

func theServer(t *testing.T) trafficconf.Harness {
	p, now := start(t)
	return trafficconf.Harness{
		Router:  p.server(),
		Service: service,
		Arms:    []string{release.Baseline, release.Candidate, third},
		Fences:  true, Abilities: []release.Ability{release.Leases, release.ManyArms},
		Restart: func() trafficconf.Router { p.start(t); return p.server() },
		Advance: now.Advance,
		Split:   p.split,
	}
}

func theClient(t *testing.T) trafficconf.Harness {
	p, now := start(t)
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		adminOf(t, p.server()).ServeHTTP(w, r)
	}))
	t.Cleanup(admin.Close)
	client, err := proxy.NewClient(proxy.ClientConfig{URL: admin.URL, Token: token, Service: service})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return trafficconf.Harness{
		Router:  client,
		Service: service,
		Arms:    []string{release.Baseline, release.Candidate, third},
		Fences:  true, Abilities: []release.Ability{release.Leases, release.ManyArms},
		Restart: func() trafficconf.Router { p.start(t); return client },
		Advance: now.Advance,
		Split:   p.split,
	}
}

func TestServerConforms(t *testing.T) { trafficconf.Exercise(t, theServer) }

func TestClientConforms(t *testing.T) { trafficconf.Exercise(t, theClient) }

func TestServerInChaos(t *testing.T) { chaos.Exercise(t, theServer) }

func TestClientInChaos(t *testing.T) { chaos.Exercise(t, theClient) }
