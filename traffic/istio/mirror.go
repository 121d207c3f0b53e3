package istio

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/kube"
	"github.com/linnet-project/linnet/traffic/split"
)

// mirrorNote is the annotation that says that we mirror: an object without it
// has no mirror of ours.
const mirrorNote = "linnet.dev/mirror"

// mirrorsKey is the field that we write; the others are older ways to say the
// same.
const mirrorsKey = "mirrors"

var mirrorKeys = []string{"mirror", "mirrorPercent", "mirror_percent", "mirrorPercentage"}

// mirrored is the share of a whole route's requests of which the second arm
// gets a copy. Istio draws among all requests of a route, so that as many
// copies are made as were asked of the first arm's alone.
func mirrored(route release.Route, weights []release.Weight) release.Weight {
	return release.Weight(math.Round(float64(route.Mirror) * float64(weights[0]) / float64(release.Whole)))
}

// mirror makes one route mirror a share, or end it. Mirrors of the user's stay.
func (r *Router) mirror(c *kube.Change, t target, p place, share release.Weight) error {
	at := kube.Path{"spec", p.protocol, strconv.Itoa(p.index), mirrorsKey}
	is, there := p.entry[mirrorsKey]
	own := r.ownMirrors(t, p)
	if share == 0 {
		unmirror(c, at, is, own)
		return nil
	}
	if there && len(own) == 0 || slices.ContainsFunc(mirrorKeys, func(key string) bool { return p.entry[key] != nil }) {
		return fmt.Errorf("%s mirrors by itself, and Linnet leaves that alone; release without mirror, or take the route's away: %w", p, release.ErrInvalid)
	}
	if len(p.arms[1]) == 0 {
		return fmt.Errorf("%s %s: %w", p, p.lacks, release.ErrInvalid)
	}
	to, _ := p.destinations()[p.arms[1][0]]["destination"].(map[string]any)
	want := map[string]any{
		"destination": runtime.DeepCopyJSON(to),
		"percentage":  map[string]any{"value": number(float64(share) / float64(Grain))},
	}
	if !there {
		c.Add(at, []any{want})
		return nil
	}
	if was := is.([]any)[own[0]]; !reflect.DeepEqual(was, any(want)) {
		c.Replace(append(at, strconv.Itoa(own[0])), was, want)
	}
	return nil
}

// unmirror takes our entries out of a list of mirrors, and the list with the last
// of them.
func unmirror(c *kube.Change, at kube.Path, is any, own []int) {
	if list, _ := is.([]any); len(own) > 0 && len(own) == len(list) {
		c.Remove(at, is)
		return
	}
	for _, i := range slices.Backward(own) {
		c.Remove(append(slices.Clone(at), strconv.Itoa(i)), is.([]any)[i])
	}
}

// without is a list without some of its entries.
func without(list []any, at []int) (out []any) {
	for i, entry := range list {
		if !slices.Contains(at, i) {
			out = append(out, entry)
		}
	}
	return out
}

// ownMirrors are the places of our mirrors among those of a route, in their
// order: the object has our note, and they lead to the second arm. Others beside
// them are the user's.
func (r *Router) ownMirrors(t target, p place) (out []int) {
	if t.object.GetAnnotations()[mirrorNote] == "" {
		return nil
	}
	for i, mirror := range objects(p.entry[mirrorsKey]) {
		if same(r.cfg.Arms[1], destination(mirror), t.object.GetNamespace()) {
			out = append(out, i)
		}
	}
	return out
}

// note keeps the annotation that says that we mirror.
func note(c *kube.Change, t target, share release.Weight) {
	switch is, want := t.object.GetAnnotations()[mirrorNote], split.Percent(share); {
	case share > 0 && is != want:
		c.Annotate(mirrorNote, want)
	case share == 0 && is != "":
		c.Unannotate(mirrorNote)
	}
}

// number is a value as it is read back: whole numbers are integers there.
func number(x float64) any {
	if x == math.Trunc(x) {
		return int64(x)
	}
	return x
}
