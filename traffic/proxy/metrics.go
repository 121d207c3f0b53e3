package proxy

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/linnet-project/linnet/release"
)

// class is how a request went.
type class int

const (
	class1xx class = iota // switched protocols
	class2xx
	class3xx
	class4xx
	class5xx
	classGone
	classes
)

// classNames are the values of the label code.
var classNames = [classes]string{"1xx", "2xx", "3xx", "4xx", "5xx", "client_gone"}

// durationBounds are dense where services answer, in seconds.
var durationBounds = []float64{
	.001, .0025, .005, .0075, .01, .015, .025, .05, .075, .1, .15, .25, .35, .5, .75, 1, 1.5, 2.5, 5, 10, 30,
}

// metrics are the proxy's own, in a registry of their own.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	durations   *prometheus.HistogramVec
	inFlight    *prometheus.GaugeVec
	diverted    *prometheus.CounterVec
	lapses      prometheus.Counter
	stateErrors prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "linnet_proxy_requests_total",
			Help: "Requests answered, by arm and class of status.",
		}, []string{"arm", "version", "code", "tester"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:                            "linnet_proxy_request_duration_seconds",
			Help:                            "Time from a request's head to the end of its answer, or to the switch of protocols.",
			Buckets:                         durationBounds,
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"arm", "version", "tester"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "linnet_proxy_in_flight",
			Help: "Requests that an arm is answering now.",
		}, []string{"arm"}),
		diverted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "linnet_proxy_diverted_total",
			Help: "Requests of an unhealthy arm that went to the first arm.",
		}, []string{"arm"}),
		lapses: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "linnet_proxy_lapses_total",
			Help: "Leases that ran out, so that all traffic went back to the first arm.",
		}),
		stateErrors: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "linnet_proxy_state_errors_total",
			Help: "Attempts to write the state file that did not succeed.",
		}),
	}
	prometheus.WrapRegistererWith(prometheus.Labels{"service": s.cfg.Service}, m.registry).MustRegister(
		m.requests, m.durations, m.inFlight, m.diverted, m.lapses, m.stateErrors, newReadings(s))
	return m
}

// counters are the metrics of one arm; those that count twice do so for users
// and for testers.
type counters struct {
	requests  [2][classes]prometheus.Counter
	durations [2]prometheus.Observer
	inFlight  prometheus.Gauge
	diverted  prometheus.Counter
}

// of makes an arm's series, all of them at zero: a series that is born with
// its first error would hide that error from a rate.
func (m *metrics) of(arm Upstream) counters {
	c := counters{inFlight: m.inFlight.WithLabelValues(arm.Name), diverted: m.diverted.WithLabelValues(arm.Name)}
	for i, tester := range []bool{false, true} {
		label := strconv.FormatBool(tester)
		c.durations[i] = m.durations.WithLabelValues(arm.Name, arm.Version, label)
		for j, name := range classNames {
			c.requests[i][j] = m.requests.WithLabelValues(arm.Name, arm.Version, name, label)
		}
	}
	return c
}

// done counts a request.
func (c *counters) done(how class, tester bool, took time.Duration) {
	i := 0
	if tester {
		i = 1
	}
	c.requests[i][how].Inc()
	c.durations[i].Observe(took.Seconds())
}

// readings are what is read off the server at the moment of a scrape.
type readings struct {
	server                        *Server
	weight, healthy, epoch, lease *prometheus.Desc
}

func newReadings(s *Server) *readings {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("linnet_proxy_"+name, help, labels, nil)
	}
	return &readings{
		server:  s,
		weight:  desc("weight_ratio", "Share of the traffic that an arm is given, 0 to 1.", "arm"),
		healthy: desc("upstream_healthy", "Whether an arm's upstream answers its probes, or is not probed.", "arm"),
		epoch:   desc("epoch", "Epoch of the route served."),
		lease:   desc("lease_remaining_seconds", "Time until all traffic returns to the first arm; no sample without a lease."),
	}
}

// Describe implements prometheus.Collector.
func (r *readings) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{r.weight, r.healthy, r.epoch, r.lease} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (r *readings) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	now, present := r.server.cfg.Now(), r.server.standing.Load()
	weights := present.weights(now)
	for _, arm := range r.server.arms {
		healthy := 0.0
		if arm.healthy.Load() {
			healthy = 1
		}
		gauge(r.weight, float64(weightOf(weights, arm.Name))/float64(release.Whole), arm.Name)
		gauge(r.healthy, healthy, arm.Name)
	}
	gauge(r.epoch, float64(present.route.Epoch))
	if left, ok := present.remaining(now); ok {
		gauge(r.lease, left.Seconds())
	}
}

// MetricsHandler serves the proxy's metrics to Prometheus.
func (s *Server) MetricsHandler() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// Metrics are the proxy's metrics, for who serves them among others.
func (s *Server) Metrics() prometheus.Gatherer { return s.metrics.registry }
