// Package cloudwatch is a metric source that asks Amazon CloudWatch: its metrics
// by GetMetricData, and logs by Logs Insights.
//
// A metric's question names one metric and a statistic of it, such as
//
//	AWS/ApplicationELB RequestCount {TargetGroup="{{targetGroup}}"} Sum
//
// and is asked once for each arm, all arms and parts in one request. A metric
// with a query is asked of the logs; see columns.
//
// CloudWatch gives one point for each period, which is a row of the stretch from
// its time on; a period that is not over yet waits for a later window.
package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	logs "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/linnet-project/linnet/awscall"
	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/release"
)

const (
	// DefaultPeriod is that of metrics of standard resolution.
	DefaultPeriod = time.Minute
	// DefaultTimeout is enough for a query of some gigabytes of logs.
	DefaultTimeout = 30 * time.Second

	maxAnswer = 64 << 20 // bytes
	patience  = 10 * time.Second
)

// Config says how AWS is reached, and how fine its answers are to be. What is not
// said about AWS comes from where the AWS tools take it.
type Config struct {
	// Region is the AWS region; empty means that of the environment or profile.
	Region string
	// Profile is one of the shared configuration.
	Profile string
	// Role is the ARN of a role to be taken on, with ExternalID where its trust
	// policy asks for one.
	Role, ExternalID string
	// Endpoint and LogsEndpoint are the URLs of the two APIs, where they are not
	// the region's own.
	Endpoint, LogsEndpoint string
	// Period is how long one point of a metric stands for: 1, 5, 10, 20 or 30
	// seconds for metrics of high resolution, else whole minutes that an hour is a
	// multiple of, so that periods begin at the same times for everybody.
	Period time.Duration
	// LogGroups are names or ARNs of the log groups that queries are put to, 50 at
	// most; none where each query names its own.
	LogGroups []string
	// Timeout is how long an answer may take, all requests together.
	Timeout time.Duration
}

// Source asks CloudWatch. It is safe for concurrent use.
type Source struct {
	config Config

	metrics    *cw.Client
	metricsAPI *awscall.API
	logs       *logs.Client
	logsAPI    *awscall.API
	bounds     rows.Bounds // of logs
}

// New makes a source. It reads the AWS configuration, and asks nothing of AWS
// yet. An error wraps release.ErrInvalid and names each field that is wrong.
func New(ctx context.Context, c Config) (*Source, error) {
	if c.Period == 0 {
		c.Period = DefaultPeriod
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	loaded, keys, err := awscall.Load(ctx, c.account())
	if err != nil {
		return nil, fmt.Errorf("cloudwatch: %w", err)
	}
	if loaded.Region == "" {
		return nil, invalid("cloudwatch: region: is missing, and neither the environment nor the profile has one")
	}
	s := &Source{config: c}
	s.metrics = cw.NewFromConfig(loaded, func(o *cw.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = aws.String(c.Endpoint)
		}
	})
	s.logs = logs.NewFromConfig(loaded, func(o *logs.Options) {
		if c.LogsEndpoint != "" {
			o.BaseEndpoint = aws.String(c.LogsEndpoint)
		}
	})
	s.metricsAPI = &awscall.API{
		Name: "CloudWatch", Prefix: "cloudwatch", NotThere: []string{"ResourceNotFound", "ResourceNotFoundException"},
		Later: []string{"LimitExceeded", "LimitExceededException"},
		Wait:  c.Timeout, Patience: patience, Retryer: awscall.NewRetryer, Strange: release.ErrInvalid, Keys: keys,
	}
	s.logsAPI = &awscall.API{
		Name: "CloudWatch Logs", Prefix: "logs", NotThere: []string{"ResourceNotFoundException"},
		Later: []string{"LimitExceededException", "InternalServerException"},
		Wait:  c.Timeout, Patience: patience, Retryer: awscall.NewRetryer, Strange: release.ErrInvalid, Keys: keys,
	}
	return s, nil
}

func (c Config) account() awscall.Account {
	return awscall.Account{Region: c.Region, Profile: c.Profile, Role: c.Role, ExternalID: c.ExternalID, MaxAnswer: maxAnswer}
}

// maxGroups is how many log groups one query may name.
const maxGroups = 50

// check gives all that is wrong with a Config.
func (c Config) check() error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, invalid("cloudwatch: "+format, args...)) }
	c.account().Check(c.Endpoint, say)
	awscall.Account{}.Check(c.LogsEndpoint, func(format string, args ...any) { say("logsEndpoint: "+format, args...) })
	switch c.Period {
	case time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second:
	default:
		if c.Period < time.Minute || c.Period > time.Hour || c.Period%time.Minute != 0 || time.Hour%c.Period != 0 {
			say("period: %s is neither 1s, 5s, 10s, 20s or 30s nor whole minutes that an hour is a multiple of", c.Period)
		}
	}
	if c.Timeout < 0 {
		say("timeout: is negative")
	}
	if len(c.LogGroups) > maxGroups {
		say("logGroups: %d, and a query may name %d", len(c.LogGroups), maxGroups)
	}
	return errors.Join(wrong...)
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
