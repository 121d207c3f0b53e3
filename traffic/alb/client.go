package alb

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/linnet-project/linnet/awscall"
	"github.com/linnet-project/linnet/release"
)

const (
	callWait  = 10 * time.Second
	maxAnswer = 8 << 20 // bytes; 400 rules with every action and condition are 2 MiB
)

// clientOf makes the client of the ELBv2 API. Nothing is asked of AWS yet.
func clientOf(ctx context.Context, c Config, region string) (*elb.Client, *awscall.API, error) {
	account := c.account()
	account.Region = region
	loaded, keys, err := awscall.Load(ctx, account)
	if err != nil {
		return nil, nil, err
	}
	loaded.HTTPClient = keeper{loaded.HTTPClient}
	client := elb.NewFromConfig(loaded, func(o *elb.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	return client, &awscall.API{
		Name: "ELBv2", Prefix: "elasticloadbalancing",
		NotThere:  []string{"RuleNotFound", "ListenerNotFound", "TargetGroupNotFound", "LoadBalancerNotFound"},
		Contested: []string{"ResourceInUse", "PriorityInUse"},
		Later:     []string{"HealthUnavailable"},
		Wait:      callWait, Retryer: awscall.NewRetryer, Strange: release.ErrUnavailable, Keys: keys,
	}, nil
}

func (c Config) account() awscall.Account {
	return awscall.Account{Region: c.Region, Profile: c.Profile, Role: c.Role, ExternalID: c.ExternalID, MaxAnswer: maxAnswer}
}

// options are those of one call.
type options = func(*elb.Options)

// call does one call of the API, and gives its error a meaning. What names what
// is asked about.
func (r *Router) call(ctx context.Context, operation, what string, do func(context.Context, options) error) error {
	return r.api.Call(ctx, operation, what, func(ctx context.Context, tries aws.Retryer) error {
		return do(ctx, func(o *elb.Options) { o.Retryer = tries })
	})
}

// keeper keeps the text of an answer where the call wants it.
type keeper struct{ aws.HTTPClient }

// Do sends a request.
func (k keeper) Do(r *http.Request) (*http.Response, error) {
	got, err := k.HTTPClient.Do(r)
	if text := kept(r); text != nil && got != nil && got.Body != nil {
		got.Body = body{io.TeeReader(got.Body, text), got.Body}
	}
	return got, err
}

type body struct {
	io.Reader
	io.Closer
}
