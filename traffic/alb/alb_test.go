package alb_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/alb"
	"github.com/linnet-project/linnet/traffic/alb/albtest"
)

// fails holds an error to a meaning and to what it must say.
func fails(t *testing.T, err, meaning error, says ...string) {
	t.Helper()
	if !errors.Is(err, meaning) {
		t.Errorf("%v, expected %q", err, meaning)
		return
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not say %q", err, text)
		}
	}
}

func try(t *testing.T, r *alb.Router, route release.Route) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return r.Apply(ctx, route)
}

func TestWeightsAreThousandths(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	for _, c := range []struct {
		second release.Weight
		tag    string
	}{
		{0, "shop-baseline=999 shop-candidate=0"}, {100, "shop-baseline=999 shop-candidate=1"}, {12_300, "shop-baseline=877 shop-candidate=123"},
		{99_900, "shop-baseline=1 shop-candidate=999"}, {release.Whole, "shop-baseline=0 shop-candidate=999"},
	} {
		apply(t, r, route(1, c.second))
		if got := b.api.Tags(b.rule)["linnet:weights"]; got != c.tag {
			t.Errorf("%d is set as %q, expected %q", c.second, got, c.tag)
		}
		if got := second(observe(t, r)); got != c.second {
			t.Errorf("%d is read back as %d", c.second, got)
		}
	}
	got := map[string]int{}
	apply(t, r, route(2, 20_000))
	for name, n := range b.send(5000, nil) {
		got[name] = n
	}
	if n := got[release.Candidate]; n < 900 || n > 1100 {
		t.Errorf("at a fifth, of 5000 requests %v", got)
	}
}

// TestNoOldReadIsTrusted: a rollback is written although what is read still
// looks as before the raise.
func TestNoOldReadIsTrusted(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	apply(t, r, route(1, 0))
	b.api.Lag(3)
	apply(t, r, route(2, 10_000))
	if got := second(observe(t, r)); got != 10_000 {
		t.Errorf("after Apply came back, %d is read", got)
	}
	b.api.Edit(b.rule, map[string]int{b.groups[0]: 500, b.groups[1]: 500})
	apply(t, r, route(3, 0))
	if got := b.send(200, nil); got[release.Baseline] != 200 {
		t.Errorf("after the rollback requests went %v", got)
	}
	if got := second(observe(t, r)); got != 0 {
		t.Errorf("after the rollback %d is read", got)
	}
}

func TestTheActionMustForwardToTheArms(t *testing.T) {
	b := newBed(t, 3, albtest.Config{})
	two := func(c *alb.Config) { c.Arms = c.Arms[:2] }
	fails(t, try(t, b.router(t, two), route(1, 1000)), release.ErrInvalid, b.groups[2], "no arm's group")
	_, err := b.router(t, two).Observed(t.Context())
	fails(t, err, release.ErrInvalid, b.groups[2])

	// A group that somebody adds keeps nobody from going back, and keeps its weight.
	b.api.Edit(b.rule, map[string]int{b.groups[0]: 500, b.groups[1]: 300, b.groups[2]: 200})
	apply(t, b.router(t, two), route(1, 0))
	if got, want := b.api.Weights(b.rule), (map[string]int{b.groups[0]: 999, b.groups[1]: 0, b.groups[2]: 200}); !maps.Equal(got, want) {
		t.Errorf("after the rollback the weights are %v, expected %v", got, want)
	}

	redirect := url.Values{"Actions.member.1.Type": {"redirect"}, "Actions.member.1.RedirectConfig.StatusCode": {"HTTP_301"}}
	at := must(b.api.AddRule(b.listener, 20, "old.example.com", "", redirect))(t)
	fails(t, try(t, b.router(t, func(c *alb.Config) { c.Host, c.Listener, c.Rule = "", "", at }), route(1, 1000)), release.ErrInvalid, "redirect")
}

// TestASoleGroup: the candidate's group must be in the action before it gets
// anything, so that its health is known; whoever took it out pulled the brake.
func TestASoleGroup(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	sole := must(b.api.AddRule(b.listener, 20, "sole.example.com", "", url.Values{"Actions.member.1.Type": {"forward"}, "Actions.member.1.TargetGroupArn": {b.groups[0]}}))(t)
	r := b.router(t, func(c *alb.Config) { c.Host = "sole.example.com" })
	if got := second(observe(t, r)); got != 0 {
		t.Errorf("a sole group is read as %d for the other", got)
	}
	before := b.api.Show(sole)
	apply(t, r, route(1, 0))
	if after := b.api.Show(sole); after != before {
		t.Errorf("the rule became\n%s\nand was\n%s", after, before)
	}
	fails(t, try(t, r, route(2, 1000)), release.ErrInvalid, b.groups[1], "with weight 0")
}

// TestWhatTheClientDoesNotKnow would be lost by being written back: only a
// rollback does that.
func TestWhatTheClientDoesNotKnow(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	apply(t, r, route(1, 1000))
	mend := b.api.Break(albtest.Novel, "")
	defer mend()
	fails(t, try(t, r, route(2, 100)), release.ErrInvalid, "Novelty", "would lose")
	if got := second(observe(t, r)); got != 1000 {
		t.Errorf("read back %d", got)
	}
	apply(t, r, route(3, 0))
}

func TestNobodyIsServed(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	b.api.Edit(b.rule, map[string]int{b.groups[0]: 0, b.groups[1]: 0})
	_, err := r.Observed(t.Context())
	fails(t, err, release.ErrInvalid, "nobody is served")
	apply(t, r, route(1, 0))
	if got := b.send(20, nil); got[release.Baseline] != 20 {
		t.Errorf("requests went %v", got)
	}
}

func TestWhichRule(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	forward := albtest.ForwardTo("Actions.member.1", b.groups, 1, 0)
	images := must(b.api.AddRule(b.listener, 30, "SHOP.example.com", "/images/*", forward))(t)
	must(b.api.AddRule(b.listener, 31, "", "/images/*", forward))(t)
	place := func(change func(*alb.Config)) error {
		return try(t, b.router(t, func(c *alb.Config) { c.Host = ""; change(c) }), route(1, 1000))
	}
	for n := range 90 { // more than a page of few
		must(b.api.AddRule(b.listener, 100+n, "", fmt.Sprint("/", n), forward))(t)
	}
	fails(t, place(func(c *alb.Config) { c.Host = "shop.example.com" }), release.ErrInvalid, "2 rules", "priority 10", "priority 30", "/images/*")
	fails(t, place(func(c *alb.Config) { c.Path = "/images/*" }), release.ErrInvalid, "2 rules", "priority 30", "priority 31")
	fails(t, place(func(c *alb.Config) { c.Host = "none.example.com" }), release.ErrNotFound, "none.example.com", "priority 10", "more")
	fails(t, place(func(c *alb.Config) { c.Priority = 11 }), release.ErrNotFound, "priority 11")
	fails(t, place(func(c *alb.Config) { c.Listener, c.Rule = "", b.rule[:len(b.rule)-4]+"ffff" }), release.ErrNotFound, "RuleNotFound")
	fails(t, place(func(c *alb.Config) { c.Listener = b.listener[:len(b.listener)-1] + "f" }), release.ErrNotFound, "ListenerNotFound")
	fails(t, place(func(c *alb.Config) { c.Arms[1].Group = "no-such" }), release.ErrNotFound, "no-such", "TargetGroupNotFound")
	for name, change := range map[string]func(*alb.Config){
		"host and path": func(c *alb.Config) { c.Host, c.Path = "shop.EXAMPLE.com", "/images/*" },
		"priority":      func(c *alb.Config) { c.Priority = 30 },
		"arn":           func(c *alb.Config) { c.Listener, c.Rule = "", images },
	} {
		if err := place(change); err != nil || b.api.Tags(images)["linnet:owner"] == "" {
			t.Errorf("by %s: %v, tags %v", name, err, b.api.Tags(images))
		}
		if err := b.api.Do("RemoveTags", url.Values{"ResourceArns.member.1": {images}, "TagKeys.member.1": {"linnet:epoch"}, "TagKeys.member.2": {"linnet:owner"}}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStickyUsersLeaveWithTheWeight: users stay in their group while both have
// weight, and nobody stays in the candidate's after a rollback.
func TestStickyUsersLeaveWithTheWeight(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	half := route(1, 50_000)
	half.Sticky = release.Sticky{Cookie: alb.Cookie, For: 10 * time.Minute}
	apply(t, r, half)
	if got := observe(t, r).Sticky; got != half.Sticky {
		t.Errorf("read back %v", got)
	}
	cookie := ""
	for cookie == "" {
		w := httptest.NewRecorder()
		b.api.Traffic(b.listener).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://shop.example.com/", nil))
		if w.Body.String() == release.Candidate {
			cookie = w.Result().Cookies()[0].String()
		}
	}
	user := http.Header{"Cookie": {strings.SplitN(cookie, ";", 2)[0]}}
	if got := b.send(50, user); got[release.Candidate] != 50 {
		t.Fatalf("a user of the candidate went %v", got)
	}
	half.Epoch++
	half.Weights = route(2, 1000).Weights
	apply(t, r, half)
	if got := b.send(50, user); got[release.Candidate] != 50 {
		t.Errorf("with 1%%, a user of the candidate went %v", got)
	}
	back := route(3, 0)
	back.Sticky = half.Sticky
	apply(t, r, back)
	if got := b.send(50, user); got[release.Baseline] != 50 {
		t.Errorf("after the rollback a user of the candidate went %v", got)
	}
}

func TestStickinessOfTheUsersOwn(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	actions := albtest.ForwardTo("Actions.member.1", b.groups, 1, 0)
	on := maps.Clone(actions)
	on.Set("Actions.member.1.ForwardConfig.TargetGroupStickinessConfig.Enabled", "true")
	on.Set("Actions.member.1.ForwardConfig.TargetGroupStickinessConfig.DurationSeconds", "60")
	must(b.api.AddRule(b.listener, 20, "kept.example.com", "", on))(t)
	r := b.router(t, func(c *alb.Config) { c.Host = "kept.example.com" })
	fails(t, try(t, r, route(1, 1000)), release.ErrInvalid, "group stickiness", "ask for sticky")
	asked := route(1, 1000)
	asked.Sticky.Cookie = alb.Cookie
	apply(t, r, asked)
	if got := observe(t, r).Sticky.For; got != alb.DefaultSticky {
		t.Errorf("users stay for %v", got)
	}

	// Where AWS will not turn it off, that is found out before users are bound.
	sticky := url.Values{"TargetGroupArn": {b.groups[1]}, "Attributes.member.1.Key": {"stickiness.enabled"}, "Attributes.member.1.Value": {"true"}}
	b = newBed(t, 2, albtest.Config{})
	must(b.api.AddRule(b.listener, 20, "kept.example.com", "", on))(t)
	r = b.router(t, nil)
	apply(t, r, asked)
	if err := b.api.Do("ModifyListener", url.Values{"ListenerArn": {b.listener}, "DefaultActions.member.1.Type": {"forward"}, "DefaultActions.member.1.TargetGroupArn": {b.groups[0]}}); err != nil {
		t.Fatal(err)
	}
	if err := b.api.Do("ModifyTargetGroupAttributes", sticky); err != nil {
		t.Fatal(err)
	}
	again := route(2, 2000)
	again.Sticky.Cookie = alb.Cookie
	fails(t, try(t, r, again), release.ErrInvalid, "stickiness.enabled", b.groups[1])
	// Too late here: new users go back, those with a cookie do not, and it is said.
	fails(t, try(t, r, route(3, 0)), release.ErrUnavailable, "the weights are set", "stickiness.enabled")
	if got := second(observe(t, r)); got != 0 {
		t.Errorf("the weight is %d", got)
	}
}

func TestStickyIsTheBalancersOwn(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	for sticky, says := range map[release.Sticky]string{
		{Cookie: "session"}: "AWSALBTG",
		{Cookie: alb.Cookie, For: 1500 * time.Millisecond}: "whole seconds",
		{Cookie: alb.Cookie, For: 8 * 24 * time.Hour}:      "168h",
		{Header: "X-User"}: "sticky by header",
	} {
		asked := route(1, 1000)
		asked.Sticky = sticky
		fails(t, try(t, b.router(t, nil), asked), release.ErrInvalid, says)
	}
}

// TestTheStamp tells whose the weights are: not a change that came half way, nor
// one by hand, and nobody older writes.
func TestTheStamp(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	apply(t, r, route(5, 1000))
	if got := b.api.Tags(b.rule); got["linnet:epoch"] != "5" || got["linnet:owner"] != "checkout-1.5.0/1" {
		t.Errorf("tags %v", got)
	}
	if got := observe(t, r); got.Epoch != 5 || got.Owner != "checkout-1.5.0/1" {
		t.Errorf("read back %+v", got)
	}
	mend := b.api.Break(albtest.Deny, "ModifyRule")
	fails(t, try(t, r, route(6, 2000)), release.ErrInvalid, "elasticloadbalancing:ModifyRule")
	mend()
	if got := observe(t, r); got.Epoch != 6 || got.Owner != "" || second(got) != 1000 {
		t.Errorf("half way is read as %+v", got)
	}
	apply(t, r, route(6, 2000))
	b.api.Edit(b.rule, map[string]int{b.groups[0]: 970, b.groups[1]: 30})
	if got := observe(t, r); got.Owner != "" || second(got) != 3000 {
		t.Errorf("an edit by hand is read as %+v", got)
	}
	other := route(6, 1000)
	other.Owner = "checkout-1.6.0/1"
	fails(t, try(t, r, other), release.ErrConflict, "checkout-1.5.0/1")
	other.Epoch = 7
	apply(t, r, other)
	fails(t, try(t, r, route(6, 1000)), release.ErrConflict, "epoch 7", "checkout-1.6.0/1")
	other.Owner = "checkout-1.6.0\n"
	fails(t, try(t, r, other), release.ErrInvalid, "tag")
}

func TestReadiness(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	target := func(state, reason string) albtest.Target {
		return albtest.Target{ID: "i-07", Port: 8080, State: state, Reason: reason, Description: "as AWS has it"}
	}
	healthy := target("healthy", "")
	many := func(n int, more ...albtest.Target) (out []albtest.Target) {
		for range n {
			out = append(out, healthy)
		}
		return append(out, more...)
	}
	for _, c := range []struct {
		name    string
		targets []albtest.Target
		says    string // "" where ready
	}{
		{"none", nil, "has no targets"},
		{"one", many(1), ""},
		{"one of two", many(1, target("unhealthy", "Target.Timeout")), "1 of 2 targets are healthy"},
		{"nine of ten", many(9, target("unhealthy", "Target.Timeout")), ""},
		{"being registered", many(0, target("initial", "Elb.RegistrationInProgress")), "i-07:8080 is initial (Elb.RegistrationInProgress): it is being registered"},
		{"not yet checked", many(1, target("initial", "Elb.InitialHealthChecking")), "first health checks"},
		{"going away", many(1, target("draining", "Target.DeregistrationInProgress"), target("unhealthy.draining", "")), ""},
		{"only going away", many(0, target("draining", "")), "has no targets"},
		{"unchecked", many(0, target("unavailable", "Target.HealthCheckDisabled")), ""},
		{"unknown", many(0, target("unavailable", "Elb.InternalError")), "as AWS has it"},
	} {
		b.api.SetTargets(b.groups[1], c.targets...)
		err := r.Ready(t.Context(), release.Candidate)
		if c.says != "" {
			fails(t, err, release.ErrUnavailable, "alb: target group shop-candidate", c.says)
		} else if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	idle := must(b.api.AddGroup("idle", nil))(t)
	r = b.router(t, func(c *alb.Config) { c.Arms[1].Group = idle })
	fails(t, r.Ready(t.Context(), release.Candidate), release.ErrUnavailable, "Target.NotInUse", "with weight 0")
	fails(t, b.router(t, func(c *alb.Config) { c.Arms[1].Group = "none" }).Ready(t.Context(), release.Candidate), release.ErrUnavailable, "TargetGroupNotFound")
}

// TestHealthHoldsUpNothing: while nobody answers about health, weights are set
// and read.
func TestHealthHoldsUpNothing(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	mend := b.api.Break(albtest.Hang, "DescribeTargetHealth")
	defer mend()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Ready(ctx, release.Candidate) }()
	for b.api.Calls("DescribeTargetHealth") == 0 {
		runtime.Gosched()
	}
	apply(t, r, route(1, 1000))
	if got := second(observe(t, r)); got != 1000 {
		t.Errorf("read back %d", got)
	}
	cancel()
	fails(t, <-ended, release.ErrUnavailable, "DescribeTargetHealth")
}

func TestErrorsSayWhatToDo(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	apply(t, r, route(1, 1000))
	for i, c := range []struct {
		fault     albtest.Fault
		operation string
		meaning   error
		says      string
	}{
		{albtest.Deny, "AddTags", release.ErrInvalid, "allow it elasticloadbalancing:AddTags"},
		{albtest.Deny, "DescribeTags", release.ErrInvalid, "allow it elasticloadbalancing:DescribeTags"},
		{albtest.Expire, "DescribeRules", release.ErrInvalid, "renew them"},
		{albtest.Mistrust, "ModifyRule", release.ErrInvalid, "the clock is right"},
		{albtest.Throttle, "ModifyRule", release.ErrUnavailable, "Rate exceeded"},
		{albtest.Busy, "AddTags", release.ErrUnavailable, "ServiceUnavailable"},
		{albtest.Garble, "DescribeTags", release.ErrUnavailable, "DescribeTags"},
		{albtest.InUse, "AddTags", release.ErrConflict, "ResourceInUse"},
	} {
		mend := b.api.Break(c.fault, c.operation)
		err := try(t, r, route(uint64(2+i), 2000))
		mend()
		fails(t, err, c.meaning, c.says, c.operation)
		for _, secret := range []string{secretKey, accessKey, "Signature="} {
			if strings.Contains(fmt.Sprint(err), secret) {
				t.Errorf("the error holds %q: %v", secret, err)
			}
		}
	}
	// A change that was made, with an answer that broke off, is found done.
	mend := b.api.Break(albtest.Garble, "ModifyRule")
	fails(t, try(t, r, route(30, 3000)), release.ErrUnavailable)
	mend()
	if got := observe(t, r); second(got) != 3000 || got.Epoch != 30 {
		t.Errorf("read back %+v", got)
	}
	apply(t, r, route(30, 3000))
}

func TestNotTheAPI(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	for status, meaning := range map[int]error{http.StatusNotFound: release.ErrInvalid, http.StatusBadGateway: release.ErrUnavailable, http.StatusOK: release.ErrUnavailable} {
		page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			w.Write([]byte("<html><body>Hello</body></html>"))
		}))
		_, err := b.router(t, func(c *alb.Config) { c.Endpoint = page.URL }).Observed(t.Context())
		fails(t, err, meaning)
		page.Close()
	}
}

func TestARoleIsTakenOn(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/deploy"
	b := newBed(t, 2, albtest.Config{Role: role, ExternalID: "linnet"})
	t.Setenv("AWS_ENDPOINT_URL_STS", b.front.url())
	fails(t, try(t, b.router(t, nil), route(1, 1000)), release.ErrInvalid, "AccessDenied", "allow it elasticloadbalancing:DescribeRules")
	wrong := b.router(t, func(c *alb.Config) { c.Role, c.ExternalID = role, "someone" })
	fails(t, try(t, wrong, route(1, 1000)), release.ErrInvalid, "allow it sts:AssumeRole", role)
	r := b.router(t, func(c *alb.Config) { c.Role, c.ExternalID = role, "linnet" })
	apply(t, r, route(1, 1000))
	apply(t, r, route(2, 2000))
	if n := b.api.Calls("AssumeRole"); n != 2 {
		t.Errorf("the role was taken on %d times, and once was refused", n)
	}
	mend := b.api.Break(albtest.Mistrust, "ModifyRule")
	defer mend()
	err := try(t, r, route(3, 3000))
	fails(t, err, release.ErrInvalid, "SignatureDoesNotMatch")
	if strings.Contains(err.Error(), "token-") {
		t.Errorf("the error holds the session token: %v", err)
	}
}

func TestAProfile(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	file := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	text := "[shop]\naws_access_key_id = " + accessKey + "\naws_secret_access_key = " + secretKey + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	fails(t, try(t, b.router(t, nil), route(1, 1000)), release.ErrUnavailable, "there are no AWS credentials")
	apply(t, b.router(t, func(c *alb.Config) { c.Profile = "shop" }), route(1, 1000))
	c := b.config()
	c.Profile = "none"
	_, err := alb.New(t.Context(), c)
	fails(t, err, release.ErrInvalid, `profile "none"`)
}

func TestConfigsAreChecked(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	for says, change := range map[string]func(*alb.Config){
		"service":                   func(c *alb.Config) { c.Service = "" },
		"listener: is missing":      func(c *alb.Config) { c.Listener = "" },
		"no ARN of a listener":      func(c *alb.Config) { c.Listener = strings.Replace(c.Listener, "/app/", "/net/", 1) },
		"leave listener, priority":  func(c *alb.Config) { c.Rule = b.rule },
		"no ARN of a rule":          func(c *alb.Config) { c.Listener, c.Host, c.Rule = "", "", b.listener },
		"between 1 and 50000":       func(c *alb.Config) { c.Host, c.Priority = "", 50_001 },
		"leave host and path out":   func(c *alb.Config) { c.Priority = 3 },
		"is not that of the ARN":    func(c *alb.Config) { c.Region = "us-east-1" },
		"an action has 2 to 5":      func(c *alb.Config) { c.Arms = c.Arms[:1] },
		"twice":                     func(c *alb.Config) { c.Arms[1].Name = c.Arms[0].Name },
		"another arm's too":         func(c *alb.Config) { c.Arms[1].Group = c.Arms[0].Group },
		"neither an ARN nor a name": func(c *alb.Config) { c.Arms[1].Group = "a/b" },
		"is in us-east-1":           func(c *alb.Config) { c.Arms[1].Group = strings.Replace(b.groups[1], albtest.Region, "us-east-1", 1) },
		"no ARN of an IAM role":     func(c *alb.Config) { c.Role = "deploy" },
		"goes with a role":          func(c *alb.Config) { c.ExternalID = "x" },
		"endpoint":                  func(c *alb.Config) { c.Endpoint = "http://user:secret@host" },
	} {
		c := b.config()
		change(&c)
		_, err := alb.New(t.Context(), c)
		fails(t, err, release.ErrInvalid, says)
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error holds a password: %v", err)
		}
	}
	same := b.router(t, func(c *alb.Config) { c.Arms[1].Group = b.groups[0] }) // one by name, one by ARN
	fails(t, try(t, same, route(1, 0)), release.ErrInvalid, "the same target group")
}

// TestARuleIsFoundOnce: a rule that was found stays the same while priorities change,
// and is looked for again once it is gone.
func TestARuleIsFoundOnce(t *testing.T) {
	b := newBed(t, 2, albtest.Config{})
	r := b.router(t, nil)
	apply(t, r, route(1, 1000))
	apply(t, r, route(2, 2000))
	listings := b.api.Calls("DescribeTargetGroups")
	if listings != 2 {
		t.Errorf("names were looked up %d times, and there are 2", listings)
	}
	mend := b.api.Break(albtest.Vanish, "")
	_, err := r.Observed(t.Context())
	fails(t, err, release.ErrNotFound, "RuleNotFound")
	mend()
	apply(t, r, route(3, 3000))
	if again := b.api.Calls("DescribeTargetGroups"); again != 2*listings {
		t.Errorf("once it was gone, names were looked up %d times", again-listings)
	}
	if got := b.api.Tags(b.rule)["linnet:epoch"]; got != strconv.Itoa(3) {
		t.Errorf("epoch %s is stamped", got)
	}
}
