package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/annotation"
	"github.com/linnet-project/linnet/calm"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
)

// Feed has the records of all releases, in one order that never changes.
type Feed interface {
	Events(ctx context.Context, f journal.Feeding) ([]journal.Entry, error)
	Newest(ctx context.Context) (journal.Cursor, error)
}

// Config is what an API works with. All must be set but Foretell, System and Log.
type Config struct {
	Desk *control.Desk
	Feed Feed
	// DB keeps the answers to requests that may come twice, and annotations.
	DB *database.DB
	// Audit has what people did.
	Audit Audit
	// Authenticate says who sends a request; see Refusal for its errors.
	Authenticate func(*http.Request) (access.Actor, error)
	// Foretell tells what a release file would do.
	Foretell func(ctx context.Context, ask Foretelling) (Foretold, error)
	// Backtest plays a release file on past releases, the last begun first.
	Backtest func(ctx context.Context, who access.Actor, ask Backtesting) ([]Backtested, error)
	// System tells how the server does.
	System func(ctx context.Context) (System, error)
	// Sources tells how metric sources do, as far as somebody sees what they are
	// for; Replicas which processes take turns.
	Sources  func(ctx context.Context, sees func(access.Resource) bool) (Sources, error)
	Replicas func(ctx context.Context) (Replicas, error)

	Version string
	Log     *slog.Logger
	Now     func() time.Time
}

// API serves the operations. It is safe for use by several goroutines.
type API struct {
	cfg     Config
	ops     huma.API
	answers answers
	hub     *hub
	// calm is the log for what comes with every request while something is down.
	calm *slog.Logger
	// notes are what others say of releases.
	notes   *annotation.Store
	skipped atomic.Int64
	// proving is held while the audit is proved.
	proving sync.Mutex
}

// Skipped is how often streams left out a record that is damaged.
func (a *API) Skipped() int64 { return a.skipped.Load() }

// Bounds on what one request may send, in bytes: a release file of 1 MiB as JSON
// may spell it.
const maxBody = 4 << 20

// New makes the API and serves it on a mux. Streams end when ctx does.
func New(ctx context.Context, mux *http.ServeMux, cfg Config) (*API, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := Migrate(ctx, cfg.DB); err != nil {
		return nil, err
	}
	notes, err := annotation.On(ctx, cfg.DB)
	if err != nil {
		return nil, err
	}
	a := &API{cfg: cfg, answers: answers{db: cfg.DB, now: cfg.Now}, notes: notes, calm: calm.Log(cfg.Log)}
	a.hub = newHub(ctx, a)
	described := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Linnet", Version: cfg.Version,
				Description: "Releases that advance, hold or roll back by evidence: begin them, look at them, steer them."},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"token":   {Type: "http", Scheme: "bearer", Description: "A token: Authorization: Bearer lnt_…"},
					"session": {Type: "apiKey", In: "cookie", Name: "linnet_session", Description: "The session of a browser; what changes something also takes the header X-Linnet-CSRF."},
				},
			},
			Security: []map[string][]string{{"token": {}}, {"session": {}}, {}},
		},
		Formats:                      map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{explain},
	}
	a.ops = humago.New(routes{mux: mux, api: a}, described)
	a.operations()
	a.serveDocument(mux)
	return a, nil
}

// operations lists all of them.
func (a *API) operations() {
	a.releaseOperations()
	a.courseOperations()
	a.orderOperations()
	a.eventOperations()
	a.serviceOperations()
	a.otherOperations()
	a.healthOperations()
	a.backtestOperations()
	a.auditOperations()
	a.glassOperations()
	a.accessOperations()
	a.annotationOperations()
}

// Operations is where further operations are registered; see Register.
func (a *API) Operations() huma.API { return a.ops }

// Register adds an operation to the API, with errors as problems. Who asks is
// Actor of the handler's context.
func Register[I, O any](a *API, op huma.Operation, handler func(context.Context, *I) (*O, error)) {
	op.MaxBodyBytes = maxBody + 1 // what is longer has been refused already
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{
		Description: "What went wrong, and what to do.",
		Content: map[string]*huma.MediaType{"application/problem+json": {
			Schema: a.ops.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")}},
	}
	huma.Register(a.ops, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, op.OperationID, err)
		}
		return out, nil
	})
}

// problem turns an error into what is answered, and writes down what only the
// people who run Linnet should read.
func (a *API) problem(ctx context.Context, what string, err error) *Problem {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError && !errors.Is(ctx.Err(), context.Canceled) {
		log := a.cfg.Log
		if p.Status == http.StatusServiceUnavailable {
			log = a.calm
		}
		log.With("operation", what, "status", p.Status).Error("request", "error", err)
	}
	return p
}
