package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// skewed is from how far off the database's clock on people are told.
const skewed = 2 * time.Second

// serverDiagnosis is whether a server could start with its settings, and whether
// the releases that it would run could be run.
type serverDiagnosis struct {
	File   string         `json:"file"`
	At     time.Time      `json:"at"`
	OK     bool           `json:"ok"`
	Checks []*serverCheck `json:"checks"`
}

// serverCheck is one thing that was looked at.
type serverCheck struct {
	What string `json:"what"`
	// Text is what is there, or what is wrong; Do what to do about it.
	Text string `json:"text"`
	Do   string `json:"do,omitempty"`
	OK   bool   `json:"ok"`
	// Warning says that a server starts all the same, and had better not.
	Warning bool `json:"warning,omitempty"`
}

func (d *serverDiagnosis) add(what, fine string, err error, do string) {
	c := &serverCheck{What: what, Text: fine, OK: err == nil}
	if err != nil {
		c.Text, c.Do = strings.TrimPrefix(release.Plain(err), what+": "), do
	}
	d.Checks = append(d.Checks, c)
}

// examineServer asks what a server with these settings would: its files, how
// people reach it and log in, the store, the clock, and sources and providers of the releases it would run.
// Nothing is changed.
func (p *process) examineServer(ctx context.Context, name string, text []byte, databaseURL string, timeout time.Duration) (*serverDiagnosis, error) {
	settings, err := spec.ParseServer(name, text)
	if err != nil {
		return nil, err
	}
	s := &serving{process: p, settings: settings, folder: filepath.Dir(name), databaseURL: databaseURL, log: slog.New(slog.DiscardHandler)}
	d := &serverDiagnosis{File: name, At: time.Now().UTC()}
	for _, one := range []struct{ key, file string }{
		{"access", settings.Access}, {"guards", settings.Guards}, {"notices", settings.Notices}, {"hooks", settings.Hooks},
	} {
		if one.file == "" {
			continue
		}
		about, err := p.lintFile(s.path(one.file))
		d.add(one.key+" "+one.file, about, err, "correct the file; `linnet lint` shows each place")
	}
	if unruled(settings) {
		d.Checks = append(d.Checks, &serverCheck{What: "access", Text: unruledText, Do: unruledDo, OK: true, Warning: true})
	}
	d.wayIn(ctx, s, timeout)
	if settings.Notices != "" {
		d.channels(ctx, s.path(settings.Notices))
	}
	if settings.Hooks != "" {
		d.hooks(s.path(settings.Hooks))
	}
	files := d.store(ctx, s, timeout)
	for _, dir := range settings.Releases {
		more, err := filepath.Glob(filepath.Join(s.path(dir), "*.y*ml"))
		if _, missing := os.Stat(s.path(dir)); err == nil {
			err = missing
		}
		d.add("releases "+dir, fmt.Sprintf("%d files", len(more)), err, "make the folder, or take it out of the settings")
		for _, name := range more {
			f, err := p.readFile(name)
			if err != nil {
				d.add("release file "+name, "", err, "correct the file")
				continue
			}
			files = append(files, f)
		}
	}
	for _, f := range files {
		d.release(ctx, f, timeout)
	}
	d.OK = !slices.ContainsFunc(d.Checks, func(c *serverCheck) bool { return !c.OK })
	return d, nil
}

// channels asks of each channel of a notices file what can be asked without
// telling anybody.
func (d *serverDiagnosis) channels(ctx context.Context, file string) {
	text, err := readUpTo(file, maxFile+1)
	if err != nil {
		return // told with the file
	}
	plan, err := compileNotices(file, text)
	if err != nil {
		return // likewise
	}
	for _, c := range plan.Rules.Channels {
		fine, err := checkChannel(ctx, file, plan, c.Name)
		d.add("channel "+c.Name, fine, err, "correct what it says; `linnet notices test -f "+file+"` sends a test")
	}
}

// store looks at the database, and gives the files of the releases that are
// unfinished in a data folder.
func (d *serverDiagnosis) store(ctx context.Context, s *serving, timeout time.Duration) (files []spec.File) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	url, err := s.databaseAddress()
	if err != nil {
		d.add("store", "", err, "write the URL of the database into the file")
		return nil
	}
	if url != "" {
		db, err := database.OpenURL(ctx, url)
		if err != nil {
			d.add("store", "", err, "see that PostgreSQL runs and can be reached from here, with this user")
			return nil
		}
		defer db.Close()
		d.add("store", db.Name()+" answers and can be written to", db.Ping(ctx), "let this user write to the database")
		d.clock(ctx, db)
		d.rights(ctx, db)
		return nil
	}
	r, err := journal.OpenReader(ctx, s.data)
	if errors.Is(err, release.ErrNotFound) {
		err := os.MkdirAll(s.data, 0o700)
		d.add("store", "an empty data folder: "+s.data, err, "name a folder with --data that this user may write to")
		return nil
	}
	if err != nil {
		d.add("store", "", err, "restore a copy, or name another folder with --data")
		return nil
	}
	defer r.Close()
	ids, err := r.Unfinished(ctx)
	d.add("store", fmt.Sprintf("the journal in %s, %d releases unfinished", s.data, len(ids)), err, "restore a copy of the journal")
	for _, id := range ids {
		text, err := r.FileText(ctx, id)
		if err == nil {
			var f spec.File
			if f, err = parseFile(id.String(), text); err == nil {
				files = append(files, f)
			}
		}
		if err != nil {
			d.add("release "+id.String(), "", err, "restore a copy of the journal, or run it with the version that began it")
		}
	}
	return files
}

// clock holds ours against the database's, by which replicas go.
func (d *serverDiagnosis) clock(ctx context.Context, db *database.DB) {
	var theirs int64
	from := time.Now()
	err := db.Glance(ctx, func(tx database.Tx) error { return tx.QueryRow(ctx, `SELECT `+tx.Clock()).Scan(&theirs) })
	off := time.Unix(0, theirs).Sub(from.Add(time.Since(from) / 2)).Round(time.Millisecond)
	if err == nil && off.Abs() > skewed {
		err = fmt.Errorf("this machine's clock and the database's differ by %s: %w", off.Abs(), release.ErrInvalid)
	}
	d.add("clock", fmt.Sprintf("%s off the database's", off.Abs()), err, "set both by NTP")
}

// release looks at the sources and the provider of a release.
func (d *serverDiagnosis) release(ctx context.Context, f spec.File, timeout time.Duration) {
	if f.Analysis.Source.Embedded == nil {
		found := diagnose(ctx, f, timeout)
		var err error
		do := ""
		if found.Problem != nil && found.Problem.Stops {
			err, do = fmt.Errorf("%s: %s: %w", found.Problem.Metric, found.Problem.Text, release.ErrUnavailable), found.Problem.Do
		}
		d.add("sources of "+f.Name, many(len(found.Metrics), "metric")+" can be asked for", err, do)
	}
	if inside(f) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	w := &parts{}
	defer w.letGo()
	router, err := w.routerOf(ctx, f.Traffic, f)
	if err == nil {
		_, err = router.Observed(ctx)
	}
	d.add("provider of "+f.Name, "says what it serves", err, "see that it can be reached from here, with these names and rights")
}

// printServer prints what was found, and fails where something would stop.
func (p *process) printServer(d *serverDiagnosis) error {
	if p.json {
		if err := json.NewEncoder(p.out).Encode(d); err != nil {
			return err
		}
	} else if err := d.write(p.out); err != nil {
		return err
	}
	if !d.OK {
		return exit(exitError)
	}
	return nil
}

func (d *serverDiagnosis) write(w io.Writer) error {
	for _, c := range d.Checks {
		word, more := "fine", ""
		switch {
		case !c.OK:
			word, more = "WRONG", "; "+c.Do
		case c.Warning:
			word, more = "warn", "; "+c.Do
		}
		if _, err := fmt.Fprintf(w, "%-5s  %s: %s%s\n", word, c.What, c.Text, more); err != nil {
			return err
		}
	}
	return nil
}
