package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/linnet-project/linnet/release"
)

// bodyLimit bounds what the admin API reads, and what Client does.
const bodyLimit = 64 << 10

// Codes of errors, as the admin API names them.
const (
	codeInvalid      = "invalid"
	codeNotFound     = "not_found"
	codeConflict     = "conflict"
	codeUnavailable  = "unavailable"
	codeUnauthorized = "unauthorized"
)

// meanings ties each kind of error to its status and code; Client reads the
// table the other way. A refused token is something a person must change.
var meanings = []struct {
	err    error
	status int
	code   string
}{
	{release.ErrInvalid, http.StatusBadRequest, codeInvalid},
	{release.ErrNotFound, http.StatusNotFound, codeNotFound},
	{release.ErrConflict, http.StatusConflict, codeConflict},
	{release.ErrUnavailable, http.StatusServiceUnavailable, codeUnavailable},
	{release.ErrInvalid, http.StatusUnauthorized, codeUnauthorized},
}

// AdminHandler serves the admin API and the metrics, for a listener that the
// traffic does not reach. Everything but /metrics and /healthz asks for the
// token, which must have at least 16 characters.
func (s *Server) AdminHandler(token string) (http.Handler, error) {
	if err := checkToken(token); err != nil {
		return nil, fmt.Errorf("admin API: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/route", guard(token, s.getRoute))
	mux.HandleFunc("PUT /v1/route", guard(token, s.putRoute))
	mux.HandleFunc("POST /v1/renew", guard(token, s.postRenew))
	mux.HandleFunc("GET /v1/health", guard(token, s.getHealth))
	mux.Handle("GET /metrics", s.MetricsHandler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, fmt.Errorf("no %.20s %.100s here; see /v1/route, /v1/renew, /v1/health, /metrics, /healthz: %w",
			r.Method, r.URL.Path, release.ErrNotFound))
	})
	return mux, nil
}

func (s *Server) getRoute(w http.ResponseWriter, r *http.Request) {
	seen, err := s.Observed(r.Context())
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, seenForm{Route: toForm(seen.Route), Lapsed: seen.Lapsed})
}

// putRoute answers with what is served then, as getRoute does.
func (s *Server) putRoute(w http.ResponseWriter, r *http.Request) {
	var form routeForm
	if err := readBody(w, r, &form); err != nil {
		refuse(w, err)
		return
	}
	if err := s.Apply(r.Context(), form.route()); err != nil {
		refuse(w, err)
		return
	}
	s.getRoute(w, r)
}

func (s *Server) postRenew(w http.ResponseWriter, r *http.Request) {
	var form renewForm
	if err := readBody(w, r, &form); err != nil {
		refuse(w, err)
		return
	}
	if err := s.Renew(r.Context(), form.Owner, form.Epoch, time.Duration(form.Lease)); err != nil {
		refuse(w, err)
		return
	}
	s.getRoute(w, r)
}

func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request) {
	form := healthForm{Service: s.cfg.Service}
	for _, arm := range s.arms {
		form.Upstreams = append(form.Upstreams, arm.form())
	}
	answer(w, http.StatusOK, form)
}

func readBody(w http.ResponseWriter, r *http.Request, into any) error {
	if err := decode(http.MaxBytesReader(w, r.Body, bodyLimit), into); err != nil {
		return fmt.Errorf("body: %v: %w", err, release.ErrInvalid)
	}
	return nil
}

// refuse answers with an error. One without a known meaning is not the
// caller's fault.
func refuse(w http.ResponseWriter, err error) {
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			answer(w, m.status, errorForm{Code: m.code, Error: err.Error()})
			return
		}
	}
	answer(w, http.StatusServiceUnavailable, errorForm{Code: codeUnavailable, Error: err.Error()})
}

// answer writes JSON. A client that does not take it is gone.
func answer(w http.ResponseWriter, status int, form any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(form)
}
