package hook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/notify/post"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Journal is what a Sender reads: the records of all releases in an order that
// stays, and the first record of one.
type Journal interface {
	Events(ctx context.Context, f journal.Feeding) ([]journal.Entry, error)
	Newest(ctx context.Context) (journal.Cursor, error)
	Records(ctx context.Context, id journal.ID, from uint64, fn func(journal.Record) error) error
}

// Target is where a Sender sends, and how it gets there.
type Target struct {
	spec.HookOut
	// Client trusts and shows what the target's settings say.
	Client *http.Client
}

// OutConfig is what Senders work with; all must be set.
type OutConfig struct {
	Journal Journal
	DB      *database.DB
	// Folder is where relative paths of secrets begin.
	Folder string
	// Source is the address at which Linnet is reached; it stays, for it is part
	// of what tells events apart.
	Source string
	// Holder names this process, unlike every other.
	Holder string
	Log    *slog.Logger
	Now    func() time.Time
}

// Times between tries of one event, and between looks for new ones.
const (
	firstAgain = time.Second
	mostAgain  = 5 * time.Minute
	idle       = 2 * time.Second
	// refusedTries is how often a target may refuse an event as such.
	refusedTries = 3
	pageSize     = 100
	// storeWait bounds one call of the database: a connection that went silent is
	// not waited for. lastWait bounds what is written when the sender is to stop.
	storeWait = 10 * time.Second
	lastWait  = 2 * time.Second
)

// Sender tells one target what happens to releases. Of several Linnets on one
// database one does it at a time, whichever that is.
type Sender struct {
	cfg    OutConfig
	target Target
	known  map[journal.ID]about
	begin  journal.Cursor
	// failing says that the log knows of trouble.
	failing bool
}

// NewSender returns a Sender. A target that was never told anything is told what
// happens from now on.
func NewSender(ctx context.Context, cfg OutConfig, t Target) (*Sender, error) {
	if err := Migrate(ctx, cfg.DB); err != nil {
		return nil, err
	}
	begin, err := cfg.Journal.Newest(ctx)
	return &Sender{cfg: cfg, target: t, known: map[journal.ID]about{}, begin: begin}, err
}

// Run sends until the context ends, and gives the target back then.
func (s *Sender) Run(ctx context.Context) {
	defer func() {
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWait)
		defer cancel()
		_ = giveBack(short, s.cfg.DB, s.holding()) // or it lapses
	}()
	for {
		wait, err := s.Turn(ctx)
		if err != nil && ctx.Err() == nil {
			s.cfg.Log.Warn("what happens to releases cannot be sent", "target", s.target.Name, "error", err)
			wait = 5 * time.Second
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

func (s *Sender) holding() holding {
	return holding{s.target.Name, s.cfg.Holder, s.cfg.Now()}
}

// Turn sends what is due, up to one page, and tells when to come again. Errors are
// of the database; a target that fails is none.
func (s *Sender) Turn(ctx context.Context) (next time.Duration, err error) {
	short, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	t, mine, err := lease(short, s.cfg.DB, s.holding(), s.begin)
	if err != nil || !mine {
		return 5 * time.Second, err
	}
	if wait := t.next.Sub(s.cfg.Now()); t.tries > 0 && wait > 0 {
		return min(wait, leaseFor/3), nil
	}
	page, err := s.cfg.Journal.Events(short, journal.Feeding{After: t.place, Most: pageSize})
	if err != nil {
		return 0, err
	}
	moved := false
	for _, e := range page {
		a, err := s.about(ctx, e)
		if broken := new(journal.Broken); errors.As(err, &broken) {
			s.cfg.Log.Error("an event is left out, for its release is damaged; `linnet audit verify` says more", "target", t.target, "release", e.ID.String(), "seq", e.Record.Seq, "error", err)
			t.place, t.leftOut, moved = e.Cursor, t.leftOut+1, true
			continue
		}
		if err != nil {
			return 0, err
		}
		if !wanted(s.target.HookOut, kinds[e.Record.Decision.Kind], a) {
			t.place, moved = e.Cursor, true
			continue
		}
		done := s.tell(ctx, &t, e, a)
		if !done && ctx.Err() != nil {
			return 0, ctx.Err() // it was cut short
		}
		if err := s.keep(ctx, t); err != nil {
			return idle, err
		}
		if moved = false; !done {
			return max(min(t.next.Sub(s.cfg.Now()), leaseFor/3), 0), nil
		}
	}
	if moved {
		if err := s.keep(ctx, t); err != nil {
			return idle, err
		}
	}
	if len(page) == pageSize {
		return 0, nil
	}
	return idle, nil
}

// keep writes how far the target was told, also when the sender is to stop: what
// was sent and not noted is sent again.
func (s *Sender) keep(ctx context.Context, t told) error {
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWait)
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWait, cancel) })()
	return keep(own, s.cfg.DB, s.holding(), t)
}

// about is what an entry's release is, from its first record.
// A record that is damaged, or follows one that is, is a *journal.Broken.
func (s *Sender) about(ctx context.Context, e journal.Entry) (about, error) {
	if e.Damaged != nil {
		return about{}, e.Damaged
	}
	if a, ok := s.known[e.ID]; ok {
		return a, nil
	}
	if len(s.known) >= 1000 {
		clear(s.known)
	}
	var a about
	read := func(rec journal.Record) error {
		if begun, ok := rec.Event.(engine.Started); ok {
			a = aboutPlan(e.ID, begun.Plan)
		}
		return errEnough
	}
	ctx, cancel := context.WithTimeout(ctx, storeWait)
	defer cancel()
	var err error
	if e.Record.Seq == 1 {
		_ = read(e.Record)
	} else if err = s.cfg.Journal.Records(ctx, e.ID, 1, read); errors.Is(err, errEnough) {
		err = nil
	}
	if errors.Is(err, release.ErrNotFound) { // removed by retention this moment
		return about{id: e.ID}, nil
	}
	if err == nil {
		s.known[e.ID] = a
	}
	return a, err
}

// errEnough ends a reading of records early.
var errEnough = errors.New("enough")

// tell sends one event, and writes into t what came of it: true when the target
// is done with it, told or given up on.
func (s *Sender) tell(ctx context.Context, t *told, e journal.Entry, a about) bool {
	event := compose(s.target.Form, s.cfg.Source, a, e.Record)
	after, refused, err := s.send(ctx, event)
	if err == nil {
		if s.failing {
			s.cfg.Log.Info("a target takes events again", "target", t.target)
		}
		s.failing = false
		*t = told{target: t.target, place: e.Cursor, sent: t.sent + 1, leftOut: t.leftOut}
		return true
	}
	now := s.cfg.Now()
	if t.tries == 0 {
		t.since = now
	}
	t.tries++
	t.trouble = err.Error()
	if !s.failing {
		s.cfg.Log.Warn("a target does not take events; they wait", "target", t.target, "event", event.ID, "error", err, "give_up", t.since.Add(s.target.GiveUp))
	}
	s.failing = true
	if refused && t.tries >= refusedTries || now.Sub(t.since) >= s.target.GiveUp {
		s.cfg.Log.Error("an event is left out, for its target does not take it", "target", t.target, "event", event.ID, "tries", t.tries, "error", err)
		*t = told{target: t.target, place: e.Cursor, sent: t.sent, leftOut: t.leftOut + 1, trouble: t.trouble}
		return true
	}
	t.next = now.Add(max(min(firstAgain<<min(t.tries-1, 20), mostAgain), min(after, mostAgain)))
	return false
}

// send posts an event once. after is how long the target asks to wait; refused
// says that it took offence at the event itself.
func (s *Sender) send(ctx context.Context, e cloudEvent) (after time.Duration, refused bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.target.Timeout)
	defer cancel()
	h := http.Header{"User-Agent": {"linnet"}}
	body, err := e.put(s.target.Mode, h)
	if err != nil {
		return 0, true, err
	}
	if err := s.prove(h, e.ID, body); err != nil {
		return 0, false, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.target.URL, bytes.NewReader(body))
	if err != nil {
		return 0, false, errors.New("the target's url cannot be asked")
	}
	req.Header = h
	resp, err := s.target.Client.Do(req)
	if err != nil {
		return 0, false, unaddressed(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode/100 == 2 {
		return 0, false, nil
	}
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && n > 0 && n < 86400 {
		after = time.Duration(n) * time.Second
	}
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusUnsupportedMediaType:
		refused = true
	}
	return after, refused, fmt.Errorf("it answers %s", resp.Status)
}

// prove signs a request, and shows a token, where the target wants that.
func (s *Sender) prove(h http.Header, id string, body []byte) error {
	if s.target.TokenFile != "" {
		token, err := post.Secret(within(s.cfg.Folder, s.target.TokenFile))
		if err != nil {
			return err
		}
		h.Set("Authorization", "Bearer "+token)
	}
	if s.target.SigningFile != "" {
		key, err := post.Secret(within(s.cfg.Folder, s.target.SigningFile))
		if err != nil {
			return err
		}
		sign(h, key, signedID(id), s.cfg.Now(), body)
	}
	return nil
}

// unaddressed is an error of a request without the URL, whose path may be a
// secret.
func unaddressed(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
