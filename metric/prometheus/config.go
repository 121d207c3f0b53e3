// Package prometheus is a metric source that asks a Prometheus server, or what
// speaks its HTTP API (Thanos, Mimir, VictoriaMetrics), for raw samples.
//
// A selector is sent as an instant query over a range, which yields every
// sample as it was scraped, so that counts are exact; package series says how
// observations are made of them.
//
// A server that cannot answer now (refused connections, timeouts, 429, 5xx) is
// release.ErrUnavailable, after at most two more tries. A refused query or
// credential, an answer that is not Prometheus', and limits (10,000 series, 64
// MiB) are release.ErrInvalid. Secrets are read from files when they are used,
// so that they can be rotated, and never appear in errors.
package prometheus

import (
	"github.com/linnet-project/linnet/metric/web"
)

// Config says where the server is and how to speak to it. The API's own path
// (/api/v1/…) is added to URL.
type Config = web.Config

// New makes a source; nothing is asked yet. An error wraps release.ErrInvalid
// and names the field.
func New(c Config) (*Source, error) {
	client, err := web.New(web.API{Name: "prometheus", Title: "Prometheus' API"}, c)
	if err != nil {
		return nil, err
	}
	return &Source{web: client, types: map[string]string{}}, nil
}

// Close ends idle connections.
func (s *Source) Close() { s.web.Close() }
