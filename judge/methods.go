package judge

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Methods is the version of the methods that new releases are judged by, each
// to its end. A change of what a look comes to is a new version, and comes in
// two steps: one Linnet carries it, the next one begins releases by it. So
// whoever still runs the Linnet before can run every release that there is.
const Methods = 2

// methods is one version of how looks are judged and charted.
type methods struct {
	version int
	step    func(Config, State, Look) (State, Verdict)
	watch   func(Config, State, Look, string) (State, Verdict)
}

// carried are the versions that this binary judges by, oldest first: the one of
// Methods, the one before it, for releases that began then, and one that is to
// come. A later version is a row whose functions differ in what it changes; the
// functions of a row that was released do not change any more.
var carried = []methods{
	{version: 2, step: step, watch: watch},
}

// Carried returns nil where this binary carries a version of the methods, else
// release.ErrInvalid with the versions that it does carry. 0 is Methods.
func Carried(version int) error {
	if _, ok := find(version); ok {
		return nil
	}
	var have []string
	for _, m := range carried {
		have = append(have, strconv.Itoa(m.version))
	}
	return fmt.Errorf("methods of version %d are not carried by this linnet, which judges by %s: %w",
		version, strings.Join(have, " and "), release.ErrInvalid)
}

// find gives the methods of a version; those of Methods, and false, where they
// are not carried.
func find(version int) (methods, bool) {
	at := func(version int) int {
		return slices.IndexFunc(carried, func(m methods) bool { return m.version == version })
	}
	if version == 0 {
		version = Methods
	}
	if i := at(version); i >= 0 {
		return carried[i], true
	}
	return carried[at(Methods)], false
}

// Step takes one look by the methods of the configuration: it returns the next
// state, leaving the one given as it was, and the verdict that the state and
// this look come to. The order of a look's observations does not matter.
func Step(cfg Config, s State, l Look) (State, Verdict) {
	m, _ := find(cfg.Methods)
	return m.step(cfg, s, l)
}

// Watch takes one look at a version that has no other beside it: the candidate
// after a promotion, the baseline after a rollback. It charts each metric
// against what that version did before. Fail says that it got worse, Pass that
// this look had data and nothing is worse, Wait that it had none. Its false
// alarms stay below 1 % for a metric over the whole watch if the world does not
// change. Metrics judged by deviation, and counts of which fewer are worse, are
// not charted: traffic falls by itself.
func Watch(cfg Config, s State, l Look, arm string) (State, Verdict) {
	m, _ := find(cfg.Methods)
	return m.watch(cfg, s, l, arm)
}
