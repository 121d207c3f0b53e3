package app

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

const (
	// trialInterval is how often targets are scraped on trial, trialTime how long
	// at most, and trialStep in what windows it is looked at.
	trialInterval = 500 * time.Millisecond
	trialTime     = 4 * time.Second
	trialStep     = time.Second
	// ownMetrics begins the names of the metrics of the splitter and the front
	// door, which come with the release.
	ownMetrics = "linnet_"
)

// examineEmbedded scrapes the targets of a release on trial, into a store of its
// own, since the release's store is filled only while the release runs.
// Where it has a front door, the door is asked how it is, and for the metrics if
// it answers queries.
func (d *diagnosis) examineEmbedded(ctx context.Context, f spec.File, checks []*metricCheck) {
	received := f.Analysis.Source.Embedded.Receive != nil
	if received && d.examineDoor(ctx, f, checks) {
		return
	}
	var ours []*metricCheck
	for _, c := range checks {
		if strings.Contains(c.metric.Events, ownMetrics) {
			c.notAsked("metrics of Linnet's own splitter and front door come with the release, and could not be asked for")
			continue
		}
		ours = append(ours, c)
	}
	cfg := tsdb.Config{Interval: trialInterval, Retention: time.Hour, Now: time.Now, Targets: targets(f)}
	if len(ours) == 0 {
		return
	}
	fail := func(err error) {
		for _, c := range ours {
			c.fails(err)
		}
	}
	if received && len(cfg.Targets) == 0 {
		for _, c := range ours {
			c.notAsked("what is sent to the front door is known while the release runs, and could not be asked for")
		}
		return
	}
	if len(cfg.Targets) == 0 {
		fail(fmt.Errorf("source.embedded has no targets to scrape: %w", release.ErrInvalid))
		return
	}
	dir, err := os.MkdirTemp("", "linnet-doctor-")
	if err != nil {
		fail(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the system's folder for such
	cfg.Dir = dir
	store, err := tsdb.Open(cfg)
	if err != nil {
		fail(err)
		return
	}
	defer func() { _ = store.Close() }() // nothing of it is kept
	end := time.NewTimer(trialTime)
	defer end.Stop()
	select { // a counter tells something from its second scrape on
	case <-ctx.Done():
	case <-end.C:
	}
	examineAll(ctx, f, store, trialStep, ours)
	for _, c := range ours {
		c.Warnings = append(c.Warnings, fmt.Sprintf("the targets were scraped on trial for %s; the release's own store has what it scrapes while it runs", trialTime))
	}
}

// targets are the pages of the arms that an embedded store scrapes.
func targets(f spec.File) []tsdb.Target {
	var out []tsdb.Target
	for _, arm := range []release.Arm{f.Baseline, f.Candidate} {
		for _, u := range f.Analysis.Source.Embedded.Targets[arm.Name] {
			out = append(out, tsdb.Target{URL: u, Labels: arm.Labels})
		}
	}
	return out
}
