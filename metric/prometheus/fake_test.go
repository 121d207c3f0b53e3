package prometheus_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	source "github.com/linnet-project/linnet/metric/prometheus"
	"github.com/linnet-project/linnet/release"
)

var (
	now    = time.Unix(1_700_000_060, 0)
	query  = release.Query{Metric: release.Metric{Name: "events", Kind: release.Count, Events: "x_total"}, Arms: arms, Windows: []release.Window{{From: now.Add(-30 * time.Second), To: now}}}
	native = release.Query{Metric: release.Metric{Name: "latency", Kind: release.Histogram, Events: "x"}, Arms: arms, Windows: query.Windows}
)

const empty = `{"status":"success","data":{"resultType":"matrix","result":[]}}`

func text(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

func status(code int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestWhatServersAnswer(t *testing.T) {
	const js = "application/json"
	tests := []struct {
		name    string
		handler http.HandlerFunc
		means   error
		words   []string
	}{
		{"unavailable", status(503, "text/plain", "no"), release.ErrUnavailable, []string{"503"}},
		{"too many requests", status(429, js, `{"status":"error","errorType":"too_many","error":"slow down"}`), release.ErrUnavailable, []string{"429", "slow down"}},
		{"bad gateway", status(502, "text/html", "<html>nginx</html>"), release.ErrUnavailable, []string{"502"}},
		{"query timeout", status(503, js, `{"status":"error","errorType":"timeout","error":"query timed out"}`), release.ErrUnavailable, []string{"query timed out"}},
		{"bad data", status(400, js, `{"status":"error","errorType":"bad_data","error":"1:2: parse error"}`), release.ErrInvalid, []string{"bad_data", "1:2: parse error", "x_total"}},
		{"execution", status(422, js, `{"status":"error","errorType":"execution","error":"too many samples"}`), release.ErrInvalid, []string{"too many samples"}},
		{"unauthorized", status(401, "text/plain", "no token given"), release.ErrInvalid, []string{"401", "bearerTokenFile", "no token given"}},
		{"forbidden", status(403, js, `{"error":"missing scope metrics.read"}`), release.ErrInvalid, []string{"403: missing scope metrics.read"}},
		{"not found", status(404, "text/html", "<html>"), release.ErrNotFound, []string{"404", "prefix"}},
		{"a web page", text("text/html", "<!doctype html><title>Grafana</title>"), release.ErrInvalid, []string{"text/html", "is the url right?"}},
		{"other JSON", text(js, `{"hello":"world"}`), release.ErrInvalid, []string{"is the url right?"}},
		{"cut JSON", text(js, `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{}`), release.ErrUnavailable, []string{"ends in the middle"}},
		{"a scalar", text(js, `{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`), release.ErrInvalid, []string{"scalar"}},
		{"error with 200", text(js, `{"status":"error","errorType":"bad_data","error":"nope"}`), release.ErrInvalid, []string{"nope"}},
		{"a login page", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.org/?token=s3cret", http.StatusFound)
		}, release.ErrInvalid, []string{"redirects to https://login.example.org/"}},
		{"a dropped connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, release.ErrUnavailable, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(tt.handler)
			defer srv.Close()
			_, err := open(t, source.Config{URL: srv.URL}).Observe(context.Background(), query)
			if !errors.Is(err, tt.means) {
				t.Fatalf("got error %v, want %v", err, tt.means)
			}
			for _, word := range append(tt.words, srv.URL) {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not say %q", err, word)
				}
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %q tells a secret", err)
			}
		})
	}
}

// A server that repeats in a warning what it was sent gives no token away.
func TestSecretsInWarnings(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text("application/json", fmt.Sprintf(`{"status":"success","warnings":[%q],"data":{"resultType":"matrix","result":[]}}`, r.Header.Get("Authorization")))(w, r)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("s3cret"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := open(t, source.Config{URL: srv.URL, BearerTokenFile: file}).Observe(context.Background(), query)
	if said := strings.Join(a.Warnings, "\n"); err != nil || !strings.Contains(said, "Bearer ***") || strings.Contains(said, "s3cret") {
		t.Errorf("warnings %q, error %v", said, err)
	}
}

func TestNobodyListens(t *testing.T) {
	srv := httptest.NewServer(nil)
	srv.Close()
	_, err := open(t, source.Config{URL: "http://user:s3cret@" + srv.Listener.Addr().String()}).Observe(context.Background(), query)
	if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), srv.URL) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error %v", err)
	}
}

func TestTriesAgain(t *testing.T) {
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= 2 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		text("application/json", empty)(w, r)
	}))
	defer srv.Close()
	a, err := open(t, source.Config{URL: srv.URL}).Observe(context.Background(), query)
	if err != nil || len(a.Observations) != 0 {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestDoesNotWaitLongerThanAsked(t *testing.T) {
	var asked atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer srv.Close()
	src := open(t, source.Config{URL: srv.URL})
	if _, err := src.Observe(context.Background(), query); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	if n := asked.Load(); n > 2 { // once for each arm
		t.Errorf("asked %d times in spite of Retry-After: 3600", n)
	}
}

// hang answers nothing, or only the head, until the client gives up.
func hang(head string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // lets the server see the client go
		if head != "" {
			_, _ = io.WriteString(w, head)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}
}

func TestTimeouts(t *testing.T) {
	for name, head := range map[string]string{"no answer": "", "slow body": `{"status":"success","data":{`} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(hang(head))
			defer srv.Close()
			_, err := open(t, source.Config{URL: srv.URL, Timeout: 50 * time.Millisecond}).Observe(context.Background(), query)
			if !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "no answer within 50ms") {
				t.Errorf("error %v", err)
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			_, err = open(t, source.Config{URL: srv.URL}).Observe(ctx, query)
			if !errors.Is(err, release.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestAMillionSeries(t *testing.T) {
	var sent atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[`)
		for i := range 1_000_000 {
			n, err := fmt.Fprintf(w, `{"metric":{"version":"stable","i":"%d"},"values":[[1700000000,"1"]]},`, i)
			if err != nil {
				return
			}
			sent.Add(int64(n))
		}
	}))
	defer srv.Close()
	_, err := open(t, source.Config{URL: srv.URL}).Observe(context.Background(), query)
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "matches more than 10000 series; narrow the selector") {
		t.Errorf("error %v", err)
	}
}

func TestTooLargeAnAnswer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success"`)
		junk := append(append([]byte(`,"junk":"`), bytes.Repeat([]byte("x"), 1<<20)...), '"')
		for range 80 {
			if _, err := w.Write(junk); err != nil {
				return
			}
		}
	}))
	defer srv.Close()
	one := query
	one.Arms = arms[:1]
	_, err := open(t, source.Config{URL: srv.URL, Timeout: time.Minute}).Observe(context.Background(), one)
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "64 MiB") {
		t.Errorf("error %v", err)
	}
}

// answerFor answers the candidate's selector with a body, all else with nothing.
func answerFor(word, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if q := r.FormValue("query"); strings.Contains(q, "canary") && strings.Contains(q, word) {
			text("application/json", body)(w, r)
			return
		}
		text("application/json", empty)(w, r)
	}
}

func TestWarningsOfAPartialAnswer(t *testing.T) {
	srv := httptest.NewServer(answerFor("x_total", `{"status":"success","warnings":["store 2 is away"],"infos":["odd name"],"data":{"resultType":"matrix","result":[
		{"metric":{"__name__":"x_total"},"values":[[1700000000,"1"],[1700000015,"NaN"],[1700000030,"3"],[1700000045,"4"],[1700000060,"6.5"]]}]}}`))
	defer srv.Close()
	a, err := open(t, source.Config{URL: srv.URL}).Observe(context.Background(), query)
	if err != nil || len(a.Observations) != 1 || a.Observations[0].Events != 4 { // 6.5 - 3, rounded
		t.Errorf("got %+v, %v", a, err)
	}
	all := strings.Join(a.Warnings, "\n")
	for _, word := range []string{"store 2 is away", "odd name", "NaN"} {
		if !strings.Contains(all, word) {
			t.Errorf("warnings %q lack %q", a.Warnings, word)
		}
	}
}

func TestExemplars(t *testing.T) {
	var asked atomic.Int64
	metrics := answerFor("x_total", `{"status":"success","data":{"resultType":"matrix","result":[
		{"metric":{"__name__":"x_total"},"values":[[1700000000,"1"],[1700000060,"3"]]}]}}`)
	answers := []string{
		`{"status":"success","data":[{"seriesLabels":{},"exemplars":[{"labels":{"trace_id":"old"},"value":"1","timestamp":1700000040.5},
			{"labels":{"traceID":"new"},"value":"1","timestamp":1700000050},{"labels":{"user":"x"},"value":"1","timestamp":1700000051},
			{"labels":{"trace_id":"past"},"value":"1","timestamp":1600000000}]}]}`,
		"exemplar storage is off",
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "query_exemplars") {
			_, _ = io.WriteString(w, answers[asked.Add(1)-1])
			return
		}
		metrics(w, r)
	}))
	defer srv.Close()
	src := open(t, source.Config{URL: srv.URL})
	for i, want := range []string{"[new old]", "[]", "[]"} { // then it is not asked again
		a, err := src.Observe(context.Background(), query)
		if err != nil || fmt.Sprint(a.Exemplars) != want {
			t.Errorf("look %d: exemplars %q, error %v; want %s", i, a.Exemplars, err, want)
		}
	}
}

func TestNativeHistogram(t *testing.T) {
	srv := httptest.NewServer(answerFor("x{", `{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"__name__":"x"},"histograms":[
		[1700000030,{"count":"6","sum":"9","buckets":[[1,"-2","-1","1"],[3,"-0.001","0.001","2"],[0,"1","2","3"]]}],
		[1700000045,{"count":"16","sum":"9","buckets":[[1,"-2","-1","2"],[3,"-0.001","0.001","3"],[0,"1","2","7"],[0,"8","16","4"]]}],
		[1700000060,{"count":"5","sum":"9","buckets":[[0,"1","2","5"]]}]]}]}}`))
	defer srv.Close()
	a, err := open(t, source.Config{URL: srv.URL}).Observe(context.Background(), native)
	if err != nil || len(a.Observations) != 1 {
		t.Fatalf("got %+v, %v", a, err)
	}
	o := a.Observations[0]
	for _, want := range []struct {
		lo, hi float64
		n      int64
	}{{-1, 0.001, 2}, {1, 2, 9}, {2, 8, 0}, {8, 16, 4}} {
		if n := count(o, want.lo, want.hi); n != want.n {
			t.Errorf("%d values in (%g, %g], want %d: %v %v", n, want.lo, want.hi, want.n, o.Bounds, o.Counts)
		}
	}
}

func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := file("token", "s3cret\n")
	for name, c := range map[string]source.Config{
		"bearer": {BearerTokenFile: token}, "basic": {Username: "linnet", PasswordFile: token},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, _ := r.BasicAuth()
				if r.Header.Get("Authorization") != "Bearer s3cret" && (user != "linnet" || password != "s3cret") || r.Header.Get("X-Scope-OrgID") != "shop" {
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				text("application/json", empty)(w, r)
			}))
			defer srv.Close()
			c.URL, c.Headers = srv.URL, map[string]string{"X-Scope-OrgID": "shop"}
			src := open(t, c)
			if _, err := src.Observe(context.Background(), query); err != nil {
				t.Errorf("error %v", err)
			}
			file("token", "wr0ng") // rotated
			_, err := src.Observe(context.Background(), query)
			if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "wr0ng") {
				t.Errorf("error %v, want one that names the file", err)
			}
			file("token", "s3cret")
		})
	}
	if _, err := open(t, source.Config{URL: "http://127.0.0.1:1", BearerTokenFile: filepath.Join(dir, "none")}).Observe(context.Background(), query); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("missing token file: error %v", err)
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewTLSServer(text("application/json", empty))
	defer srv.Close()
	srv.Config.ErrorLog = nil
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(c source.Config) error {
		c.URL = srv.URL
		_, err := open(t, c).Observe(context.Background(), query)
		return err
	}
	if err := ask(source.Config{CAFile: ca, ServerName: "example.com"}); err != nil {
		t.Errorf("with its CA: %v", err)
	}
	if err := ask(source.Config{Insecure: true}); err != nil {
		t.Errorf("insecure: %v", err)
	}
	if err := ask(source.Config{}); !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "caFile") {
		t.Errorf("unknown CA: error %v", err)
	}
	if err := ask(source.Config{CAFile: ca, ServerName: "other.org"}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("wrong name: error %v", err)
	}
	plain := httptest.NewServer(text("application/json", empty))
	defer plain.Close()
	_, err := open(t, source.Config{URL: strings.Replace(plain.URL, "http:", "https:", 1)}).Observe(context.Background(), query)
	if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("no TLS there: error %v", err)
	}
}

func TestBadConfigs(t *testing.T) {
	for _, c := range []source.Config{
		{}, {URL: "localhost:9090"}, {URL: "ftp://host"}, {URL: "http://h", BearerTokenFile: "a", Username: "b"},
		{URL: "http://h", CertFile: "a"}, {URL: "http://h", CAFile: "/no/such/file"}, {URL: "http://h", Timeout: -1},
		{URL: "http://h", CertFile: "/no/such", KeyFile: "/no/such"}, {URL: "http://user:s3cret@%zz"},
	} {
		if _, err := source.New(c); !errors.Is(err, release.ErrInvalid) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%+v: error %v", c, err)
		}
	}
}

// Whatever a server sends, an answer is an answer or an error with a meaning.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		empty, `{"status":"error","error":"x"}`, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"2"]}]}}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"version":"canary"},"values":[[1700000030,"1"],[1700000060,"+Inf"]]}]}}`,
		`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[1700000060,{"count":"5","buckets":[[0,"1","2","5"]]}]]}]}}`,
		`{"data":null}`, `{"data":{"result":null}}`, `[]`, `{"status":"success","data":{"result":[{"values":[["x"]]}]}}`,
	} {
		f.Add(seed)
	}
	var body atomic.Value
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { text("application/json", body.Load().(string))(w, r) }))
	f.Cleanup(srv.Close)
	src, err := source.New(source.Config{URL: srv.URL})
	if err != nil {
		f.Fatal(err)
	}
	one, dist := query, native
	one.Arms, dist.Arms = arms[:1], arms[:1]
	f.Fuzz(func(t *testing.T, answer string) {
		body.Store(answer)
		for _, q := range []release.Query{one, dist} {
			a, err := src.Observe(context.Background(), q)
			known := errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrUnavailable) || errors.Is(err, release.ErrNotFound)
			if err != nil && !known {
				t.Errorf("error %v has no meaning", err)
			}
			for _, o := range a.Observations {
				if len(o.Counts) > 0 && len(o.Counts) != len(o.Bounds)+1 || o.Events < 0 {
					t.Errorf("observation %+v", o)
				}
			}
		}
	})
}
