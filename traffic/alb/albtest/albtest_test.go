package albtest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
)

func fixture(t *testing.T) (s *Server, listener, rule string, groups []string) {
	t.Helper()
	s = New(Config{AccessKey: "AKIDEXAMPLE", SecretKey: "secret", Now: time.Now})
	for i := range 6 {
		name := fmt.Sprint("g", i)
		g, err := s.AddGroup(name, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, name) }))
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, g)
	}
	listener, err := s.AddListener(s.AddBalancer("lb"), "HTTPS", ForwardTo("DefaultActions.member.1", groups[:1], 1))
	if err != nil {
		t.Fatal(err)
	}
	rule, err = s.AddRule(listener, 10, "*.example.com", "/a/*", ForwardTo("Actions.member.1", groups[:2], 1, 0))
	if err != nil {
		t.Fatal(err)
	}
	return s, listener, rule, groups
}

// TestRefusals: what AWS refuses is refused, and with its code.
func TestRefusals(t *testing.T) {
	s, listener, rule, groups := fixture(t)
	forward := func(of ...string) url.Values {
		form := ForwardTo("Actions.member.1", groups[:2], 1, 1)
		form.Set("RuleArn", rule)
		for i := 0; i < len(of); i += 2 {
			form.Set(of[i], of[i+1])
		}
		return form
	}
	oidc := func(of ...string) url.Values {
		form := forward("Actions.member.1.Order", "2", "Actions.member.2.Order", "1", "Actions.member.2.Type", "authenticate-oidc")
		for _, name := range []string{"Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "ClientId"} {
			form.Set("Actions.member.2.AuthenticateOidcConfig."+name, "https://id.example.com")
		}
		for i := 0; i < len(of); i += 2 {
			form.Set("Actions.member.2.AuthenticateOidcConfig."+of[i], of[i+1])
		}
		return form
	}
	const first = "Actions.member.1.ForwardConfig."
	six := ForwardTo("Actions.member.1", groups, 1, 1, 1, 1, 1, 1)
	six.Set("RuleArn", rule)
	for _, c := range []struct {
		name, operation string
		form            url.Values
		code            string // "" where taken
	}{
		{"as it should be", "ModifyRule", forward(), ""},
		{"all weights 0", "ModifyRule", forward(first+"TargetGroups.member.1.Weight", "0", first+"TargetGroups.member.2.Weight", "0"), ""},
		{"weight 999", "ModifyRule", forward(first+"TargetGroups.member.1.Weight", "999"), ""},
		{"weight 1000", "ModifyRule", forward(first+"TargetGroups.member.1.Weight", "1000"), "ValidationError"},
		{"weight -1", "ModifyRule", forward(first+"TargetGroups.member.1.Weight", "-1"), "ValidationError"},
		{"a weight in words", "ModifyRule", forward(first+"TargetGroups.member.1.Weight", "many"), "MalformedInput"},
		{"six groups", "ModifyRule", six, "InvalidLoadBalancerAction"},
		{"a group twice", "ModifyRule", forward(first+"TargetGroups.member.2.TargetGroupArn", groups[0]), "InvalidLoadBalancerAction"},
		{"an unknown group", "ModifyRule", forward(first+"TargetGroups.member.2.TargetGroupArn", groups[0]+"0"), "TargetGroupNotFound"},
		{"no group's ARN", "ModifyRule", forward(first+"TargetGroups.member.2.TargetGroupArn", "g1"), "ValidationError"},
		{"two forms of groups", "ModifyRule", forward("Actions.member.1.TargetGroupArn", groups[0]), "InvalidLoadBalancerAction"},
		{"sticky", "ModifyRule", forward(first+"TargetGroupStickinessConfig.Enabled", "true", first+"TargetGroupStickinessConfig.DurationSeconds", "604800"), ""},
		{"sticky too long", "ModifyRule", forward(first+"TargetGroupStickinessConfig.Enabled", "true", first+"TargetGroupStickinessConfig.DurationSeconds", "604801"), "ValidationError"},
		{"sticky for no time", "ModifyRule", forward(first+"TargetGroupStickinessConfig.Enabled", "true"), "ValidationError"},
		{"an unknown parameter", "ModifyRule", forward("Actions.member.1.Colour", "blue"), "ValidationError"},
		{"a hole in a list", "ModifyRule", forward("Actions.member.3.Type", "forward"), "ValidationError"},
		{"a list of another form", "ModifyRule", forward("Actions.Type", "forward"), "ValidationError"},
		{"no rule", "ModifyRule", forward("RuleArn", rule[:len(rule)-4]+"ffff"), "RuleNotFound"},
		{"no rule's ARN", "ModifyRule", forward("RuleArn", "10"), "ValidationError"},
		{"a rule's ARN missing", "ModifyRule", ForwardTo("Actions.member.1", groups[:1], 1), "ValidationError"},
		{"two ends", "ModifyRule", forward("Actions.member.1.Order", "1", "Actions.member.2.Order", "2", "Actions.member.2.Type", "fixed-response", "Actions.member.2.FixedResponseConfig.StatusCode", "503"), "InvalidLoadBalancerAction"},
		{"no order", "ModifyRule", forward("Actions.member.2.Type", "fixed-response", "Actions.member.2.FixedResponseConfig.StatusCode", "503"), "InvalidLoadBalancerAction"},
		{"an order of 0", "ModifyRule", forward("Actions.member.1.Order", "0"), "ValidationError"},
		{"another type's part", "ModifyRule", forward("Actions.member.1.FixedResponseConfig.StatusCode", "503"), "InvalidLoadBalancerAction"},
		{"no type", "ModifyRule", url.Values{"RuleArn": {rule}, "Actions.member.1.TargetGroupArn": {groups[0]}}, "ValidationError"},
		{"no secret to keep", "ModifyRule", oidc("UseExistingClientSecret", "true"), "InvalidLoadBalancerAction"},
		{"no secret", "ModifyRule", oidc(), "InvalidLoadBalancerAction"},
		{"a secret twice", "ModifyRule", oidc("ClientSecret", "x", "UseExistingClientSecret", "true"), "InvalidLoadBalancerAction"},
		{"a secret", "ModifyRule", oidc("ClientSecret", "x"), ""},
		{"a secret kept", "ModifyRule", oidc("UseExistingClientSecret", "true"), ""},
		{"a session of two weeks", "ModifyRule", oidc("UseExistingClientSecret", "true", "SessionTimeout", "1209600"), "ValidationError"},
		{"a listener's actions", "ModifyListener", url.Values{"ListenerArn": {listener}, "DefaultActions.member.1.Type": {"forward"}}, "ValidationError"},
		{"no listener", "ModifyListener", url.Values{"ListenerArn": {strings.Replace(listener, "/lb/", "/other/", 1)}}, "ListenerNotFound"},
		{"rules of nothing", "DescribeRules", url.Values{}, "ValidationError"},
		{"rules of both", "DescribeRules", url.Values{"ListenerArn": {listener}, "RuleArns.member.1": {rule}}, "ValidationError"},
		{"a page of 401", "DescribeRules", url.Values{"ListenerArn": {listener}, "PageSize": {"401"}}, "ValidationError"},
		{"a tag's value", "AddTags", url.Values{"ResourceArns.member.1": {rule}, "Tags.member.1.Key": {"a"}, "Tags.member.1.Value": {`"`}}, "ValidationError"},
		{"a tag twice", "AddTags", url.Values{"ResourceArns.member.1": {rule}, "Tags.member.1.Key": {"a"}, "Tags.member.2.Key": {"a"}}, "DuplicateTagKeys"},
		{"a reserved tag", "AddTags", url.Values{"ResourceArns.member.1": {rule}, "Tags.member.1.Key": {"aws:a"}}, "ValidationError"},
	} {
		var r *awstest.Refusal
		if err := s.Do(c.operation, c.form); c.code == "" && err != nil || c.code != "" && (!errors.As(err, &r) || r.Code != c.code) {
			t.Errorf("%s: %v, expected %q", c.name, err, c.code)
		}
	}
	for name, form := range map[string]url.Values{
		"PriorityInUse":   {"ListenerArn": {listener}, "Priority": {"10"}},
		"ValidationError": {"ListenerArn": {listener}, "Priority": {"50001"}},
	} {
		for key, values := range ForwardTo("Actions.member.1", groups[:1], 1) {
			form[key] = values
		}
		form.Set("Conditions.member.1.Field", "host-header")
		form.Set("Conditions.member.1.Values.member.1", "a.example.com")
		if err := s.Do("CreateRule", form); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%v, expected %s", err, name)
		}
	}
}

func TestAHundredRules(t *testing.T) {
	s, listener, _, groups := fixture(t)
	for n := range 99 {
		if _, err := s.AddRule(listener, 100+n, "a.example.com", "", ForwardTo("Actions.member.1", groups[:1], 1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.AddRule(listener, 300, "a.example.com", "", ForwardTo("Actions.member.1", groups[:1], 1)); err == nil || !strings.HasPrefix(err.Error(), "TooManyRules") {
		t.Errorf("the 101st rule: %v", err)
	}
	seen, marker := 0, ""
	for range 20 {
		form := url.Values{"ListenerArn": {listener}, "PageSize": {"10"}}
		if marker != "" {
			form.Set("Marker", marker)
		}
		out, err := s.do("DescribeRules", form)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(out.list("Rules"))
		if marker = out.say("NextMarker"); marker == "" {
			break
		}
	}
	if seen != 101 {
		t.Errorf("in pages of 10 there are %d rules and the default", seen)
	}
}

// TestSignatures: nobody gets in without one that is right.
func TestSignatures(t *testing.T) {
	s, _, rule, _ := fixture(t)
	form := url.Values{"Action": {"DescribeRules"}, "Version": {"2015-12-01"}, "RuleArns.member.1": {rule}}.Encode()
	const good = "AWS4-HMAC-SHA256 Credential=%s/20260102/%s/%s/aws4_request, SignedHeaders=host;x-amz-date, Signature=" +
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for header, code := range map[string]string{
		"":             "MissingAuthenticationToken",
		"Bearer token": "IncompleteSignature",
		fmt.Sprintf(good, "AKIDEXAMPLE", "us-east-1", "elasticloadbalancing"): "SignatureDoesNotMatch",
		fmt.Sprintf(good, "AKIDEXAMPLE", Region, "s3"):                        "SignatureDoesNotMatch",
		fmt.Sprintf(good, "AKIDOTHER", Region, "elasticloadbalancing"):        "InvalidClientTokenId",
		fmt.Sprintf(good, "AKIDEXAMPLE", Region, "elasticloadbalancing"):      "SignatureDoesNotMatch",
	} {
		r := httptest.NewRequest(http.MethodPost, "http://elb.local/", strings.NewReader(form))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		r.Header.Set("X-Amz-Date", "20260102T030405Z")
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "<Code>"+code+"</Code>") {
			t.Errorf("%q: %d %s, expected %s", header, w.Code, w.Body, code)
		}
	}
}

func TestTrafficFollowsTheRules(t *testing.T) {
	s, listener, rule, groups := fixture(t)
	get := func(address string) string {
		w := httptest.NewRecorder()
		s.Traffic(listener).ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		return fmt.Sprint(w.Code, " ", w.Body)
	}
	if err := s.Do("ModifyRule", url.Values{"RuleArn": {rule}, "Actions.member.1.Type": {"forward"}, "Actions.member.1.TargetGroupArn": {groups[1]}}); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"http://x.EXAMPLE.com/a/b/c": "200 g1", "http://x.example.com/A/b": "200 g0", "http://example.com/a/b": "200 g0", "http://y/": "200 g0",
	} {
		if got := get(address); got != want {
			t.Errorf("%s: %s, expected %s", address, got, want)
		}
	}
	s.Edit(rule, map[string]int{groups[1]: 0})
	if got := get("http://x.example.com/a/"); got != "503 " {
		t.Errorf("with all weights 0: %s", got)
	}
	s.Edit(rule, map[string]int{groups[1]: 1})
	s.SetTargets(groups[1])
	if got := get("http://x.example.com/a/"); got != "503 " {
		t.Errorf("without targets: %s", got)
	}
}

// FuzzForm: no form makes the server fall, and what is taken as actions comes
// back in the form of the protocol.
func FuzzForm(f *testing.F) {
	f.Add("Actions.member.1.Type=forward&Actions.member.1.TargetGroupArn=x")
	f.Add("RuleArn=a&Conditions.member.1.Field=host-header&Conditions.member.1.Values.member.1=b")
	f.Add("Actions.member.2.Type=forward&RuleArn=")
	f.Add("Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams.entry.1.key=k")
	f.Add("a.b.c.d.e.f.g.h.i.j.k.l.m.n=1&a=2&a.b=3")
	s := New(Config{Now: time.Now})
	f.Fuzz(func(t *testing.T, text string) {
		form, err := url.ParseQuery(text)
		if err != nil {
			return
		}
		for name, of := range operations {
			in, err := parseForm(form, of.in)
			if (in == nil) == (err == nil) && err == nil {
				t.Errorf("%s: neither a value nor an error", name)
			}
			if err := s.Do(name, form); err != nil {
				var r *awstest.Refusal
				if !errors.As(err, &r) {
					t.Errorf("%s: %v is no refusal", name, err)
				}
			}
		}
	})
}
