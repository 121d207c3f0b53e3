package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/trace"

	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// runOptions are the flags of `linnet run`.
type runOptions struct {
	file   string
	again  bool
	exit   bool
	wait   time.Duration
	retain time.Duration
	traces string
	page   string
}

func (p *process) run() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run -f release.yaml",
		Short: "Run a release: shift, compare, advance, hold or roll back",
		Long: `Runs a release until it is promoted or rolled back. Stopped and started again, it
goes on where it was. Where the splitter lives in this process, it keeps serving
after the release until it is stopped (--exit ends it with the release). It tells
people through its log alone; channels are the business of linnet serve.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runRelease(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVarP(&o.file, "file", "f", "", "release file")
	f.BoolVar(&o.again, "again", false, "begin the next attempt of a release that has ended")
	f.BoolVar(&o.exit, "exit", false, "end with the release, also where the splitter lives in this process")
	f.DurationVar(&o.wait, "wait", 0, "stop running after this long, with exit code 4 (0: as long as it takes)")
	f.DurationVar(&o.retain, "retain", 90*24*time.Hour, "how long ended releases are kept in the journal")
	f.StringVar(&o.traces, "otlp", "", "send OpenTelemetry traces to this OTLP/HTTP URL (also OTEL_EXPORTER_OTLP_ENDPOINT)")
	f.StringVar(&o.page, "page", "", "show the release at this address of this machine, such as 127.0.0.1:8440, or the next free port")
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

func (p *process) runRelease(ctx context.Context, o runOptions) error {
	pl, f, err := p.readPlan(o.file)
	if err != nil {
		return err
	}
	log, err := p.logger()
	if err != nil {
		return err
	}
	store, err := journal.Open(ctx, p.data)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := prune(ctx, store, time.Now().Add(-o.retain)); err != nil {
		log.Warn("old releases not removed", "error", err) // what runs is more important
	}
	if o.page != "" {
		end, err := p.openPage(ctx, p.data, o.page, log)
		if err != nil {
			return err
		}
		defer end()
	}
	id, fresh, err := p.attempt(ctx, store, f, o.again)
	if over := exit(0); errors.As(err, &over) && !o.exit && inside(f) {
		return p.serveOn(ctx, store, f, id, over)
	}
	if err != nil {
		return err
	}
	lock, err := store.Own(id, time.Now())
	if err != nil {
		return err
	}
	defer lock.Release()
	if o.wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.wait)
		defer cancel()
	}
	tracer, flush, err := tracing(ctx, o.traces, p.err)
	if err != nil {
		return err
	}
	defer flush()
	w, err := p.assemble(ctx, f, log)
	if err != nil {
		return err
	}
	r := &running{process: p, parts: w, store: store, log: log, tracer: tracer, id: id, leave: o.exit}
	err = r.run(ctx, pl, f, fresh)
	return errors.Join(err, w.close())
}

// inside tells whether the splitter lives in this process.
func inside(f spec.File) bool { return f.Traffic.Proxy != nil && f.Traffic.Proxy.Listen != "" }

// serveOn serves what a release ended with, until it is stopped: the traffic
// comes through this process, also after it was started again.
func (p *process) serveOn(ctx context.Context, store *journal.Store, f spec.File, id journal.ID, over exit) error {
	log, err := p.logger()
	if err != nil {
		return err
	}
	lock, err := store.Own(id, time.Now())
	if err != nil {
		return err
	}
	defer lock.Release()
	s, _, err := store.Load(ctx, id, func(s engine.State, e engine.Event) engine.State {
		next, _, _ := engine.Step(s, e)
		return next
	})
	if err != nil {
		return err
	}
	w, err := p.assemble(ctx, f, log)
	if err != nil {
		return err
	}
	if err := w.router.Apply(ctx, s.Route); err != nil {
		log.Warn("the last weights are not set again", "release", id.String(), "error", err) // the splitter keeps its own
	}
	p.say("serving %s to the candidate on %s until stopped (Ctrl-C)", engine.Percent(engine.CandidateWeight(s.Route)), w.traffic)
	<-ctx.Done()
	return errors.Join(over, w.close())
}

// prune removes what ended before people want to keep it.
func prune(ctx context.Context, store *journal.Store, before time.Time) error {
	for {
		n, err := store.Prune(ctx, before)
		if err != nil || n == 0 {
			return err
		}
	}
}

// attempt finds what to run: an unfinished attempt goes on, a finished one is
// reported, and with again the next one begins.
func (p *process) attempt(ctx context.Context, store *journal.Store, f spec.File, again bool) (id journal.ID, fresh bool, err error) {
	id, known, err := store.Latest(ctx, f.Name)
	if err != nil {
		return id, false, err
	}
	if !known {
		return journal.ID{Name: f.Name, Attempt: 1}, true, nil
	}
	last, err := store.Find(ctx, id)
	switch {
	case err != nil:
		return id, false, err
	case !last.Ended() && last.FileHash != f.Hash:
		return id, false, fmt.Errorf("release %s is unfinished and was begun with another file (%.12s…, this is %.12s…): finish it with that file, or `linnet release abort %s`: %w",
			id, last.FileHash, f.Hash, id.Name, release.ErrInvalid)
	case !last.Ended():
		return id, false, nil
	case again:
		return journal.ID{Name: f.Name, Attempt: id.Attempt + 1}, true, nil
	}
	p.say("release %s has ended: %s (%s); `linnet run --again` begins the next attempt", id, last.Outcome, printable(last.Reason.Text))
	if err := ended(last.Outcome); err != nil {
		return id, false, err
	}
	return id, false, exit(exitDone) // promoted before
}

// running is a release in this process.
type running struct {
	*process
	parts    *parts
	store    *journal.Store
	log      *slog.Logger
	tracer   trace.Tracer
	progress *progress
	id       journal.ID
	// leave ends the process with the release, also where the splitter lives
	// in it.
	leave bool
}

// run runs a release to its end, and serves on where it must.
func (r *running) run(ctx context.Context, pl plan.Plan, f spec.File, fresh bool) error {
	own := newMeasures()
	r.parts.serveStatus(own.handler())
	if r.progress == nil {
		r.progress = newProgress(r.process)
	}
	r.progress.addresses(r.parts)
	cfg := run.Config{
		Store: r.store, Router: r.parts.router, Source: r.parts.source, Notifier: logNotifier{r.log},
		Now: time.Now, Log: r.log, Tracer: r.tracer,
		OnStep: func(s engine.State, rec journal.Record) {
			own.step(s, rec)
			r.progress.step(s, rec)
		},
	}
	if fresh {
		if _, err := run.Begin(ctx, cfg, run.Beginning{Plan: pl, Attempt: r.id.Attempt, File: f.Text, Salt: rand.Text(), By: person()}); err != nil {
			return err
		}
	}
	runner, err := run.New(ctx, cfg, r.id)
	if err != nil {
		return err
	}
	s, err := runner.Run(ctx)
	r.progress.done()
	switch {
	case ctx.Err() != nil:
		return r.interrupted(ctx, s)
	case err != nil:
		return r.fallBack(ctx, s, err)
	}
	if err := r.summary(context.WithoutCancel(ctx), r.id); err != nil {
		return err
	}
	if r.parts.proxy != nil && !r.leave {
		r.say("serving on %s until stopped (Ctrl-C)", r.parts.traffic)
		<-ctx.Done()
	}
	return ended(outcomeOf(s))
}

// fallBack keeps serving the baseline when a release cannot go on, its journal
// being damaged, say: where the splitter lives in this process, its end would
// be an outage.
func (r *running) fallBack(ctx context.Context, s engine.State, cause error) error {
	if r.parts.proxy == nil || r.leave {
		return cause
	}
	route := s.Route
	if seen, err := r.parts.router.Observed(ctx); err == nil {
		route.Epoch = max(route.Epoch, seen.Route.Epoch) + 1
	}
	route.Lease, route.Weights = 0, slices.Clone(route.Weights)
	for i := range route.Weights {
		route.Weights[i].Weight = 0
		if i == 0 {
			route.Weights[i].Weight = release.Whole
		}
	}
	if err := r.parts.router.Apply(ctx, route); err != nil {
		return errors.Join(cause, err)
	}
	fmt.Fprintf(r.err, "linnet: %s\nlinnet: the release cannot go on; all traffic is on the baseline, and %s serves it until stopped (Ctrl-C)\n",
		release.Plain(cause), r.parts.traffic)
	<-ctx.Done()
	return exit(exitError)
}

// interrupted says what is left behind by a run that was stopped.
func (r *running) interrupted(ctx context.Context, s engine.State) error {
	why := "stopped"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		why = "the wait ran out"
	}
	left := "the candidate keeps " + engine.Percent(engine.CandidateWeight(s.Route))
	if s.Pending.Route != nil {
		left = fmt.Sprintf("the candidate had %s, and %s is still to be set",
			engine.Percent(s.ServedWeight), engine.Percent(engine.CandidateWeight(s.Route)))
	}
	switch {
	case r.parts.proxy != nil:
		left = "the splitter in this process stops too, and nobody serves " + r.parts.traffic
	case s.Route.Lease > 0:
		left = fmt.Sprintf("the lease returns all traffic to the baseline within %s", s.Route.Lease)
	}
	r.say("%s while %s; %s; `linnet run` goes on with it", why, s.Phase, left)
	if text := s.Last.Reason.Text; text != "" {
		r.say("the last look: %s", text)
	}
	if !s.EndedAt.IsZero() {
		return ended(outcomeOf(s)) // only its watch was cut short
	}
	return exit(exitInconclusive)
}

func outcomeOf(s engine.State) journal.Outcome {
	switch {
	case s.Phase == engine.Promoted || s.Phase == engine.Watching:
		return journal.Promoted
	case s.Cause == engine.ByPerson:
		return journal.Aborted
	}
	return journal.RolledBack
}

// summary prints the decision record.
func (r *running) summary(ctx context.Context, id journal.ID) error {
	rel, err := control.Recorded(ctx, r.store.Reader, id)
	if err != nil {
		return err
	}
	if r.json {
		return report.JSON(r.out, rel)
	}
	return report.Text(r.out, rel, report.Options{Color: r.colour()})
}

// logNotifier tells people through the log; the terminal shows the decisions
// themselves.
type logNotifier struct{ log *slog.Logger }

// Notify implements run.Notifier.
func (n logNotifier) Notify(_ context.Context, notice release.Notice) error {
	level := slog.LevelInfo
	if notice.Urgency == release.Page {
		level = slog.LevelWarn
	}
	id := journal.ID{Name: notice.Release, Attempt: notice.Attempt}
	args := []any{"release", id.String(), "urgency", string(notice.Urgency), "notice", notice.ID, "text", notice.Text}
	// What a release tells carries the record that asks for it: release/attempt/record/place.
	if own, ok := strings.CutPrefix(notice.ID, id.String()+"/"); ok {
		text, _, _ := strings.Cut(own, "/")
		if seq, err := strconv.ParseUint(text, 10, 64); err == nil {
			args = append(args, "seq", seq)
		}
	}
	n.log.Log(context.Background(), level, notice.Title, args...)
	return nil
}
