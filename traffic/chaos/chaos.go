// Package chaos holds the stories that a release must come through on every
// traffic provider: the provider fails, hangs or lies for a while, Linnet is
// killed around a change, somebody edits the route by hand, two Linnets run at
// once. Each story is a whole small release with the real Runner and a real
// journal on the provider that a test gives:
//
//	func TestProviderInChaos(t *testing.T) { chaos.Exercise(t, harness) }
//
// where harness is what trafficconf.Exercise takes, too. While a story goes on,
// what the provider serves is watched: it is always a weight that was recorded
// before, or one that the story set by hand, and it never rises after a fail.
package chaos

import (
	"testing"
	"time"

	"github.com/linnet-project/linnet/traffic/trafficconf"
)

// limit is how long anything in a story may take; what takes that long fails it.
const limit = 45 * time.Second

// Exercise runs all stories. Each opens a Harness of its own, and leaves out,
// saying so, what its provider or test bed cannot do.
func Exercise(t *testing.T, open func(t *testing.T) trafficconf.Harness) {
	t.Helper()
	stories := []struct {
		name string
		tell func(*world)
	}{
		{"a bad candidate while the provider fails in every way it can", failsEveryWay},
		{"a bad candidate while the provider hangs", hangs},
		{"a bad candidate while the provider lies", lies},
		{"a good candidate while the provider fails, hangs and lies", goodAfterAll},
		{"killed before, in and after every change, with a good candidate", killedGood},
		{"killed before, in and after every change, with a bad candidate", killedBad},
		{"killed for longer than its lease", nobodyRenews},
		{"somebody edits the route by hand", editedByHand},
		{"a change that was overtaken arrives after the rollback", arrivesLate},
		{"one release run twice at once", runTwice},
		{"two releases of one service", twoReleases},
		{"an abort while a raise hangs", abortsHangingRaise},
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t, open(t))
			defer w.end()
			s.tell(w)
		})
	}
}
