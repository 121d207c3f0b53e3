package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkSplitter and BenchmarkReverseProxyBare send the same requests to
// the same kind of backend, all on this machine: the difference is what the
// splitter costs.
func BenchmarkSplitter(b *testing.B) {
	cfg := namedPair(b)
	cfg.StickyHeader = "User"
	s := newServer(b, cfg)
	apply(b, s, route(1, 30_000))
	load(b, serve(b, s))
}

func BenchmarkReverseProxyBare(b *testing.B) {
	to, err := url.Parse(backend(b, named("baseline")).URL)
	if err != nil {
		b.Fatal(err)
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 512, DisableCompression: true},
	})
	b.Cleanup(front.Close)
	load(b, front.URL)
}

// load sends b.N requests over 32 connections and reports the rate and p99.
func load(b *testing.B, at string) {
	const users = 32
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: users}, Timeout: patience}
	b.Cleanup(client.CloseIdleConnections)
	work := make(chan struct{}, users)
	took := make([][]time.Duration, users)
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	start := time.Now()
	for u := range users {
		wg.Go(func() {
			for range work {
				took[u] = append(took[u], one(b, client, at))
			}
		})
	}
	for range b.N {
		work <- struct{}{}
	}
	close(work)
	wg.Wait()
	rate := float64(b.N) / time.Since(start).Seconds()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(rate, "req/s")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
}

// one makes a request and times it.
func one(b *testing.B, client *http.Client, at string) time.Duration {
	start := time.Now()
	r, err := http.NewRequest(http.MethodGet, at, nil)
	if err != nil {
		b.Error(err)
		return 0
	}
	r.Header.Set("User", "user-1")
	got, err := client.Do(r)
	if err != nil {
		b.Error(err)
		return 0
	}
	io.Copy(io.Discard, got.Body)
	got.Body.Close()
	return time.Since(start)
}
