package hook

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/calm"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

const (
	// mostBody bounds a delivery. GitHub sends up to 25 MB, of which what a release
	// needs stands in the first few kilobytes of any; such hooks are too wide.
	mostBody = 2 << 20
	// mostAtOnce bounds the deliveries that are looked at at once.
	mostAtOnce = 16
	// createWait bounds what one delivery asks of the desk.
	createWait = 30 * time.Second
)

// Desk begins releases.
type Desk interface {
	Create(ctx context.Context, who access.Actor, c control.Creation) (control.Created, error)
}

// InConfig is what a Receiver works with; all must be set.
type InConfig struct {
	Hooks []spec.HookIn
	// Folder is where relative paths of the hooks begin.
	Folder string
	Desk   Desk
	DB     *database.DB
	// From is the address that a request comes from, past proxies that are trusted.
	From func(*http.Request) string
	Log  *slog.Logger
	Now  func() time.Time
}

// Receiver takes what is announced. It is safe for use by several goroutines.
type Receiver struct {
	cfg InConfig
	// calm is the log for what anybody can have said by sending something.
	calm  *slog.Logger
	hooks map[string]*entrance
	room  chan struct{}
}

// entrance is one hook.
type entrance struct {
	spec.HookIn
	*Announcement
	rate *rate.Limiter
}

// NewReceiver checks hooks and their templates and makes their tables. What is
// wrong with them is release.ErrInvalid, all at once.
func NewReceiver(ctx context.Context, cfg InConfig) (*Receiver, error) {
	if err := Migrate(ctx, cfg.DB); err != nil {
		return nil, err
	}
	r := &Receiver{cfg: cfg, calm: calm.Log(cfg.Log), hooks: map[string]*entrance{}, room: make(chan struct{}, mostAtOnce)}
	var errs []error
	for _, in := range cfg.Hooks {
		a, err := Check(in, cfg.Folder)
		errs = append(errs, err)
		r.hooks[in.Name] = &entrance{in, a, rate.NewLimiter(rate.Limit(float64(in.PerMinute)/60), int(min(in.PerMinute, 10)))}
	}
	return r, errors.Join(errs...)
}

// Check compiles a hook and holds its template against it; folder is where
// relative paths begin. What is wrong is release.ErrInvalid.
func Check(in spec.HookIn, folder string) (*Announcement, error) {
	a, err := NewAnnouncement(in)
	if err != nil {
		return nil, err
	}
	t, err := Template(in, folder)
	if err != nil {
		return nil, err
	}
	return a, a.Fits(t)
}

// Template reads the template of a hook.
func Template(in spec.HookIn, folder string) (spec.Template, error) {
	path := within(folder, in.Template)
	f, err := os.Open(path)
	if err != nil {
		return spec.Template{}, fmt.Errorf("hook %s: template: %w: %w", in.Name, err, release.ErrInvalid)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<20+1))
	if err != nil {
		return spec.Template{}, fmt.Errorf("hook %s: template: %w: %w", in.Name, err, release.ErrInvalid)
	}
	return spec.ParseTemplate(path, text)
}

func within(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// answer is what a delivery is told.
type answer struct {
	Made    []made `json:"made,omitempty"`
	Ignored string `json:"ignored,omitempty"`
	// Seen says that the same delivery was taken before, and the answer is that
	// which it got.
	Seen bool `json:"seen,omitempty"`
}

// made is a release that a delivery stands for.
type made struct {
	Release string `json:"release"`
	// Fresh says that it was begun by this delivery.
	Fresh bool `json:"fresh"`
}

// ServeHTTP takes a delivery to /v1/hooks/{name}; the pattern must name it so.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	name := req.PathValue("name")
	h, ok := r.hooks[name]
	if !ok {
		refuse(w, http.StatusNotFound, "no hook has this name")
		return
	}
	select {
	case r.room <- struct{}{}:
		defer func() { <-r.room }()
	default:
		w.Header().Set("Retry-After", "2")
		refuse(w, http.StatusServiceUnavailable, "too many deliveries at once; send it again")
		return
	}
	if !carries(h.Form, req.Header) {
		r.calm.With("hook", name).Warn("a delivery to a hook is not signed", "from", r.cfg.From(req))
		refuse(w, http.StatusUnauthorized, errUnproved.Error())
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, mostBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("the delivery could not be read whole, or is longer than %d bytes", mostBody))
		return
	}
	ctx, cancel := context.WithTimeout(req.Context(), createWait)
	defer cancel()
	r.proved(ctx, w, req, h, body)
}

// proved asks for the proof, and takes a delivery that has it.
func (r *Receiver) proved(ctx context.Context, w http.ResponseWriter, req *http.Request, h *entrance, body []byte) {
	secrets, err := r.secrets(h)
	if err != nil {
		r.calm.With("hook", h.Name).Error("the secret of a hook cannot be read", "error", err)
		w.Header().Set("Retry-After", "30")
		refuse(w, http.StatusServiceUnavailable, "the secret of this hook cannot be read; its log says why")
		return
	}
	now := r.cfg.Now()
	nonce, err := proof{h.Form, req.Header, body, now}.check(secrets)
	if err != nil {
		r.calm.With("hook", h.Name).Warn("a delivery to a hook is not proved", "from", r.cfg.From(req), "error", err)
		refuse(w, http.StatusUnauthorized, err.Error())
		return
	}
	if room := h.rate.ReserveN(now, 1); room.DelayFrom(now) > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(room.DelayFrom(now).Seconds())+1))
		room.CancelAt(now)
		refuse(w, http.StatusTooManyRequests, fmt.Sprintf("this hook takes %d deliveries a minute", h.PerMinute))
		return
	}
	a, err := r.take(ctx, h, delivery{h.Name, nonce, now}, body, req)
	if err != nil {
		r.cfg.Log.Warn("a delivery to a hook makes nothing", "hook", h.Name, "error", err)
		status := status(err)
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "10")
		}
		refuse(w, status, detail(err))
		return
	}
	code := http.StatusOK
	for _, m := range a.Made {
		if m.Fresh && !a.Seen {
			code = http.StatusCreated
		}
	}
	reply(w, code, "application/json", a)
}

// secrets reads those of a hook. While one is being changed, the file of the other
// may be missing.
func (r *Receiver) secrets(h *entrance) (all []string, err error) {
	var errs []error
	for _, file := range h.SecretFiles {
		s, err := post.Secret(within(r.cfg.Folder, file))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, errors.Join(errs...)
	}
	return all, nil
}

// take makes the releases of a delivery, once. Only what was made is remembered:
// what failed may be sent again.
func (r *Receiver) take(ctx context.Context, h *entrance, d delivery, body []byte, req *http.Request) (answer, error) {
	a, known, err := taken(ctx, r.cfg.DB, d)
	if err != nil || known {
		a.Seen = true
		return a, err
	}
	t, err := Template(h.HookIn, r.cfg.Folder)
	if err != nil {
		return answer{}, err
	}
	m, err := h.Make(ctx, t, body, EventOf(req.Header))
	if err != nil {
		return answer{}, err
	}
	if a = (answer{Ignored: m.Ignored}); m.Ignored != "" {
		return a, nil
	}
	who := access.Actor{Name: "hook:" + h.Name, Kind: access.Machine, From: r.cfg.From(req)}
	for _, file := range m.Files {
		c, err := r.cfg.Desk.Create(ctx, who, control.Creation{Name: "the release file of hook " + h.Name, File: file, Reason: "announced to hook " + h.Name})
		if err != nil {
			return answer{}, err
		}
		a.Made = append(a.Made, made{c.ID.String(), c.Fresh})
		r.cfg.Log.Info("a hook announces a release", "hook", h.Name, "release", c.ID.String(), "fresh", c.Fresh)
	}
	return a, take(ctx, r.cfg.DB, d, a)
}

// EventOf is the kind of event that a sender says it is; it is not part of what
// is signed.
func EventOf(h http.Header) string {
	return cmp.Or(h.Get("X-Github-Event"), h.Get("X-Gitlab-Event"), h.Get("Ce-Type"))
}

// status is the answer to an error by its meaning.
func status(err error) int {
	var denied *control.Denied
	switch {
	case errors.As(err, &denied):
		return http.StatusForbidden
	case errors.Is(err, release.ErrConflict):
		return http.StatusConflict
	case errors.Is(err, release.ErrInvalid):
		return http.StatusUnprocessableEntity
	}
	return http.StatusServiceUnavailable
}

// detail is what a sender is told of an error. Of one without a meaning for others
// that is nothing: the log has it.
func detail(err error) string {
	if status(err) == http.StatusServiceUnavailable && !errors.Is(err, release.ErrUnavailable) {
		return "the delivery cannot be taken now; the log says why"
	}
	return release.Plain(err)
}

// problem is an error as RFC 9457 writes it, with a code as those of the API have.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// codes are what problems are called by programs.
var codes = map[int]string{
	http.StatusUnauthorized: "not-proved", http.StatusForbidden: "denied", http.StatusNotFound: "not-found",
	http.StatusConflict: "conflict", http.StatusRequestEntityTooLarge: "too-large", http.StatusUnprocessableEntity: "invalid",
	http.StatusTooManyRequests: "too-fast", http.StatusServiceUnavailable: "unavailable",
}

func refuse(w http.ResponseWriter, status int, detail string) {
	code := codes[status]
	reply(w, status, "application/problem+json", problem{"urn:linnet:problem:" + code, http.StatusText(status), status, code, detail})
}

func reply(w http.ResponseWriter, code int, kind string, v any) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v) // who has gone needs no answer
}
