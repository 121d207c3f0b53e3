package app

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/demo"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/load"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// demoFile is the release file of the demo; its addresses are filled in.
//
//go:embed demo.yaml
var demoFile string

// demoRate is how many requests a second the demo sends, demoKeys how many
// users send them.
const (
	demoRate = 400
	demoKeys = 5000
	// demoLimit bounds one release of the demo.
	demoLimit = 2 * time.Minute
)

// demoOptions are the flags of `linnet demo`.
type demoOptions struct {
	bad, page  string
	keep, stay bool
}

func (p *process) demo() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Release a good and a bad version of a small service, on real traffic",
		Long: `Starts two versions of a small HTTP service as processes, the splitter in front
of them, open-loop load through it, and the metric store scraping all of it; then
releases a good version, which is promoted, and a bad one, which is rolled back.
A page of this machine shows both.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.runDemo(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.bad, "bad", string(demo.Errors), "fault of the bad version: errors, latency, crash or tail")
	f.BoolVar(&o.keep, "keep", false, "keep the demo's data folder and say where it is")
	f.StringVar(&o.page, "page", "127.0.0.1:8440", "where the page is, or at the next free port; empty for no page")
	f.BoolVar(&o.stay, "stay", false, "keep the page when both releases have ended, until stopped (Ctrl-C)")
	return cmd
}

func (p *process) runDemo(ctx context.Context, o demoOptions) error {
	fault, err := demo.ParseFault(o.bad)
	if err != nil || fault == "" {
		return fmt.Errorf("--bad %q: expected errors, latency, crash or tail: %w", o.bad, release.ErrInvalid)
	}
	dir, err := os.MkdirTemp("", "linnet-demo-")
	if err != nil {
		return err
	}
	if o.keep {
		p.say("data folder: %s", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	d := &demonstration{process: p, dir: dir}
	p.data = dir
	if p.logLevel == defaultLogLevel {
		p.logLevel = "error" // the demo shows its decisions itself
	}
	if o.page != "" {
		log, err := p.logger()
		if err != nil {
			return err
		}
		end, err := p.openPage(ctx, dir, o.page, log)
		if err != nil {
			return err
		}
		defer end()
	}
	err = d.both(ctx, fault)
	if err == nil && o.page != "" && o.stay {
		p.say("\nthe page stays until stopped (Ctrl-C)")
		<-ctx.Done()
	}
	return err
}

// both plays both releases.
func (d *demonstration) both(ctx context.Context, fault demo.Fault) error {
	defer d.stop()
	d.say("1. A good version: 1.0.0 → 1.1.0")
	if err := d.release(ctx, "good-1.1.0", version{"1.0.0", ""}, version{"1.1.0", ""}, journal.Promoted); err != nil {
		return err
	}
	d.say("\n2. A bad version (%s): 1.1.0 → 1.2.0", fault)
	return d.release(ctx, "bad-1.2.0", version{"1.1.0", ""}, version{"1.2.0", fault}, journal.RolledBack)
}

// version is a version of the demo's service, and what is wrong with it.
type version struct {
	name  string
	fault demo.Fault
}

// demonstration is a demo that runs.
type demonstration struct {
	*process
	dir      string
	services []*service
}

func (d *demonstration) stop() {
	for _, s := range d.services {
		s.stop()
	}
	d.services = nil
}

// release plays one release of the demo; anything but the wanted end is an
// error. An interrupt aborts it and waits until the traffic is back on the
// baseline.
func (d *demonstration) release(ctx context.Context, name string, base, next version, want journal.Outcome) error {
	d.stop()
	d.data = filepath.Join(d.dir, name)
	file, err := d.start(ctx, name, base, next)
	if err != nil {
		return err
	}
	f, err := spec.Parse(name+".yaml", []byte(file))
	if err != nil {
		return err
	}
	log, err := d.logger()
	if err != nil {
		return err
	}
	store, err := journal.Open(ctx, d.dir)
	if err != nil {
		return err
	}
	defer store.Close()
	w, err := d.assemble(ctx, f, log)
	if err != nil {
		return err
	}
	r := &running{process: d.process, parts: w, store: store, log: log, id: journal.ID{Name: f.Name, Attempt: 1}, leave: true}
	err = d.play(ctx, f, r, want)
	return errors.Join(err, w.close())
}

// start starts both versions and fills their addresses into the release file.
func (d *demonstration) start(ctx context.Context, name string, base, next version) (string, error) {
	file := strings.NewReplacer("NAME", name, "BASE_VERSION", base.name, "NEXT_VERSION", next.name)
	text := file.Replace(demoFile)
	for arm, v := range map[string]version{"BASE_ADDRESS": base, "NEXT_ADDRESS": next} {
		s, err := startService(ctx, v)
		if err != nil {
			return "", err
		}
		d.services = append(d.services, s)
		text = strings.ReplaceAll(text, arm, s.address)
	}
	return text, nil
}

// play runs the release under load.
func (d *demonstration) play(ctx context.Context, f spec.File, r *running, want journal.Outcome) error {
	// The release ends by its own way: an interrupt becomes an abort.
	steady, cancel := context.WithTimeout(context.WithoutCancel(ctx), demoLimit)
	defer cancel()
	defer context.AfterFunc(ctx, func() { d.abort(steady, r) })()

	stopLoad, stats := d.startLoad(steady, r.parts)
	err := r.run(steady, plan.Compile(f), f, true)
	stopLoad()
	users := <-stats
	last, lastErr := r.store.Find(steady, r.id)
	if ctx.Err() != nil && last.Weight == 0 {
		d.say("interrupted: the traffic is on the baseline")
		return exit(exitAborted)
	}
	var silent exit
	if err != nil && !errors.As(err, &silent) {
		return err
	}
	if lastErr != nil {
		return lastErr
	}
	d.say("the load saw %d requests, %d of them failed (p99 %s)", users.Due-users.Cut, failures(users), users.Latency.Quantile(0.99).Round(time.Millisecond))
	if last.Outcome != want {
		return fmt.Errorf("the demo expected %s to be %s, and it is %q: %s", f.Name, want, last.Outcome, last.Reason.Text)
	}
	return nil
}

// failures counts what users saw fail.
func failures(s load.Stats) uint64 {
	n := s.Errors
	for status, count := range s.Status {
		if status >= 500 {
			n += count
		}
	}
	return n
}

// abort turns an interrupt into an order; a release that is just beginning is
// given the time to.
func (d *demonstration) abort(ctx context.Context, r *running) {
	c := engine.Commanded{At: time.Now(), ID: "interrupt", Verb: engine.Abort, Who: person(), Reason: "interrupted (Ctrl-C)",
		Groups: []string{engine.Anybody}, From: fromHere}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := r.store.Command(ctx, r.id, c)
		if !errors.Is(err, release.ErrNotFound) {
			return // taken, or over already
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// startLoad sends requests until stop is called; what came of them arrives on
// the channel.
func (d *demonstration) startLoad(ctx context.Context, w *parts) (stop func(), stats <-chan load.Stats) {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan load.Stats, 1)
	users := rand.New(rand.NewPCG(1, 2))
	cfg := load.Config{
		URL: "http://" + w.traffic + "/", Rate: demoRate, Random: rand.New(rand.NewPCG(3, 4)),
		Keys: func(uint64) string { return fmt.Sprintf("user-%d", users.IntN(demoKeys)) }, KeyHeader: "X-User",
		Drain: time.Second,
	}
	go func() {
		s, err := load.Run(ctx, cfg, nil)
		if err != nil {
			fmt.Fprintf(d.err, "linnet: load: %v\n", err)
		}
		out <- s
	}()
	return cancel, out
}
