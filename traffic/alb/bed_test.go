package alb_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/alb"
	"github.com/linnet-project/linnet/traffic/alb/albtest"
)

const (
	service   = "checkout"
	third     = "third"
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// bed is a load balancer whose rule for shop.example.com splits the traffic of
// three target groups, after an action that authenticates users.
type bed struct {
	api            *albtest.Server
	front          *front
	listener, rule string
	arms           []string
	groups         []string
	now            time.Time
}

// newBed makes one with the first of three groups. The environment has the
// credentials, as in real life.
func newBed(t *testing.T, groups int, c albtest.Config) *bed {
	t.Helper()
	none := filepath.Join(t.TempDir(), "none")
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	b := &bed{now: time.Now()}
	c.AccessKey, c.SecretKey, c.Seed = accessKey, secretKey, 7
	c.Now = func() time.Time { return b.now }
	b.api = albtest.New(c)
	b.front = newFront(t, b.api)
	b.arms = []string{release.Baseline, release.Candidate, third}[:groups]
	weights := []int{100, 0, 0}
	for _, arm := range b.arms {
		b.groups = append(b.groups, must(b.api.AddGroup("shop-"+arm, answers(arm)))(t))
	}
	balancer := b.api.AddBalancer("shop")
	b.listener = must(b.api.AddListener(balancer, "HTTPS", albtest.ForwardTo("DefaultActions.member.1", b.groups, weights...)))(t)
	actions := authenticate()
	for name, value := range albtest.ForwardTo("Actions.member.2", b.groups, weights...) {
		actions[name] = value
	}
	actions.Set("Actions.member.2.Order", "7")
	b.rule = must(b.api.AddRule(b.listener, 10, "shop.example.com", "", actions))(t)
	return b
}

// authenticate is an action of somebody else, with a secret.
func authenticate() url.Values {
	out := url.Values{"Actions.member.1.Type": {"authenticate-oidc"}, "Actions.member.1.Order": {"3"}}
	for name, value := range map[string]string{
		"Issuer": "https://id.example.com", "AuthorizationEndpoint": "https://id.example.com/authorize",
		"TokenEndpoint": "https://id.example.com/token", "UserInfoEndpoint": "https://id.example.com/user",
		"ClientId": "shop", "ClientSecret": "of-the-user", "SessionTimeout": "3600", "OnUnauthenticatedRequest": "deny",
		"AuthenticationRequestExtraParams.entry.1.key": "prompt", "AuthenticationRequestExtraParams.entry.1.value": "login & <consent>",
	} {
		out.Set("Actions.member.1.AuthenticateOidcConfig."+name, value)
	}
	return out
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func answers(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) })
}

// config names the rule by its host, and the groups by name.
func (b *bed) config() alb.Config {
	c := alb.Config{Service: service, Listener: b.listener, Host: "shop.example.com", Endpoint: b.front.url()}
	for _, arm := range b.arms {
		c.Arms = append(c.Arms, alb.Arm{Name: arm, Group: "shop-" + arm})
	}
	return c
}

func (b *bed) router(t *testing.T, change func(*alb.Config)) *alb.Router {
	t.Helper()
	c := b.config()
	if change != nil {
		change(&c)
	}
	return must(alb.New(t.Context(), c))(t)
}

// send sends requests and counts who answered.
func (b *bed) send(n int, header http.Header) map[string]int {
	traffic, got := b.api.Traffic(b.listener), map[string]int{}
	for range n {
		r := httptest.NewRequest(http.MethodGet, "http://shop.example.com/cart", nil)
		for name, values := range header {
			r.Header[name] = values
		}
		w := httptest.NewRecorder()
		traffic.ServeHTTP(w, r)
		got[w.Body.String()]++
	}
	return got
}

// route gives the second arm a weight.
func route(epoch uint64, second release.Weight) release.Route {
	return release.Route{
		Service: service, Epoch: epoch, Owner: "checkout-1.5.0/1",
		Weights: []release.ArmWeight{{Arm: release.Baseline, Weight: release.Whole - second}, {Arm: release.Candidate, Weight: second}},
	}
}

func apply(t *testing.T, r *alb.Router, route release.Route) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := r.Apply(ctx, route); err != nil {
		t.Fatal(err)
	}
}

func observe(t *testing.T, r *alb.Router) release.Route {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	seen, err := r.Observed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return seen.Route
}

// second is the weight of the second arm.
func second(r release.Route) release.Weight { return r.Weights[1].Weight }

// front is where the API listens; it can stop listening for a while.
type front struct {
	handler http.Handler
	addr    string
	server  *http.Server
}

func newFront(t *testing.T, handler http.Handler) *front {
	t.Helper()
	f := &front{handler: handler, addr: "127.0.0.1:0"}
	f.open(t)
	t.Cleanup(f.close)
	return f
}

func (f *front) open(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	f.server = &http.Server{Handler: f.handler}
	go f.server.Serve(l)
}

func (f *front) close() { f.server.Close() }

func (f *front) url() string { return "http://" + f.addr }
