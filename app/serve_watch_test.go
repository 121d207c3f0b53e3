package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// scripted answers as it is told.
type scripted struct {
	answer release.Answer
	err    error
}

// Observe implements run.Source.
func (s *scripted) Observe(context.Context, release.Query) (release.Answer, error) {
	return s.answer, s.err
}

// What is told of a source that two teams share: how it does, and to nobody what
// is not theirs.
func TestHowSourcesDo(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	book := sourceBook{now: func() time.Time { return now }}
	file := func(name, team string) spec.File {
		return spec.File{Name: name + "-1", Service: name, Labels: map[string]string{plan.TeamLabel: team}}
	}
	prom := spec.Source{Prometheus: &spec.Prometheus{Access: spec.Access{URL: "https://ann:secret@metrics.example.com/prom?token=secret"}}}
	named := prom
	named.Name = "second"
	red, blue := &scripted{}, &scripted{}
	ofRed, ofBlue := book.watch(file("checkout", "red"), prom, red), book.watch(file("cart", "blue"), named, blue)
	all := func(access.Resource) bool { return true }
	team := func(name string) func(access.Resource) bool {
		return func(on access.Resource) bool { return on.Team == name }
	}

	told := book.told(all)
	if len(told) != 1 || told[0].State != "unasked" || told[0].Releases != 2 || strings.Join(told[0].Services, " ") != "cart checkout" ||
		told[0].URL != "https://metrics.example.com/prom" || told[0].Since != nil || told[0].Lag != nil {
		t.Errorf("%+v", told)
	}
	red.answer.Observations = []release.Observation{{Window: release.Window{To: now.Add(-20 * time.Second)}}}
	if _, err := ofRed.Observe(t.Context(), release.Query{}); err != nil {
		t.Fatal(err)
	}
	if one := book.told(team("red"))[0]; one.State != "answers" || one.Releases != 1 || *one.Lag != 20 || !one.Since.Equal(now) || !one.Answered.Equal(now) {
		t.Errorf("%+v", one)
	}
	began := now.Add(time.Minute)
	for range 3 {
		now = now.Add(time.Minute)
		blue.err = errors.New("cart_total cannot be read " + strings.Repeat("x", 2*longestTrouble))
		_, _ = ofBlue.Observe(t.Context(), release.Query{})
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	red.err = gone.Err()
	_, _ = ofRed.Observe(gone, release.Query{}) // nobody waits for it any more
	if one := book.told(team("blue"))[0]; one.State != "fails" || !one.Since.Equal(began) || !strings.HasPrefix(one.Error, "cart_total") || len(one.Error) > longestTrouble+5 {
		t.Errorf("%+v", one)
	}
	if one := book.told(team("red"))[0]; one.State != "answers" || one.Error != "" {
		t.Errorf("another team's question is told: %+v", one)
	}
	blue.err = nil
	_, _ = ofBlue.Observe(t.Context(), release.Query{Metric: release.Metric{Name: "other"}})
	if one := book.told(all)[0]; one.State != "fails" || !one.Since.Equal(began) || !strings.HasPrefix(one.Error, "cart_total") {
		t.Errorf("an answer to another question hides what fails: %+v", one)
	}
	_, _ = ofBlue.Observe(t.Context(), release.Query{})
	if one := book.told(all)[0]; one.State != "answers" || !one.Since.Equal(now) || one.Error != "" {
		t.Errorf("once all is answered: %+v", one)
	}
	if told := book.told(team("green")); len(told) != 0 {
		t.Errorf("%+v", told)
	}
	ofRed.Close()
	ofBlue.Close()
	if told := book.told(all); len(told) != 0 {
		t.Errorf("of releases that have ended: %+v", told)
	}
}

func TestTheLastMinute(t *testing.T) {
	var l lastMinute
	now := time.Unix(1_000_000, 0)
	for n := range 90 {
		l.add(now.Add(time.Duration(n) * time.Second))
	}
	l.add(now.Add(89 * time.Second))
	if n := l.count(now.Add(89 * time.Second)); n != 61 {
		t.Errorf("%d in the last minute", n)
	}
	if n := l.count(now.Add(time.Hour)); n != 0 {
		t.Errorf("%d after an hour", n)
	}
}
