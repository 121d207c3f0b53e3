package kubernetes

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/linnet-project/linnet/release"
)

func TestGrain(t *testing.T) {
	for replicas, want := range map[int]release.Weight{
		-1: 0, 0: 0, 1: release.Whole, 3: 0, 7: 0, 10: 10_000, 16: 6_250, 20: 5_000, 1000: 100, 200_000: 0,
	} {
		if got := Grain(replicas); got != want {
			t.Errorf("%d replicas: grain %d, want %d", replicas, got, want)
		}
	}
}

func TestWhatIsStillMissing(t *testing.T) {
	whole := func(n int64) deployment { return deployment{name: "a", replicas: n, pods: n, ready: n, current: true} }
	starting := deployment{name: "b", replicas: 3, pods: 3, ready: 1, current: true}
	unseen := whole(3)
	unseen.current = false
	for _, test := range []struct {
		name    string
		b, c    deployment
		missing bool
	}{
		{"all there", whole(7), whole(3), false},
		{"the candidate starts", whole(7), starting, true},
		{"the baseline starts", starting, whole(3), true},
		{"the controller has not seen it", whole(7), unseen, true},
		{"no candidate, whatever the baseline does", starting, whole(0), false},
		{"no baseline, whatever the candidate does", whole(0), starting, false},
		{"the candidate's last pod is still there", whole(7), deployment{name: "c", pods: 1, ready: 1, current: true}, true},
	} {
		if got := settled(test.b, test.c); (got != "") != test.missing {
			t.Errorf("%s: %q is missing", test.name, got)
		}
	}
}

// FuzzParse: any object becomes a Deployment with sound numbers, or none.
func FuzzParse(f *testing.F) {
	f.Add(`{"spec":{"replicas":3},"status":{"replicas":3,"readyReplicas":2,"observedGeneration":1},"metadata":{"generation":1}}`)
	f.Add(`{"spec":{"replicas":-1}}`)
	f.Add(`{"spec":[],"status":"x","metadata":{"annotations":{"linnet.dev/replicas":"x"}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		o := &unstructured.Unstructured{}
		if json.Unmarshal([]byte(text), &o.Object) != nil || o.Object == nil {
			return
		}
		d := parse(o)
		if d.replicas < 0 {
			t.Errorf("%d replicas", d.replicas)
		}
		_, _, _ = d.waits(), d.asOrdered(), d.selector()
	})
}
