// Package googlemonitoring is a metric source that asks Google Cloud Monitoring
// for time series.
//
// A metric's question is a filter of the API, with what to group by behind a bar:
//
//	metric.type="logging.googleapis.com/user/requests" AND resource.type="k8s_container" | by metric.labels.version
//
// Google aligns each series to whole periods and adds them up by group; a point
// is a row of the stretch that ends at it. One that names an arm by {{version}}
// is asked for each arm, else a group must.
package googlemonitoring

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/linnet-project/linnet/metric/web"
	"github.com/linnet-project/linnet/release"
)

const (
	// Endpoint is the API's own address.
	Endpoint = "https://monitoring.googleapis.com"
	// DefaultPeriod is the shortest that the API aligns to.
	DefaultPeriod = time.Minute
)

// Config says what is asked, and as whom.
type Config struct {
	// Project is the id or number of the project whose metrics scope is asked.
	Project string
	// CredentialsFile is a key of a service account, or what else Google's tools
	// read as such: users, federated identities, impersonation. Without it, the
	// file that GOOGLE_APPLICATION_CREDENTIALS names, or that of gcloud, and where
	// there is none the machine's own account.
	CredentialsFile string
	// Endpoint is the URL of the API; "" means Google's own.
	Endpoint string
	// Period is how long one point stands for: whole minutes that an hour is a
	// multiple of.
	Period time.Duration
	// Timeout is how long one request may take; 0 means web.DefaultTimeout.
	Timeout time.Duration
	// Now is our clock, which the API's is held against; nil leaves that out.
	Now func() time.Time
}

// Source asks one project. It is safe for concurrent use.
type Source struct {
	config Config
	client *web.Client
}

var projectLike = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,99}$`)

// New makes a source; nothing is asked yet. An error wraps release.ErrInvalid
// and names each field that is wrong.
func New(c Config) (*Source, error) {
	if c.Endpoint == "" {
		c.Endpoint = Endpoint
	}
	if c.Period == 0 {
		c.Period = DefaultPeriod
	}
	if c.Timeout == 0 {
		c.Timeout = web.DefaultTimeout
	}
	var wrong []error
	if !projectLike.MatchString(c.Project) {
		wrong = append(wrong, invalid("googleMonitoring: project: %.120q is no id of a project", c.Project))
	}
	if c.Period < time.Minute || time.Hour%c.Period != 0 || c.Period%time.Minute != 0 {
		wrong = append(wrong, invalid("googleMonitoring: period: %s is not whole minutes that an hour is a multiple of", c.Period))
	}
	client, err := web.New(web.API{Name: "googleMonitoring", Title: "Cloud Monitoring's API"}, web.Config{
		URL: c.Endpoint, Timeout: c.Timeout, Now: c.Now, Tokens: login{c.CredentialsFile, c.Timeout, c.Now},
	})
	if err := errors.Join(append(wrong, err)...); err != nil {
		return nil, err
	}
	return &Source{config: c, client: client}, nil
}

// Close ends idle connections.
func (s *Source) Close() { s.client.Close() }

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
