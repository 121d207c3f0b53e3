package alb

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/linnet-project/linnet/release"
)

const (
	tries     = 3
	maxPause  = 250 * time.Millisecond // between two tries
	callWait  = 10 * time.Second
	idleWait  = 30 * time.Second
	maxAnswer = 8 << 20 // bytes; 400 rules with every action and condition are 2 MiB
)

// clientOf makes the client of the ELBv2 API. Nothing is asked of AWS yet.
func clientOf(ctx context.Context, c Config, region string) (*elb.Client, []*remembered, error) {
	loaded, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(region),
		config.WithSharedConfigProfile(c.Profile),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.IdleConnTimeout = idleWait
		})),
		config.WithLogger(logging.Nop{}), // what matters is in errors
		config.WithRetryer(func() aws.Retryer { return newRetryer() }),
	)
	if err != nil {
		return nil, nil, fmt.Errorf("AWS configuration (profile %q): %w: %w", c.Profile, err, release.ErrInvalid)
	}
	loaded.HTTPClient = bounded{loaded.HTTPClient}
	keys := []*remembered{{CredentialsProvider: loaded.Credentials}}
	loaded.Credentials = keys[0]
	if c.Role != "" {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(loaded), c.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "linnet"
			if c.ExternalID != "" {
				o.ExternalID = aws.String(c.ExternalID)
			}
		})
		keys = append(keys, &remembered{CredentialsProvider: aws.NewCredentialsCache(role)})
		loaded.Credentials = keys[1]
	}
	client := elb.NewFromConfig(loaded, func(o *elb.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	return client, keys, nil
}

// remembered keeps the credentials that were used last, so that they can be
// taken out of messages.
type remembered struct {
	aws.CredentialsProvider
	last atomic.Pointer[aws.Credentials]
}

// Retrieve gives the credentials to sign with.
func (k *remembered) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys, err := k.CredentialsProvider.Retrieve(ctx)
	if err == nil {
		k.last.Store(&keys)
	}
	return keys, err
}

// newRetryer tries a few times and soon, since whoever calls tries again, too.
func newRetryer() aws.RetryerV2 {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = tries, maxPause })
}

// bounded lets no answer grow without end.
type bounded struct{ aws.HTTPClient }

// Do sends a request; its answer ends after maxAnswer.
func (b bounded) Do(r *http.Request) (*http.Response, error) {
	got, err := b.HTTPClient.Do(r)
	if got != nil && got.Body != nil {
		limited := io.LimitReader(got.Body, maxAnswer)
		if text := kept(r); text != nil {
			limited = io.TeeReader(limited, text)
		}
		got.Body = body{limited, got.Body}
	}
	return got, err
}

type body struct {
	io.Reader
	io.Closer
}
