package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/backtest"
	"github.com/linnet-project/linnet/judge"
	"github.com/linnet-project/linnet/metric/recording"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// maxRecording bounds a recording's text, in bytes.
const maxRecording = 1 << 30

func (p *process) judge() *cobra.Command {
	var file, weight string
	var k kayentaFlags
	cmd := &cobra.Command{
		Use:   "judge (-f release.yaml | --kayenta config.json) < observations.ndjson",
		Short: "Judge observations from standard input, without store, source or network",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := oneForm(cmd); err != nil {
				return err
			}
			if cmd.Flag("kayenta").Changed {
				k.hasPass, k.hasMargin = cmd.Flag("pass").Changed, cmd.Flag("marginal").Changed
				return p.judgeKayenta(k)
			}
			pl, _, err := p.readPlan(file)
			if err != nil {
				return err
			}
			w, err := parseWeight(weight)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("weight") {
				pl.Share = release.Share{} // nobody said what to expect
			}
			return p.judgeStream(pl, w)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "release file")
	cmd.Flags().StringVar(&weight, "weight", "50%", "the candidate's share of the traffic; where it is given, the requests are held against it")
	k.add(cmd)
	return cmd
}

// oneForm checks that exactly one of a release file and a Kayenta config is
// given, and no flag that is for the other.
func oneForm(cmd *cobra.Command) error {
	given := func(name string) bool { return cmd.Flag(name).Changed }
	others, with := []string{"weight"}, "--file"
	switch {
	case given("file") == given("kayenta"):
		return fmt.Errorf("give either --file (a release file) or --kayenta (a canary config); %w (linnet judge --help)", errUsage)
	case given("file"):
		others, with = kayentaOnly, "--kayenta"
	}
	for _, name := range others {
		if given(name) {
			return fmt.Errorf("--%s is for %s; %w (linnet judge --help)", name, with, errUsage)
		}
	}
	return nil
}

// verdictLine is one verdict of `linnet judge`.
type verdictLine struct {
	Time      time.Time `json:"time"`
	Verdict   string    `json:"verdict"`
	Metric    string    `json:"metric"`
	Segment   string    `json:"segment"`
	Reason    string    `json:"reason"`
	Code      string    `json:"code"`
	E         float64   `json:"e"`
	Threshold float64   `json:"threshold"`
	// Worse is the probability of harm beyond the tolerance under a prior, and
	// Loss the expected bad events beyond the baseline's, each Per so much. They
	// are not calibrated under repeated looks: e decides.
	Worse *float64 `json:"probability_worse,omitempty"`
	Loss  *float64 `json:"expected_loss,omitempty"`
	Per   string   `json:"expected_loss_per,omitempty"`
	// Warnings say, by metric, what was left out or could not be known.
	Warnings []string `json:"warnings,omitempty"`
}

// believe puts a comparison's Bayesian figures on the line.
func (l *verdictLine) believe(metrics []release.Metric, c *judge.Comparison) {
	for _, m := range metrics {
		if b, ok := c.Belief(m); ok && m.Name == c.Metric {
			worse, loss := digits(b.Worse), digits(b.Loss)
			if l.Worse = &worse; b.Per != "" {
				l.Loss, l.Per = &loss, b.Per
			}
			return
		}
	}
}

// digits keeps the six digits of a figure that mean something.
func digits(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// mostTold is how many different warnings are told in a stream.
const mostTold = 100

func (p *process) judgeStream(pl plan.Plan, w release.Weight) error {
	out := bufio.NewWriter(p.out)
	last := judge.Wait
	told := map[string]bool{}
	cfg := judge.Config{Metrics: pl.Metrics, FalseRollback: pl.FalseRollback, Share: pl.Share, HarmBudget: pl.HarmBudget}
	err := backtest.Stream(p.in, cfg, w, func(v judge.Verdict) error {
		last = v.Outcome
		l := verdictLine{Time: v.At, Verdict: string(v.Outcome), Metric: v.Metric, Segment: v.Segment,
			Reason: v.Reason.Text, Code: string(v.Reason.Code)}
		for i := range v.Comparisons {
			c := &v.Comparisons[i]
			for _, w := range c.Warnings {
				l.Warnings = append(l.Warnings, strings.TrimSpace(c.Metric+" "+c.Segment)+": "+w)
			}
			if c.Metric == v.Metric && c.Segment == v.Segment && c.Reason == v.Reason {
				l.E, l.Threshold = backtest.EValue(c.LogE), backtest.EValue(c.LogThreshold)
				l.believe(pl.Metrics, c)
			}
		}
		// Each verdict goes out at once: the observations may come live.
		if p.json {
			return errors.Join(json.NewEncoder(out).Encode(l), out.Flush())
		}
		_, err := fmt.Fprintf(out, "%s %-4s %s\n", l.Time.UTC().Format(time.RFC3339), l.Verdict, l.Reason)
		for _, w := range l.Warnings { // once is enough for people
			if !told[w] && len(told) < mostTold {
				_, err2 := fmt.Fprintf(out, "  warning: %s\n", w)
				told[w], err = true, errors.Join(err, err2)
			}
		}
		return errors.Join(err, out.Flush())
	})
	if err != nil {
		return fmt.Errorf("observations: %w", err)
	}
	switch last {
	case judge.Fail:
		return exit(exitRolledBack)
	case judge.Wait:
		return exit(exitInconclusive)
	}
	return nil
}

func (p *process) backtest() *cobra.Command {
	var file, weight string
	var sum summaryFlags
	cmd := &cobra.Command{
		Use:   "backtest -f release.yaml RECORDING…",
		Short: "Judge recorded series as if live, in virtual time",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			pl, _, err := p.readPlan(file)
			if err != nil {
				return err
			}
			var w release.Weight
			if weight != "" {
				if w, err = parseWeight(weight); err != nil {
					return err
				}
			}
			if sum.wanted() {
				return p.summarize(cmd.Context(), sum, policy{file, pl}, names, w)
			}
			return p.replayAll(cmd.Context(), pl, names, w)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "release file")
	cmd.Flags().StringVar(&weight, "weight", "", "the candidate's share of the traffic, where the recording does not tell it")
	sum.add(cmd)
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

// resultLine is one recording's result of `linnet backtest`.
type resultLine struct {
	Recording string  `json:"recording"`
	Outcome   string  `json:"outcome"`
	At        float64 `json:"at_s"`
	Step      int     `json:"step"`
	Metric    string  `json:"metric"`
	Segment   string  `json:"segment"`
	Reason    string  `json:"reason"`
	Error     string  `json:"error,omitempty"`
}

// replayAll judges recordings, as many at a time as there are processors, and
// prints their results in the order of the arguments.
func (p *process) replayAll(ctx context.Context, pl plan.Plan, names []string, w release.Weight) error {
	failed := false
	out := bufio.NewWriter(p.out)
	err := inOrder(names, func(name string) resultLine {
		return replayOne(ctx, pl, name, w)
	}, func(r resultLine) error {
		failed = failed || r.Error != ""
		return p.printResult(out, r)
	})
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case failed:
		return exit(exitError)
	}
	return nil
}

// inOrder works on names, as many at a time as there are processors, and takes
// the results in the order of the names, up to the first error.
func inOrder[T any](names []string, work func(name string) T, take func(T) error) error {
	results := make([]chan T, len(names))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, name := range names {
		results[i] = make(chan T, 1)
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			results[i] <- work(name)
		})
	}
	for _, r := range results {
		if err := take(<-r); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) printResult(out *bufio.Writer, r resultLine) error {
	var err error
	switch {
	case p.json:
		err = json.NewEncoder(out).Encode(r)
	case r.Error != "":
		_, err = fmt.Fprintf(out, "%s: error: %s\n", r.Recording, r.Error)
	default:
		_, err = fmt.Fprintf(out, "%s: %s after %s, at step %d: %s\n", r.Recording, r.Outcome,
			time.Duration(r.At*float64(time.Second)), r.Step, r.Reason)
	}
	return errors.Join(err, out.Flush())
}

func replayOne(ctx context.Context, pl plan.Plan, name string, w release.Weight) resultLine {
	line := resultLine{Recording: name}
	fail := func(err error) resultLine {
		line.Outcome, line.Error = "error", err.Error()
		return line
	}
	rec, err := openRecording(ctx, name)
	if err != nil {
		return fail(err)
	}
	r, err := backtest.Replay(ctx, pl, rec, w)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", name, err))
	}
	line.Outcome, line.At, line.Step = string(r.Outcome), math.Round(r.At.Seconds()*1000)/1000, r.Step
	line.Metric, line.Segment, line.Reason = r.Metric, r.Segment, r.Reason.Text
	return line
}

func openRecording(ctx context.Context, name string) (*recording.Recording, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > maxRecording {
		return nil, fmt.Errorf("%s: larger than %d bytes", name, maxRecording)
	}
	return recording.Read(name, f)
}
