// Package awscall is how our adapters reach AWS: where credentials come from,
// how often a call is tried, and what its errors mean in the words of release.
// Credentials never get into messages, also where AWS repeats them.
package awscall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"

	"github.com/linnet-project/linnet/release"
)

const (
	tries    = 3
	maxPause = 250 * time.Millisecond // between two tries
	idleWait = 30 * time.Second
)

// Account says as whom AWS is reached. What it does not say comes from where the
// AWS tools take it: environment, shared configuration, the machine's or
// container's role.
type Account struct {
	// Region is the AWS region; empty means the one of the environment or profile.
	Region string
	// Profile is one of the shared configuration.
	Profile string
	// Role is the ARN of a role to be taken on, with ExternalID where its trust
	// policy asks for one.
	Role, ExternalID string
	// MaxAnswer bounds an answer, in bytes.
	MaxAnswer int64
}

// Keys are the credentials that were used last, so that they can be taken out of
// messages.
type Keys []*remembered

// Load reads the AWS configuration. Nothing is asked of AWS yet. An error wraps
// release.ErrInvalid.
func Load(ctx context.Context, a Account) (aws.Config, Keys, error) {
	loaded, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(a.Region),
		config.WithSharedConfigProfile(a.Profile),
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.IdleConnTimeout = idleWait
		})),
		config.WithLogger(logging.Nop{}), // what matters is in errors
		config.WithRetryer(func() aws.Retryer { return NewRetryer() }),
	)
	if err != nil {
		return aws.Config{}, nil, fmt.Errorf("AWS configuration (profile %q): %w: %w", a.Profile, err, release.ErrInvalid)
	}
	loaded.HTTPClient = bounded{loaded.HTTPClient, a.MaxAnswer}
	keys := Keys{{CredentialsProvider: loaded.Credentials}}
	loaded.Credentials = keys[0]
	if a.Role != "" {
		role := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(loaded), a.Role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "linnet"
			if a.ExternalID != "" {
				o.ExternalID = aws.String(a.ExternalID)
			}
		})
		keys = append(keys, &remembered{CredentialsProvider: aws.NewCredentialsCache(role)})
		loaded.Credentials = keys[1]
	}
	return loaded, keys, nil
}

var roleARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}$`)

// Check tells what is wrong with an account, and with the URL of an API where it
// is not the region's own.
func (a Account) Check(endpoint string, say func(format string, args ...any)) {
	if a.Role != "" && !roleARN.MatchString(a.Role) {
		say("role: %.200q is no ARN of an IAM role", a.Role)
	}
	if a.ExternalID != "" && a.Role == "" {
		say("externalID: goes with a role, and there is none")
	}
	if endpoint != "" && !goodEndpoint(endpoint) {
		say("endpoint: must be http://host:port or https://host:port, without user, password and query")
	}
}

func goodEndpoint(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "" && !strings.ContainsAny(text, " \t\r\n")
}

// remembered keeps the credentials that were used last.
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

// NewRetryer tries a few times and soon, since whoever calls tries again, too.
func NewRetryer() aws.RetryerV2 {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = tries, maxPause })
}

// bounded lets no answer grow without end.
type bounded struct {
	aws.HTTPClient
	most int64
}

// Do sends a request; its answer ends after so many bytes.
func (b bounded) Do(r *http.Request) (*http.Response, error) {
	got, err := b.HTTPClient.Do(r)
	if got != nil && got.Body != nil {
		got.Body = body{io.LimitReader(got.Body, b.most), got.Body}
	}
	return got, err
}

type body struct {
	io.Reader
	io.Closer
}

// Read tells an answer that breaks off from one that says something strange.
func (b body) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = interrupted{err}
	}
	return n, err
}

// interrupted is an answer that could not be read to its end.
type interrupted struct{ error }

func (i interrupted) Unwrap() error { return i.error }
