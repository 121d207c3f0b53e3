package notify

import (
	"fmt"
	"slices"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// told puts a notice on its ways.
func (s *step) told(n release.Notice) {
	if n.Topic == "" {
		n.Topic = n.Release + "/" + n.Title // of an old record: a thing of its own
	}
	if n.Over {
		s.over(n)
		return
	}
	t := s.topic(n.Topic)
	after := s.begin(t, n)
	on := map[string]bool{}
	for _, i := range s.rules.Routes(n) {
		s.along(n, s.rules.Notices.Routes[i], t.Starts, after, on)
	}
	if len(on) == 0 {
		s.drop(n.ID, "no route takes it")
	}
}

// begin notes that a topic goes on, or begins once more; it tells how long that
// must last at least to be told.
func (s *step) begin(t *Topic, n release.Notice) (atLeast time.Duration) {
	t.At = s.now
	if !Lasting(n.Happening) {
		t.Starts = []time.Time{s.now}
		if len(t.Rungs) == 0 {
			t.Acked, t.Armed = "", false // another page, which somebody has to take care of again
		}
		return 0
	}
	if !t.Open {
		t.Open, t.Acked, t.Armed, t.Rungs, t.Ways = true, "", false, nil, nil
		t.Starts = slices.DeleteFunc(slices.Clone(t.Starts), func(at time.Time) bool { return s.now.Sub(at) > flapsWithin })
		t.Starts = append(t.Starts, s.now)
		t.Starts = t.Starts[max(0, len(t.Starts)-flapsMost-1):]
	}
	if len(t.Starts) > flapsMost {
		return calm
	}
	return 0
}

// along puts a notice on one route's ways; on are the channels that have it
// already.
func (s *step) along(n release.Notice, route spec.NoticeRoute, starts []time.Time, atLeast time.Duration, on map[string]bool) {
	ready := s.now
	if Lasting(n.Happening) {
		ready = later(s.now, starts[len(starts)-1].Add(max(route.After, atLeast)))
	}
	rungs := route.Escalate
	if n.Urgency != release.Page {
		rungs = nil
	}
	for _, channel := range route.To {
		if on[channel] || s.has(n.ID, channel) {
			continue
		}
		on[channel] = true
		w := Waiting{
			Way: Way{Channel: channel, Quiet: route.Quiet, Digest: route.Digest, Page: n.Urgency == release.Page}, Notice: n.ID, Topic: n.Topic,
			Ready: ready, Rungs: rungs,
		}
		s.schedule(&w, route.Group)
		s.book.Waiting = append(s.book.Waiting, w)
		rungs = nil // they are the notice's, not each channel's
	}
}

// schedule says when what waits goes at the latest.
func (s *step) schedule(w *Waiting, group time.Duration) {
	w.Send = w.Ready.Add(group)
	if w.Page {
		return
	}
	if w.Digest != "" {
		w.Send = w.Ready
		return
	}
	if end := s.rules.quietUntil(w.Quiet, w.Send); end.After(w.Send) {
		w.Send, w.Held = end, true
	}
}

// over ends a topic: what was not told of it yet, and has not lasted, is never
// told; whoever was told is told of the end.
func (s *step) over(n release.Notice) {
	i := slices.IndexFunc(s.book.Topics, func(t Topic) bool { return t.Key == n.Topic })
	if i < 0 {
		s.drop(n.ID, "nobody was told of what it ends")
		return
	}
	t := &s.book.Topics[i]
	ways := slices.Clone(t.Ways)
	var left []Waiting
	for _, w := range s.book.Waiting {
		switch {
		case w.Topic != n.Topic:
			left = append(left, w)
		case w.Over || w.Page && !w.Ready.After(s.now):
			ways = with(ways, w.Way) // a page that is due only waits for company
			w.Rungs = nil
			left = append(left, w)
		default:
			lasted := s.now.Sub(t.Starts[len(t.Starts)-1]).Round(time.Second)
			s.drop(w.Notice, fmt.Sprintf("over after %s, before %s was told", lasted, w.Channel))
		}
	}
	s.book.Waiting = left
	t.Open, t.At, t.Rungs, t.Ways = false, s.now, nil, nil
	if len(ways) == 0 {
		s.drop(n.ID, "over before anybody was told")
		return
	}
	for _, way := range ways {
		if s.has(n.ID, way.Channel) {
			continue
		}
		w := Waiting{Way: way, Notice: n.ID, Topic: n.Topic, Over: true, Ready: s.now}
		s.schedule(&w, 0)
		s.book.Waiting = append(s.book.Waiting, w)
	}
}

// acked notes who takes care of a topic: nobody else is called.
func (s *step) acked(e Acked) {
	for i := range s.book.Topics {
		if t := &s.book.Topics[i]; t.Key == e.Topic {
			t.Acked, t.Rungs = e.By, nil
		}
	}
	for i := range s.book.Waiting {
		if s.book.Waiting[i].Topic == e.Topic {
			s.book.Waiting[i].Rungs = nil
		}
	}
}

// flush sends what is due, and with it what else is ready for the same channel.
func (s *step) flush() {
	due := map[string]bool{}
	for _, w := range s.book.Waiting {
		due[w.Channel] = due[w.Channel] || w.Digest == "" && !w.Send.After(s.now) || w.Page && !w.Send.After(s.now)
	}
	together := map[string]int{} // the place of a channel's delivery, and one
	var left []Waiting
	for _, w := range s.book.Waiting {
		digest := w.Digest != "" && !w.Page
		switch {
		case w.Ready.After(s.now), !digest && !due[w.Channel], w.Held && w.Send.After(s.now):
			left = append(left, w)
			continue
		case digest:
			s.gather(w)
		case together[w.Channel] > 0:
			d := &s.out.Deliveries[together[w.Channel]-1]
			d.Notices = append(d.Notices, w.Notice)
		default:
			s.out.Deliveries = append(s.out.Deliveries, Delivery{
				ID: w.Channel + " " + w.Notice, Channel: w.Channel, Due: s.now, Notices: []string{w.Notice},
			})
			together[w.Channel] = len(s.out.Deliveries)
		}
		s.sent(w)
	}
	s.book.Waiting = left
}

// gather puts what waits into the next digest.
func (s *step) gather(w Waiting) {
	at := s.rules.nextDigest(w.Digest, s.now)
	s.out.Deliveries = append(s.out.Deliveries, Delivery{
		ID: w.Channel + " digest " + w.Digest + " " + at.UTC().Format(time.RFC3339), Channel: w.Channel, Due: at,
		Notices: []string{w.Notice}, Digest: true,
	})
}

// sent remembers who was told, for the end, and sets the rungs.
func (s *step) sent(w Waiting) {
	if w.Over {
		return
	}
	t := s.topic(w.Topic)
	t.Ways = with(t.Ways, w.Way)
	if w.Page {
		if t.Last != w.Notice {
			t.Last, t.LastTo = w.Notice, nil
		}
		t.LastTo = append(slices.Clone(t.LastTo), w.Channel)
	}
	if len(w.Rungs) == 0 || t.Armed || t.Acked != "" {
		return
	}
	t.Armed = true
	for _, e := range w.Rungs {
		t.Rungs = append(slices.Clone(t.Rungs), Rung{At: s.now.Add(e.After), To: e.To})
	}
}

// escalate tells who is next while nobody acknowledges.
func (s *step) escalate() {
	for i := range s.book.Topics {
		t := &s.book.Topics[i]
		for len(t.Rungs) > 0 && !t.Rungs[0].At.After(s.now) {
			for _, channel := range t.Rungs[0].To {
				if slices.Contains(t.LastTo, channel) || s.has(t.Last, channel) {
					continue // another route has told it
				}
				s.out.Deliveries = append(s.out.Deliveries, Delivery{
					ID: channel + " " + t.Last, Channel: channel, Due: s.now, Notices: []string{t.Last}, Escalated: true,
				})
				t.Ways = with(t.Ways, Way{Channel: channel, Page: true})
				t.LastTo = append(slices.Clone(t.LastTo), channel)
			}
			t.Rungs = t.Rungs[1:]
		}
	}
}

// bound keeps a book small: what is least urgent goes, and says so. Pages are
// sent at once instead.
func (s *step) bound() {
	for extra := len(s.book.Waiting) - mostWaiting; extra > 0; extra-- {
		i := slices.IndexFunc(s.book.Waiting, func(w Waiting) bool { return !w.Page })
		if i < 0 {
			break
		}
		s.drop(s.book.Waiting[i].Notice, fmt.Sprintf("more than %d notices of the service wait", mostWaiting))
		s.book.Waiting = slices.Delete(s.book.Waiting, i, i+1)
	}
	if len(s.book.Waiting) <= mostWaiting {
		return
	}
	for i := range s.book.Waiting {
		s.book.Waiting[i].Ready, s.book.Waiting[i].Send = s.now, s.now
	}
}

// forget lets go of topics that nothing can come of any more.
func (s *step) forget() {
	waits := map[string]bool{}
	for _, w := range s.book.Waiting {
		waits[w.Topic] = true
	}
	done := func(t Topic) bool {
		keep := forgetAfter
		if !t.Open && len(t.Ways) == 0 {
			keep = flapsWithin
		}
		return !waits[t.Key] && len(t.Rungs) == 0 && s.now.Sub(t.At) > keep
	}
	s.book.Topics = slices.DeleteFunc(s.book.Topics, done)
	for i := 0; len(s.book.Topics) > mostTopics && i < len(s.book.Topics); {
		if t := s.book.Topics[i]; waits[t.Key] || len(t.Rungs) > 0 {
			i++
			continue
		}
		s.book.Topics = slices.Delete(s.book.Topics, i, i+1)
	}
}

func (s *step) next() (at time.Time) {
	sooner := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, w := range s.book.Waiting {
		sooner(w.Send)
	}
	for _, t := range s.book.Topics {
		if len(t.Rungs) > 0 {
			sooner(t.Rungs[0].At)
		}
	}
	return at
}

// topic finds a topic, or makes it.
func (s *step) topic(key string) *Topic {
	i := slices.IndexFunc(s.book.Topics, func(t Topic) bool { return t.Key == key })
	if i < 0 {
		i = len(s.book.Topics)
		s.book.Topics = append(s.book.Topics, Topic{Key: key})
	}
	return &s.book.Topics[i]
}

// has tells whether a notice waits for a channel, or goes out on it now.
func (s *step) has(notice, channel string) bool {
	return slices.ContainsFunc(s.book.Waiting, func(w Waiting) bool { return w.Notice == notice && w.Channel == channel }) ||
		slices.ContainsFunc(s.out.Deliveries, func(d Delivery) bool { return d.Channel == channel && slices.Contains(d.Notices, notice) })
}

func (s *step) drop(notice, why string) { s.out.Drops = append(s.out.Drops, Drop{notice, why}) }

// with adds a way; a channel is told as a page where one of its ways is one.
func with(ways []Way, w Way) []Way {
	ways = slices.Clone(ways)
	i := slices.IndexFunc(ways, func(o Way) bool { return o.Channel == w.Channel })
	if i < 0 {
		return append(ways, w)
	}
	if w.Page {
		ways[i] = w
	}
	return ways
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
