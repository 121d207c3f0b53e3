package exec

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/linnet-project/linnet/command"
	"github.com/linnet-project/linnet/metric/rows"
	"github.com/linnet-project/linnet/ndjson"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/secret"
)

// DefaultTimeout is how long one run may take where Config has no Timeout.
const DefaultTimeout = 10 * time.Second

const (
	version     = 1
	maxOutput   = 16 << 20
	maxWarnings = 20
	maxSegments = 100
)

// Config says what is run.
type Config struct {
	// Command is the program and its arguments. A program with a slash in its
	// name is found from Folder, another one in PATH.
	Command []string
	// Folder is where it runs; "" is Linnet's own working folder.
	Folder string
	// Env are names of variables that it gets from Linnet's environment.
	Env []string
	// Timeout bounds each run; 0 means DefaultTimeout.
	Timeout time.Duration
}

// Source runs a command for each metric. It is safe for concurrent use.
type Source struct {
	name    string
	command *command.Command
}

// New makes a source; nothing is run yet. A program that does not exist is
// release.ErrNotFound, all else that is wrong release.ErrInvalid.
func New(cfg Config) (*Source, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	c, err := command.New(command.Config{
		Command: cfg.Command, Folder: cfg.Folder, Env: cfg.Env, Timeout: cfg.Timeout, Otherwise: release.ErrInvalid,
	})
	if err != nil {
		return nil, err
	}
	return &Source{name: cfg.Command[0], command: c}, nil
}

// Check accepts every metric: only the command knows its language.
func Check(release.Metric, []release.Arm) error { return nil }

// Observe runs the command once, for all windows and arms.
func (s *Source) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	a, err := s.observe(ctx, q)
	if err != nil {
		return release.Answer{}, fmt.Errorf("metric %s: command %s: %w", q.Metric.Name, s.name, err)
	}
	return a, nil
}

func (s *Source) observe(ctx context.Context, q release.Query) (release.Answer, error) {
	if err := ctx.Err(); err != nil {
		return release.Answer{}, fmt.Errorf("not run: %w: %w", release.ErrUnavailable, context.Cause(ctx))
	}
	if len(q.Windows) == 0 {
		return release.Answer{}, nil
	}
	text, err := json.Marshal(requestOf(q))
	if err != nil {
		return release.Answer{}, invalid("%v", err)
	}
	out, err := s.command.Run(ctx, text, maxOutput)
	if err == nil {
		err = out.Failed
	}
	if err != nil {
		return release.Answer{}, err
	}
	p := printed{q: q, secrets: s.command.Secrets(), rows: map[string][]rows.Row{}}
	if err := p.read(out.Text); err != nil {
		return release.Answer{}, err
	}
	return p.answer()
}

// printed is what a command printed.
type printed struct {
	q        release.Query
	secrets  []string
	rows     map[string][]rows.Row // by segment
	segments []string              // in the order in which they came, without that of all
	lines    int
	warnings []string
	strange  bool
}

// warningForm is a line that is no observation.
type warningForm struct {
	Warning string `json:"warning"`
}

func (p *printed) read(text []byte) error {
	scan := bufio.NewScanner(bytes.NewReader(text))
	scan.Buffer(make([]byte, 64<<10), ndjson.MaxLine)
	n := 0
	for scan.Scan() {
		n++
		line := bytes.TrimSpace(scan.Bytes())
		if len(line) == 0 {
			continue
		}
		var w warningForm
		if json.Unmarshal(line, &w) == nil && w.Warning != "" {
			if len(p.warnings) < maxWarnings {
				p.warnings = append(p.warnings, fmt.Sprintf("metric %s: %.500s", p.q.Metric.Name, secret.Hidden(w.Warning, p.secrets)))
			}
			continue
		}
		if err := p.take(line); err != nil {
			return invalid("line %d of its output is no observation (docs/exec-source.md): %s", n, secret.Hidden(err.Error(), p.secrets))
		}
	}
	if scan.Err() != nil {
		return invalid("line %d of its output is longer than %d bytes", n+1, ndjson.MaxLine)
	}
	return nil
}

// take makes rows of a line. What is printed of a segment is of that segment
// alone, so that each segment has an answer of its own.
func (p *printed) take(line []byte) error {
	l, err := ndjson.Parse(line)
	if err != nil {
		return err
	}
	if p.lines++; p.lines > rows.Most {
		return fmt.Errorf("there are more than %d lines", rows.Most)
	}
	m := p.q.Metric
	if l.Metric != "" && l.Metric != m.Name {
		return fmt.Errorf("it is about metric %q, and %s was asked for", l.Metric, m.Name)
	}
	l.Metric = m.Name
	o, err := l.Observation(m.Kind)
	if err != nil {
		return err
	}
	arm := rows.ArmOf(p.q.Arms, l.Arm)
	if arm < 0 {
		p.strange = true
		return nil
	}
	if !isSegment(l.Segment, m.By) {
		return fmt.Errorf("segment %.100q is not label=value, joined by commas, of by (%s)", l.Segment, strings.Join(m.By, ", "))
	}
	if _, ok := p.rows[l.Segment]; !ok && l.Segment != "" {
		p.segments = append(p.segments, l.Segment)
	}
	p.rows[l.Segment] = append(p.rows[l.Segment], rowsOf(rows.Row{Arm: arm, To: *l.Time}, m, o)...)
	return nil
}

// isSegment tells whether a text names a segment by labels, in their order. Where
// there are no labels, segments are left out later.
func isSegment(text string, by []string) bool {
	for i, label := range by {
		if text == "" && i == 0 {
			return true // all together
		}
		before := ""
		if i > 0 {
			before = ","
		}
		_, rest, ok := strings.Cut(text, before+label+"=")
		if !ok || i == 0 && !strings.HasPrefix(text, label+"=") {
			return false
		}
		text = rest
	}
	return true
}

// rowsOf are the rows of an observation.
func rowsOf(r rows.Row, m release.Metric, o release.Observation) (all []rows.Row) {
	add := func(role rows.Role, value, kept float64) {
		r.Role, r.Value = role, value
		if r.Kept = 0; o.Kept != (release.Kept{}) && value > 0 {
			r.Kept = kept / value
		}
		all = append(all, r)
	}
	switch m.Kind {
	case release.Gauge:
		for _, v := range o.Points {
			add(rows.Level, v, 0)
		}
	case release.Histogram:
		total := 0.0
		for _, n := range o.Counts {
			total += float64(n)
		}
		for i, n := range o.Counts {
			if r.Bound = math.Inf(1); i < len(o.Bounds) {
				r.Bound = o.Bounds[i]
			}
			add(rows.Bucket, float64(n), o.Kept.Of*float64(n)/math.Max(total, 1))
		}
	default:
		add(rows.Events, float64(o.Events), float64(o.Kept.Events))
		if m.Of != "" || o.Of > 0 {
			add(rows.Of, o.Of, o.Kept.Of)
		}
	}
	return all
}

// answer puts the segments' answers together.
func (p *printed) answer() (release.Answer, error) {
	out := release.Answer{Warnings: p.warnings}
	warn := func(text string) { out.Warnings = append(out.Warnings, "metric "+p.q.Metric.Name+": "+text) }
	q := p.q
	q.Metric.By = nil
	if len(p.segments) > maxSegments {
		warn(fmt.Sprintf("more than %d segments, of which the first that are printed are judged on their own", maxSegments))
		p.segments = p.segments[:maxSegments]
	}
	for _, segment := range append([]string{""}, p.segments...) {
		if segment != "" && len(p.q.Metric.By) == 0 {
			warn("it prints segments, and the metric has no by; they are left out")
			continue
		}
		a, err := rows.Observe(q, p.rows[segment])
		if err != nil {
			return release.Answer{}, err
		}
		for _, o := range a.Observations {
			o.Segment = segment
			out.Observations = append(out.Observations, o)
		}
		out.Warnings = append(out.Warnings, a.Warnings...)
	}
	if _, whole := p.rows[""]; !whole && len(p.segments) > 0 {
		warn("it prints segments alone, and no line without one, of all together")
	}
	if p.strange && len(out.Observations) == 0 {
		warn("it prints arms that are none of the release's")
	}
	return out, nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, release.ErrInvalid)...)
}
