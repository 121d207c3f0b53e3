package control

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/report"
)

// noiseWait bounds how long earlier releases are read for the noise of a service.
// What was read is kept: asked again, it goes on.
const noiseWait = 5 * time.Second

// Noise is what the baseline of a service usually does by one metric: a level for
// each of its last ended releases, the last first.
type Noise struct {
	Metric string
	Kind   release.Kind
	Worse  release.Direction
	// Bound is of a histogram: levels are the shares of values beyond it.
	Bound  float64
	Levels []report.Level
}

// Noise tells the usual noise of a service's metrics from its last ended releases,
// at most 10, as far as somebody may see them; missing are those that there was no
// time to read.
func (d *Desk) Noise(ctx context.Context, who access.Actor, of Service) (all []Noise, missing int, err error) {
	reading, cancel := context.WithTimeout(ctx, noiseWait)
	defer cancel()
	earlier, missing, err := d.earlier(reading, who, journal.Choice{Service: of.Name, Team: of.Team, Environment: of.Environment},
		func(e journal.Summary) bool { return e.Team == of.Team && e.Environment == of.Environment })
	if err != nil {
		return nil, 0, err
	}
	at := map[ownKey]int{}
	for _, e := range earlier {
		for key, own := range e.own {
			bound, known := own.Tail()
			if !known {
				continue
			}
			n, there := at[key]
			if !there { // the last release that has it says at which bound
				n, at[key] = len(all), len(all)
				all = append(all, Noise{Metric: key.name, Kind: key.kind, Worse: key.worse, Bound: bound})
			}
			if side, ok := own.At(all[n].Bound); ok {
				all[n].Levels = append(all[n].Levels, report.Level{Name: e.ID.Name, Attempt: e.ID.Attempt, Time: e.Started.UTC(), Value: side.Value, N: side.N})
			}
		}
	}
	slices.SortFunc(all, func(a, b Noise) int {
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Worse, b.Worse))
	})
	return all, missing, nil
}
