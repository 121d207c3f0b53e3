package spec

import (
	"time"

	"github.com/linnet-project/linnet/release"
)

// Exec is a command that splits the traffic.
type Exec struct {
	Asks
	// Command is the program and its arguments; no shell reads it.
	Command []string
	// Env are names of variables of Linnet's own environment that it gets beside
	// PATH and HOME.
	Env []string
	// Timeout bounds each call.
	Timeout time.Duration
	// Grain is the finest weight that it can set.
	Grain release.Weight
	// Ready says that it can tell whether an arm is ready.
	Ready bool
	// Lease is how long a weight holds without renewal; 0 where it holds for good.
	Lease time.Duration
}

func (e *Exec) grain() release.Weight { return e.Grain }
func (e *Exec) lease() time.Duration  { return e.Lease }

// fences is false: what the command does with an epoch is its own affair.
func (*Exec) fences() bool { return false }

var execKeys = &object[Exec]{keys: []key[Exec]{
	{name: "command", doc: "The program and its arguments, as a list; no shell reads it.", need: true, sample: "[./split, --service, checkout]",
		bind: at(func(e *Exec) *[]string { return &e.Command }, &listOf[string]{item: freeText, min: 1})},
	{name: "env", doc: "Names of environment variables that it gets from Linnet beside PATH and HOME. Their values are kept out of errors.", words: "none",
		bind: at(func(e *Exec) *[]string { return &e.Env }, &listOf[string]{item: labelName})},
	{name: "timeout", doc: "How long one call may take.", def: "8s",
		bind: at(func(e *Exec) *time.Duration { return &e.Timeout }, between(durations, time.Second, 10*time.Second))},
	{name: "grain", doc: "The finest weight that it can set; every weight must be a multiple.", def: "0.001%",
		bind: at(func(e *Exec) *release.Weight { return &e.Grain }, grains)},
	{name: "ready", doc: "Whether it answers `ready`: asked before the candidate gets more.", def: "false",
		bind: at(func(e *Exec) *bool { return &e.Ready }, booleans)},
	{name: "lease", doc: "How long a weight holds without `renew`, before it goes back to the baseline by itself.", words: "for good",
		bind: at(func(e *Exec) *time.Duration { return &e.Lease }, between(durations, time.Second, day))},
	testersKey(func(e *Exec) *release.Testers { return &e.Testers }, testerAny),
	stickyKey(func(e *Exec) *release.Sticky { return &e.Sticky }, byEither),
	mirrorKey(func(e *Exec) *release.Weight { return &e.Mirror }),
}}

// grains are weights that divide the whole.
var grains = &kind[release.Weight]{noun: "a percentage that divides 100%", classes: textOnly, pattern: weights.pattern, format: formatWeight,
	parse: func(text string) (release.Weight, fault) {
		w, bad := parseWeight(text)
		if bad == (fault{}) && release.Whole%w != 0 {
			return 0, fault{"does not divide 100%", "write one that does, such as 1% or 0.5%"}
		}
		return w, bad
	}}
