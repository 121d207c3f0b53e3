package alb

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/release"
)

func draws(t *rapid.T, groups []string) []types.Action {
	tuples := []types.TargetGroupTuple{}
	for _, g := range groups {
		tuples = append(tuples, types.TargetGroupTuple{TargetGroupArn: aws.String(g), Weight: aws.Int32(rapid.Int32Range(0, maxWeight).Draw(t, "weight"))})
	}
	forward := types.Action{Type: types.ActionTypeEnumForward, Order: aws.Int32(50), ForwardConfig: &types.ForwardActionConfig{
		TargetGroups: rapid.Permutation(tuples).Draw(t, "order"),
	}}
	if rapid.Bool().Draw(t, "sticky") {
		forward.ForwardConfig.TargetGroupStickinessConfig = &types.TargetGroupStickinessConfig{Enabled: aws.Bool(true), DurationSeconds: aws.Int32(60)}
	}
	others := []types.Action{
		{Type: types.ActionTypeEnumAuthenticateOidc, Order: aws.Int32(1), AuthenticateOidcConfig: &types.AuthenticateOidcActionConfig{Issuer: aws.String("i")}},
		{Type: types.ActionTypeEnumAuthenticateCognito, Order: aws.Int32(2), AuthenticateCognitoConfig: &types.AuthenticateCognitoActionConfig{UserPoolArn: aws.String("p")}},
	}
	return append(others[:rapid.IntRange(0, 2).Draw(t, "others")], forward)
}

// TestWeightsGoInAndComeOut: whatever the order of groups in the action, what is
// written is what is read, each group keeps its place, and what AWS gave is not
// touched.
func TestWeightsGoInAndComeOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		groups := []string{"a", "b", "c"}[:rapid.IntRange(2, 3).Draw(t, "arms")]
		given := draws(t, groups)
		f, err := forwardOf(given, groups)
		if err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(f.weights)
		share := release.Weight(rapid.IntRange(0, 1000).Draw(t, "share")) * Grain
		weights := make([]release.Weight, len(groups))
		weights[0], weights[len(groups)-1] = release.Whole-share, share
		sticky := rapid.SampledFrom([]int32{0, 3600}).Draw(t, "stay")
		after := f.with(groups, ownWeights(weights), sticky)
		got, err := forwardOf(after, groups)
		if err != nil || !got.serves(ownWeights(weights), sticky) {
			t.Fatalf("%v was written and %v is read, %v", weights, got, err)
		}
		if shares, ok := got.shares(); !ok || !slices.Equal(shares, weights) {
			t.Fatalf("%v is read as %v", weights, shares)
		}
		for i, tuple := range after[got.at].ForwardConfig.TargetGroups {
			if *tuple.TargetGroupArn != *given[f.at].ForwardConfig.TargetGroups[i].TargetGroupArn {
				t.Fatal("the groups have other places")
			}
		}
		if again, _ := forwardOf(given, groups); !slices.Equal(again.weights, before) {
			t.Fatal("what AWS gave was changed")
		}
		for i, a := range after {
			if c := a.AuthenticateOidcConfig; c != nil && (!*c.UseExistingClientSecret || given[i].AuthenticateOidcConfig.UseExistingClientSecret != nil) {
				t.Fatal("the secret is not asked to be kept")
			}
		}
	})
}

// FuzzStamp: a stamp that is read comes out of its own tags the same.
func FuzzStamp(f *testing.F) {
	f.Add("7", "checkout-1.5.0/1", "blue=900 green=100")
	f.Add("-1", "", "")
	f.Add("18446744073709551616", "x", "y")
	f.Fuzz(func(t *testing.T, epoch, owner, weights string) {
		s := readStamp([]types.Tag{
			{Key: aws.String(tagEpoch), Value: &epoch}, {Key: aws.String("Name")}, {Key: aws.String(tagOwner), Value: &owner},
			{Key: aws.String(tagWeights), Value: &weights},
		})
		if again := readStamp(s.tags()); s != (stamp{}) && again != s {
			t.Errorf("%+v comes back as %+v", s, again)
		}
	})
}

// FuzzAnswers: whatever answers for the API, reading it ends in weights that sum
// to the whole or in an error with a meaning.
func FuzzAnswers(f *testing.F) {
	const head = `<DescribeListenersResponse><DescribeListenersResult><Listeners><member><DefaultActions><member><Type>forward</Type>`
	const tail = `</member></DefaultActions></member></Listeners></DescribeListenersResult></DescribeListenersResponse>`
	f.Add(200, head+`<TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0000000000000001</TargetGroupArn>`+tail)
	f.Add(200, head+`<ForwardConfig><TargetGroups><member><TargetGroupArn>x</TargetGroupArn><Weight>-5</Weight></member></TargetGroups></ForwardConfig>`+tail)
	f.Add(200, head+`<ForwardConfig><TargetGroups><member><Weight>1e9</Weight></member></TargetGroups></ForwardConfig>`+tail)
	f.Add(400, `<ErrorResponse><Error><Code>ListenerNotFound</Code><Message>m</Message></Error></ErrorResponse>`)
	f.Add(503, `<html>`)
	f.Add(200, ``)
	f.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	f.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	r, err := New(f.Context(), Config{
		Service: "s", Listener: "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/lb/0000000000000001/0000000000000002",
		Arms: []Arm{
			{"baseline", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/a/0000000000000001"},
			{"candidate", "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/b/0000000000000002"},
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, text string) {
		if status < 200 || status > 599 {
			return
		}
		r.stub(status, text)
		seen, err := r.Observed(t.Context())
		if err != nil {
			if !errors.Is(err, release.ErrInvalid) && !errors.Is(err, release.ErrNotFound) && !errors.Is(err, release.ErrConflict) && !errors.Is(err, release.ErrUnavailable) {
				t.Errorf("%v has no meaning", err)
			}
			return
		}
		sum := release.Weight(0)
		for _, w := range seen.Route.Weights {
			sum += w.Weight
		}
		if sum != release.Whole {
			t.Errorf("weights %v", seen.Route.Weights)
		}
	})
}

// stub lets every call get this answer, once.
func (r *Router) stub(status int, text string) {
	o := r.client.Options()
	o.HTTPClient = keeper{canned{status, text}}
	r.client = elb.New(o)
	r.api.Retryer = func() aws.RetryerV2 {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 1 })
	}
}

type canned struct {
	status int
	text   string
}

func (c canned) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(c.status)
	w.WriteString(c.text)
	got := w.Result()
	got.Request = r
	return got, nil
}

func TestUnknownParts(t *testing.T) {
	const head, tail = "<R><Rules><member><RuleArn>a</RuleArn><Conditions><member><New/></member></Conditions><Actions><member>", "</member></Actions></member></Rules></R>"
	for text, want := range map[string]string{
		"<Type>forward</Type><Order>1</Order>": "",
		"<Type>forward</Type><Colour/>":        "Colour",
		"<ForwardConfig><TargetGroups><member><Weight>1</Weight></member></TargetGroups></ForwardConfig>":                                                                   "",
		"<ForwardConfig><TargetGroups><member><Weight>1</Weight><Slow>1</Slow></member></TargetGroups></ForwardConfig>":                                                     "Slow",
		"<AuthenticateOidcConfig><AuthenticationRequestExtraParams><entry><key>k</key><value>v</value></entry></AuthenticationRequestExtraParams></AuthenticateOidcConfig>": "",
		"<TargetGroupArn><b>x</b></TargetGroupArn>": "b",
		"<Type>": "",
	} {
		if got := unknownPart([]byte(head + text + tail)); got != want {
			t.Errorf("%s: %q, expected %q", text, got, want)
		}
	}
}
