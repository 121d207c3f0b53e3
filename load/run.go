package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/release"
)

// maxBody is how much of an answer is read; more is a transport error.
const maxBody = 16 << 20

// Run sends requests until the context ends, or until as many as asked were
// sent; then it waits for those in flight, at most Config.Drain. It returns
// when nothing of it runs any more.
//
// Each result is given to on (which may be nil), one at a time, from Run's
// goroutines; on must be quick, for the time it takes is in-flight time. The
// error is about the configuration and wraps release.ErrInvalid; failing
// requests are results.
func Run(ctx context.Context, config Config, on func(Result)) (Stats, error) {
	if err := config.check(); err != nil {
		return Stats{}, err
	}
	r, err := newRunner(config.withDefaults(), on)
	if err != nil {
		return Stats{}, err
	}
	defer r.close()

	start := time.Now()
	r.send(ctx, start)
	elapsed := time.Since(start)
	r.drain()

	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Elapsed = elapsed
	return r.stats, nil
}

// runner is one run. Its send loop alone begins requests; each request has a
// goroutine, which ends with its answer or its context.
type runner struct {
	config Config
	client *http.Client
	close  func() // frees the connections, where they are the runner's own
	proto  *http.Request

	flying sync.WaitGroup
	places chan struct{} // one for each request in flight
	cut    context.Context
	cutAll context.CancelFunc

	mu    sync.Mutex
	on    func(Result)
	stats Stats
}

func newRunner(config Config, on func(Result)) (*runner, error) {
	// Requests outlive the caller's context by Drain, so they hang on one of
	// their own.
	cut, cutAll := context.WithCancel(context.Background())
	proto, err := http.NewRequestWithContext(cut, http.MethodGet, config.URL, nil)
	if err != nil {
		cutAll()
		return nil, fmt.Errorf("load: the URL cannot be asked: %w", release.ErrInvalid)
	}
	for name, values := range config.Header {
		proto.Header[http.CanonicalHeaderKey(name)] = values
	}
	transport, free := config.Transport, func() {}
	if transport == nil {
		own := &http.Transport{MaxIdleConnsPerHost: config.MaxInFlight, DisableCompression: true}
		transport, free = own, own.CloseIdleConnections
	}
	return &runner{
		config: config,
		client: &http.Client{Transport: transport, CheckRedirect: keepRedirect},
		close:  free,
		proto:  proto,
		places: make(chan struct{}, config.MaxInFlight),
		cut:    cut,
		cutAll: cutAll,
		on:     on,
		stats:  Stats{Status: map[int]uint64{}, Arms: map[string]ArmStats{}},
	}, nil
}

// keepRedirect makes a redirect the answer: following it would measure
// another service.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// send begins each request when it is due, whatever became of those before.
// When it comes late itself, it catches up at once.
func (r *runner) send(ctx context.Context, start time.Time) {
	plan := schedule{start: start, rate: r.config.Rate, random: r.config.Random}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := uint64(0); r.config.Requests == 0 || i < r.config.Requests; i++ {
		due := plan.next()
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if ctx.Err() != nil {
			return
		}
		r.begin(i, due)
	}
}

// begin sends one request in a goroutine, or drops it.
func (r *runner) begin(i uint64, due time.Time) {
	key := ""
	if r.config.Keys != nil {
		key = r.config.Keys(i)
	}
	select {
	case r.places <- struct{}{}:
	default:
		r.record(Result{Index: i, Due: due, Dropped: true})
		return
	}
	r.flying.Go(func() {
		defer func() { <-r.places }()
		r.record(r.ask(i, due, key))
	})
}

// ask sends one request and reads the whole answer.
func (r *runner) ask(i uint64, due time.Time, key string) Result {
	ctx, cancel := context.WithTimeout(r.cut, r.config.Timeout)
	defer cancel()
	var connections atomic.Uint64
	request := r.proto.Clone(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connections.Add(1) },
	}))
	if r.config.Keys != nil {
		request.Header.Set(r.config.KeyHeader, key)
	}
	result := Result{Index: i, Due: due}
	response, err := r.client.Do(request)
	if err == nil {
		result.Status = response.StatusCode
		if r.config.ArmHeader != "" {
			result.Arm = response.Header.Get(r.config.ArmHeader)
		}
		err = readAll(response.Body)
	}
	result.Latency = time.Since(due)
	if n := connections.Load(); n > 1 {
		result.Again = n - 1
	}
	result.Err = err
	result.Cut = err != nil && r.cut.Err() != nil
	return result
}

// readAll reads and closes a body, so that its connection can serve again.
func readAll(body io.ReadCloser) error {
	defer body.Close()
	n, err := io.Copy(io.Discard, io.LimitReader(body, maxBody+1))
	if err == nil && n > maxBody {
		return fmt.Errorf("the answer is longer than %d bytes", maxBody)
	}
	return err
}

func (r *runner) record(result Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.add(result)
	if r.on != nil {
		r.on(result)
	}
}

// drain waits for the requests in flight, then cuts what is left.
func (r *runner) drain() {
	timer := time.AfterFunc(r.config.Drain, r.cutAll)
	r.flying.Wait()
	timer.Stop()
	r.cutAll()
}
