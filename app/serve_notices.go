package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/link"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/notify/slack"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// telling is what the server tells people with.
type telling struct {
	box *outbox.Outbox
	// file names the notices file, which plan follows.
	file string
	plan atomic.Pointer[outbox.Plan]
}

// openNotices has what releases tell kept, and sent by the notices file. A file
// that is wrong at the start ends the server: no page may be lost over it.
func (s *serving) openNotices(ctx context.Context) (func() error, error) {
	if s.settings.Notices == "" {
		return nil, nil
	}
	t := &telling{file: s.path(s.settings.Notices)}
	read := func() error {
		text, err := s.readText(t.file)
		if err != nil {
			return err
		}
		plan, err := compileNotices(t.file, text)
		if err != nil {
			return err
		}
		if before := t.plan.Load(); before != nil && before.Rules.Hash == plan.Rules.Hash {
			return nil
		}
		t.plan.Store(&plan)
		if t.box != nil {
			t.box.Follow(plan)
		}
		return nil
	}
	if err := read(); err != nil {
		return nil, err
	}
	// Times are those of the database, which all processes share.
	box, err := outbox.New(ctx, outbox.Config{
		DB: s.db, Plan: *t.plan.Load(), Server: s.url, Lease: rand.Text, Log: s.log,
		Page: func(n release.Notice) string { return fmt.Sprintf("%s/v1/releases/%s/%d", s.url, n.Release, n.Attempt) },
	})
	if err != nil {
		return nil, err
	}
	t.box = box
	s.telling, s.notifier = t, bothNotifiers{s.notifier, box}
	s.countNotices(ctx, box)
	s.follow(ctx, "the file of notices", read)
	s.group.Go(func() error { box.Run(ctx); return nil })
	return nil, nil
}

// countNotices measures what waits and what was given up, for all replicas.
func (s *serving) countNotices(ctx context.Context, box *outbox.Outbox) {
	gauge := func(name, help string, of func(outbox.Counts) int64) {
		s.measures.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			ctx, cancel := context.WithTimeout(ctx, countWait)
			defer cancel()
			c, err := box.Count(ctx)
			if err != nil {
				return math.NaN() // nobody knows
			}
			return float64(of(c))
		}))
	}
	gauge("linnet_notices_waiting", "Messages to people that are not sent yet.", func(c outbox.Counts) int64 { return c.Waiting })
	gauge("linnet_notices_dead", "Messages to people that were given up; linnet notices list --dead shows them.", func(c outbox.Counts) int64 { return c.Dead })
}

// countWait bounds one count.
const countWait = 2 * time.Second

// bothNotifiers logs a notice, and keeps it until people were told.
type bothNotifiers struct {
	log interface {
		Notify(ctx context.Context, n release.Notice) error
	}
	box *outbox.Outbox
}

// Notify implements run.Notifier.
func (b bothNotifiers) Notify(ctx context.Context, n release.Notice) error {
	return errors.Join(b.box.Notify(ctx, n), b.log.Notify(ctx, n))
}

// openNoticesAPI lets people see what was told, and take care of it.
func (s *serving) openNoticesAPI(context.Context) (func() error, error) {
	if s.telling == nil {
		return nil, nil
	}
	s.api.Notices(s.telling.box)
	s.mux.HandleFunc("POST /v1/slack/actions", s.pressed)
	return nil, nil
}

// pressed takes a press of a button in Slack, which proves itself by the signing
// secret of a channel; who pressed is who the notices file says they are.
func (s *serving) pressed(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, slack.MaxBody))
	if err != nil {
		refusePress(w, err)
		return
	}
	people, ok := s.signedBy(r.Header, body)
	if !ok {
		http.Error(w, "not signed by a channel of the notices file, or too old", http.StatusUnauthorized)
		return
	}
	press, err := slack.ParsePress(body)
	if err != nil {
		http.Error(w, release.Plain(err), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusOK) // Slack waits three seconds, and shows anything else as an error of ours
	if press.Action == "open" {
		return
	}
	if http.NewResponseController(w).Flush() != nil {
		return // nobody listens any more
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), pressWait)
	defer cancel()
	s.telling.answer(ctx, press, s.carryOut(ctx, press, people[press.User]))
}

// refusePress says why the body of a press could not be read: it is too long, or
// came too slowly, or not to its end.
func refusePress(w http.ResponseWriter, err error) {
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		http.Error(w, "too large", http.StatusRequestEntityTooLarge)
	case errors.Is(err, os.ErrDeadlineExceeded):
		http.Error(w, "the request came too slowly", http.StatusRequestTimeout)
	default:
		http.Error(w, "the request could not be read whole", http.StatusBadRequest)
	}
}

// signedBy gives the people of the channels whose signing secret a request is
// signed with.
func (s *serving) signedBy(h http.Header, body []byte) (people map[string]string, ok bool) {
	people = map[string]string{}
	for _, c := range s.telling.plan.Load().Rules.Channels {
		if c.Slack == nil || c.Slack.SigningSecretFile == "" {
			continue
		}
		secret, err := post.Secret(beside(s.telling.file, c.Slack.SigningSecretFile))
		if err != nil {
			s.log.Error("a press of a button cannot be checked", "channel", c.Name, "error", err)
			continue
		}
		if slack.Verify(secret, h, body, s.now()) != nil {
			continue
		}
		ok = true
		for id, name := range c.Slack.People {
			people[id] = name
		}
	}
	return people, ok
}

// carryOut does what a button says, as the person who pressed it, and tells in a
// sentence what came of it.
func (s *serving) carryOut(ctx context.Context, p slack.Press, name string) string {
	if name == "" {
		return "Linnet does not know who you are: your id " + p.User + " is not among the people of the notices file."
	}
	id := journal.ID{Name: p.Release, Attempt: p.Attempt}
	who, err := s.who.Vouched(ctx, name, "Slack")
	if err == nil && p.Action == slack.Approve {
		err = s.stillAsked(ctx, who, id, p.Notice)
	}
	if err != nil {
		s.log.Info("a press of a button is not taken", "release", id.String(), "action", p.Action, "who", name, "error", err)
		return "Nothing was done: " + release.Plain(err)
	}
	verb, isOrder := map[string]engine.Verb{slack.Approve: engine.Approve, slack.Abort: engine.Abort}[p.Action]
	said := "You take care of it; nobody else is called."
	if isOrder {
		var a control.Answer
		a, err = s.desk.Command(ctx, who, control.Order{ID: id, Verb: verb, Reason: "by a button in Slack", Key: p.Trigger, Wait: buttonWait})
		switch {
		case a.Waits():
			said = "The release will take the order when it is run next."
		case a.Decision.Kind == engine.Refuse:
			said = "The release refuses: " + a.Decision.Reason.Text
		default:
			said = "Done: " + a.Decision.Reason.Text
		}
	} else {
		err = api.Acknowledge(ctx, s.desk, s.telling.box, who, p.Notice)
	}
	if err != nil {
		s.log.Info("a press of a button did nothing", "release", id.String(), "action", p.Action, "who", name, "error", err)
		return "Nothing was done: " + release.Plain(err)
	}
	return said
}

// stillAsked refuses to answer another question than a notice asked: its buttons
// stay in the channel when the release has gone on.
func (s *serving) stillAsked(ctx context.Context, who access.Actor, id journal.ID, notice string) error {
	rec, err := s.desk.Record(ctx, who, id)
	if err == nil && !link.Stands(rec, notice) {
		err = fmt.Errorf("this was answered, or is asked anew by another notice: %w", release.ErrConflict)
	}
	return err
}

// buttonWait is how long a press waits for what the release makes of it, and then
// for Slack to take the answer; pressWait bounds it all.
const (
	buttonWait = 2 * time.Second
	pressWait  = 10 * time.Second
)

// answer tells the person alone what came of a press, where Slack says, within
// Slack's own hosts.
func (t *telling) answer(ctx context.Context, p slack.Press, text string) {
	var at *spec.Slack
	for _, c := range t.plan.Load().Rules.Channels {
		if c.Slack != nil && at == nil {
			at = c.Slack
		}
	}
	if at == nil || !slack.MayAnswer(at.URL, p.Answer) {
		return
	}
	client, err := noticeClient(t.file, spec.TLS{})
	if err != nil {
		return
	}
	// What was ordered is done, whether the person hears of it or not.
	_, _, _ = post.Do(ctx, post.Request{Client: client, URL: p.Answer, Timeout: buttonWait,
		Body: map[string]any{"response_type": "ephemeral", "replace_original": false, "text": text}})
}
