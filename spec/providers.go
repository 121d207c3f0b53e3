package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Provider is a way to split traffic that a release file can name.
type Provider struct {
	// Name is its key under traffic.
	Name string
	Doc  string
	// Grain says in words how fine its weights are.
	Grain string
	// Abilities are what it can do beside weights.
	Abilities []release.Ability
	// Verifies says what reading back tells: an object, its acceptance, or what
	// is served.
	Verifies string
	// Page is its page under docs.
	Page string
}

// providers is the table of providers, in the order in which they are listed.
// The package of the same name under traffic/ holds the adapter.
var providers = []provider{
	{
		Provider: Provider{
			Name: "proxy", Page: "proxy.md",
			Doc:   "Linnet's own splitter: inside `run` (listen and upstreams), or a `linnet proxy` elsewhere (admin). With neither, the file can be planned, judged and backtested, but not run. Testers and sticky users are part of its own configuration.",
			Grain: "0.001%", Abilities: []release.Ability{release.Leases, release.ManyArms},
			Verifies: "what it serves",
		},
		bind: at(func(t *Traffic) **Proxy { return &t.Proxy }, optional[Proxy]{proxyKeys}),
		of:   func(t Traffic) router { return some(t.Proxy) },
	},
	{
		Provider: Provider{
			Name: "istio", Page: "istio.md",
			Doc:   "The weights of a VirtualService's routes, HTTP, TLS or TCP.",
			Grain: "1%",
			Abilities: []release.Ability{
				release.HeaderTesters, release.CookieTesters, release.Mirrors, release.ManyArms, release.Readiness,
			},
			Verifies: "the VirtualService; before a raise also the subsets, and what Istio says of it",
		},
		bind: at(func(t *Traffic) **Istio { return &t.Istio }, optional[Istio]{istioKeys}),
		of:   func(t Traffic) router { return some(t.Istio) },
	},
	{
		Provider: Provider{
			Name: "gatewayAPI", Page: "gatewayapi.md",
			Doc:   "The weights of an HTTPRoute or GRPCRoute of the Kubernetes Gateway API.",
			Grain: "0.001%", Abilities: []release.Ability{release.HeaderTesters, release.Mirrors, release.ManyArms},
			Verifies: "the route, and that every parent has accepted it as it is",
		},
		bind: at(func(t *Traffic) **GatewayAPI { return &t.GatewayAPI }, optional[GatewayAPI]{gatewayAPIKeys}),
		of:   func(t Traffic) router { return some(t.GatewayAPI) },
	},
	{
		Provider: Provider{
			Name: "traefik", Page: "traefik.md",
			Doc:   "A weighted service of Traefik: a TraefikService on Kubernetes, or a file of its file provider.",
			Grain: "0.001%", Abilities: []release.Ability{release.CookieSticky, release.Mirrors, release.ManyArms},
			Verifies: "the object or file, and with api what Traefik serves",
		},
		bind: at(func(t *Traffic) **Traefik { return &t.Traefik }, optional[Traefik]{traefikKeys}),
		of:   func(t Traffic) router { return some(t.Traefik) },
	},
	{
		Provider: Provider{
			Name: "ingressNginx", Page: "ingressnginx.md",
			Doc:   "Canary Ingresses of ingress-nginx.",
			Grain: "0.001%", Abilities: []release.Ability{release.HeaderTesters},
			Verifies: "the annotations of the Ingresses",
		},
		bind: at(func(t *Traffic) **IngressNginx { return &t.IngressNginx }, optional[IngressNginx]{ingressNginxKeys}),
		of:   func(t Traffic) router { return some(t.IngressNginx) },
	},
	{
		Provider: Provider{
			Name: "kubernetes", Page: "kubernetes.md",
			Doc:   "The replicas of two Deployments behind one Service, without any router.",
			Grain: "one pod's share", Abilities: []release.Ability{release.Readiness},
			Verifies: "the replicas asked for, and that the pods are there and ready",
		},
		bind: at(func(t *Traffic) **Kubernetes { return &t.Kubernetes }, optional[Kubernetes]{kubernetesKeys}),
		of:   func(t Traffic) router { return some(t.Kubernetes) },
	},
	{
		Provider: Provider{
			Name: "alb", Page: "alb.md",
			Doc:   "The weights of target groups of an AWS Application Load Balancer.",
			Grain: "0.1%", Abilities: []release.Ability{release.CookieSticky, release.ManyArms, release.Readiness},
			Verifies: "the rule as AWS tells it",
		},
		bind: at(func(t *Traffic) **ALB { return &t.ALB }, optional[ALB]{albKeys}),
		of:   func(t Traffic) router { return some(t.ALB) },
	},
	{
		Provider: Provider{
			Name: "haproxy", Page: "haproxy.md",
			Doc:   "A running HAProxy, without a reload: an entry of a map that its frontend draws by, or weights of servers.",
			Grain: "0.001% by a map; 0.5% by servers, finer with several in each arm",
			Abilities: []release.Ability{
				release.HeaderTesters, release.CookieTesters, release.HeaderSticky, release.CookieSticky,
				release.ManyArms, release.Readiness,
			},
			Verifies: "the map's entry, or the servers' weights, in the running HAProxy",
		},
		bind: at(func(t *Traffic) **HAProxy { return &t.HAProxy }, optional[HAProxy]{haproxyKeys}),
		of:   func(t Traffic) router { return some(t.HAProxy) },
	},
	{
		Provider: Provider{
			Name: "nginx", Page: "nginx.md",
			Doc:   "A file that nginx's configuration includes, with a reload.",
			Grain: "0.01%",
			Abilities: []release.Ability{
				release.HeaderTesters, release.CookieTesters, release.HeaderSticky, release.CookieSticky, release.ManyArms,
			},
			Verifies: "the weights that the running workers draw by",
		},
		bind: at(func(t *Traffic) **Nginx { return &t.Nginx }, optional[Nginx]{nginxKeys}),
		of:   func(t Traffic) router { return some(t.Nginx) },
	},
	{
		Provider: Provider{
			Name: "exec", Page: "own-provider.md",
			Doc:   "A command of your own that splits the traffic.",
			Grain: "as the file says",
			Abilities: []release.Ability{
				release.HeaderTesters, release.CookieTesters, release.HeaderSticky, release.CookieSticky,
				release.Mirrors, release.ManyArms, release.Leases, release.Readiness,
			},
			Verifies: "what the command tells",
		},
		bind: at(func(t *Traffic) **Exec { return &t.Exec }, optional[Exec]{execKeys}),
		of:   func(t Traffic) router { return some(t.Exec) },
	},
	{
		Provider: Provider{
			Name: "webhook", Page: "own-provider.md",
			Doc:   "An HTTP endpoint of your own that splits the traffic.",
			Grain: "as the file says",
			Abilities: []release.Ability{
				release.HeaderTesters, release.CookieTesters, release.HeaderSticky, release.CookieSticky,
				release.Mirrors, release.ManyArms, release.Leases, release.Readiness,
			},
			Verifies: "what the endpoint tells",
		},
		bind: at(func(t *Traffic) **Webhook { return &t.Webhook }, optional[Webhook]{webhookKeys}),
		of:   func(t Traffic) router { return some(t.Webhook) },
	},
}

// provider is a row of the table.
type provider struct {
	Provider
	bind binding[Traffic]
	// of gives what a file says of this provider; nil where it does not name it.
	of func(Traffic) router
}

// router is what the form of every provider tells.
type router interface {
	// grain is the finest weight that it can set; it divides the whole. It is 0
	// where the file does not say enough to tell.
	grain() release.Weight
	asks() Asks
	// lease is how long a weight holds without renewal, 0 where it holds for good.
	lease() time.Duration
	// fences says that it keeps the epoch beside the weights, and so refuses a
	// writer that is late.
	fences() bool
}

// Asks is what a file asks of a provider beside weights. It is part of the form
// of every provider; what the provider cannot do has no key there.
type Asks struct {
	Testers release.Testers
	Sticky  release.Sticky
	Mirror  release.Weight
}

func (a Asks) asks() Asks { return a }

// lease is 0, for the providers that have none.
func (Asks) lease() time.Duration { return 0 }

// fences is true, but for the providers that have no room for an epoch.
func (Asks) fences() bool { return true }

// some is a pointer as a router, nil where it is nil.
func some[T any, P interface {
	*T
	router
}](p P) router {
	if p == nil {
		return nil
	}
	return p
}

// Providers lists every provider.
func Providers() []Provider {
	var out []Provider
	for _, p := range providers {
		out = append(out, p.Provider)
	}
	return out
}

// ProviderOf returns the provider of a name.
func ProviderOf(name string) (Provider, bool) {
	i := slices.IndexFunc(providers, func(p provider) bool { return p.Name == name })
	if i < 0 {
		return Provider{}, false
	}
	return providers[i].Provider, true
}

func providerNames() []string {
	var out []string
	for _, p := range providers {
		out = append(out, p.Name)
	}
	return out
}

func providerKeys() []key[Traffic] {
	var out []key[Traffic]
	for _, p := range providers {
		out = append(out, key[Traffic]{name: p.Name, doc: p.Doc, bind: p.bind})
	}
	return out
}

// Provider returns the name of the provider that the file names: "several" for
// several, "" where it names none.
func (t Traffic) Provider() string {
	if len(t.Several) > 0 {
		return "several"
	}
	name, _ := t.named()
	return name
}

func (t Traffic) named() (string, router) {
	for _, p := range providers {
		if r := p.of(t); r != nil {
			return p.Name, r
		}
	}
	return "", nil
}

// Grain is the finest weight that all routers of the file can set exactly.
func (t Traffic) Grain() release.Weight {
	grain := release.Weight(1)
	for _, part := range t.Parts() {
		if _, r := part.named(); r != nil {
			grain = common(grain, max(r.grain(), 1))
		}
	}
	return grain
}

// Asks is what the routers of the file are asked for beside weights: of several
// what any of them is asked for.
func (t Traffic) Asks() Asks {
	var all Asks
	for _, part := range t.Parts() {
		_, r := part.named()
		if r == nil {
			continue
		}
		a := r.asks()
		all.Testers = cmp.Or(all.Testers, a.Testers)
		all.Sticky = cmp.Or(all.Sticky, a.Sticky)
		all.Mirror = cmp.Or(all.Mirror, a.Mirror)
	}
	return all
}

// Lease is how long a weight holds by itself: of several routers the shortest,
// 0 where none can lease.
func (t Traffic) Lease() (lease time.Duration) {
	for _, part := range t.Parts() {
		if _, r := part.named(); r != nil && r.lease() > 0 && (lease == 0 || r.lease() < lease) {
			lease = r.lease()
		}
	}
	return lease
}

// readBack is how long after its end a release still reads back weights that a
// late writer could change.
const readBack = 10 * time.Minute

// ReadBack is how long after its end a release goes on reading back: 0 where
// every router refuses writers that are late.
func (t Traffic) ReadBack() time.Duration {
	for _, part := range t.Parts() {
		if _, r := part.named(); r != nil && !r.fences() {
			return readBack
		}
	}
	return 0
}

// Parts are the routers of the file.
func (t Traffic) Parts() []Traffic {
	if len(t.Several) > 0 {
		return t.Several
	}
	return []Traffic{t}
}

// common is the least common multiple.
func common(a, b release.Weight) release.Weight {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	return a / x * b
}

// trafficRules checks what must hold between routers, and that they can set
// every weight of the steps exactly.
func trafficRules(c *checker, f *File) {
	first := map[string]int{}
	for i, part := range f.Traffic.Several {
		at := "spec.traffic.several[" + strconv.Itoa(i) + "].name"
		if j, ok := first[part.Name]; ok && part.Name != "" {
			c.fail(at, fmt.Sprintf("%s is the name of several[%d] too", clip(part.Name), j), "give each router its own")
		} else {
			first[part.Name] = i
		}
	}
	grain := f.Traffic.Grain()
	for i, s := range f.Steps {
		at := "spec.steps[" + strconv.Itoa(i) + "].weight"
		if !c.fine(at) || s.Weight%grain == 0 {
			continue
		}
		low := max(s.Weight/grain*grain, grain)
		hint := "write " + formatWeight(low)
		if high := s.Weight/grain*grain + grain; high != low && high <= release.Whole {
			hint += " or " + formatWeight(high)
		}
		c.fail(at, fmt.Sprintf("%s is finer than %s can set, which is %s", formatWeight(s.Weight), f.Traffic.Provider(), formatWeight(grain)), hint)
	}
}
