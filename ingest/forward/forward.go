// Package forward sends what the embedded store takes to another store that
// speaks Prometheus' remote write, such as Mimir, Thanos or VictoriaMetrics, by
// Prometheus' own means: it follows the store's log, so that it neither holds up
// the front door nor needs memory for what waits.
//
// What is sent begins with what is newer than the moment at which Start was
// called: what the store took before, and late samples of before, are not sent.
package forward

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	promconf "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage/remote"
	"github.com/prometheus/prometheus/tsdb/wlog"

	"github.com/linnet-project/linnet/release"
)

// Config says where to, and as whom. Files with secrets are read when a request
// is made, so that they can be replaced.
type Config struct {
	// URL is the receiver's, such as http://mimir:8080/api/v1/push.
	URL             string
	Username        string
	PasswordFile    string
	BearerTokenFile string
	Headers         map[string]string
	CAFile          string
	CertFile        string
	KeyFile         string
	ServerName      string
	Insecure        bool
	// Timeout bounds one request; 0 means 30 s.
	Timeout time.Duration
	Logger  *slog.Logger
}

// Bounds of the queue.
const (
	defaultTimeout = 30 * time.Second
	flushTimeout   = 5 * time.Second
	mostShards     = 10
	capacity       = 10_000 // samples in memory of one shard
)

// Store is the store that is followed.
type Store interface {
	// Dir is its folder, and Notify lets it tell of each commit.
	Dir() string
	Notify(wlog.WriteNotified)
}

// Forward is under way. It must be closed.
type Forward struct {
	writes   *remote.WriteStorage
	registry *prometheus.Registry
}

// Start begins to send what the store takes from now on. An error wraps
// release.ErrInvalid.
func Start(s Store, c Config) (*Forward, error) {
	settings, err := c.settings()
	if err != nil {
		return nil, fmt.Errorf("forward: %w: %w", err, release.ErrInvalid)
	}
	f := &Forward{registry: prometheus.NewRegistry()}
	f.writes = remote.NewWriteStorage(c.Logger, f.registry, s.Dir(), flushTimeout, unscraped{}, false)
	if err := f.writes.ApplyConfig(settings); err != nil {
		return nil, errors.Join(fmt.Errorf("forward: %w: %w", err, release.ErrInvalid), f.writes.Close())
	}
	s.Notify(f.writes)
	return f, nil
}

// settings are the config in Prometheus' words.
func (c Config) settings() (*config.Config, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the receiver's URL is not an http or https address")
	case u.User != nil:
		return nil, errors.New("the receiver's URL holds a password: name its file instead")
	}
	to := config.DefaultRemoteWriteConfig
	to.URL = &promconf.URL{URL: u}
	to.Name = "forward"
	to.Headers = c.Headers
	to.RemoteTimeout = model.Duration(defaultTimeout)
	if c.Timeout > 0 {
		to.RemoteTimeout = model.Duration(c.Timeout)
	}
	to.SendNativeHistograms, to.SendExemplars = true, true
	to.MetadataConfig.Send = false // nothing here declares types
	to.QueueConfig.MaxShards, to.QueueConfig.Capacity = mostShards, capacity
	to.QueueConfig.RetryOnRateLimit = true
	to.HTTPClientConfig = promconf.DefaultHTTPClientConfig
	to.HTTPClientConfig.TLSConfig = promconf.TLSConfig{
		CAFile: c.CAFile, CertFile: c.CertFile, KeyFile: c.KeyFile, ServerName: c.ServerName, InsecureSkipVerify: c.Insecure,
	}
	switch {
	case c.BearerTokenFile != "":
		to.HTTPClientConfig.Authorization = &promconf.Authorization{Type: "Bearer", CredentialsFile: c.BearerTokenFile}
	case c.Username != "" || c.PasswordFile != "":
		to.HTTPClientConfig.BasicAuth = &promconf.BasicAuth{Username: c.Username, PasswordFile: c.PasswordFile}
	}
	if err := to.HTTPClientConfig.Validate(); err != nil {
		return nil, err
	}
	settings := config.DefaultConfig
	settings.RemoteWriteConfigs = []*config.RemoteWriteConfig{&to}
	return &settings, nil
}

// Metrics are figures of what was sent and what waits.
func (f *Forward) Metrics() prometheus.Gatherer { return f.registry }

// Close sends what is in memory, for five seconds at most, and ends.
func (f *Forward) Close() error { return f.writes.Close() }

// unscraped says that there are no targets whose metadata could be sent.
type unscraped struct{}

// Get implements remote.ReadyScrapeManager.
func (unscraped) Get() (*scrape.Manager, error) { return nil, errors.New("nothing is scraped") }
