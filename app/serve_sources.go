package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"

	"github.com/linnet-project/linnet/metric/prometheus"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// sharedSources are the sources that releases have in common: ten thousand
// releases that ask one Prometheus do so over the connections of one client.
// Other sources remember what they saw for a release, and are its own.
type sharedSources struct {
	mu  sync.Mutex
	all map[[32]byte]*sharedSource
}

// sharedSource is a source with the number of those who use it.
type sharedSource struct {
	*prometheus.Source
	users int
}

// lent is one release's use of it.
type lent struct {
	run.Source
	giveBack func()
}

// Close gives it back.
func (l lent) Close() { l.giveBack() }

// of opens a source, or lends the one that another release has opened by the
// same words.
func (s *sharedSources) of(ctx context.Context, want spec.Source) (run.Source, error) {
	if want.Prometheus == nil {
		return openSource(ctx, want)
	}
	text, err := json.Marshal(want.Prometheus)
	if err != nil {
		return nil, err
	}
	key := sha256.Sum256(text)
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[key]
	if one == nil {
		source, err := prometheus.New(reach(want.Prometheus.Access))
		if err != nil {
			return nil, err
		}
		one = &sharedSource{Source: source}
		if s.all == nil {
			s.all = map[[32]byte]*sharedSource{}
		}
		s.all[key] = one
	}
	one.users++
	return lent{one, sync.OnceFunc(func() { s.giveBack(key, one) })}, nil
}

func (s *sharedSources) giveBack(key [32]byte, one *sharedSource) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(s.all, key)
		one.Close()
	}
}
