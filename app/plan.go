package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/forecast"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

func (p *process) plan() *cobra.Command {
	var q planFlags
	cmd := &cobra.Command{
		Use:   "plan -f release.yaml (--rate 100/s … | --from-source)",
		Short: "Tell beforehand what each step will see, how soon, and at what cost",
		Long: `Plays the judge on drawn traffic, and tells for each step how long harm of a
size takes to be found, what the smallest harm is that it finds, how long a
harmless candidate takes to pass, how many requests meet the candidate meanwhile,
and what weight and time would do better. What is not said is assumed, and the
output says what.`,
		Example: `  linnet plan -f release.yaml --rate 100/s --errors 0.5% --base latency=60ms/400ms
  linnet plan -f release.yaml --from-source --picture plan.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pl, f, err := p.readPlan(q.file)
			if err != nil {
				return err
			}
			return p.foretell(cmd.Context(), pl, f, &q)
		},
	}
	q.bind(cmd.Flags())
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

// foretell plays a plan and prints what it will see.
func (p *process) foretell(ctx context.Context, pl plan.Plan, f spec.File, q *planFlags) error {
	service, err := p.service(ctx, pl, f, q)
	if err != nil {
		return err
	}
	bar := newBar(p)
	told, err := foretold(ctx, pl, service, q, bar)
	if bar.wipe(); err != nil {
		return err
	}
	if q.picture != "" {
		if err := os.WriteFile(q.picture, []byte(told.Picture()), 0o644); err != nil {
			return fmt.Errorf("--picture: %w", err)
		}
	}
	if p.json {
		out := json.NewEncoder(p.out)
		out.SetIndent("", "  ")
		return out.Encode(told)
	}
	_, err = io.WriteString(p.out, told.Text())
	return err
}

// foretold plays a plan on a service.
func foretold(ctx context.Context, pl plan.Plan, service forecast.Service, q *planFlags, bar *bar) (forecast.Forecast, error) {
	scene := forecast.Scene{
		Plan: pl, Service: service, Draws: draws(q.seed), Paths: q.paths,
		Quit: func() bool { return ctx.Err() != nil },
	}
	if err := scene.Check(); err != nil {
		return forecast.Forecast{}, err
	}
	found := playAll(scene, scene.Cells(), q.players, bar)
	found = append(found, playAll(scene, scene.Wishes(found), q.players, bar)...)
	if err := ctx.Err(); err != nil {
		return forecast.Forecast{}, err
	}
	return scene.Forecast(found), nil
}

// draws are streams of chance from a seed.
func draws(seed uint64) forecast.Draws {
	return func(stream uint64) forecast.Chance {
		return rand.New(rand.NewPCG(seed, (stream+1)*0x9e3779b97f4a7c15)) // neighbours far apart
	}
}

// playAll answers cells, so many at a time; 0 is as many as there are processors.
func playAll(scene forecast.Scene, cells []forecast.Cell, players int, bar *bar) []forecast.Found {
	found := make([]forecast.Found, len(cells))
	bar.more(len(cells))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(cmp.Or(players, runtime.GOMAXPROCS(0)), len(cells)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(cells) {
					return
				}
				found[i] = scene.Play(cells[i])
				bar.done()
			}
		})
	}
	wg.Wait()
	return found
}

// bar shows on a terminal how far the playing is.
type bar struct {
	w         io.Writer // nil for nowhere
	mu        sync.Mutex
	of, ended int
}

func newBar(p *process) *bar {
	if _, _, ok := terminal(p.err); !ok || p.quiet {
		return &bar{}
	}
	return &bar{w: p.err}
}

func (b *bar) more(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.of += n
	b.paint()
}

func (b *bar) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended++
	b.paint()
}

func (b *bar) paint() {
	if b.w != nil {
		fmt.Fprintf(b.w, "\r\x1b[Kplaying the judge: %d of %d questions", b.ended, b.of)
	}
}

func (b *bar) wipe() {
	if b.w != nil {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

// service is what the flags say of the service, what the source tells, and what
// is assumed of the rest.
func (p *process) service(ctx context.Context, pl plan.Plan, f spec.File, q *planFlags) (forecast.Service, error) {
	s := forecast.Service{}
	for _, m := range pl.Metrics {
		s.Metrics = append(s.Metrics, forecast.Assume(m))
	}
	if q.fromSource {
		source, closeSource, err := p.openSources(ctx, f)
		if err != nil {
			return s, err
		}
		warnings, err := learn(ctx, source, pl, time.Now().Add(-pl.Delay), &s)
		for _, w := range warnings {
			fmt.Fprintf(p.err, "linnet: %s: it is assumed\n", w)
		}
		if err := errors.Join(err, closeSource()); err != nil {
			return s, err
		}
	}
	if err := q.apply(pl, &s); err != nil {
		return s, err
	}
	if s.Rate == 0 {
		return s, fmt.Errorf("how much traffic is there? Give --rate 100/s, or --from-source to read it: %w", release.ErrInvalid)
	}
	return s, nil
}
