package app

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// plainEvery is how often a quiet look gets a line where there is no terminal.
const plainEvery = 15 * time.Second

// The live block needs a screen at least so large.
const (
	leastWidth  = 40
	leastHeight = 16
)

// say prints a line for people, on standard error where JSON goes to standard
// output.
func (p *process) say(format string, args ...any) {
	if p.quiet {
		return
	}
	w := p.out
	if p.json {
		w = p.err
	}
	fmt.Fprintf(w, format+"\n", args...)
}

// logger logs to standard error.
func (p *process) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(p.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: expected debug, info, warn or error: %w", p.logLevel, release.ErrInvalid)
	}
	o := &slog.HandlerOptions{Level: level}
	switch p.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(p.err, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(p.err, o)), nil
	}
	return nil, fmt.Errorf("--log-format %q: expected text or json: %w", p.logFormat, release.ErrInvalid)
}

// colour tells whether the output may have colours.
func (p *process) colour() bool {
	_, _, ok := terminal(p.out)
	return ok && os.Getenv("NO_COLOR") == ""
}

// terminal returns the size of the terminal that w is, if it is one.
func terminal(w io.Writer) (width, height int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) || os.Getenv("TERM") == "dumb" {
		return 0, 0, false
	}
	width, height, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 1 || height < 1 {
		width, height = 80, 24
	}
	return width, height, true
}

// printable takes control characters out of text that people gave.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
}

// progress shows a release while it runs: a block that is painted anew on a
// terminal, lines elsewhere.
type progress struct {
	p *process

	mu      sync.Mutex
	live    bool
	painted int // lines of the block on the screen
	width   int // of the screen it was painted on
	lineAt  time.Time
	trouble release.Code // of the source, at the last look
}

func newProgress(p *process) *progress {
	width, height, ok := terminal(p.out)
	// A block that cannot fit would pile up: lines are better there.
	return &progress{p: p, live: ok && !p.json && width >= leastWidth && height >= leastHeight}
}

// addresses says where this process can be reached.
func (g *progress) addresses(w *parts) {
	if w.traffic != "" {
		g.p.say("traffic on http://%s", w.traffic)
	}
	what := "metrics"
	if w.store != nil {
		what = "metrics and a Prometheus API"
	}
	g.p.say("%s on %s", what, w.status)
}

// step shows a record.
func (g *progress) step(s engine.State, rec journal.Record) {
	if g.p.quiet {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	trouble := g.trouble
	if _, look := rec.Event.(engine.Looked); look {
		trouble = sourceTrouble(rec.Decision.Reason.Code)
	}
	news := rec.Decision.Kind != engine.Stay || len(rec.Effects) > 0 || trouble != g.trouble
	g.trouble = trouble
	line := report.Line(s, rec)
	if !g.live {
		if line != "" && (news || rec.At.Sub(g.lineAt) >= plainEvery) {
			g.p.say("%s", line)
			g.lineAt = rec.At
		}
		return
	}
	g.wipe()
	if news && line != "" {
		g.p.say("%s", line)
	}
	width, height, _ := terminal(g.p.out)
	lines := report.Live(s, max(width, leastWidth), report.Options{Color: g.p.colour()})
	lines = lines[:min(len(lines), max(height-1, 0))]
	for _, l := range lines {
		fmt.Fprintln(g.p.out, l)
	}
	g.painted, g.width = len(lines), width
}

// sourceTrouble is a code that says that the source is broken, or none. People
// are told at once when it breaks, and when it is back.
func sourceTrouble(c release.Code) release.Code {
	if c == release.SourceDown || c == release.SourceInvalid {
		return c
	}
	return ""
}

// wipe takes the block off the screen. On a screen that has become narrower
// its lines have been wrapped, and the whole screen is cleared.
func (g *progress) wipe() {
	if g.painted == 0 {
		return
	}
	if width, _, _ := terminal(g.p.out); width < g.width {
		fmt.Fprint(g.p.out, "\x1b[2J\x1b[H")
	} else {
		fmt.Fprintf(g.p.out, "\r\x1b[%dA\x1b[J", g.painted)
	}
	g.painted = 0
}

// done leaves the screen to others.
func (g *progress) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wipe()
}
