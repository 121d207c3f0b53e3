package spec

import (
	"fmt"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/release"
)

// Own is what a file says of a provider of somebody's own, however it is called.
type Own struct {
	Asks
	// Timeout bounds each call.
	Timeout time.Duration
	// Grain is the finest weight that it can set.
	Grain release.Weight
	// Ready says that it can tell whether an arm is ready.
	Ready bool
	// Lease is how long a weight holds without renewal; 0 where it holds for good.
	Lease time.Duration
}

func (o *Own) grain() release.Weight { return o.Grain }
func (o *Own) lease() time.Duration  { return o.Lease }

func ownKeys[T any](place func(*T) *Own) []key[T] {
	return []key[T]{
		{name: "timeout", doc: "How long one call may take.", def: "8s",
			bind: at(func(t *T) *time.Duration { return &place(t).Timeout }, between(durations, time.Second, 10*time.Second))},
		{name: "grain", doc: "The finest weight that it can set; every weight must be a multiple.", def: "0.001%",
			bind: at(func(t *T) *release.Weight { return &place(t).Grain }, grains)},
		{name: "ready", doc: "Whether it answers `ready`: asked before the candidate gets more.", def: "false",
			bind: at(func(t *T) *bool { return &place(t).Ready }, booleans)},
		{name: "lease", doc: "How long a weight holds without `renew`, before it goes back to the baseline by itself.", words: "for good",
			bind: at(func(t *T) *time.Duration { return &place(t).Lease }, between(durations, time.Second, day))},
		testersKey(func(t *T) *release.Testers { return &place(t).Testers }, testerAny),
		stickyKey(func(t *T) *release.Sticky { return &place(t).Sticky }, byEither),
		mirrorKey(func(t *T) *release.Weight { return &place(t).Mirror }),
	}
}

// ownRules checks what must hold between the keys of providers of one's own.
func ownRules(c *checker, f *File) {
	ownRule(c, f, f.Traffic, "spec.traffic")
	for i, part := range f.Traffic.Several {
		ownRule(c, f, part, "spec.traffic.several["+strconv.Itoa(i)+"]")
	}
}

func ownRule(c *checker, f *File, t Traffic, path string) {
	if t.Exec != nil {
		renewable(c, f, t.Exec.Lease, path+".exec.lease")
	}
	if t.Webhook != nil {
		renewable(c, f, t.Webhook.Lease, path+".webhook.lease")
		certificateRules(c, t.Webhook.TLS, path+".webhook")
	}
}

// renewable refuses a lease that would lapse between looks; 0 is none.
func renewable(c *checker, f *File, lease time.Duration, path string) {
	least := 2 * f.Analysis.Every
	if lease > 0 && lease < least && c.fine(path, "spec.analysis.every") {
		c.fail(path, fmt.Sprintf("%s is less than two looks, %s", formatDuration(lease), formatDuration(least)), "let it be longer: a weight is renewed with each look")
	}
}

// grains are weights that divide the whole.
var grains = &kind[release.Weight]{noun: "a percentage that divides 100%", classes: textOnly, pattern: weights.pattern, format: formatWeight,
	parse: func(text string) (release.Weight, fault) {
		w, bad := parseWeight(text)
		if bad == (fault{}) && release.Whole%w != 0 {
			return 0, fault{"does not divide 100%", "write one that does, such as 1% or 0.5%"}
		}
		return w, bad
	}}
