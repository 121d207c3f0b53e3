package haproxy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/chaos"
	"github.com/linnet-project/linnet/traffic/haproxy"
	"github.com/linnet-project/linnet/traffic/trafficconf"
)

const (
	service = "checkout"
	third   = "third"
)

// openServers is the manual's configuration of servers, with a third arm.
func openServers(t *testing.T) *bed {
	config := replaced(t, snippet(t, "haproxy", "balance roundrobin"),
		"    server v2-b", "    server v3-a 10.0.0.31:8080 check weight 0\n    server v2-b")
	return open(t, config, map[string]string{
		"10.0.0.11:8080": release.Baseline, "10.0.0.12:8080": release.Baseline,
		"10.0.0.21:8080": release.Candidate, "10.0.0.22:8080": release.Candidate, "10.0.0.31:8080": third,
	})
}

func serversConfig(socket string) haproxy.Config {
	return haproxy.Config{Socket: socket, Service: service, Backend: service, Arms: []haproxy.Arm{
		{Name: release.Baseline, Servers: []string{"v1-a", "v1-b"}},
		{Name: release.Candidate, Servers: []string{"v2-a", "v2-b"}},
		{Name: third, Servers: []string{"v3-a"}},
	}}
}

// openMap is the manual's configuration of a map, with a third arm.
func openMap(t *testing.T) *bed {
	config := replaced(t, snippet(t, "haproxy", "checkout.map"),
		"    default_backend checkout-baseline",
		"    http-request set-var(txn.bound2) var(txn.linnet),field(9,:),add(0)\n"+
			"    use_backend checkout-third if { var(txn.draw),sub(txn.bound2) -m int lt 0 }\n    default_backend checkout-baseline",
		"\nbackend checkout-candidate", "\nbackend checkout-third\n    server v3-a 10.0.0.31:8080 check\n\nbackend checkout-candidate")
	return open(t, config, map[string]string{
		"10.0.0.11:8080": release.Baseline, "10.0.0.12:8080": release.Baseline,
		"10.0.0.21:8080": release.Candidate, "10.0.0.31:8080": third,
	})
}

func mapConfig(b *bed, socket string) haproxy.Config {
	return haproxy.Config{Socket: socket, Service: service, Map: b.mapPath(), MapFile: b.mapPath(), Arms: []haproxy.Arm{
		{Name: release.Baseline, Backend: "checkout-baseline"},
		{Name: release.Candidate, Backend: "checkout-candidate"},
		{Name: third, Backend: "checkout-third"},
	}}
}

func router(t *testing.T, cfg haproxy.Config) *haproxy.Router {
	t.Helper()
	r, err := haproxy.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestServersConform(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, theServers)
}

func TestServersInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, theServers)
}

func theServers(t *testing.T) trafficconf.Harness {
	b := openServers(t)
	m := b.middle()
	r := router(t, serversConfig(m.address))
	// HAProxy starts with the weights of its file, and the candidate's are set again.
	reloaded := func(from, to string) func() {
		return func() {
			b.stop()
			b.write(b.config(), replaced(t, b.read(b.config()), from, to))
			b.start()
			b.say("set weight checkout/v2-a 10")
		}
	}
	return trafficconf.Harness{
		Router: r, Service: service, Arms: []string{release.Baseline, release.Candidate, third},
		Grain: r.Grain(), Abilities: r.Abilities(),
		Edit: func(second release.Weight) {
			units := int(second / 1000)
			b.say(fmt.Sprintf("set weight checkout/v1-a %d;set weight checkout/v1-b %d;set weight checkout/v2-a %d;set weight checkout/v2-b 0",
				100-units, 0, units))
		},
		Meddle: map[string]func(){
			"another algorithm":                     reloaded("balance roundrobin", "balance leastconn"),
			"a server in no arm":                    reloaded("server v1-b", "server v1-c"),
			"a server of the candidate's is gone":   reloaded("server v2-b", "server old"),
			"a server of the candidate's is out":    func() { b.say("set server checkout/v2-a state maint") },
			"the baseline's servers have no weight": func() { b.say("set weight checkout/v1-a 0;set weight checkout/v1-b 0") },
		},
		Users:    func() string { return b.read(b.config()) },
		Split:    b.split,
		Send:     b.send,
		SetReady: b.setReady,
		Break: func(f trafficconf.Fault) func() {
			return m.break_(b, f, "checkout/", "nowhere/", "set weight checkout/v2-a 7")
		},
	}
}

func TestMapConforms(t *testing.T) {
	t.Parallel()
	trafficconf.Exercise(t, theMap)
}

func TestMapInChaos(t *testing.T) {
	t.Parallel()
	chaos.Exercise(t, theMap)
}

func theMap(t *testing.T) trafficconf.Harness {
	b := openMap(t)
	m := b.middle()
	cfg := mapConfig(b, m.address)
	r := router(t, cfg)
	return trafficconf.Harness{
		Router: r, Service: service, Arms: []string{release.Baseline, release.Candidate, third},
		Grain: r.Grain(), Abilities: r.Abilities(), Fences: true,
		Restart: func() trafficconf.Router { b.stop(); b.start(); return router(t, cfg) },
		Edit: func(second release.Weight) {
			value := "-" // as the manual says for an emergency
			if second > 0 {
				value = fmt.Sprintf("1:conformance%%2F1:y:-:-:-:-:%d:%d", second, second)
			}
			b.say("set map " + b.mapPath() + " checkout " + value)
		},
		Users:    func() string { return b.read(b.config()) },
		Split:    b.split,
		Send:     b.send,
		SetReady: b.setReady,
		Break: func(f trafficconf.Fault) func() {
			return m.break_(b, f, b.mapPath(), "/nowhere.map", "set map "+b.mapPath()+" checkout 1:x:y:-:-:-:-:77:77")
		},
	}
}

// break_ makes the socket fail. What is missing is here replaced by there, and
// whoever contests sends their command after each change.
func (m *middle) break_(b *bed, f trafficconf.Fault, here, there, contest string) (mend func()) {
	mend = func() { m.pass(b) }
	onChange := func(act func(command string) (string, bool)) {
		m.do(func(c string) (string, bool) {
			if changes(c) {
				return act(c)
			}
			return b.forward(c), true
		})
	}
	switch f {
	case trafficconf.Failing:
		m.do(func(string) (string, bool) { return "Out of memory error.\n\n", true })
	case trafficconf.Unreachable:
		m.down()
		mend = m.up
	case trafficconf.Hanging:
		m.do(func(string) (string, bool) { return "", false })
	case trafficconf.Broken:
		onChange(func(c string) (string, bool) { b.forward(c); return "", true })
	case trafficconf.Forbidden:
		onChange(func(string) (string, bool) {
			// The level is asked for weights; what a map asks differs by version.
			text, _ := exchange(b.userSocket(), "set weight checkout/v1-a 1")
			return text, true
		})
	case trafficconf.Missing:
		m.do(func(c string) (string, bool) {
			if !strings.Contains(c, here) {
				c = strings.ReplaceAll(c, strings.TrimSuffix(here, "/"), strings.TrimSuffix(there, "/"))
			}
			return b.forward(strings.ReplaceAll(c, here, there)), true
		})
	case trafficconf.Contested:
		onChange(func(c string) (string, bool) { defer b.say(contest); return b.forward(c), true })
	case trafficconf.Lying:
		onChange(func(c string) (string, bool) { return strings.Repeat("\n", 1+strings.Count(c, ";")), true })
	default:
		return nil
	}
	return mend
}
