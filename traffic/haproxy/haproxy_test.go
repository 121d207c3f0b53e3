package haproxy_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/testprogram"
	"github.com/linnet-project/linnet/traffic/haproxy"
)

func route(epoch uint64, second release.Weight) release.Route {
	return release.Route{Service: service, Epoch: epoch, Owner: "checkout-1.5.0/1", Salt: "salt", Weights: []release.ArmWeight{
		{Arm: release.Baseline, Weight: release.Whole - second}, {Arm: release.Candidate, Weight: second},
	}}
}

func apply(t *testing.T, r *haproxy.Router, route release.Route) {
	t.Helper()
	if err := r.Apply(t.Context(), route); err != nil {
		t.Fatal(err)
	}
}

// served is the candidate's weight as read back.
func served(t *testing.T, r *haproxy.Router) release.Weight {
	t.Helper()
	seen, err := r.Observed(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return seen.Route.Weights[1].Weight
}

// Requests that flow while weights move are all answered, and by arms that have
// a weight.
func TestNoRequestFailsWhileWeightsMove(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T) (*bed, *haproxy.Router){
		"servers": func(t *testing.T) (*bed, *haproxy.Router) {
			b := openServers(t)
			return b, router(t, serversConfig(b.socket()))
		},
		"map": func(t *testing.T) (*bed, *haproxy.Router) {
			b := openMap(t)
			return b, router(t, mapConfig(b, b.socket()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, r := begin(t)
			apply(t, r, route(1, 10_000))
			var wg sync.WaitGroup
			done := make(chan struct{})
			for range 4 {
				wg.Go(func() {
					for {
						select {
						case <-done:
							return
						default:
						}
						if got := b.get(nil); got != release.Baseline && got != release.Candidate {
							t.Errorf("a request was answered by %q", got)
							return
						}
					}
				})
			}
			for i := range 100 {
				apply(t, r, route(uint64(i+2), release.Weight(i*1000)))
			}
			close(done)
			wg.Wait()
			apply(t, r, route(200, 30_000))
			if got := b.split(2000); got[release.Candidate] < 480 || got[release.Candidate] > 720 {
				t.Errorf("at 30%% 2000 requests went %v", got)
			}
		})
	}
}

// A user who sees the candidate sees it until its weight falls, told apart by
// header or by cookie.
func TestUsersOfAMapStay(t *testing.T) {
	b := openMap(t)
	r := router(t, mapConfig(b, b.socket()))
	cookie := func(n int) http.Header { return http.Header{"Cookie": {fmt.Sprint("a=b; linnet-user=", n)}} }
	for epoch, by := range []struct {
		sticky release.Sticky
		of     func(int) http.Header
	}{{release.Sticky{Header: "X-User"}, user}, {release.Sticky{Cookie: "linnet-user"}, cookie}} {
		had := map[int]bool{}
		for step, weight := range []release.Weight{20_000, 40_000, 80_000, release.Whole} {
			route := route(uint64(1+10*epoch+step), weight)
			route.Sticky = by.sticky
			apply(t, r, route)
			for n := range 60 {
				got := b.send(3, by.of(n))
				if len(got) != 1 || had[n] && got[release.Candidate] == 0 {
					t.Errorf("at %d user %d of %+v went %v, and saw the candidate before: %v", weight, n, by.sticky, got, had[n])
				}
				had[n] = got[release.Candidate] > 0
			}
		}
		if len(had) != 60 || !had[0] {
			t.Errorf("at the whole, %v see the candidate", had)
		}
	}
	// Another salt draws other users.
	first, second := map[string]int{}, map[string]int{}
	for i, salt := range []string{"one", "two"} {
		route := route(uint64(100+i), 50_000)
		route.Sticky, route.Salt = release.Sticky{Header: "X-User"}, salt
		apply(t, r, route)
		for n := range 60 {
			if b.get(user(n)) == release.Candidate {
				[]map[string]int{first, second}[i][fmt.Sprint(n)]++
			}
		}
	}
	if fmt.Sprint(first) == fmt.Sprint(second) || len(first) == 0 || len(second) == 0 {
		t.Errorf("with one salt %v see the candidate, with another %v", first, second)
	}
}

// Whatever stands in the map, what is read back is what requests meet.
func TestWhatSomebodyWroteIsReadAsItIsServed(t *testing.T) {
	b := openMap(t)
	r := router(t, mapConfig(b, b.socket()))
	apply(t, r, route(1, 10_000))
	for value, want := range map[string]release.Weight{
		"-": 0, "nonsense": 0, "7:a:b:-:-:-:-:": 0, "7:a:b:-:-:-:-:x": 0, "7:a:b:-:-:-:-:-5": 0, "7:a:b:-:-:-:-:0x9": 0, "7:a:b:-:-:-:-:+9": 0,
		"7:a:b:-:-:-:-:100000x": release.Whole, "7:a:b:-:-:-:-:99999999999999999999": release.Whole, "7:a:b:-:-:-:-:-99999999999999999999": 0,
		"7:a:b:-:-:-:-:100000": release.Whole, "7:a:b:-:-:-:-:999999:5": release.Whole, "::::::::": 0,
	} {
		b.say("set map " + b.mapPath() + " checkout " + value)
		if got := served(t, r); got != want {
			t.Errorf("%q is read back as %d, expected %d", value, got, want)
		}
		arm := release.Baseline
		if want == release.Whole {
			arm = release.Candidate
		}
		if got := b.split(50); got[arm] != 50 {
			t.Errorf("with %q requests went %v", value, got)
		}
	}
	b.say("del map " + b.mapPath() + " checkout")
	if got := served(t, r); got != 0 {
		t.Errorf("without an entry %d is read back", got)
	}
	apply(t, r, route(2, 10_000))
	if got := served(t, r); got != 10_000 {
		t.Errorf("after the entry was deleted and set again it is %d", got)
	}
}

// A rollback does not depend on the map's file: the weight is served, and the
// error says what is not as it should be.
func TestAMapsFileThatCannotBeWritten(t *testing.T) {
	b := openMap(t)
	cfg := mapConfig(b, b.socket())
	cfg.MapFile = filepath.Join(b.dir, "gone", "checkout.map")
	r := router(t, cfg)
	if err := r.Apply(t.Context(), route(1, 10_000)); !errors.Is(err, release.ErrNotFound) || !strings.Contains(err.Error(), "nothing is raised") {
		t.Errorf("a raise with a file that cannot be written: %v", err)
	}
	if got := served(t, r); got != 0 {
		t.Errorf("%d is served", got)
	}
	folder := filepath.Dir(cfg.MapFile)
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	apply(t, r, route(1, 10_000))
	if text := b.read(cfg.MapFile); !strings.Contains(text, "\ncheckout 1:checkout-1.5.0%2F1:salt:") {
		t.Errorf("the file holds %q", text)
	}
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(t.Context(), route(2, 0)); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "map file") {
		t.Errorf("a rollback with a file that cannot be written: %v", err)
	}
	seen, err := r.Observed(t.Context())
	if err != nil || seen.Route.Weights[1].Weight != 0 || seen.Route.Owner != "" || seen.Route.Epoch != 0 {
		t.Errorf("after a rollback that a restart would undo, %+v is observed, %v", seen, err)
	}
	if err := os.Rename(folder+".away", folder); err != nil {
		t.Fatal(err)
	}
	apply(t, r, route(2, 0))
	if text := b.read(cfg.MapFile); !strings.Contains(text, "\ncheckout 2:") {
		t.Errorf("the file holds %q", text)
	}
	if left, _ := filepath.Glob(filepath.Join(b.dir, "gone", ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// A backend that HAProxy does not have is found before anything is set.
func TestABackendThatIsNotThere(t *testing.T) {
	b := openMap(t)
	for i := range 2 {
		cfg := mapConfig(b, b.socket())
		cfg.Arms[i].Backend = "checkout-nowhere"
		if _, err := router(t, cfg).Observed(t.Context()); !errors.Is(err, release.ErrNotFound) || !strings.Contains(err.Error(), cfg.Arms[i].Name) {
			t.Errorf("a backend of arm %q that is not there: %v", cfg.Arms[i].Name, err)
		}
	}
}

// Weights of servers end with the process: that is seen, and put right.
func TestServersAfterARestart(t *testing.T) {
	b := openServers(t)
	r := router(t, serversConfig(b.socket()))
	apply(t, r, route(1, 40_000))
	b.stop()
	b.start()
	if got := served(t, r); got != 0 {
		t.Errorf("a restarted HAProxy serves %d, and its configuration says 0", got)
	}
	apply(t, r, route(1, 40_000))
	if got := served(t, r); got != 40_000 {
		t.Errorf("after another apply it serves %d", got)
	}
}

// A server that somebody takes out changes the shares, which is seen; putting it
// right gives its part to the others of its arm, and its return changes nothing.
func TestAServerTakenOut(t *testing.T) {
	b := openServers(t)
	r := router(t, serversConfig(b.socket()))
	apply(t, r, route(1, 50_000))
	for _, out := range []string{"drain", "maint"} {
		b.say("set server checkout/v1-b state " + out)
		if got := served(t, r); got <= 50_000 {
			t.Errorf("with half the baseline out (%s) the candidate has %d", out, got)
		}
		apply(t, r, route(1, 50_000))
		if got := served(t, r); got != 50_000 {
			t.Errorf("put right it is %d", got)
		}
		b.say("set server checkout/v1-b state ready")
		if got := served(t, r); got != 50_000 {
			t.Errorf("after its return it is %d", got)
		}
		apply(t, r, route(1, 20_000))
		apply(t, r, route(1, 50_000))
		if text := b.say("get weight checkout/v1-b"); strings.HasPrefix(text, "0 ") {
			t.Errorf("after its return and a change it has weight %s", text)
		}
	}
	b.say("set server checkout/v2-a state maint")
	b.say("set server checkout/v2-b state drain")
	if got := served(t, r); got != 0 {
		t.Errorf("with the candidate out it has %d", got)
	}
	if err := r.Apply(t.Context(), route(2, 50_000)); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "maintenance") {
		t.Errorf("weight for servers that are out: %v", err)
	}
	if err := r.Ready(t.Context(), release.Candidate); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "v2-a is drained") {
		t.Errorf("ready: %v", err)
	}
	apply(t, r, route(3, 0))
}

// What would make the weights untrue is refused by name.
func TestBackendsThatWouldNotServeTheWeights(t *testing.T) {
	hosts := map[string]string{"10.0.0.11:8080": release.Baseline, "10.0.0.12:8080": release.Baseline,
		"10.0.0.21:8080": release.Candidate, "10.0.0.22:8080": release.Candidate}
	base := snippet(t, "haproxy", "balance roundrobin")
	arms := []haproxy.Arm{{Name: release.Baseline, Servers: []string{"v1-a", "v1-b"}}, {Name: release.Candidate, Servers: []string{"v2-a", "v2-b"}}}
	for _, c := range []struct {
		name, from, to string
		arms           []haproxy.Arm
		meaning        error
		says           string
	}{
		{"another algorithm", "balance roundrobin", "balance leastconn", arms, release.ErrInvalid, "leastconn"},
		{"static", "balance roundrobin", "balance static-rr", arms, release.ErrInvalid, "static-rr"},
		{"a backup", "weight 0\n    server v2-b", "weight 0 backup\n    server v2-b", arms, release.ErrInvalid, `"v2-a" of arm "candidate" is a backup`},
		{"a server in no arm", "v1-b", "v1-c", []haproxy.Arm{{Name: release.Baseline, Servers: []string{"v1-a"}}, arms[1]}, release.ErrInvalid, `"v1-c" is in no arm`},
		{"no such server", "v1-b", "v1-c", arms, release.ErrNotFound, `"v1-b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, replaced(t, base, c.from, c.to), hosts)
			r := router(t, haproxy.Config{Socket: b.socket(), Service: service, Backend: service, Arms: c.arms})
			if err := r.Apply(t.Context(), route(1, 10_000)); !errors.Is(err, c.meaning) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("apply: %v", err)
			}
			if _, err := r.Observed(t.Context()); !errors.Is(err, c.meaning) {
				t.Errorf("observed: %v", err)
			}
		})
	}
	t.Run("a server in no arm without traffic", func(t *testing.T) {
		b := open(t, replaced(t, base, "v2-b 10.0.0.22:8080 check weight 0", "old 10.0.0.22:8080 weight 0"), hosts)
		r := router(t, haproxy.Config{Socket: b.socket(), Service: service, Backend: service, Arms: []haproxy.Arm{arms[0], {Name: release.Candidate, Servers: []string{"v2-a"}}}})
		apply(t, r, route(1, 10_000))
	})
}

// What somebody does to the backend in the middle of a release keeps no candidate
// from going back to nothing.
func TestNoEditHoldsUpARollback(t *testing.T) {
	hosts := map[string]string{"10.0.0.11:8080": release.Baseline, "10.0.0.12:8080": release.Baseline,
		"10.0.0.21:8080": release.Candidate, "10.0.0.22:8080": release.Candidate}
	base := strings.ReplaceAll(snippet(t, "haproxy", "balance roundrobin"), "check weight 0", "check weight 10")
	for name, edit := range map[string][2]string{
		"another algorithm":  {"balance roundrobin", "balance leastconn"},
		"a server in no arm": {"server v1-b", "server v1-c"},
		"a server that went": {"v2-b 10.0.0.22:8080 check weight 10", "old 10.0.0.22:8080 check weight 0"},
		"a backup":           {"weight 10\n    server v2-b", "weight 10 backup\n    server v2-b"},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, replaced(t, base, edit[0], edit[1]), hosts)
			apply(t, router(t, haproxy.Config{Socket: b.socket(), Service: service, Backend: service, Arms: []haproxy.Arm{
				{Name: release.Baseline, Servers: []string{"v1-a", "v1-b"}}, {Name: release.Candidate, Servers: []string{"v2-a", "v2-b"}},
			}}), route(1, 0))
			if got := b.split(200); got[release.Candidate] > 0 {
				t.Errorf("after the rollback requests went %v", got)
			}
		})
	}
}

// Without a health check nobody can tell whether an arm is ready, and that is
// what is said.
func TestReadyWithoutACheck(t *testing.T) {
	config := strings.ReplaceAll(snippet(t, "haproxy", "checkout.map"), "8080 check", "8080")
	b := open(t, config, map[string]string{"10.0.0.11:8080": release.Baseline, "10.0.0.12:8080": release.Baseline, "10.0.0.21:8080": release.Candidate})
	cfg := mapConfig(b, b.socket())
	cfg.Arms = cfg.Arms[:2]
	if err := router(t, cfg).Ready(t.Context(), release.Candidate); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "no health check") {
		t.Errorf("ready: %v", err)
	}
	cfg.Arms[1].Backend = "nowhere"
	if err := router(t, cfg).Ready(t.Context(), release.Candidate); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "find backend") {
		t.Errorf("ready: %v", err)
	}
}

// The runtime API over TCP, and one map entry for each of two services.
func TestOverTCP(t *testing.T) {
	address := testprogram.Address(t)
	config := replaced(t, snippet(t, "haproxy", "balance roundrobin"), "defaults", "    stats socket ipv4@"+address+" level admin\n\ndefaults")
	b := open(t, config, map[string]string{"10.0.0.11:8080": release.Baseline, "10.0.0.12:8080": release.Baseline,
		"10.0.0.21:8080": release.Candidate, "10.0.0.22:8080": release.Candidate})
	cfg := serversConfig(address)
	cfg.Arms = cfg.Arms[:2]
	r := router(t, cfg)
	apply(t, r, route(1, release.Whole))
	if got := b.split(20); got[release.Candidate] != 20 {
		t.Errorf("at the whole 20 requests went %v", got)
	}
}

func TestConfigsThatCannotWork(t *testing.T) {
	servers := func(change func(*haproxy.Config)) haproxy.Config { c := serversConfig("/s"); change(&c); return c }
	mapped := func(change func(*haproxy.Config)) haproxy.Config {
		c := mapConfig(&bed{dir: "/d"}, "/s")
		change(&c)
		return c
	}
	for _, c := range []struct {
		says string
		cfg  haproxy.Config
	}{
		{"socket", servers(func(c *haproxy.Config) { c.Socket = "" })},
		{"service", servers(func(c *haproxy.Config) { c.Service = "two words" })},
		{"arms", servers(func(c *haproxy.Config) { c.Arms = c.Arms[:1] })},
		{"either", servers(func(c *haproxy.Config) { c.Map = "/m" })},
		{"either", mapped(func(c *haproxy.Config) { c.Map = "" })},
		{"map file", servers(func(c *haproxy.Config) { c.MapFile = "/m" })},
		{"timeout", servers(func(c *haproxy.Config) { c.Timeout = -1 })},
		{"letters", servers(func(c *haproxy.Config) { c.Backend = "a;quit" })},
		{"letters", mapped(func(c *haproxy.Config) { c.Map = "/a b" })},
		{"letters", servers(func(c *haproxy.Config) { c.Arms[0].Servers = []string{"a\nb"} })},
		{"servers", servers(func(c *haproxy.Config) { c.Arms[0].Servers = nil })},
		{"letters", mapped(func(c *haproxy.Config) { c.Arms[0].Backend = "" })},
		{"backend of its own", mapped(func(c *haproxy.Config) { c.Arms[0].Servers = []string{"a"} })},
		{"twice", servers(func(c *haproxy.Config) { c.Arms[1].Servers = []string{"v1-a"} })},
		{"twice", mapped(func(c *haproxy.Config) { c.Arms[1].Backend = c.Arms[0].Backend })},
		{"twice", mapped(func(c *haproxy.Config) { c.Arms[1].Name = c.Arms[0].Name })},
	} {
		if _, err := haproxy.New(c.cfg); !errors.Is(err, release.ErrInvalid) || !strings.Contains(fmt.Sprint(err), c.says) {
			t.Errorf("%v, expected something about %q", err, c.says)
		}
	}
}

// A release file is linted by the grain that the adapter has.
func TestLintKnowsTheGrain(t *testing.T) {
	names := func(prefix string, n int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprint(prefix, i))
		}
		return out
	}
	for _, n := range []int{1, 2, 3, 4, 7, 8, 19, 20, 39, 40, 100} {
		base, cand := names("v1-", n), names("v2-", 100)
		r := router(t, haproxy.Config{Socket: "/s", Service: service, Backend: service,
			Arms: []haproxy.Arm{{Name: release.Baseline, Servers: base}, {Name: release.Candidate, Servers: cand}}})
		file := spec.Traffic{HAProxy: &spec.HAProxy{Backend: service, Servers: map[string][]string{"baseline": base, "candidate": cand}}}
		if file.Grain() != r.Grain() || file.ReadBack() == 0 {
			t.Errorf("%d servers: lint has %d, the adapter %d", n, file.Grain(), r.Grain())
		}
	}
	byMap := spec.Traffic{HAProxy: &spec.HAProxy{Map: "/m"}}
	if byMap.Grain() != 1 || byMap.ReadBack() != 0 {
		t.Errorf("by a map the grain is %d", byMap.Grain())
	}
}
