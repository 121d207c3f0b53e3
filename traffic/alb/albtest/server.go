// Package albtest is a server of the ELBv2 API, for tests: the query protocol,
// signatures, state, and the refusals of AWS, written from the published model.
// It fails on demand, answers reads from old copies if it is told to, and
// carries traffic by the weights it holds, so that whole releases can be run
// against it.
package albtest

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/awscall/awstest"
)

// What everything is in.
const (
	Region  = "eu-west-1"
	Account = "123456789012"
)

// Config says whom the server knows.
type Config struct {
	// AccessKey and SecretKey are the credentials that it takes.
	AccessKey, SecretKey string
	// Role may be taken on with these credentials, and ExternalID where it is
	// set; only with those of the role the load balancer may be touched then.
	Role, ExternalID string
	// Now is the time, by which stickiness and credentials end.
	Now func() time.Time
	// Seed of the draws by which traffic is split.
	Seed uint64
}

// Server is the API, as an http.Handler; Traffic is what it balances.
type Server struct {
	config Config

	mu        sync.Mutex
	balancers map[string]bool
	listeners map[string]*listener
	rules     map[string]*rule
	groups    map[string]*group
	guard     awstest.Guard
	fault     Fault
	broken    string // the one operation that the fault is in; "" for all
	lag       int
	calls     map[string]int
	made      int // things so far, for their ids
	draw      *rand.Rand
}

// New makes a server without anything on it.
func New(c Config) *Server {
	return &Server{
		config: c, balancers: map[string]bool{}, listeners: map[string]*listener{}, rules: map[string]*rule{},
		groups: map[string]*group{}, calls: map[string]int{},
		draw:  rand.New(rand.NewPCG(c.Seed, c.Seed)),
		guard: awstest.Guard{AccessKey: c.AccessKey, SecretKey: c.SecretKey, Role: c.Role, ExternalID: c.ExternalID, Region: Region, Now: c.Now},
	}
}

func refuse(code, format string, args ...any) *awstest.Refusal {
	return &awstest.Refusal{Code: code, Message: fmt.Sprintf(format, args...)}
}

func validation(format string, args ...any) *awstest.Refusal {
	return refuse("ValidationError", format, args...)
}

// maxBody bounds a request, in bytes.
const maxBody = 1 << 20

const (
	elbNamespace = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
	stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
)

var versions = map[string]string{elbService: "2015-12-01", stsService: "2011-06-15"}

// ServeHTTP answers a request of the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	form, err := url.ParseQuery(string(payload))
	if err != nil {
		s.answer(w, answer{err: refuse("MalformedQueryString", "the body is no form")})
		return
	}
	name := form.Get("Action")
	s.mu.Lock()
	a, fault := s.handle(r, payload, form)
	s.mu.Unlock()
	a.name = name
	switch fault {
	case Hang:
		<-r.Context().Done()
	case BreakOff:
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			c.Close()
		}
	case Garble, Novel:
		a.half, a.novel = fault == Garble, fault == Novel
		s.answer(w, a)
	default:
		s.answer(w, a)
	}
}

// answer is what comes of a request.
type answer struct {
	name string
	of   operation
	out  *node
	err  error
	// half breaks the answer off, novel adds to it.
	half, novel bool
}

// handle does a request; mu is held. The fault it returns is about how it is
// answered.
func (s *Server) handle(r *http.Request, payload []byte, form url.Values) (answer, Fault) {
	name := form.Get("Action")
	of, ok := operations[name]
	if r.Method != http.MethodPost || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return answer{err: refuse("MalformedInput", "the query protocol is a form in a POST")}, ""
	}
	if !ok || form.Get("Version") != versions[of.service] {
		return answer{err: refuse("InvalidAction", "no operation %.100q in version %.20q", name, form.Get("Version"))}, ""
	}
	s.calls[name]++
	fault := s.faultFor(name)
	if fault == Hang {
		return answer{}, fault
	}
	if err := s.early(fault, name, of, r); err != nil {
		return answer{of: of, err: err}, ""
	}
	if refused := s.guard.Signed(r, payload, of.service); refused != nil {
		return answer{of: of, err: refused}, ""
	}
	in, err := parseForm(form, of.in)
	if err != nil {
		return answer{of: of, err: err}, ""
	}
	if fault == Lie && of.writes {
		return answer{of: of, out: object(nil)}, ""
	}
	out, err := of.do(s, in)
	return answer{of: of, out: out, err: err}, fault
}

// answer writes an answer.
func (s *Server) answer(w http.ResponseWriter, a answer) {
	namespace := elbNamespace
	if a.of.service == stsService {
		namespace = stsNamespace
	}
	const request = "b0ee5f3e-0000-4000-8000-5d6f7a8b9c0d"
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("X-Amzn-Requestid", request)
	var text string
	if a.err != nil {
		said := refuse("InternalFailure", "%v", a.err)
		errors.As(a.err, &said)
		if said.Status == 0 {
			said.Status = http.StatusBadRequest
		}
		w.WriteHeader(said.Status)
		text = errorXML(said, namespace, request)
	} else {
		text = answerXML(a.name, namespace, a.out, a.of.out, request)
	}
	if a.novel {
		text = strings.ReplaceAll(text, "<ForwardConfig>", "<ForwardConfig><Novelty><Since>2030</Since></Novelty>")
	}
	if a.half {
		text = text[:len(text)/2]
	}
	// Whoever asked may be gone.
	_, _ = io.WriteString(w, text)
}

// Calls is how often an operation was asked for.
func (s *Server) Calls(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[operation]
}
