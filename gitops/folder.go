package gitops

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// Desk begins releases.
type Desk interface {
	Create(ctx context.Context, who access.Actor, c control.Creation) (control.Created, error)
}

// Journal tells which releases there are.
type Journal interface {
	Latest(ctx context.Context, name string) (journal.ID, bool, error)
	Find(ctx context.Context, id journal.ID) (journal.Summary, error)
}

// Config is what a Folder works with; all must be set.
type Config struct {
	// Folder is the path; a link is followed anew at each look.
	Folder  string
	Desk    Desk
	Journal Journal
	Log     *slog.Logger
	Now     func() time.Time
	// Every is how long lies between two looks, 5 s where zero.
	Every time.Duration
}

// Folder is a folder whose release files are applied.
type Folder struct {
	cfg Config
	who access.Actor
	// parsed and tries are of the files of the last look, by hash. Only Scan has
	// them.
	parsed map[string]parsed
	tries  map[string]try
	looks  int

	mu    sync.Mutex
	state State
}

// parsed is what a file says.
type parsed struct {
	name                       string
	service, team, environment string
	err                        error
}

// try is an attempt at a file that was refused.
type try struct {
	count int
	next  time.Time
	err   error
}

// scanWait bounds what one look asks of the journal and the desk. A file whose
// release has ended is held against the journal at every restEvery-th look alone.
const (
	scanWait  = time.Minute
	restEvery = 12
)

// New returns a Folder that has not been looked at.
func New(cfg Config) *Folder {
	cfg.Every = cmp.Or(cfg.Every, 5*time.Second)
	return &Folder{
		cfg: cfg, state: State{Folder: cfg.Folder},
		who: access.Actor{Name: "folder:" + cfg.Folder, Kind: access.Machine, From: "a file of " + cfg.Folder},
	}
}

// Run looks at the folder until the context ends. What a look meets is in the
// state and the log; it never ends looking.
func (f *Folder) Run(ctx context.Context) {
	tick := time.NewTicker(f.cfg.Every)
	defer tick.Stop()
	for {
		f.Scan(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Scan looks once. It is not for use by several goroutines at once.
func (f *Folder) Scan(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, scanWait)
	defer cancel()
	before := map[string]File{}
	for _, file := range f.state.Files {
		before[file.Path] = file
	}
	next := State{Folder: f.cfg.Folder}
	r, err := read(f.cfg.Folder)
	if err != nil {
		// Nothing is known of the files; what was known stays.
		next.Trouble, next.Files = []string{err.Error()}, f.state.Files
	} else {
		next.Trouble = r.trouble
		next.Files = f.look(ctx, r, before)
	}
	if ctx.Err() != nil {
		return // stopped halfway; what it found is half too
	}
	next.At = f.cfg.Now()
	f.tell(next)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = next
}

// look holds every file against the journal.
func (f *Folder) look(ctx context.Context, r *reading, before map[string]File) []File {
	f.parse(r)
	f.looks++
	named := map[string][]found{}
	for _, file := range r.files {
		if p := f.parsed[file.hash]; p.err == nil && p.name != "" {
			named[p.name] = append(named[p.name], file)
		}
	}
	var files []File
	for _, file := range r.files {
		now := f.judge(ctx, file, before[file.path], named)
		f.since(&now, before[file.path])
		files = append(files, now)
		delete(before, file.path)
	}
	tries := map[string]try{}
	for _, file := range files {
		if t, ok := f.tries[file.Hash]; ok {
			tries[file.Hash] = t
		}
	}
	f.tries = tries
	for _, old := range before {
		if r.partial {
			files = append(files, old) // perhaps it is there
		} else if now, still := f.gone(ctx, old); still {
			f.since(&now, old)
			files = append(files, now)
		}
	}
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return files
}

// since keeps the time of what has not changed.
func (f *Folder) since(now *File, before File) {
	now.Since = before.Since
	if now.Condition != before.Condition || now.Hash != before.Hash {
		now.Since = f.cfg.Now()
	}
}

// parse reads what was not read at the last look.
func (f *Folder) parse(r *reading) {
	all := map[string]parsed{}
	for _, file := range r.files {
		p, ok := f.parsed[file.hash]
		if _, other := spec.KindOf(file.text); !ok && !other && bytes.Contains(file.text, []byte("linnet/v1")) {
			var read spec.File
			read, p.err = spec.Parse(file.path, file.text)
			p.name, p.service = read.Name, read.Service
			p.team, p.environment = read.Labels[plan.TeamLabel], read.Labels[plan.EnvironmentLabel]
		}
		all[file.hash] = p
	}
	f.parsed = all
}

// judge says how one file stands, and begins its release where that is due.
func (f *Folder) judge(ctx context.Context, file found, before File, named map[string][]found) File {
	p := f.parsed[file.hash]
	now := File{Path: file.path, Hash: file.hash, Service: p.service, Team: p.team, Environment: p.environment}
	errors.As(p.err, &now.Errors)
	switch {
	case p.err != nil:
		now.Release, now.ReleaseHash = before.Release, before.ReleaseHash // which goes on all the same
		return now.is(Refused, "the file is not a release file that could be run; `linnet lint %s` says the same", file.path)
	case p.name == "":
		return now.is(Other, "no release file: it does not say apiVersion linnet/v1 and kind Release")
	}
	if others := rivals(file, named[p.name]); len(others) > 0 {
		now.Release, now.ReleaseHash = before.Release, before.ReleaseHash
		return now.is(Refused, "%s and %s both name the release %s and differ; leave one of them", file.path, strings.Join(others, ", "), p.name)
	}
	if before.Hash == now.Hash && before.Outcome != "" && f.looks%restEvery != 0 {
		return before
	}
	id, there, err := f.cfg.Journal.Latest(ctx, p.name)
	if err != nil {
		return now.is(Waiting, "which releases there are cannot be seen now: %s", err)
	}
	if !there {
		return f.begin(ctx, now, before, file.text)
	}
	return f.held(ctx, now, id)
}

func (f File) is(c Condition, format string, args ...any) File {
	f.Condition, f.Text = c, fmt.Sprintf(format, args...)
	return f
}

// rivals are the other files of one name that say something else.
func rivals(file found, all []found) (paths []string) {
	for _, other := range all {
		if other.hash != file.hash {
			paths = append(paths, other.path)
		}
	}
	return paths
}

// held holds a file against the last attempt of its name.
func (f *Folder) held(ctx context.Context, now File, id journal.ID) File {
	sum, err := f.cfg.Journal.Find(ctx, id)
	if err != nil {
		return now.is(Waiting, "the release cannot be seen now: %s", err)
	}
	now.Release, now.ReleaseHash, now.Outcome = id, sum.FileHash, sum.Outcome
	same := sum.FileHash == now.Hash
	switch {
	case same && sum.Ended():
		return now.is(Applied, "%s has ended: %s; the same file does not begin it again", id, sum.Outcome)
	case same:
		return now.is(Applied, "%s is under way", id)
	case sum.Ended():
		return now.is(Drift, "%s has ended (%s), and the file has changed since; to release what it says now, give it a metadata.name of its own, or begin the next attempt with `linnet release create -f %s --again`",
			id, sum.Outcome, now.Path)
	}
	return now.is(Drift, "%s goes on with the file that it began with; put that file back, or give this one a metadata.name of its own, or end the release with `linnet release abort %s`",
		id, id.Name)
}

// begin begins a release, when the file was the same at the last look and is not
// waiting for its next try.
func (f *Folder) begin(ctx context.Context, now, before File, text []byte) File {
	if before.Hash != now.Hash {
		return now.is(Waiting, "begins when the next look finds it the same")
	}
	t := f.tries[now.Hash]
	if at := f.cfg.Now(); t.count > 0 && at.Before(t.next) {
		now.NextTry = t.next
		return now.is(Refused, "%s", release.Plain(t.err))
	}
	made, err := f.cfg.Desk.Create(ctx, f.who, control.Creation{Name: now.Path, File: text, Failed: t.err})
	if err != nil {
		return f.refuse(now, t, err)
	}
	delete(f.tries, now.Hash)
	return f.held(ctx, now, made.ID)
}

// refuse remembers why a release was not begun, and when to ask again: soon
// where a part was not there, rarely where somebody has to do something first,
// and at the very time where that is known.
func (f *Folder) refuse(now File, t try, err error) File {
	errors.As(err, &now.Errors)
	wait, most := time.Minute, 15*time.Minute
	if errors.Is(err, release.ErrUnavailable) {
		wait, most = f.cfg.Every, time.Minute
	}
	t.err = err
	t.next = f.cfg.Now().Add(min(wait<<min(t.count, 10), most))
	var rails *control.Refused
	if errors.As(err, &rails) {
		for _, found := range rails.Findings {
			if found.Until.After(f.cfg.Now()) && found.Until.Before(t.next) {
				t.next = found.Until
			}
		}
	}
	t.count++
	if f.tries == nil {
		f.tries = map[string]try{}
	}
	f.tries[now.Hash] = t
	now.NextTry = t.next
	return now.is(Refused, "%s", release.Plain(err))
}

// gone shows a file that is not there any more for as long as its release goes
// on.
func (f *Folder) gone(ctx context.Context, old File) (File, bool) {
	if old.Release == (journal.ID{}) {
		return File{}, false
	}
	sum, err := f.cfg.Journal.Find(ctx, old.Release)
	if err != nil {
		return old, true
	}
	// Of a file that could not be read this was not known.
	old.Service, old.Team, old.Environment = sum.Service, sum.Team, sum.Environment
	old.Errors, old.NextTry = nil, time.Time{}
	return old.is(Gone, "the file is not there any more; %s goes on all the same, and `linnet release abort %s` would end it",
		old.Release, old.Release.Name), !sum.Ended()
}

// tell writes what has changed since the last look to the log.
func (f *Folder) tell(next State) {
	old := map[string]File{}
	for _, file := range f.state.Files {
		old[file.Path] = file
	}
	if !slices.Equal(f.state.Trouble, next.Trouble) {
		if len(next.Trouble) > 0 {
			f.cfg.Log.Warn("the folder of release files cannot be looked at in full", "folder", f.cfg.Folder, "trouble", strings.Join(next.Trouble, "; "))
		} else {
			f.cfg.Log.Info("the folder of release files can be looked at again", "folder", f.cfg.Folder)
		}
	}
	for _, file := range next.Files {
		if !file.changed(old[file.Path]) || file.Condition == Other {
			continue
		}
		level := slog.LevelInfo
		if file.Condition == Drift || file.Condition == Refused || file.Condition == Gone {
			level = slog.LevelWarn
		}
		args := []any{"folder", f.cfg.Folder, "file", file.Path, "condition", string(file.Condition), "hash", file.Hash}
		if file.Release != (journal.ID{}) {
			args = append(args, "release", file.Release.String(), "release_hash", file.ReleaseHash)
		}
		if len(file.Errors) > 0 && file.Text != file.Errors.Error() {
			args = append(args, "errors", file.Errors.Error())
		}
		f.cfg.Log.Log(context.Background(), level, file.Text, args...)
	}
}
