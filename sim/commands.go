package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// Do obeys one command of a script and returns what it printed:
//
//	plan steps=5%:2m:10m,25%:2m:10m:managers:ask every=15s …   what to walk
//	metric NAME KIND tolerance= severity= method= below= by=   what to judge by
//	… lowered=correct                 a weight lowered by hand is put right
//	… budget=200 share=off            the harm budget; the share of traffic is judged
//	                                  unless off (users: they stay in their arm)
//	traffic rps=100 errors=1%/5% latency=0.1/0.1 slow= cpu= eu=1%/9% lost=0/50%
//	observe NAME BASELINE CANDIDATE   figures of every look, instead of traffic's
//	start by=ann                      the release begins
//	run 10m                           turns for that long
//	process stops 5m                  no turns for that long; the world goes on
//	… approval=managers*2~30m!        asked before the first weight: two of the group,
//	                                  each for so long, with a reason
//	order pause by=ann because="…"    what a person orders; id= for a double, of=managers
//	                                  for the groups, glass=bob for who agreed to break it
//	source down "…" | source up       the source of metrics
//	silent candidate|baseline|both|none
//	provider down "…" | provider up | provider set 20% [by=] [epoch=]
//	crash after=journal|act           the process dies there next time
//	clock +24h                        Linnet's clock jumps
//	show                              where it stands
func (s *Story) Do(c Command) (string, error) {
	s.out.Reset()
	r := &reader{}
	switch c.Verb {
	case "plan":
		s.setPlan(r, c)
	case "metric":
		s.plan.Metrics = append(s.plan.Metrics, r.metric(c))
	case "traffic":
		s.setTraffic(r, c)
	case "observe":
		s.setFixed(r, c)
	case "start":
		if len(s.plan.Steps) == 0 || len(s.plan.Metrics) == 0 {
			return "", fmt.Errorf("a plan with steps and metrics comes first")
		}
		s.countShare()
		s.start(c.Named["by"])
	case "run":
		s.run(r.duration(c.words()))
		s.stands()
	case "process":
		s.live(r.duration(strings.TrimPrefix(c.words(), "stops ")))
	case "order":
		s.order(c)
	case "show":
		s.show()
	default:
		s.disturb(r, c)
	}
	return s.out.String(), r.err
}

// disturb obeys the commands that make trouble, and those that end it.
func (s *Story) disturb(r *reader, c Command) {
	what, word, _ := strings.Cut(c.words(), " ")
	switch c.Verb + " " + what {
	case "source down", "source up":
		s.sourceDown = word
	case "provider down", "provider up":
		s.router.Break(word)
	case "provider set":
		s.router.Meddle(r.weight(word), c.Named["by"], uint64(r.number(c.Named["epoch"])))
	case "silent candidate", "silent baseline", "silent both", "silent none":
		s.silent[release.Baseline] = what == "baseline" || what == "both"
		s.silent[release.Candidate] = what == "candidate" || what == "both"
	case "crash ":
		s.crash = c.Named["after"]
	case "clock " + what:
		s.skew += r.duration(what)
	default:
		r.wrong("unknown command")
	}
}

func (s *Story) setPlan(r *reader, c Command) {
	metrics := s.plan.Metrics
	s.plan = plan.Plan{
		Name: "checkout", Service: "shop", Metrics: metrics,
		Arms:  []release.Arm{{Name: release.Baseline, Version: "1.4.1"}, {Name: release.Candidate, Version: "1.5.0"}},
		Every: 15 * time.Second, BlindFor: 3 * time.Minute, FalseRollback: 0.01,
		Watch: 5 * time.Minute, Recovery: 2 * time.Minute, Lease: 30 * time.Second,
		Share: release.Share{Tolerance: 0.2, OnFewer: release.ActFail, OnMore: release.ActWait, Drawn: true},
	}
	for name, value := range c.Named {
		switch name {
		case "steps":
			for _, st := range strings.Split(value, ",") {
				s.plan.Steps = append(s.plan.Steps, r.step(st))
			}
		case "every":
			s.plan.Every = r.duration(value)
		case "delay":
			s.plan.Delay = r.duration(value)
		case "warmUp":
			s.plan.WarmUp = r.duration(value)
		case "blindFor":
			s.plan.BlindFor = r.duration(value)
		case "over":
			s.plan.RollbackOver = r.duration(value)
		case "watch":
			s.plan.Watch = r.duration(value)
		case "recovery":
			s.plan.Recovery = r.duration(value)
		case "lease":
			s.plan.Lease = r.duration(value)
		case "lowered":
			s.plan.CorrectLowered = value == "correct"
		case "budget":
			s.plan.HarmBudget = int64(r.number(value))
		case "share":
			s.setShare(r, value)
		case "approval":
			s.plan.Approval = r.approval(value)
		case "startIn":
			s.plan.StartAt = s.zero.Add(r.duration(value))
		default:
			r.wrong("a plan has no %s", name)
		}
	}
}

func (s *Story) setShare(r *reader, word string) {
	switch word {
	case "off":
		s.plan.Share = release.Share{}
	case "users":
		s.plan.Share.Drawn = false
	default:
		r.wrong("a share is off, or users")
	}
}

// countShare names the first ratio that the traffic feeds for the share of
// traffic to count; figures that are given do not follow the weight.
func (s *Story) countShare() {
	if s.plan.Share.OnFewer == "" {
		return
	}
	for _, m := range s.plan.Metrics {
		if _, fixed := s.fixed[m.Name]; m.Kind == release.Ratio && !fixed {
			s.plan.Share.Of = m.Name
			return
		}
	}
}

func (s *Story) setTraffic(r *reader, c Command) {
	t := Traffic{RPS: 100, Regional: map[string][2]float64{}}
	t.Arms = [2]Behaviour{{Errors: 0.01, Latency: 0.08, CPU: 0.5}, {Errors: 0.01, Latency: 0.08, CPU: 0.5}}
	for name, value := range c.Named {
		v := r.pair(value)
		for arm := range t.Arms {
			b := &t.Arms[arm]
			switch name {
			case "rps":
				t.RPS = v[0]
			case "errors":
				b.Errors = v[arm]
			case "latency":
				b.Latency = v[arm]
			case "lost":
				b.Lost = v[arm]
			case "slow":
				b.Slow = v[arm]
			case "cpu":
				b.CPU = v[arm]
			case regions[0], regions[1]:
				t.Regional[name] = v
			default:
				r.wrong("traffic has no %s", name)
			}
		}
	}
	s.service.Traffic = t
}

// setFixed reads "observe errors 3/1000 20/1000", or levels of a gauge.
func (s *Story) setFixed(r *reader, c Command) {
	if len(c.Words) != 3 {
		r.wrong("observe needs a metric and the figures of both arms")
		return
	}
	var pair [2]release.Observation
	for i, figures := range c.Words[1:] {
		v := r.pair(figures)
		if strings.Contains(figures, "/") {
			pair[i] = release.Observation{Events: int64(v[0]), Of: v[1]}
		} else {
			pair[i] = release.Observation{Points: []float64{v[0]}}
		}
	}
	s.fixed[c.Words[0]] = pair
}

func (s *Story) order(c Command) {
	s.orders++
	id := c.Named["id"]
	if id == "" {
		id = fmt.Sprint(s.orders)
	}
	e := engine.Commanded{At: s.clock(), ID: id, Verb: engine.Verb(c.words()), Who: c.Named["by"], Reason: c.Named["because"],
		Groups: []string{engine.Anybody}, Glass: c.Named["glass"]}
	if of, ok := c.Named["of"]; ok {
		e.Groups = strings.Split(of, "+")
	}
	s.step(e)
	s.act()
}
