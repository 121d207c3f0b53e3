package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/linnet-project/linnet/access"
)

// routes serves the operations on a mux: each request is read whole, and comes
// from somebody, before an operation sees it.
type routes struct {
	mux *http.ServeMux
	api *API
}

// HandleFunc implements humago.Mux.
func (r routes) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	r.mux.HandleFunc(pattern, func(w http.ResponseWriter, req *http.Request) { r.api.admit(w, req, handler) })
}

// ServeHTTP implements humago.Mux.
func (r routes) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// actorKey is where a context holds who asks.
type actorKey struct{}

// Actor is who asks, in an operation.
func Actor(ctx context.Context) access.Actor {
	who, _ := ctx.Value(actorKey{}).(access.Actor)
	return who
}

// admit lets a request in. What panics behind it is a mistake in Linnet, which is
// told as one: whoever asked gets an answer, and the log says where it happened.
func (a *API) admit(w http.ResponseWriter, r *http.Request, handler http.HandlerFunc) {
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			a.fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	w.Header().Set("Cache-Control", "no-store")
	who, err := a.cfg.Authenticate(r)
	if err != nil {
		a.turnAway(w, r, err)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), actorKey{}, who))
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		handler(w, r)
		return
	}
	body, err := readBody(w, r)
	if err == nil && kindOf(r) == yaml {
		body, err = fileAlone(r, body)
	}
	if err != nil {
		a.fail(w, r, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if key := r.Header.Get("Idempotency-Key"); key != "" {
		a.once(w, r, asked{who: who.Name, key: key, body: body}, handler)
		return
	}
	handler(w, r)
}

// yaml is the kind of a release file that is sent as it is.
const yaml = "application/yaml"

// takeFiles are the paths to which a release file may be sent as it is.
var takeFiles = []string{"/v1/releases", "/v1/plan", "/v1/backtest"}

// kindOf is what a request says that it sends.
func kindOf(r *http.Request) string {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// fileAlone makes the JSON of a request that is a release file and nothing else.
func fileAlone(r *http.Request, text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return nil, problem(http.StatusUnprocessableEntity, "the file is not text in UTF-8").called("invalid-file")
	}
	r.Header.Set("Content-Type", "application/json")
	return json.Marshal(map[string]string{"file": string(text)})
}

// readBody reads what a request sends, all of it or none.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	kind := r.Header.Get("Content-Type")
	if known := kindOf(r); kind != "" && known != "application/json" && !(known == yaml && slices.Contains(takeFiles, r.URL.Path)) {
		return nil, problem(http.StatusUnsupportedMediaType, "Content-Type %.100q: send application/json", kind)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var long *http.MaxBytesError
	var late net.Error
	switch {
	case errors.As(err, &long):
		return nil, problem(http.StatusRequestEntityTooLarge, "the body is longer than %d bytes", maxBody)
	case errors.As(err, &late) && late.Timeout():
		return nil, problem(http.StatusRequestTimeout, "the body did not come in time")
	case err != nil:
		return nil, problem(http.StatusBadRequest, "the body could not be read to its end")
	}
	return body, nil
}

// turnAway answers somebody who proved nothing. Of what went wrong here while they
// were looked up, the name of the database and why it does not answer, they are
// told nothing: the log has it.
func (a *API) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	a.problem(r.Context(), "authenticate", err) // whatever path they made up
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		err = unavailable("who asks cannot be looked up at the moment; the log of the server says why")
	}
	Fail(w, err)
}

// fail answers with a problem, and writes down what only the people who run
// Linnet should read.
func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	a.problem(r.Context(), "authenticate", err) // whatever path they made up
	Fail(w, err)
}

// Fail answers with a problem where no operation does.
func Fail(w http.ResponseWriter, err error) {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		for name, values := range refusal.Header {
			w.Header()[name] = values
		}
	}
	writeProblem(w, problemOf(err))
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	text, err := encoded(p)
	if err != nil {
		http.Error(w, p.Detail, p.Status)
		return
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_, _ = w.Write(text) // whoever asked may be gone
}

// Around makes all that a mux answers itself a problem too: unknown paths, and
// methods that a path does not take. OPTIONS says which it takes.
func Around(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if clean := path.Clean("/" + r.URL.Path); r.Method != http.MethodConnect &&
			clean != r.URL.Path && clean+"/" != r.URL.Path {
			writeProblem(w, problem(http.StatusNotFound, "nothing is served at this path; /docs lists what is"))
			return
		}
		handler, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		probe := &probe{header: http.Header{}}
		handler.ServeHTTP(probe, r)
		allow := probe.header.Get("Allow")
		switch {
		case allow == "":
			writeProblem(w, problem(http.StatusNotFound, "nothing is served at this path; /docs lists what is"))
		case r.Method == http.MethodOptions:
			w.Header().Set("Allow", allow+", OPTIONS")
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Allow", allow)
			writeProblem(w, problem(http.StatusMethodNotAllowed, "this path takes %s", strings.ReplaceAll(allow, ", ", " or ")))
		}
	})
}

// probe sees what a mux would answer.
type probe struct{ header http.Header }

// Header implements http.ResponseWriter.
func (p *probe) Header() http.Header { return p.header }

// Write implements http.ResponseWriter.
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader implements http.ResponseWriter.
func (p *probe) WriteHeader(int) {}
