package engine

import (
	"testing"

	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// What people were told of and lasts is told to be over, once, under the same
// topic; what happens at one moment is not.
func TestWhatIsOverIsTold(t *testing.T) {
	s := newTale(plan.Plan{})
	s.served()
	var told []release.Notice
	keep := func() {
		for _, e := range s.effects {
			if n, ok := e.(Notify); ok {
				told = append(told, n.Notice)
			}
		}
	}
	s.look(good, &release.Seen{Route: s.s.route(2000)}) // somebody pulled the brake
	keep()
	s.look(good, &release.Seen{Route: s.s.route(2000)})
	keep()
	s.order(Resume)
	keep()
	s.served()
	keep()
	s.order(Abort)
	keep()
	if len(told) != 3 {
		t.Fatalf("%d notices: %+v", len(told), told)
	}
	brake, over, gone := told[0], told[1], told[2]
	if brake.Happening != release.ToldLowered || brake.Over || brake.Next != "linnet release resume checkout" || brake.Service != "shop" || brake.Attempt != 1 {
		t.Errorf("the brake: %+v", brake)
	}
	if over.Topic != brake.Topic || !over.Over || over.Urgency != release.Inform || over.ID == brake.ID {
		t.Errorf("its end: %+v", over)
	}
	if gone.Happening != release.ToldRollback || gone.Over {
		t.Errorf("the rollback: %+v", gone)
	}
}

// Every phase says what is useful next, but the end of what went well.
func TestNextCommand(t *testing.T) {
	for _, p := range []Phase{Scheduled, Shifting, WarmingUp, Observing, Waiting, Paused, Held, Failed, Promoting, Watching, RollingBack, Recovering, RolledBack} {
		if verb, does := Next(p, ""); verb == "" || does == "" {
			t.Errorf("%s: nothing", p)
		}
	}
	if verb, _ := Next(Promoted, ""); verb != "" {
		t.Error(verb)
	}
}
