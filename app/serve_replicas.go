package app

import (
	"context"
	"sync"
	"time"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/fleet/river"
	"github.com/linnet-project/linnet/journal"
)

// lastMinute counts what happens, by the second, for a minute.
type lastMinute struct {
	mu      sync.Mutex
	seconds [60]struct {
		at int64
		n  int
	}
}

func (l *lastMinute) add(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.seconds[now.Unix()%int64(len(l.seconds))]
	if s.at != now.Unix() {
		s.at, s.n = now.Unix(), 0
	}
	s.n++
}

func (l *lastMinute) count(now time.Time) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.seconds {
		if s.at > now.Unix()-int64(len(l.seconds)) {
			n += s.n
		}
	}
	return n
}

// counted counts a turn.
func (s *serving) counted(id journal.ID, took time.Duration, err error) {
	s.measures.turn(id, took, err)
	s.lastMinute.add(s.now())
}

// toldSources tells how sources and doors do in this process.
func (s *serving) toldSources(_ context.Context, sees func(access.Resource) bool) (api.Sources, error) {
	return api.Sources{Sources: s.book.told(sees), Doors: s.hosts.doors(sees)}, nil
}

// replicas tells which processes take turns. On one machine it is this one.
func (s *serving) replicas(ctx context.Context, began time.Time) (api.Replicas, error) {
	if s.river != nil {
		return toldReplicas(ctx, s.river)
	}
	now := s.now().UTC()
	lag := s.timers.Lag()
	told := api.Replicas{
		Items: []api.Replica{{Name: s.hostName(), Version: Version, Started: began, Seen: now, Leader: true, Self: true, Turns: s.lastMinute.count(now)}},
		Queue: api.Queue{Waiting: lag.Overdue, Running: lag.Running, Scheduled: lag.Length - lag.Overdue - lag.Running, Oldest: lag.Oldest.Seconds()},
	}
	for _, one := range s.fleet.Statuses() {
		if one.Error != "" {
			told.Queue.Failed++
		}
	}
	return told, nil
}

func toldReplicas(ctx context.Context, c *river.Caller) (api.Replicas, error) {
	told := api.Replicas{Several: true, Items: []api.Replica{}}
	all, err := c.Replicas(ctx)
	if err != nil {
		return told, err
	}
	for _, r := range all {
		told.Items = append(told.Items, api.Replica{Name: r.Name, Version: r.Version, Started: r.Started, Seen: r.Seen,
			Gone: r.Gone, Leader: r.Leader, Self: r.Self, Turns: r.Turns})
	}
	q, err := c.Stats(ctx)
	told.Queue = api.Queue{Waiting: q.Waiting, Running: q.Running, Scheduled: q.Scheduled, Failed: q.Failed, Oldest: q.Oldest.Seconds()}
	return told, err
}
