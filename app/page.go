package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/login"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/ui"
)

// onlyShown is what somebody is told who wants more of a page than to look.
const onlyShown = "this page only shows: give orders on the command line, such as `linnet release abort`, or run releases with `linnet serve`"

// viewing is the policy of a page that only shows.
type viewing struct{}

// Decide implements access.Policy.
func (viewing) Decide(who access.Actor, action access.Action, on access.Resource) access.Decision {
	if why := who.Beyond(action, on); why != "" {
		return access.Decision{Why: why}
	}
	if slices.Contains([]access.Action{access.View, access.Audit}, action) {
		return access.Decision{Allowed: true, Why: "only this machine is listened to"}
	}
	return access.Decision{Why: onlyShown}
}

// Groups implements access.Policy.
func (viewing) Groups(access.Actor) []string { return []string{access.Anybody} }

// asksOnly are the paths to which a page that only shows takes more than a
// question in an address: they begin nothing.
var asksOnly = []string{"/v1/plan", "/v1/backtest"}

// showing refuses what would change something.
func showing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, r.Method), slices.Contains(asksOnly, r.URL.Path):
			next.ServeHTTP(w, r)
		default:
			api.Fail(w, &api.Refusal{Status: http.StatusForbidden, Why: onlyShown})
		}
	})
}

// page is what `linnet demo` and `linnet run` show of their journal, to this
// machine alone and without a login.
type page struct {
	process *process
	log     *slog.Logger
	began   time.Time

	db    *database.DB
	store *journal.Store
	url   string
}

// openPage shows the journal of a data folder at an address, until what it returns
// is called. Sources that are opened from now on are told of.
func (p *process) openPage(ctx context.Context, dir, address string, log *slog.Logger) (_ func() error, err error) {
	at, err := listenNearby(ctx, address)
	if err != nil {
		return nil, err
	}
	p.book = &sourceBook{now: time.Now}
	g := &page{process: p, log: log, began: time.Now().UTC(), url: "http://" + at.Addr().String()}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	undo := func() error {
		stop()
		err := at.Close()
		if g.db != nil {
			err = errors.Join(err, g.db.Close())
		}
		return err
	}
	handler, err := g.handler(ctx, dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("page: %w", err), undo())
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: requestWait, WriteTimeout: answerWait,
		IdleTimeout: idleTime, MaxHeaderBytes: requestHeaders, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	var group errgroup.Group
	group.Go(func() error { return server.Serve(limited(at, mostConnections)) })
	p.say("look at it on %s", g.url)
	return func() error {
		stop() // streams end
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), pageDrain)
		defer cancel()
		if server.Shutdown(short) != nil {
			_ = server.Close() // whoever still reads is cut off
		}
		if err := group.Wait(); !errors.Is(err, http.ErrServerClosed) {
			return errors.Join(err, g.db.Close())
		}
		return g.db.Close()
	}, nil
}

// pageDrain is how long requests under way may take when the page ends.
const pageDrain = time.Second

// handler serves the pages and the API that they ask, as `linnet serve` does, but
// for what changes something.
func (g *page) handler(ctx context.Context, dir string) (http.Handler, error) {
	var err error
	if g.db, err = database.OpenFolder(ctx, dir); err != nil {
		return nil, err
	}
	if g.store, err = journal.On(ctx, g.db); err != nil {
		return nil, err
	}
	lines, err := audit.On(ctx, g.db)
	if err != nil {
		return nil, err
	}
	who, err := login.New(ctx, login.Config{DB: g.db, Local: localUser(), PublicURL: g.url, Policy: viewing{}, Auditor: lines, Log: g.log, Now: time.Now})
	if err != nil {
		return nil, err
	}
	read := reaching{all: true}.read
	desk := control.New(control.Config{Journal: g.store, Policy: viewing{}, Read: read, Now: time.Now})
	told := newTeller(read, g.store, desk)
	mux := http.NewServeMux()
	who.Register(mux)
	made, err := api.New(ctx, mux, api.Config{
		Desk: desk, Feed: g.store, DB: g.db, Audit: lines, Authenticate: who.Authenticate, Version: Version, Log: g.log, Now: time.Now,
		Foretell: told.foretell, Backtest: told.backtest, Sources: g.sources, Replicas: g.replicas, System: g.system,
	})
	if err != nil {
		return nil, err
	}
	who.Operations(made)
	ui.Register(mux)
	return who.Wrap(showing(api.Around(mux))), nil
}

func (g *page) sources(_ context.Context, sees func(access.Resource) bool) (api.Sources, error) {
	return api.Sources{Sources: g.process.book.told(sees), Doors: []api.Door{}}, nil
}

func (g *page) replicas(context.Context) (api.Replicas, error) {
	return api.Replicas{}, fmt.Errorf("this process runs its one release itself, without a queue: %w", release.ErrNotFound)
}

func (g *page) system(ctx context.Context) (api.System, error) {
	running, err := g.store.Unfinished(ctx)
	return api.System{Database: string(g.db.Kind()), Started: g.began, Releases: len(running)}, err
}

// nearby is how many ports are tried from the wanted one on.
const nearby = 20

// listenNearby listens at an address of this machine alone, or at the next free
// port after it.
func listenNearby(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	number, wrong := strconv.ParseUint(port, 10, 16)
	ip := net.ParseIP(host)
	if err != nil || wrong != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("--page %q: expected an address of this machine alone, such as 127.0.0.1:8440; `linnet serve` has a login and shows pages to others: %w", address, release.ErrInvalid)
	}
	for n := uint64(0); ; n++ {
		at, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.FormatUint(number+n, 10)))
		if err == nil {
			return at, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) || n == nearby || number+n == 1<<16-1 {
			return nil, listenFault(address, err)
		}
	}
}
