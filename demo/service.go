package demo

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// VersionHeader names the version that answered.
const VersionHeader = "X-Demo-Version"

// defaultCrashAfter is how many requests a crashing version answers.
const defaultCrashAfter = 300

// Config says what a version of the service is like.
type Config struct {
	// Version is the name it gives itself.
	Version string
	Fault   Fault
	// Seed decides what happens to each request, by its number.
	Seed uint64
	// CrashAfter is how many requests a version with the fault Crash answers
	// before it dies; 0 means 300.
	CrashAfter uint64
	// Listen is the address for Serve, "127.0.0.1:0" for a free port.
	Listen string
}

// Service is the service as a handler: GET / is its work, GET /healthz tells
// that it lives, GET /metrics gives http_requests_total{status},
// http_request_duration_seconds and process_cpu_cores. After a crash it breaks
// every connection. The error wraps release.ErrInvalid.
func Service(config Config) (http.Handler, error) {
	s, err := newService(config)
	if err != nil {
		return nil, err
	}
	return s.mux, nil
}

type service struct {
	config    Config
	behaviour *behaviour
	mux       *http.ServeMux

	begun   atomic.Uint64
	crashed chan struct{} // closed when the version dies

	ok, failed prometheus.Counter
	duration   prometheus.Histogram
}

func newService(config Config) (*service, error) {
	if _, err := ParseFault(string(config.Fault)); err != nil {
		return nil, fmt.Errorf("demo service: %w", err)
	}
	if config.CrashAfter == 0 {
		config.CrashAfter = defaultCrashAfter
	}
	s := &service{
		config:    config,
		behaviour: newBehaviour(config.Fault, config.Seed),
		mux:       http.NewServeMux(),
		crashed:   make(chan struct{}),
	}
	registry := s.measures()
	s.mux.HandleFunc("GET /{$}", s.work)
	s.mux.Handle("GET /healthz", s.whileAlive(http.HandlerFunc(s.healthy)))
	s.mux.Handle("GET /metrics", s.whileAlive(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
	return s, nil
}

// measures makes the service's metrics. Both statuses are there from the
// start: an error series that is born with the first error would hide it.
func (s *service) measures() *prometheus.Registry {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "http_requests_total",
		Help: "Requests answered, by status.",
	}, []string{"status"})
	s.ok, s.failed = requests.WithLabelValues("200"), requests.WithLabelValues("500")
	s.duration = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "http_request_duration_seconds",
		Help:    "Time from a request to its answer.",
		Buckets: prometheus.DefBuckets, // 0.005 to 10
	})
	cores := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "process_cpu_cores",
		Help: "CPU cores in use (made up: the service works on nothing).",
	}, s.behaviour.cores)
	registry := prometheus.NewRegistry()
	registry.MustRegister(requests, s.duration, cores)
	return registry
}

// work answers a request after its time. A client that went away before is not
// counted: it has no status.
func (s *service) work(w http.ResponseWriter, r *http.Request) {
	if s.config.Fault == Crash {
		s.countDown()
	}
	start := time.Now()
	takes, fails := s.behaviour.request()
	timer := time.NewTimer(takes)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
		return
	case <-timer.C:
	}
	s.duration.Observe(time.Since(start).Seconds())
	w.Header().Set(VersionHeader, s.config.Version)
	if fails {
		s.failed.Inc()
		http.Error(w, s.config.Version+" made an error", http.StatusInternalServerError)
		return
	}
	s.ok.Inc()
	fmt.Fprintf(w, "%s answers\n", s.config.Version)
}

// countDown dies with the first request too many; that and all later ones are
// cut off without an answer, as a dead process would.
func (s *service) countDown() {
	n := s.begun.Add(1)
	if n == s.config.CrashAfter+1 {
		close(s.crashed)
	}
	if n > s.config.CrashAfter {
		panic(http.ErrAbortHandler)
	}
}

func (s *service) healthy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set(VersionHeader, s.config.Version)
	fmt.Fprintln(w, "ok")
}

// whileAlive cuts requests off after the crash.
func (s *service) whileAlive(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-s.crashed:
			panic(http.ErrAbortHandler)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
