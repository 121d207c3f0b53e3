package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/fleet/river"
	"github.com/linnet-project/linnet/gitops"
	"github.com/linnet-project/linnet/glass"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/link"
	"github.com/linnet-project/linnet/login"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// serveOptions are the flags of `linnet serve`.
type serveOptions struct {
	config, database, listen, traces, name string
	releases                               []string
}

func (p *process) serve() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run all releases of a company: API, people and permissions, notices, schedules",
		Long: `Runs every unfinished release of the data folder, or of a PostgreSQL database, and
takes new ones. What is given by a flag goes before the environment, that before
the settings file, and that before the defaults.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := p.newServing(o, cmd.Flags())
			if err != nil {
				return err
			}
			return s.run(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.config, "config", "", "settings file, of kind Server")
	f.StringVar(&o.database, "db", "", "URL of a PostgreSQL database, for several machines (SQLite in the data folder without)")
	f.StringVar(&o.name, "name", "", "what this process is called among several (the host's name)")
	f.StringVar(&o.listen, "listen", "", "the one address of everything (127.0.0.1:8440)")
	f.StringSliceVar(&o.releases, "releases", nil, "folders whose release files are applied")
	f.StringVar(&o.traces, "otlp", "", "send OpenTelemetry traces to this OTLP/HTTP URL (also OTEL_EXPORTER_OTLP_ENDPOINT)")
	return cmd
}

// serving is `linnet serve` as it runs: what its parts share. A part uses what
// the parts before it have set.
type serving struct {
	*process
	settings spec.Server
	// folder is where the settings file lies; paths in it are relative to it.
	folder      string
	databaseURL string
	traces      string
	name        string
	// now is the time that all parts go by.
	now func() time.Time

	log    *slog.Logger
	tracer trace.Tracer
	// group has all that goes on: a part that fails there ends the server, and
	// the context that a part is opened with ends when the server is to stop.
	group *errgroup.Group

	listener net.Listener
	// url is where it is reached: publicURL, or the address.
	url string
	mux *http.ServeMux
	// around is what requests pass before they come to mux, the outermost last.
	around []func(http.Handler) http.Handler
	// who knows who somebody is.
	who *login.Login

	db    *database.DB
	store *journal.Store
	// policy, guard and auditor are what the desk asks; set by their parts.
	policy  access.Policy
	guard   control.Guard
	auditor control.Auditor
	// notifier tells people of what releases decide.
	notifier run.Notifier
	// links sign the links in notices; nil without a login.
	links *link.Keys
	// troubles are files that are followed and cannot be read.
	troubles troubles
	// telling is what sends notices; nil without a file of them.
	telling *telling
	// targets are the names of those that are sent what happens to releases.
	targets  []string
	measures *serverMeasures
	sources  sharedSources
	// lastMinute counts the turns that this process took.
	lastMinute lastMinute
	hosts      *hosts
	fleet      *fleet.Fleet
	// timers call turns on one machine, river on several, whose clock follows the
	// database's; jobs has done what other parts want at intervals, on either.
	timers *fleet.Timers
	river  *river.Caller
	clock  *river.Clock
	jobs   fleet.Jobs
	// tickers are the jobs of one machine.
	tickers *fleet.Tickers
	desk    *control.Desk
	// folders are those whose release files are applied.
	folders []*gitops.Folder
	api     *api.API
}

// servingPart is one part of the server, in a file of its own. What open returns
// to close it may be nil; it is called when nothing goes on in the group any more.
type servingPart struct {
	name string
	open func(*serving, context.Context) (func() error, error)
}

// servingParts lists them in the order in which they are opened; they are closed
// in the reverse one.
func servingParts() []servingPart {
	return []servingPart{
		{"traces", (*serving).openTraces},
		{"database", (*serving).openDatabase},
		{"clock", (*serving).openClock},
		{"measures", (*serving).openMeasures},
		{"audit", (*serving).openAudit},
		{"hosts", (*serving).openHosts},
		{"access", (*serving).openAccess},
		{"notices", (*serving).openNotices},
		{"links", (*serving).openLinks},
		{"fleet", (*serving).openFleet},
		{"guards", (*serving).openGuards},
		{"jobs", (*serving).openJobs},
		{"keeping", (*serving).openKeeping},
		{"desk", (*serving).openDesk},
		{"releases", (*serving).openFolders},
		{"hooks", (*serving).openHooks},
		{"health", (*serving).openHealth},
		{"login", (*serving).openLogin},
		{"pages of links", (*serving).openLinkPages},
		{"api", (*serving).openAPI},
		{"people", (*serving).openPeople},
		{"notices' API", (*serving).openNoticesAPI},
		{"folders", (*serving).openFolderList},
		{"pages", (*serving).openPages},
		// The last one: from now on releases run and requests are answered.
		{"turns", (*serving).openTurns},
		{"http", (*serving).openHTTP},
	}
}

// newServing puts the settings together: flags, then the environment, which
// gives flags that were not given, then the file, then the defaults.
func (p *process) newServing(o serveOptions, flags *pflag.FlagSet) (*serving, error) {
	log, err := p.logger()
	if err != nil {
		return nil, err
	}
	s := &serving{
		process: p, settings: spec.DefaultServer(), databaseURL: o.database, traces: o.traces, name: o.name,
		log: log, now: time.Now, mux: http.NewServeMux(), policy: access.Everybody{}, notifier: logNotifier{log},
	}
	if o.config != "" {
		text, err := p.readText(o.config)
		if err != nil {
			return nil, err
		}
		if s.settings, err = spec.ParseServer(o.config, text); err != nil {
			return nil, err
		}
		s.folder = filepath.Dir(o.config)
	}
	if flags.Changed("listen") {
		s.settings.Listen = o.listen
	}
	for i, dir := range s.settings.Releases {
		s.settings.Releases[i] = s.path(dir)
	}
	if flags.Changed("releases") {
		s.settings.Releases = o.releases
	}
	return s, nil
}

// path is a path of the settings file, seen from where the process runs.
func (s *serving) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.folder, name)
}

// run serves until the context ends, or a part fails.
func (s *serving) run(ctx context.Context) (err error) {
	if err := s.listen(ctx); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.group, ctx = errgroup.WithContext(ctx)
	var closers []func() error
	defer func() {
		stop()
		errs := []error{err, s.group.Wait()}
		for _, end := range slices.Backward(closers) {
			errs = append(errs, end())
		}
		err = errors.Join(append(errs, s.unlisten())...)
	}()
	for _, part := range servingParts() {
		end, err := part.open(s, ctx)
		if end != nil {
			closers = append(closers, end)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	s.say("serving on %s", s.url)
	<-ctx.Done()
	return nil
}

// listen takes the one address. Nothing is answered on it before all parts are
// open.
func (s *serving) listen(ctx context.Context) error {
	at, err := new(net.ListenConfig).Listen(ctx, "tcp", s.settings.Listen)
	if err != nil {
		return listenFault(s.settings.Listen, err)
	}
	if s.listener, err = s.encrypted(limited(at, mostConnections)); err != nil {
		return errors.Join(err, at.Close())
	}
	scheme := "http://"
	if s.settings.TLS != nil {
		scheme = "https://"
	}
	s.url = cmp.Or(s.settings.PublicURL, scheme+at.Addr().String())
	return nil
}

// listenFault says what to do where the address cannot be had.
func listenFault(address string, err error) error {
	var wrong *net.AddrError
	what, meaning := "", release.ErrUnavailable
	switch {
	case errors.As(err, &wrong):
		return fmt.Errorf("listen %q: %s; write a host and a port, such as 127.0.0.1:8440: %w", address, wrong.Err, release.ErrInvalid)
	case errors.Is(err, syscall.EADDRINUSE):
		what = "another process listens there, maybe another `linnet serve`: end it, or name another address (--listen)"
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		what, meaning = "this machine does not have that address: name one of its own, such as 127.0.0.1:8440", release.ErrInvalid
	case errors.Is(err, syscall.EACCES):
		what = "this user may not listen on that port: name one from 1024 on, or give the right to (CAP_NET_BIND_SERVICE)"
	default:
		return fmt.Errorf("listen %s: %w: %w", address, err, release.ErrUnavailable)
	}
	return fmt.Errorf("listen %s: %s: %w", address, what, meaning)
}

// unlisten gives the address back, unless the server that answered on it has.
func (s *serving) unlisten() error {
	if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

func (s *serving) openTraces(ctx context.Context) (_ func() error, err error) {
	tracer, flush, err := tracing(ctx, s.traces, s.err)
	if err != nil {
		return nil, err
	}
	s.tracer = tracer
	return func() error { flush(); return nil }, nil
}

func (s *serving) openDesk(ctx context.Context) (func() error, error) {
	requests, err := glass.New(ctx, s.db)
	if err != nil {
		return nil, err
	}
	s.desk = control.New(control.Config{
		Journal: s.deskJournal(), Beginner: s.fleet, Policy: s.policy, Guard: s.guard, Auditor: s.auditor,
		Glass: requests, Notifier: s.notifier,
		Read: s.reaching().read, Now: s.now, Alone: s.alone(), Questions: questionsOf,
	})
	return nil, nil
}
