//go:build linux

package shop

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/linnet-project/linnet/testbed/program"
)

// VersionHeader names the version that answered.
const VersionHeader = "X-Version"

// failing is the share of requests that a broken version fails: one in so many.
const failing = 5

// Version is one version of the service, running. As a handler it answers
// wherever else it is to be reached, such as at a pod's address.
type Version struct {
	// Name is its version, which it gives with every answer.
	Name string
	// Address is where it listens (host:port); /metrics gives its metrics.
	Address string

	mux      *http.ServeMux
	broken   atomic.Bool
	answered atomic.Uint64
	results  *prometheus.CounterVec
}

// openVersion starts a version, which ends with the test.
func openVersion(t testing.TB, name string) *Version {
	t.Helper()
	listener, err := net.Listen("tcp", net.JoinHostPort(program.Address(), "0"))
	if err != nil {
		t.Fatal(err)
	}
	v := &Version{Name: name, Address: listener.Addr().String(), mux: http.NewServeMux()}
	v.results = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "http_requests_total", Help: "Requests answered, by status.",
	}, []string{"status"})
	for _, status := range []string{"200", "500"} {
		v.results.WithLabelValues(status) // a series born with the first error would hide it
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(v.results)
	v.mux.HandleFunc("/", v.answer)
	v.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	v.mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: v, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		<-ended
	})
	return v
}

// ServeHTTP answers a request.
func (v *Version) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.mux.ServeHTTP(w, r) }

func (v *Version) answer(w http.ResponseWriter, _ *http.Request) {
	n := v.answered.Add(1)
	w.Header().Set(VersionHeader, v.Name)
	if v.broken.Load() && n%failing == 0 {
		v.results.WithLabelValues("500").Inc()
		http.Error(w, v.Name+" made an error", http.StatusInternalServerError)
		return
	}
	v.results.WithLabelValues("200").Inc()
	fmt.Fprintf(w, "%s answers\n", v.Name)
}

// Break makes the version fail a fifth of its requests from now on.
func (v *Version) Break() { v.broken.Store(true) }

// Answered is how many requests it has answered.
func (v *Version) Answered() uint64 { return v.answered.Load() }
