package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/backtest"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// summaryFlags are the flags of `linnet backtest --summary`.
type summaryFlags struct {
	summary        bool
	truth, against string
}

func (s *summaryFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&s.summary, "summary", false, "print one summary of all recordings instead of a line for each")
	f.StringVar(&s.truth, "truth", "", "what the recordings really were (JSON: recording, harmful, onset_s), for a summary")
	f.StringVar(&s.against, "against", "", "another release file, judged on the same recordings and shown beside, in a summary")
}

func (s *summaryFlags) wanted() bool { return s.summary || s.truth != "" || s.against != "" }

// policy is a release file's plan, with the file's name.
type policy struct {
	file string
	plan plan.Plan
}

// summaryJSON is what `linnet backtest --summary --json` prints.
type summaryJSON struct {
	Recordings int                  `json:"recordings"`
	Errors     []recordingError     `json:"errors"`
	Policies   []policyJSON         `json:"policies"` // one, or two
	Comparison *backtest.Comparison `json:"comparison,omitempty"`
}

type policyJSON struct {
	File string `json:"file"`
	backtest.Summary
	// Learned is what the recordings teach of each metric's rate and harm.
	Learned []backtest.Learned `json:"learned"`
	metrics []release.Metric
}

// recordingError is a recording that could not be judged; it is in no figure.
type recordingError struct {
	Recording string `json:"recording"`
	Error     string `json:"error"`
}

// tried is one recording judged by each policy.
type tried struct {
	name    string
	results []backtest.Result
	err     error
}

func (p *process) summarize(ctx context.Context, flags summaryFlags, first policy, names []string, w release.Weight) error {
	policies := []policy{first}
	if flags.against != "" {
		pl, _, err := p.readPlan(flags.against)
		if err != nil {
			return err
		}
		policies = append(policies, policy{flags.against, pl})
	}
	truths, err := readTruths(flags.truth, names)
	if err != nil {
		return err
	}
	judged := make([][]backtest.Judged, len(policies))
	out := summaryJSON{Recordings: len(names), Errors: []recordingError{}}
	err = inOrder(names, func(name string) tried {
		return tryAll(ctx, policies, name, w)
	}, func(t tried) error {
		truth := truths[0]
		truths = truths[1:]
		if t.err != nil {
			out.Errors = append(out.Errors, recordingError{t.name, release.Plain(t.err)})
			return nil
		}
		for i, r := range t.results {
			judged[i] = append(judged[i], backtest.Judged{Recording: t.name, Result: r, Truth: truth})
		}
		return nil
	})
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	for i, pol := range policies {
		learned := backtest.Learn(pol.plan.Metrics, judged[i])
		out.Policies = append(out.Policies, policyJSON{pol.file, backtest.Summarize(judged[i]), learned, pol.plan.Metrics})
	}
	if len(policies) == 2 {
		c := backtest.Compare(judged[0], judged[1])
		out.Comparison = &c
	}
	return p.printSummary(out)
}

// readTruths returns the truth of each recording, nil where none is known.
func readTruths(file string, names []string) ([]*backtest.Truth, error) {
	if file == "" {
		return make([]*backtest.Truth, len(names)), nil
	}
	text, err := readUpTo(file, backtest.MaxTruth+1)
	if err != nil {
		return nil, fmt.Errorf("truth: %w: %w", err, release.ErrInvalid)
	}
	all, err := backtest.ReadTruths(file, text)
	if err != nil {
		return nil, err
	}
	truths, err := all.Match(names)
	if err != nil {
		return nil, err
	}
	for _, t := range truths {
		if t != nil {
			return truths, nil
		}
	}
	return nil, fmt.Errorf("%s tells of none of these recordings; it must name their files, without folder and .gz: %w", file, release.ErrInvalid)
}

func tryAll(ctx context.Context, policies []policy, name string, w release.Weight) tried {
	t := tried{name: name}
	rec, err := openRecording(ctx, name)
	if err != nil {
		t.err = err
		return t
	}
	for _, pol := range policies {
		r, err := backtest.Replay(ctx, pol.plan, rec, w)
		if err != nil {
			t.err = fmt.Errorf("by %s: %w", pol.file, err)
			return t
		}
		t.results = append(t.results, r)
	}
	return t
}

func (p *process) printSummary(s summaryJSON) error {
	out := bufio.NewWriter(p.out)
	var err error
	if p.json {
		err = json.NewEncoder(out).Encode(s)
	} else {
		err = s.write(out)
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if len(s.Errors) > 0 {
		return exit(exitError)
	}
	return nil
}

// write writes the summary for people.
func (s summaryJSON) write(out io.Writer) error {
	fmt.Fprintf(out, "%d recordings judged; in brackets intervals that hold with 95 %% probability\n", s.Recordings-len(s.Errors))
	for _, e := range s.Errors {
		fmt.Fprintf(out, "error, in no figure: %s: %s\n", printable(e.Recording), printable(e.Error))
	}
	fmt.Fprintln(out)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	s.heads(t)
	s.shares(t)
	s.delays(t)
	if err := t.Flush(); err != nil {
		return err
	}
	for _, pol := range s.Policies {
		if err := errors.Join(pol.writeMetrics(out), pol.writeLearned(out)); err != nil {
			return err
		}
	}
	if c := s.Comparison; c != nil {
		c := *c
		fmt.Fprintf(out, "\n%d of %d recordings end in two ways\n", len(c.Differ), c.Recordings)
		for _, d := range c.Differ[:min(len(c.Differ), mostDiffering)] {
			fmt.Fprintf(out, "  %s: %s, %s\n", printable(d.Recording), d.First, d.Second)
		}
		if more := len(c.Differ) - mostDiffering; more > 0 {
			fmt.Fprintf(out, "  and %d more (--json has all)\n", more)
		}
	}
	return nil
}

// noDifference are the cells of a row that compares nothing.
const noDifference = "\t\t\t"

// mostDiffering bounds how many recordings are listed that end in two ways.
const mostDiffering = 20

func (s summaryJSON) heads(t io.Writer) {
	for _, pol := range s.Policies {
		fmt.Fprintf(t, "\t%s", printable(pol.File))
	}
	if s.Comparison != nil {
		fmt.Fprint(t, "\tdifference\tonly one of them\tMcNemar's p")
	}
	fmt.Fprintln(t)
}

// shares writes rows of shares, with how the policies differ.
func (s summaryJSON) shares(t io.Writer) {
	row := func(name string, of func(backtest.Summary) backtest.Share, pair func(backtest.Comparison) *backtest.Paired) {
		fmt.Fprint(t, name)
		for _, pol := range s.Policies {
			fmt.Fprintf(t, "\t%s", shown(of(pol.Summary)))
		}
		switch {
		case s.Comparison == nil:
		case pair == nil:
			fmt.Fprint(t, noDifference)
		default:
			d := pair(*s.Comparison)
			fmt.Fprintf(t, "\t%.3g points\t%d, %d\t%.3g", 100*d.Difference, d.OnlyFirst, d.OnlySecond, d.P)
		}
		fmt.Fprintln(t)
	}
	if s.Policies[0].Truth != nil {
		row("false rollbacks, of the harmless", func(s backtest.Summary) backtest.Share { return s.Truth.FalseRollbacks },
			func(c backtest.Comparison) *backtest.Paired { return c.FalseRollbacks })
		row("harm found, of the harmful", func(s backtest.Summary) backtest.Share { return s.Truth.HarmFound },
			func(c backtest.Comparison) *backtest.Paired { return c.HarmFound })
		row("  rolled back before the harm", func(s backtest.Summary) backtest.Share { return s.Truth.BeforeHarm }, nil)
		row("  promoted all the same", func(s backtest.Summary) backtest.Share { return s.Truth.Promoted }, nil)
		row("  held", func(s backtest.Summary) backtest.Share { return s.Truth.Held }, nil)
	}
	row("promoted", func(s backtest.Summary) backtest.Share { return s.Promoted },
		func(c backtest.Comparison) *backtest.Paired { return &c.Promoted })
	row("rolled back", func(s backtest.Summary) backtest.Share { return s.RolledBack },
		func(c backtest.Comparison) *backtest.Paired { return &c.RolledBack })
	row("held", func(s backtest.Summary) backtest.Share { return s.Held }, nil)
}

// delays writes rows of times, with how the policies differ.
func (s summaryJSON) delays(t io.Writer) {
	none := ""
	if s.Comparison != nil {
		none = noDifference
	}
	row := func(name string, of func(backtest.Summary) backtest.Times, beside string) {
		fmt.Fprint(t, name)
		for _, pol := range s.Policies {
			fmt.Fprintf(t, "\t%s", lasting(of(pol.Summary)))
		}
		fmt.Fprintln(t, beside)
	}
	beside := ""
	if c := s.Comparison; c != nil {
		beside = fmt.Sprintf("\t%s\tsooner %d, %d\t%.3g (sign test)", lasting(c.Delay.Difference), c.Delay.First, c.Delay.Second, c.Delay.P)
	}
	if s.Policies[0].Truth == nil {
		row("median time to promote", func(s backtest.Summary) backtest.Times { return s.ToPromote }, none)
		row("median time to roll back", func(s backtest.Summary) backtest.Times { return s.ToRollBack }, beside)
		return
	}
	row("median delay of harm found", func(s backtest.Summary) backtest.Times { return s.Truth.Delay }, beside)
	row("  of all harm, missed as never", func(s backtest.Summary) backtest.Times { return s.Truth.DelayOfAll }, none)
	row("median time to promote", func(s backtest.Summary) backtest.Times { return s.ToPromote }, none)
}

// writeMetrics writes which metrics decided the rollbacks.
func (pol policyJSON) writeMetrics(out io.Writer) error {
	fmt.Fprintf(out, "\nrollbacks of %s, by metric\n", printable(pol.File))
	if len(pol.Metrics) == 0 {
		_, err := fmt.Fprintln(out, "  none")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if pol.Truth == nil {
		fmt.Fprintln(t, "  METRIC\tROLLED BACK\tMEDIAN TIME")
	} else {
		fmt.Fprintln(t, "  METRIC\tFALSE ROLLBACKS\tHARM FOUND\tBEFORE THE HARM\tMEDIAN DELAY")
	}
	for _, m := range pol.Metrics {
		name := m.Metric
		if name == "" {
			name = "(none named)"
		}
		if m.FalseRollbacks == nil {
			fmt.Fprintf(t, "  %s\t%s\t%s\n", printable(name), shown(m.RolledBack), lasting(m.Delay))
			continue
		}
		fmt.Fprintf(t, "  %s\t%s\t%s\t%d\t%s\n", printable(name), shown(*m.FalseRollbacks), shown(*m.HarmFound), m.BeforeHarm.Count, lasting(m.Delay))
	}
	return t.Flush()
}

// shown is a share as "2 of 19, 11 % (1 to 33 %)".
func shown(s backtest.Share) string {
	if s.Of == 0 {
		return "0 of 0"
	}
	return fmt.Sprintf("%d of %d, %s %% (%s to %s %%)", s.Count, s.Of, percent(s.Share), percent(s.Low), percent(s.High))
}

// percent has a digit after the point, and two where it is nearly 0 or 100.
func percent(x float64) string {
	unit := 10.0
	if x < 0.01 || x > 0.99 {
		unit = 100
	}
	return strconv.FormatFloat(math.Round(100*x*unit)/unit, 'f', -1, 64)
}

// lasting is times as "1m15s (45s to 3m0s) of 7".
func lasting(t backtest.Times) string {
	switch {
	case t.Count == 0:
		return "-"
	case !t.Bounded:
		return fmt.Sprintf("%s (too few for an interval) of %d", length(t.Median), t.Count)
	}
	return fmt.Sprintf("%s (%s to %s) of %d", length(t.Median), length(t.Low), length(t.High), t.Count)
}

func length(s backtest.Seconds) string {
	if x := float64(s); x-x != 0 {
		return "never"
	}
	return time.Duration(math.Round(float64(s)*1000) * float64(time.Millisecond)).String()
}
