package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

const (
	// doctorLooks is over how many looks, and doctorSpan over what time at least,
	// doctor looks back, in doctorWindows windows at most.
	doctorLooks   = 10
	doctorSpan    = 5 * time.Minute
	doctorWindows = 240
	// doctorAtOnce is how many metrics of one source are asked at the same time,
	// doctorGrace how long a source may overstay its deadline.
	doctorAtOnce = 4
	doctorGrace  = time.Second
)

// diagnosis is what a release would get from its sources right now.
type diagnosis struct {
	Release string         `json:"release"`
	At      time.Time      `json:"at"`
	OK      bool           `json:"ok"`
	Problem *problem       `json:"problem,omitempty"` // the first
	Metrics []*metricCheck `json:"metrics"`
	Door    *doorCheck     `json:"door,omitempty"` // of an embedded store that has one
}

// metricCheck is what a source answers for one metric.
type metricCheck struct {
	Metric   string           `json:"metric"`
	Severity release.Severity `json:"severity"`
	Source   string           `json:"source"` // its kind, and its name where it has one
	TookMs   int64            `json:"took_ms"`
	Arms     []armCheck       `json:"arms"`
	Warnings []string         `json:"warnings,omitempty"`
	Problems []problem        `json:"problems,omitempty"`

	// Averages says that the source told averages, which are judged with a warning.
	Averages bool `json:"averages,omitempty"`

	// NotAsked says that only the release itself can ask for it.
	NotAsked bool `json:"not_asked,omitempty"`

	metric release.Metric
	source spec.Source
	gone   bool // the source gave no answer
}

// armCheck is what is there of one arm. Samples are requests, events, values, or
// points read.
type armCheck struct {
	Arm      string `json:"arm"`
	Found    bool   `json:"found"`
	Segments int    `json:"segments,omitempty"`
	// Windows are those with data out of Of, which are Step long each.
	Windows int     `json:"windows"`
	Of      int     `json:"of"`
	Step    float64 `json:"step_s"`
	Samples float64 `json:"samples"`
	// LastLook are the samples that the last look of a release would have had.
	LastLook float64 `json:"last_look"`
	// Resolution is the mean distance between windows in which something
	// happened, Age how long ago the newest of them ended; seconds, as far as the
	// windows tell. Neither is there where nothing happened.
	Resolution *float64 `json:"resolution_s,omitempty"`
	Age        *float64 `json:"age_s,omitempty"`
}

// problem is something that is wrong, and what to do about it.
type problem struct {
	Metric string `json:"metric"`
	Text   string `json:"text"`
	Do     string `json:"do"`
	// Stops says that a release could not start.
	Stops bool `json:"stops"`
}

func (p *process) doctor() *cobra.Command {
	var file, databaseURL string
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "doctor -f FILE",
		Short: "Ask every metric source of a release right now, and say what the release would get; or look a server's settings over",
		Long: `Asks every source of a release file for every metric, both arms, as the release
would, and says what is there: samples, how fine and how old the data is, what
the source warns of, and the first problem with what to do. Nothing is changed.

Of a server's settings it says whether a server could start with them: the files
they name, the store, the clock, and the sources and providers of the releases
that it would run, and the channels of its notices, without telling anybody; of a
notices file its channels alone.

Exit codes: 0 a release could start; 1 a guardrail has no data of an arm that
should have it, or a source fails; 2 unusable input.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if timeout <= 0 {
				return fmt.Errorf("--timeout must be above 0; %w", errUsage)
			}
			text, err := p.readText(file)
			if err != nil {
				return err
			}
			if kind, ok := spec.KindOf(text); ok && kind.Name == "Server" {
				d, err := p.examineServer(cmd.Context(), file, text, databaseURL, timeout)
				if err != nil {
					return err
				}
				return p.printServer(d)
			}
			if kind, ok := spec.KindOf(text); ok && kind.Name == "Notices" {
				plan, err := compileNotices(file, text)
				if err != nil {
					return err
				}
				return p.tryChannels(cmd.Context(), file, plan, "", true)
			}
			f, err := parseFile(file, text)
			if err != nil {
				return err
			}
			if f.Analysis.Source.Embedded != nil && f.Analysis.Source.Embedded.Receive != nil {
				if _, err := rulesOf(f); err != nil {
					return err
				}
			}
			d := diagnose(cmd.Context(), f, timeout)
			if err := cmd.Context().Err(); err != nil {
				return err
			}
			if err := p.printDiagnosis(d); err != nil || d.OK {
				return err
			}
			return exit(exitError)
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "release file, or settings of a server")
	cmd.Flags().StringVar(&databaseURL, "db", "", "of a server: URL of a PostgreSQL database")
	cmd.Flags().DurationVar(&timeout, "timeout", 20*time.Second, "how long each source may take")
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

// diagnose asks all sources at the same time, each with its own deadline.
func diagnose(ctx context.Context, f spec.File, timeout time.Duration) *diagnosis {
	d := &diagnosis{Release: f.Name, At: time.Now().UTC()}
	bySource := map[string][]*metricCheck{}
	for _, m := range f.Analysis.Metrics {
		s, _ := f.Analysis.Of(m.Source)
		c := &metricCheck{Metric: m.Name, Severity: m.Severity, Source: strings.TrimSpace(s.Kind() + " " + s.Name), Arms: []armCheck{}, metric: m, source: s}
		d.Metrics = append(d.Metrics, c)
		bySource[s.Name] = append(bySource[s.Name], c)
	}
	var all sync.WaitGroup
	for _, s := range f.Analysis.All() {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			d.examine(ctx, f, s, bySource[s.Name])
		})
	}
	all.Wait()
	d.conclude(f)
	return d
}

// examine asks one source for its metrics.
func (d *diagnosis) examine(ctx context.Context, f spec.File, s spec.Source, checks []*metricCheck) {
	if len(checks) == 0 {
		return
	}
	if s.Embedded != nil {
		d.examineEmbedded(ctx, f, checks)
		return
	}
	source, err := openSource(ctx, s)
	if err != nil {
		for _, c := range checks {
			c.fails(err)
		}
		return
	}
	if c, ok := source.(interface{ Close() }); ok {
		defer c.Close()
	}
	grain, _ := s.Pace()
	examineAll(ctx, f, source, max(grain, f.Analysis.Every/4, time.Second).Round(time.Second), checks)
}

// examineAll asks an open source for its metrics, in windows so long.
func examineAll(ctx context.Context, f spec.File, source run.Source, step time.Duration, checks []*metricCheck) {
	slots := make(chan struct{}, doctorAtOnce)
	var all sync.WaitGroup
	for _, c := range checks {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			c.ask(ctx, f, source, step)
		})
	}
	all.Wait()
}

// ask asks for one metric. A source that does not heed its deadline is left
// behind for the end of the process.
func (c *metricCheck) ask(ctx context.Context, f spec.File, source run.Source, step time.Duration) {
	type result struct {
		a   release.Answer
		err error
	}
	began := time.Now()
	q := release.Query{Metric: c.metric, Arms: []release.Arm{f.Baseline, f.Candidate}, Windows: doctorQuery(f, began, step)}
	done := make(chan result, 1)
	go func() {
		a, err := source.Observe(ctx, q)
		done <- result{a, err}
	}()
	got := result{err: fmt.Errorf("no answer in time: %w", release.ErrUnavailable)}
	select {
	case got = <-done:
	case <-ctx.Done():
		late := time.NewTimer(doctorGrace)
		defer late.Stop()
		select {
		case got = <-done:
		case <-late.C:
		}
	}
	c.TookMs = time.Since(began).Milliseconds()
	if got.err != nil {
		c.fails(got.err)
		return
	}
	c.Warnings = got.a.Warnings
	for _, arm := range q.Arms {
		c.Arms = append(c.Arms, c.see(f, q, arm, got.a.Observations))
	}
	c.Averages = c.metric.Averages || slices.ContainsFunc(got.a.Observations, func(o release.Observation) bool { return o.Averages })
}

// doctorQuery are windows one after the other up to now.
func doctorQuery(f spec.File, now time.Time, step time.Duration) []release.Window {
	span := max(doctorLooks*f.Analysis.Every+f.Analysis.Delay, doctorSpan, 4*step)
	n := min(int(span/step)+1, doctorWindows)
	windows := make([]release.Window, n)
	for i := range windows {
		to := now.Add(-time.Duration(n-1-i) * step)
		windows[i] = release.Window{From: to.Add(-step), To: to}
	}
	return windows
}

// see sums up what is there of an arm.
func (c *metricCheck) see(f spec.File, q release.Query, arm release.Arm, all []release.Observation) armCheck {
	now := q.Windows[len(q.Windows)-1].To
	out := armCheck{Arm: arm.Name, Of: len(q.Windows), Step: q.Windows[0].To.Sub(q.Windows[0].From).Seconds()}
	// What a look would have had: it ends delay before now.
	look := release.Window{To: now.Add(-f.Analysis.Delay)}
	look.From = look.To.Add(-max(f.Analysis.Every, q.Windows[0].To.Sub(q.Windows[0].From)))
	segments := map[string]bool{}
	var active []time.Time
	for i := range all {
		o := &all[i]
		switch {
		case o.Arm != arm.Name:
			continue
		case o.Segment != "":
			segments[o.Segment] = true
			continue
		}
		out.Found = true
		n := samplesOf(c.metric, o)
		if n > 0 {
			out.Windows++
			active = append(active, o.Window.To)
		}
		out.Samples += n
		if o.Window.To.After(look.From) && !o.Window.To.After(look.To) {
			out.LastLook += n
		}
	}
	out.Segments = len(segments)
	slices.SortFunc(active, time.Time.Compare)
	if n := len(active); n > 0 {
		age := now.Sub(active[n-1]).Seconds()
		out.Age = &age
	}
	if n := len(active); n > 1 {
		each := active[n-1].Sub(active[0]).Seconds() / float64(n-1)
		out.Resolution = &each
	}
	return out
}

// samplesOf is the sample size of an observation.
func samplesOf(m release.Metric, o *release.Observation) float64 {
	switch m.Kind {
	case release.Gauge:
		return float64(len(o.Points))
	case release.Histogram:
		sum := int64(0)
		for _, n := range o.Counts {
			sum += n
		}
		return float64(sum)
	}
	return max(o.Of, float64(o.Events))
}

// fails notes that the source gave no answer.
func (c *metricCheck) fails(err error) {
	do := "see that it runs and can be reached from here, then ask again"
	switch {
	case errors.Is(err, release.ErrInvalid):
		do = "change the release file, or the credential that it names"
	case errors.Is(err, release.ErrNotFound):
		do = "see that the address and the names in the release file are those of the source"
	}
	c.gone = true
	c.Problems = append(c.Problems, problem{Metric: c.Metric, Text: release.Plain(err), Do: do, Stops: true})
}

func (p *process) printDiagnosis(d *diagnosis) error {
	if p.json {
		return json.NewEncoder(p.out).Encode(d)
	}
	return d.write(p.out)
}
