package sim

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/engine"
)

// trouble is what may happen to a release between two stretches of time.
var trouble = []string{
	`source down "HTTP 503"`, `source up`, `silent candidate`, `silent both`, `silent none`,
	`provider down "i/o timeout"`, `provider up`, `provider set 70%`, `provider set 1%`, `provider set 0%`,
	`crash after=journal`, `crash after=act`, `process stops 2m`, `clock -1m`, `clock +1h`,
	`order pause by=ann`, `order resume by=ann`, `order advance by=ann`, `order approve by=ann`, `order abort by=ann`,
	`traffic errors=1%/1% rps=50`, `traffic errors=1%/10% rps=50`, `traffic rps=1`,
}

// Whatever happens, once the world is mended a release comes to an end, and the
// provider serves just that.
func TestFaultsEndWell(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewStory(rapid.Uint64().Draw(t, "seed"))
		do := func(line string) {
			c, err := parse(line)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Do(c); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		lease := rapid.SampledFrom([]string{"0s", "30s"}).Draw(t, "lease")
		over := rapid.SampledFrom([]string{"0s", "1m"}).Draw(t, "over")
		do("plan steps=5%:1m:5m,25%:1m:5m:managers,50%:1m:5m:ask watch=1m recovery=1m blindFor=2m lease=" + lease + " over=" + over)
		do("metric errors ratio")
		do("traffic rps=50")
		do("start")
		for range rapid.IntRange(1, 15).Draw(t, "troubles") {
			do(rapid.SampledFrom(trouble).Draw(t, "trouble"))
			do(fmt.Sprintf("run %ds", 15*rapid.IntRange(0, 12).Draw(t, "looks")))
			if s.State().Over() {
				return // nobody looks any more
			}
		}
		for _, line := range []string{"source up", "silent none", "provider up", "traffic rps=80"} {
			do(line)
		}
		mended(t, s, do)
	})
}

// mended lets time pass and people answer until the release is over.
func mended(t *rapid.T, s *Story, do func(string)) {
	for range 200 {
		do("run 30s")
		switch st := s.State(); {
		case st.Over():
			if want := engine.CandidateWeight(st.Route); s.Served() != want {
				t.Fatalf("ended %s and serves %d", st.Phase, s.Served())
			}
			if (st.Phase == engine.RolledBack) != (st.Cause != "") {
				t.Fatalf("ended %s with cause %q", st.Phase, st.Cause)
			}
			return
		case st.Phase == engine.Waiting:
			do("order approve by=ann")
		case st.Phase == engine.Paused || st.Phase == engine.Held && st.Before != "":
			do("order resume by=ann")
		case st.Cause != "" && st.LookedAt.After(st.DecidedAt.Add(5*time.Minute)) && s.Served() > 0:
			t.Fatalf("%s and still %d served", st.Phase, s.Served())
		}
	}
	st := s.State()
	t.Fatalf("stuck %s in step %d, serving %d: %+v", st.Phase, st.Step, s.Served(), st.Why)
}
