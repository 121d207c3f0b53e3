package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// longestTrouble bounds what is told of an error of a source, in bytes.
const longestTrouble = 500

// sourceBook knows how the metric sources do that releases ask in this process.
type sourceBook struct {
	now func() time.Time

	mu  sync.Mutex
	all map[string]*sourceLife
}

// sourceLife is how one source does, whoever asks it: those that files name by the
// same words are one.
type sourceLife struct {
	kind, place string
	// users are those who ask it.
	users map[*watched]*asker
	// answered is when it answered last, and newest what the newest of its numbers
	// was then; read is when that was.
	answered, newest, read time.Time
}

// asker is a release that asks a source, and how it is answered.
type asker struct {
	about access.Resource
	// since is from when on all that it asked was answered, or something was not;
	// zero before it asked.
	since time.Time
	// troubles are why questions fail, by metric: one that is asked wrongly is no
	// fault of the others.
	troubles map[string]string
}

// watched is a source that one release asks.
type watched struct {
	run.Source
	book *sourceBook
	life *sourceLife
	key  string
}

// watch has a source looked at for a release file.
func (b *sourceBook) watch(f spec.File, of spec.Source, source run.Source) *watched {
	of.Name = ""
	text, _ := json.Marshal(of) // words and numbers alone
	key := string(text)
	if of.Embedded != nil {
		key = f.Service
	}
	about := access.Resource{Service: f.Service, Team: f.Labels[plan.TeamLabel], Environment: f.Labels[plan.EnvironmentLabel], Release: f.Name}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil {
		b.all = map[string]*sourceLife{}
	}
	life := b.all[key]
	if life == nil {
		life = &sourceLife{kind: of.Kind(), place: placeOf(of), users: map[*watched]*asker{}}
		b.all[key] = life
	}
	w := &watched{Source: source, book: b, life: life, key: key}
	life.users[w] = &asker{about: about, troubles: map[string]string{}}
	return w
}

// opening opens sources for a release file and has them looked at.
func (b *sourceBook) opening(f spec.File, open func(context.Context, spec.Source) (run.Source, error)) func(context.Context, spec.Source) (run.Source, error) {
	return func(ctx context.Context, of spec.Source) (run.Source, error) {
		source, err := open(ctx, of)
		if err != nil {
			return nil, err
		}
		return b.watch(f, of, source), nil
	}
}

// watched has the source looked at that lives in this process.
func (w *parts) watched(b *sourceBook, f spec.File, source run.Source) run.Source {
	seen := b.watch(f, f.Analysis.Source, source)
	w.ends = append(w.ends, seen.Close)
	return seen
}

// Close lets go of the source.
func (w *watched) Close() {
	w.book.mu.Lock()
	if delete(w.life.users, w); len(w.life.users) == 0 && w.book.all[w.key] == w.life {
		delete(w.book.all, w.key)
	}
	w.book.mu.Unlock()
	if c, ok := w.Source.(interface{ Close() }); ok {
		c.Close()
	}
}

// Observe implements run.Source.
func (w *watched) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	a, err := w.Source.Observe(ctx, q)
	if err != nil && ctx.Err() != nil {
		return a, err // who asked has gone, or waited no longer: run says which
	}
	now := w.book.now()
	w.book.mu.Lock()
	defer w.book.mu.Unlock()
	l := w.life
	if u := l.users[w]; u != nil { // nil once it was closed
		u.told(now, q.Metric.Name, err)
	}
	if err != nil {
		return a, err
	}
	l.answered = now
	for _, o := range a.Observations {
		if o.Window.To.After(l.newest) {
			l.newest = o.Window.To
		}
		l.read = now
	}
	return a, nil
}

// told keeps how a question about a metric was answered.
func (u *asker) told(now time.Time, metric string, err error) {
	before := len(u.troubles) > 0
	if err != nil {
		u.troubles[metric] = cutTo(cmp.Or(release.Plain(err), "no reason"), longestTrouble)
	} else {
		delete(u.troubles, metric)
	}
	if u.since.IsZero() || before != (len(u.troubles) > 0) {
		u.since = now
	}
}

// cutTo is a text of at most so many bytes, cut between characters.
func cutTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// told tells how the sources do of releases that somebody may see.
func (b *sourceBook) told(sees func(access.Resource) bool) []api.Source {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := []api.Source{}
	for _, l := range b.all {
		one := api.Source{Kind: l.kind, URL: l.place, State: "unasked", Services: []string{}}
		var since time.Time
		for _, u := range l.users {
			if !sees(u.about) {
				continue
			}
			one.Releases++
			if !slices.Contains(one.Services, u.about.Service) {
				one.Services = append(one.Services, u.about.Service)
			}
			since = u.tell(&one, since)
		}
		if one.Releases == 0 {
			continue
		}
		slices.Sort(one.Services)
		one.Since, one.Answered = some(since.UTC()), some(l.answered.UTC())
		if !l.newest.IsZero() {
			lag := l.read.Sub(l.newest).Seconds()
			one.Lag = &lag
		}
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b api.Source) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.URL, b.URL), slices.Compare(a.Services, b.Services))
	})
	return out
}

// tell adds how one release is answered to what is told of the source, and gives
// since when: it fails from the first failure on, and answers once all are answered.
func (u *asker) tell(one *api.Source, since time.Time) time.Time {
	failing, known := len(u.troubles) > 0, one.State == "fails"
	switch {
	case u.since.IsZero() || known && !failing:
		return since
	case failing && (!known || u.since.Before(since)):
		metric := slices.Min(slices.Collect(maps.Keys(u.troubles)))
		one.State, one.Error = "fails", u.troubles[metric]
		return u.since
	case failing || one.State == "answers" && u.since.Before(since):
		return since
	}
	one.State = "answers"
	return u.since
}

// placeOf is where a source is, without what may be secret.
func placeOf(s spec.Source) string {
	switch {
	case s.Prometheus != nil:
		return openURL(s.Prometheus.URL)
	case s.JSON != nil:
		return openURL(s.JSON.URL)
	case s.Vendor != nil:
		if s.Vendor.URL != "" {
			return openURL(s.Vendor.URL)
		}
		return cmp.Or(s.Vendor.Settings["site"], s.Vendor.Settings["region"], s.Vendor.Settings["realm"])
	case s.SQL != nil:
		return sqlPlace(s.SQL)
	case s.CloudWatch != nil:
		return s.CloudWatch.Region
	case s.GoogleMonitoring != nil:
		return s.GoogleMonitoring.Project
	}
	return "" // in this process, or a command
}

func sqlPlace(s *spec.SQL) string {
	for _, of := range []struct {
		scheme string
		at     *spec.Database
	}{{"postgres", s.Postgres}, {"mysql", s.MySQL}, {"clickhouse", s.ClickHouse}} {
		if of.at != nil {
			port := ""
			if of.at.Port != 0 {
				port = ":" + strconv.FormatInt(of.at.Port, 10)
			}
			return fmt.Sprintf("%s://%s%s/%s", of.scheme, of.at.Host, port, of.at.Database)
		}
	}
	return "sqlite"
}

// openURL is an address without a password, and without what is asked there.
func openURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// doors tells how the front doors do of services that somebody may see.
func (h *hosts) doors(sees func(access.Resource) bool) []api.Door {
	h.mu.Lock()
	var all []*host
	for _, one := range h.all {
		all = append(all, one)
	}
	h.mu.Unlock()
	out := []api.Door{}
	for _, one := range all {
		if d, ok := one.toldDoor(sees); ok {
			out = append(out, d)
		}
	}
	slices.SortFunc(out, func(a, b api.Door) int { return cmp.Compare(a.Service, b.Service) })
	return out
}

func (o *host) toldDoor(sees func(access.Resource) bool) (api.Door, bool) {
	o.data.RLock()
	defer o.data.RUnlock()
	if o.door == nil {
		return api.Door{}, false
	}
	f := o.file
	if !sees(access.Resource{Service: f.Service, Team: f.Labels[plan.TeamLabel], Environment: f.Labels[plan.EnvironmentLabel]}) {
		return api.Door{}, false
	}
	s := o.door.door.Status()
	d := api.Door{
		Service: o.service, Addresses: []string{}, Accepted: s.Accepted, Repeated: s.Repeated, Refused: map[string]uint64{},
		QueueBytes: s.QueueBytes, LogBytes: s.LogBytes, Received: some(s.LastReceived.UTC()), Senders: len(s.Senders), Ill: s.Ill,
	}
	for _, at := range o.door.listening() {
		d.Addresses = append(d.Addresses, at.String())
	}
	for code, n := range s.Counts.Refused {
		d.Refused[string(code)] = n
	}
	if d.Ill == nil {
		d.Ill = map[string]string{}
	}
	d.Quarantined, d.QuarantineBytes = o.door.quarantine.Held()
	return d, true
}
