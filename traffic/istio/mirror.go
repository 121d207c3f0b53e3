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

// mirror makes one route mirror a share, or end it.
func (r *Router) mirror(c *kube.Change, t target, p place, share release.Weight) error {
	at := kube.Path{"spec", p.protocol, strconv.Itoa(p.index), mirrorsKey}
	is, there := p.entry[mirrorsKey]
	own := r.ownMirror(t, p)
	if share == 0 {
		if own {
			c.Remove(at, is)
		}
		return nil
	}
	if there && !own || slices.ContainsFunc(mirrorKeys, func(key string) bool { return p.entry[key] != nil }) {
		return fmt.Errorf("%s mirrors by itself, and Linnet leaves that alone; release without mirror, or take the route's away: %w", p, release.ErrInvalid)
	}
	to, _ := p.destinations()[p.arms[1]]["destination"].(map[string]any)
	want := []any{map[string]any{
		"destination": runtime.DeepCopyJSON(to),
		"percentage":  map[string]any{"value": number(float64(share) / float64(Grain))},
	}}
	switch {
	case !there:
		c.Add(at, want)
	case !reflect.DeepEqual(is, any(want)):
		c.Replace(at, is, want)
	}
	return nil
}

// ownMirror tells our mirror from the user's: the object has our note, and the
// route a single mirror, to the second arm.
func (r *Router) ownMirror(t target, p place) bool {
	mirrors := objects(p.entry[mirrorsKey])
	return t.object.GetAnnotations()[mirrorNote] != "" && len(mirrors) == 1 &&
		same(r.cfg.Arms[1], destination(mirrors[0]), t.object.GetNamespace())
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
