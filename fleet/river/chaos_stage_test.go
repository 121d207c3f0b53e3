package river_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/linnet-project/linnet/release"
)

// stage is the provider of all services, which refuses whoever is not the newest,
// as our proxy does, and keeps all that it was told.
type stage struct {
	*httptest.Server
	mu      sync.Mutex
	served  map[string]release.Route
	told    map[string][]release.Route // by owner, in their order
	refused int
	skews   map[string]time.Duration
	heard   map[string][]heard // by the notice's id
}

func newStage(t testing.TB) *stage {
	s := &stage{served: map[string]release.Route{}, told: map[string][]release.Route{}, skews: map[string]time.Duration{}, heard: map[string][]heard{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /route", s.apply)
	mux.HandleFunc("GET /route", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(release.Seen{Route: s.served[r.FormValue("service")]})
	})
	mux.HandleFunc("GET /skew", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprint(w, int64(s.skews[r.FormValue("of")]))
	})
	mux.HandleFunc("POST /tell", s.hear)
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *stage) apply(w http.ResponseWriter, r *http.Request) {
	var route release.Route
	if err := json.NewDecoder(r.Body).Decode(&route); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.served[route.Service]; route.Epoch < now.Epoch {
		s.refused++
		http.Error(w, fmt.Sprintf("epoch %d is served", now.Epoch), http.StatusConflict)
		return
	}
	s.served[route.Service] = route
	s.told[route.Owner] = append(s.told[route.Owner], route)
}

func (s *stage) skew(name string, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skews[name] = by
}

// line is a connection between a replica and a server, that can be cut: then
// nothing comes through any more, and nobody is told.
type line struct {
	net.Listener
	to   string
	mu   sync.Mutex
	cut  bool
	ends []net.Conn
}

func newLine(t testing.TB, to string) *line {
	t.Helper()
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{Listener: at, to: to}
	go l.accept()
	t.Cleanup(func() {
		_ = at.Close()
		l.mend()
	})
	return l
}

func (l *line) accept() {
	for {
		here, err := l.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		l.ends = append(l.ends, here)
		cut := l.cut
		l.mu.Unlock()
		if cut {
			continue // nobody answers
		}
		there, err := net.DialTimeout("tcp", l.to, 5*time.Second)
		if err != nil {
			_ = here.Close()
			continue
		}
		l.mu.Lock()
		l.ends = append(l.ends, there)
		l.mu.Unlock()
		go l.pass(here, there)
		go l.pass(there, here)
	}
}

// pass hands on what comes, while the line is whole.
func (l *line) pass(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		cut := l.cut
		l.mu.Unlock()
		if cut {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// sever cuts the line.
func (l *line) sever() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
}

// mend makes it whole: what was open is closed, as a router does that forgot.
func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
	for _, end := range l.ends {
		_ = end.Close()
	}
	l.ends = nil
}
