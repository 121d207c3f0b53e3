package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"pgregory.net/rapid"

	"github.com/linnet-project/linnet/ingest/fold"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/release"
)

// crash ends a door as a kill would: without a last checkpoint.
func (p *part) crash(t *testing.T) {
	t.Helper()
	d := p.Door
	d.coming.Lock()
	d.closed = true
	close(d.queue)
	d.coming.Unlock()
	d.workers.Wait()
	if err := errors.Join(d.log.Close(), d.lock.Release()); err != nil {
		t.Fatal(err)
	}
}

// saved writes a checkpoint now.
func (p *part) saved() {
	out := make(chan fold.Snapshot, 1)
	p.snaps <- out
	p.checkpoint(<-out)
}

// Doors that crash, at whatever moments, and whose senders send again what was not
// acknowledged, have the same samples in the store as one that never did.
func TestCrashesChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		kept := []*memory{{t: rt}, {t: rt}}
		steady := newPart(t, func(c *Config) { c.Store = kept[0] })
		shaken := newPart(t, func(c *Config) { c.Store = kept[1] })
		both := []*part{steady, shaken}
		for i := range rapid.IntRange(1, 12).Draw(rt, "batches") {
			step := time.Duration(rapid.IntRange(0, 9).Draw(rt, "step")) * time.Second
			version := rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "version")
			for _, p := range both {
				p.turn(step)
				e := request(p.now().Add(-time.Second), version)
				e.ID = fmt.Sprint(i)
				if r := p.send(t, fmt.Sprint("batch", i), e); r.Accepted != 1 {
					rt.Fatalf("%+v", r)
				}
			}
			switch rapid.SampledFrom([]string{"", "save", "crash", "repeat"}).Draw(rt, "what") {
			case "save":
				shaken.saved()
			case "crash":
				shaken.crash(t)
				shaken.open(t)
			case "repeat":
				if r := shaken.send(t, fmt.Sprint("batch", i), request(start, version)); r.Repeated != 1 {
					rt.Fatalf("%+v", r)
				}
			}
		}
		for _, p := range both {
			p.turn(time.Minute)
			p.send(t, "", request(p.now(), "3"))
			if err := p.Close(); err != nil {
				rt.Fatal(err)
			}
			if len(p.shelf.all) > 0 {
				rt.Fatalf("refused: %+v", p.shelf.all)
			}
		}
		for key, want := range kept[0].samples {
			if got := kept[1].samples[key]; got != want {
				rt.Errorf("%s is %q after crashes, and %q without", key, got, want)
			}
		}
		if len(kept[0].samples) != len(kept[1].samples) || len(kept[0].samples) == 0 {
			rt.Errorf("%d samples after crashes, %d without", len(kept[1].samples), len(kept[0].samples))
		}
	})
}

// memory is a store that is there at once, and where a sample that comes again
// must be the same.
type memory struct {
	t       *rapid.T
	samples map[string]string
}

func (m *memory) Sync() error { return nil }

func (m *memory) Appender(context.Context) storage.Appender {
	return &memoryAppender{m: m, fresh: map[string]string{}}
}

type memoryAppender struct {
	storage.Appender
	m     *memory
	fresh map[string]string
}

func (a *memoryAppender) put(l labels.Labels, t int64, value string) (storage.SeriesRef, error) {
	a.fresh[fmt.Sprintf("%s@%d", l, t)] = value
	return 0, nil
}

func (a *memoryAppender) Append(_ storage.SeriesRef, l labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	return a.put(l, t, fmt.Sprint(v))
}

func (a *memoryAppender) AppendHistogram(_ storage.SeriesRef, l labels.Labels, t int64, h *histogram.Histogram, _ *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return a.put(l, t, h.String())
}

func (a *memoryAppender) Commit() error {
	if a.m.samples == nil {
		a.m.samples = map[string]string{}
	}
	for key, value := range a.fresh {
		if was, ok := a.m.samples[key]; ok && was != value {
			a.m.t.Errorf("%s is %s and then %s", key, was, value)
		}
		a.m.samples[key] = value
	}
	return nil
}

// A checkpoint that was cut or spoiled costs nothing: the one before it and the
// log have all.
func TestSpoiledCheckpoint(t *testing.T) {
	p := newPart(t, nil)
	for i := range 4 {
		p.send(t, fmt.Sprint(i), request(p.now(), "1"))
		p.turn(6 * time.Second)
		p.saved()
	}
	p.crash(t)
	path := filepath.Join(p.config.Dir, newest)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, b[:len(b)/2], 0o600), os.WriteFile(path+".new", b[:9], 0o600)); err != nil {
		t.Fatal(err)
	}
	p.open(t)
	for i := range 4 {
		if r := p.send(t, fmt.Sprint(i), request(p.now(), "1")); r.Repeated != 1 {
			t.Errorf("batch %d: %+v", i, r)
		}
	}
	p.turn(time.Minute)
	p.send(t, "last", request(p.now(), "1"))
	key := `{__name__="linnet_requests_total", outcome="ok", service="shop", version="1"}@` + fmt.Sprint(start.Add(20*time.Second).UnixMilli())
	if got := p.dump(t)[key]; got != "4" {
		t.Errorf("%s is %q", key, got)
	}
	if !strings.Contains(p.said.String(), "a checkpoint of the front door cannot be used") {
		t.Error("it was not said")
	}
}

// A checkpoint is not written past refusals that the quarantine cannot keep through a
// loss of power: a restart comes to them again.
func TestACheckpointWaitsForTheQuarantine(t *testing.T) {
	p := newPart(t, nil)
	p.shelf.broken = errors.New("input/output error")
	if r := p.send(t, "", item.Event{Time: start, Name: fold.Request}); r.Refused != 1 {
		t.Fatalf("%+v", r)
	}
	p.saved()
	if _, err := os.Stat(filepath.Join(p.config.Dir, newest)); !errors.Is(err, os.ErrNotExist) || p.Status().Ill["checkpoint"] == "" {
		t.Errorf("there is a checkpoint: %v, %+v", err, p.Status().Ill)
	}
	p.crash(t)
	p.shelf.broken, p.shelf.all = nil, nil
	p.open(t)
	if p.saved(); len(p.shelf.all) != 1 || p.Status().Ill["checkpoint"] != "" {
		t.Errorf("%+v, %+v", p.shelf.all, p.Status().Ill)
	}
}

func TestOneDoorAFolder(t *testing.T) {
	p := newPart(t, nil)
	if _, err := Open(t.Context(), p.config); !errors.Is(err, release.ErrConflict) {
		t.Errorf("opened twice: %v", err)
	}
}

// fickle is a store that takes nothing while it is broken.
type fickle struct {
	base
	broken atomic.Bool
}

func (f *fickle) Appender(ctx context.Context) storage.Appender {
	return fickleAppender{f.base.Appender(ctx), f}
}

type fickleAppender struct {
	storage.Appender
	f *fickle
}

func (a fickleAppender) Commit() error {
	if a.f.broken.Load() {
		return errors.Join(errors.New("no space left on device"), a.Rollback())
	}
	return a.Appender.Commit()
}

// While the store takes nothing the queue fills, senders are told when to try
// again, and all that was acknowledged is there in the end.
func TestAStoreThatTakesNothing(t *testing.T) {
	f := &fickle{}
	p := newPart(t, func(c *Config) {
		f.base = newBase(t)
		c.Store = f
		c.Limits = Limits{QueueBatches: 3, Batch: 1 << 10}
	})
	p.base = f.base
	f.broken.Store(true)
	body := []byte(fmt.Sprintf("a %d 1\n", start.UnixMilli()))
	got := make(chan error, 3)
	for range 3 {
		go func() {
			_, err := p.Receive(context.Background(), item.Batch{Format: item.RemoteWrite, Body: body})
			got <- err
		}()
	}
	until(t, "the queue to be full", func() bool { return p.Status().QueueBatches == 3 })
	_, err := p.Receive(t.Context(), item.Batch{Format: item.RemoteWrite, Body: body})
	var busy item.Busy
	if !errors.As(err, &busy) || busy.After <= 0 || !errors.Is(err, release.ErrUnavailable) {
		t.Fatalf("a full queue says %v", err)
	}
	until(t, "the store to be ill", func() bool { return p.Status().Ill["store"] != "" })
	f.broken.Store(false)
	for range 3 {
		if err := <-got; err != nil {
			t.Error(err)
		}
	}
	if v := p.dump(t)[fmt.Sprintf(`{__name__="a"}@%d`, start.UnixMilli())]; v != "1" {
		t.Errorf("the sample is %q", v)
	}
	if s := p.Status(); len(s.Ill) != 0 || s.QueueBatches != 0 || s.QueueBytes != 0 {
		t.Errorf("%+v", s)
	}
}

// A door whose store takes nothing does not open, and says why; once it does, all
// is there.
func TestAStoreThatTakesNothingAtTheStart(t *testing.T) {
	f := &fickle{}
	p := newPart(t, func(c *Config) {
		f.base = newBase(t)
		c.Store = f
	})
	p.base = f.base
	p.send(t, "", request(start, "1"))
	p.turn(time.Minute)
	p.send(t, "", request(p.now(), "1"))
	p.crash(t)
	f.broken.Store(true)
	if _, err := Open(t.Context(), p.config); !errors.Is(err, release.ErrUnavailable) || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("opened with a full disk: %v", err)
	}
	f.broken.Store(false)
	p.open(t)
	key := fmt.Sprintf(`{__name__="linnet_requests_total", outcome="ok", service="shop", version="1"}@%d`, start.UnixMilli())
	if got := p.dump(t)[key]; got != "1" {
		t.Errorf("%s is %q", key, got)
	}
}

// until waits for something that another goroutine does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(30 * time.Second); !done(); {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		case <-ticker.C:
		}
	}
}

// A log that cannot be written takes nothing and says so; senders may try again.
func TestALogThatCannotBeWritten(t *testing.T) {
	p := newPart(t, nil)
	p.send(t, "", request(start, "1"))
	dir := filepath.Join(p.config.Dir, "log")
	p.crash(t)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	p.open(t)
	if err := errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, err := p.Receive(t.Context(), item.Batch{Format: item.RemoteWrite, Body: []byte("a 1 1\n")})
	if !errors.Is(err, release.ErrUnavailable) || p.Status().Ill["log"] == "" {
		t.Fatalf("%v, %+v", err, p.Status())
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if r := p.send(t, "", request(start, "1")); r.Accepted != 1 || len(p.Status().Ill) != 0 {
		t.Fatalf("%+v, %+v", r, p.Status())
	}
}

// The same stretch through the same rules is the same, sample by sample; through
// others it is what they make of it.
func TestReplay(t *testing.T) {
	p := newPart(t, nil)
	for i := range 40 {
		e := request(p.now().Add(-time.Duration(i%3)*time.Second), fmt.Sprint(i%2))
		e.ID = fmt.Sprint(i / 2 * 2) // each second one repeats
		p.send(t, "", e)
		if _, err := p.Receive(t.Context(), item.Batch{Format: item.RemoteWrite, Body: []byte(fmt.Sprintf("level %d %d\n", p.now().UnixMilli(), i))}); err != nil {
			t.Fatal(err)
		}
		p.turn(3 * time.Second)
	}
	want := p.dump(t)
	again := func(from, to time.Time, rules fold.Rules, batches int, repeated uint64) map[string]string {
		into := newBase(t)
		done, err := Replay(t.Context(), Again{Dir: p.config.Dir, From: from, To: to, Rules: rules, Decoders: p.config.Decoders, Into: into})
		if err != nil {
			t.Fatal(err)
		}
		if done.Batches != batches || done.Samples == 0 || done.Repeated != repeated || done.Accepted != uint64(batches)-repeated {
			t.Errorf("%+v", done)
		}
		return into.dump(t)
	}
	all := again(start.Add(-time.Hour), p.now(), plain{fold.Defaults()}, 80, 20)
	for key, v := range want {
		if all[key] != v {
			t.Errorf("%s is %q, and %q in the replay", key, v, all[key])
		}
	}
	// A stretch in the middle: what is there is the same, and all is there.
	from, to := start.Add(30*time.Second), start.Add(70*time.Second)
	part, n := again(from, to, plain{fold.Defaults()}, 29, 8), 0
	for key, v := range want {
		var at int64
		if _, err := fmt.Sscanf(key[strings.LastIndex(key, "@"):], "@%d", &at); err != nil {
			t.Fatal(err)
		}
		if at >= from.UnixMilli() && at <= to.UnixMilli() {
			n++
			if part[key] != v {
				t.Errorf("%s is %q, and %q in the replay of its stretch", key, v, part[key])
			}
		}
	}
	if n != len(part) || n == 0 {
		t.Errorf("%d samples in the replay of a stretch, %d in the store", len(part), n)
	}
	// A batch that nobody can decode any more is left out, and told; the others stand.
	picky := map[item.Format]Decoder{item.RemoteWrite: p.config.Decoders[item.RemoteWrite], item.EventsJSON: func(b item.Batch) (item.Decoded, error) {
		if b.At.Equal(start) {
			return item.Decoded{}, errors.New("no more")
		}
		return p.config.Decoders[b.Format](b)
	}}
	done, err := Replay(t.Context(), Again{Dir: p.config.Dir, From: start.Add(-time.Hour), To: p.now(), Rules: plain{fold.Defaults()}, Decoders: picky, Into: newBase(t)})
	if err != nil || done.Undecoded != 1 || done.Batches != 79 {
		t.Errorf("with one that cannot be decoded: %+v, %v", done, err)
	}
	// Through rules with longer windows there are fewer samples, and other ones.
	longer := fold.Defaults()
	longer.Window = 20 * time.Second
	if got := again(start.Add(-time.Hour), p.now(), plain{longer}, 80, 20); len(got) >= len(all) {
		t.Errorf("%d samples with longer windows, %d with shorter ones", len(got), len(all))
	}
	if _, err := Replay(t.Context(), Again{Dir: t.TempDir(), From: from, To: to, Rules: plain{fold.Defaults()}, Into: newBase(t)}); !errors.Is(err, release.ErrNotFound) {
		t.Errorf("where there is no log: %v", err)
	}
}

// What is wrong with samples is told to their sender, and stops no other sample.
func TestSamplesThatTheStoreRefuses(t *testing.T) {
	p := newPart(t, nil)
	at := start.UnixMilli()
	send := func(body string) item.Receipt {
		r, err := p.Receive(t.Context(), item.Batch{Format: item.RemoteWrite, Sender: "prom", Body: []byte(body)})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	send(fmt.Sprintf("a %d 1\n", at))
	r := send(fmt.Sprintf("a %d 2\na %d 3\nb %d 4\nb %d 5\n", at, at-25*3_600_000, at, at+3_600_000))
	if r.Accepted != 1 || r.Refused != 3 {
		t.Fatalf("%+v", r)
	}
	for i, want := range []item.Code{item.TooOld, item.TooNew, item.Disordered} {
		if p.shelf.all[i].Code != want || !strings.Contains(string(p.shelf.all[i].Raw), `"__name__"`) {
			t.Errorf("%+v, want %s", p.shelf.all[i], want)
		}
	}
	if n := strings.Count(p.said.String(), "data is refused"); n != 3 {
		t.Errorf("told %d times: %s", n, p.said)
	}
	send(fmt.Sprintf("a %d 2\n", at))
	if n := strings.Count(p.said.String(), "data is refused"); n != 3 {
		t.Error("told again")
	}
	// So it is where both come at once, or with what is written at the same time; equal
	// ones are one.
	if r := send(fmt.Sprintf("c %d 1\nc %d 2\nd %d 1\nd %d 1\n", at, at, at, at)); r.Accepted != 3 || r.Refused != 1 || r.Refusals[0].Code != item.Disordered {
		t.Errorf("%+v", r)
	}
	if got := p.dump(t)[fmt.Sprintf(`{__name__="c"}@%d`, at)]; got != "1" {
		t.Errorf("of two values it has %q", got)
	}
	s := p.Status()
	if s.Refused[item.Disordered] != 3 || s.Accepted != 5 || len(s.Senders) != 1 || s.Senders[0].Refused != 5 {
		t.Errorf("%+v", s)
	}
}

// Senders with ever other names do not fill the door's log. What is ill is told all
// the same.
func TestNoticesAreBounded(t *testing.T) {
	p := newPart(t, nil)
	for i := range 3 * mostNotices {
		if _, err := p.Receive(t.Context(), item.Batch{Format: item.RemoteWrite, Sender: fmt.Sprint("sender", i), Body: []byte("what")}); !errors.Is(err, release.ErrInvalid) {
			t.Fatal(err)
		}
	}
	if n := strings.Count(p.said.String(), "data is refused"); n == 0 || n > mostNotices {
		t.Errorf("told %d times", n)
	}
	p.turn(2 * quiet)
	if _, err := p.Receive(t.Context(), item.Batch{Format: item.RemoteWrite, Sender: "another", Body: []byte("what")}); !errors.Is(err, release.ErrInvalid) {
		t.Fatal(err)
	}
	if !strings.Contains(p.said.String(), "sender=another") {
		t.Error("it is quiet for ever")
	}
}

// A batch that a decoder panics on is refused, makes room for others, and does not
// keep the door from opening where the log has it.
func TestADecoderThatPanics(t *testing.T) {
	p := newPart(t, func(c *Config) { c.Limits.QueueBatches = 1 })
	p.send(t, "", request(start, "1"))
	p.crash(t)
	p.config.Decoders = map[item.Format]Decoder{item.EventsJSON: func(b item.Batch) (item.Decoded, error) { panic("index out of range") }}
	p.open(t)
	for range 3 {
		if _, err := p.Receive(t.Context(), item.Batch{Format: item.EventsJSON, Body: []byte("{}")}); !errors.Is(err, release.ErrInvalid) {
			t.Fatal(err)
		}
	}
	if len(p.shelf.all) != 3 || !strings.Contains(p.said.String(), "index out of range") {
		t.Errorf("%+v: %s", p.shelf.all, p.said)
	}
}

func TestUnreadableAndTooLarge(t *testing.T) {
	p := newPart(t, func(c *Config) { c.Limits.Batch = 100 })
	for body, code := range map[string]item.Code{"what": item.Unreadable, strings.Repeat("x", 101): item.TooLarge} {
		r, err := p.Receive(t.Context(), item.Batch{Format: item.RemoteWrite, Body: []byte(body)})
		if !errors.Is(err, release.ErrInvalid) || r.Refused != 1 || r.Refusals[0].Code != code {
			t.Errorf("%s: %+v, %v", body, r, err)
		}
	}
	if len(p.shelf.all) != 2 || string(p.shelf.all[0].Raw) == "" {
		t.Errorf("%+v", p.shelf.all)
	}
	if r, err := p.Receive(t.Context(), item.Batch{Format: "what"}); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTermsThatCannotBe(t *testing.T) {
	p := newPart(t, nil)
	c := p.config
	c.Dir, c.Rules = t.TempDir(), plain{}
	if _, err := Open(t.Context(), c); !errors.Is(err, release.ErrInvalid) {
		t.Error(err)
	}
}

func TestFiguresAndTheEnd(t *testing.T) {
	p := newPart(t, nil)
	p.send(t, "", request(start, "1"))
	families, err := p.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, f := range families {
		found[f.GetName()] = true
	}
	for _, name := range []string{"accepted_total", "queue_bytes", "log_bytes", "last_received_timestamp_seconds", "last_closed_timestamp_seconds"} {
		if !found["linnet_ingest_"+name] {
			t.Errorf("%s is missing", name)
		}
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Receive(t.Context(), item.Batch{Format: item.RemoteWrite, Body: []byte("a 1 1\n")}); !errors.Is(err, release.ErrUnavailable) {
		t.Errorf("a closed door: %v", err)
	}
}
