package spec

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

// File is a release file, parsed, validated and with every default filled in.
type File struct {
	Name   string
	Labels map[string]string
	// Text is the file as it was read; Hash the SHA-256 of Text, in hex.
	Text []byte
	Hash string

	Preset  string
	Service string
	StartAt time.Time
	Links   []release.Link
	// Runbook says what people are to do when they are called; "" for nothing.
	Runbook string
	// Approval is asked for the release as a whole.
	Approval  release.Approval
	Baseline  release.Arm
	Candidate release.Arm

	Traffic Traffic
	Steps   []Step

	// OnLowered says what happens when somebody else lowers the weight: Hold or
	// Correct.
	OnLowered       string
	RollbackOver    time.Duration
	HarmBudget      int64 // requests; 0 for none
	Watch, Recovery time.Duration

	Analysis Analysis
}

// What may happen when somebody lowers the weight.
const (
	Hold    = "hold"    // stay there until resumed
	Correct = "correct" // put it right, a few times
)

// Step is one entry of steps.
type Step struct {
	Weight          release.Weight
	AtLeast, AtMost time.Duration
	Approval        release.Approval
	AtDeadline      string // hold, ask or go
}

// Traffic names the provider that splits the traffic; exactly one is set, or
// Several.
type Traffic struct {
	// Name is what one of several is called.
	Name         string
	Proxy        *Proxy
	GatewayAPI   *GatewayAPI
	Traefik      *Traefik
	IngressNginx *IngressNginx
	Istio        *Istio
	Kubernetes   *Kubernetes
	Exec         *Exec
	Webhook      *Webhook
	ALB          *ALB
	HAProxy      *HAProxy
	Nginx        *Nginx
	// Several routers move together, in their order.
	Several []Traffic
}

// Proxy is Linnet's own splitter: inside `run` where Listen and Upstreams are
// set, or a `linnet proxy` running elsewhere where Admin is. With neither there
// is nothing to move: such a file can be planned, judged and backtested, and
// whoever wants to run it has to refuse.
type Proxy struct {
	Service string
	// Listen is the address that takes the traffic, "127.0.0.1:8080".
	Listen string
	// Upstreams are the URLs of the arms, by arm name.
	Upstreams map[string]string
	// Admin is the URL of another `linnet proxy`'s admin API, TokenFile the
	// file that holds its token.
	Admin, TokenFile string
	// StickyCookie or StickyHeader name what tells users apart; neither means
	// that each request is drawn on its own.
	StickyCookie, StickyHeader string
	// TesterHeader, where set, lets a request choose its arm by name.
	TesterHeader string
	// HealthPath, where set, is asked of every upstream.
	HealthPath string
	// Lease is how long a weight holds without renewal.
	Lease time.Duration
}

func (*Proxy) grain() release.Weight { return 1 }

// asks is nothing: testers and sticky users are a proxy's own configuration.
func (*Proxy) asks() Asks { return Asks{} }

func (p *Proxy) lease() time.Duration { return p.Lease }
func (*Proxy) fences() bool           { return true }

// Source names where metrics come from; exactly one is set.
type Source struct {
	// Name is what one of several is called; "" for the first.
	Name       string
	Prometheus *Prometheus
	Embedded   *Embedded
	JSON       *JSON
	// Vendor is any of those that are rows of the table and nothing more.
	Vendor     *Vendor
	SQL        *SQL
	CloudWatch *CloudWatch

	GoogleMonitoring *GoogleMonitoring
	Exec             *ExecSource
}

// Prometheus is a server that speaks Prometheus' HTTP API.
type Prometheus struct {
	Prompt
	Access
}

// Embedded is Linnet's own store, scraping the arms itself, or taking what they
// send.
type Embedded struct {
	// Targets are metric URLs by arm name; the arm's labels are added to every
	// series scraped from them. Nil where nothing is scraped.
	Targets   map[string][]string
	Interval  time.Duration
	Retention time.Duration
	// Receive is the front door; nil for none.
	Receive *Receive
}

// Receive says where the front door listens, and what it holds data against.
type Receive struct {
	// Listen is its address for HTTP; GRPC and StatsD are further ones, "" for
	// none.
	Listen, GRPC, StatsD string
	// Rules is the file of the rules; "" for the defaults.
	Rules string
}

// Analysis says what is looked at and how.
type Analysis struct {
	Source Source
	// Others are sources beside it, which metrics name.
	Others        []Source
	Every, Delay  time.Duration
	WarmUp        time.Duration
	BlindFor      time.Duration
	FalseRollback float64
	Share         release.Share
	Metrics       []release.Metric
}
