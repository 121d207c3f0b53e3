// Package limit keeps strangers from asking too fast and from guessing: rates of
// requests, and lock-outs that grow with failures. All of it lies in memory, for
// a bounded number of keys: those heard of last.
package limit

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// mostKeys bounds how many keys are remembered; the one heard of longest ago
// goes first.
const mostKeys = 10_000

// recent is a map of the keys used last.
type recent[V any] struct {
	order *list.List // of entry[V], the last used first
	byKey map[string]*list.Element
}

type entry[V any] struct {
	key   string
	value V
}

func newRecent[V any]() recent[V] { return recent[V]{list.New(), map[string]*list.Element{}} }

// get finds a key, which becomes the last used.
func (r recent[V]) get(key string) (value V, ok bool) {
	at, ok := r.byKey[key]
	if !ok {
		return value, false
	}
	r.order.MoveToFront(at)
	return at.Value.(entry[V]).value, true
}

func (r recent[V]) set(key string, value V) {
	if at, ok := r.byKey[key]; ok {
		at.Value = entry[V]{key, value}
		r.order.MoveToFront(at)
		return
	}
	if len(r.byKey) >= mostKeys {
		last := r.order.Back()
		delete(r.byKey, r.order.Remove(last).(entry[V]).key)
	}
	r.byKey[key] = r.order.PushFront(entry[V]{key, value})
}

// Rates lets each key ask so many times a second. It is safe for use by several
// goroutines.
type Rates struct {
	perSecond int
	mu        sync.Mutex
	keys      recent[*rate.Limiter]
}

// burst is how many seconds' worth may come at once.
const burst = 5

// NewRates returns Rates of so many requests a second and five times as many at
// once; 0 for no bound.
func NewRates(perSecond int) *Rates {
	return &Rates{perSecond: perSecond, keys: newRecent[*rate.Limiter]()}
}

// Wait tells how long a key has to wait before it may ask; 0 for not at all, and
// then it has asked.
func (r *Rates) Wait(key string, now time.Time) time.Duration {
	if r.perSecond == 0 {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l, ok := r.keys.get(key)
	if !ok {
		l = rate.NewLimiter(rate.Limit(r.perSecond), burst*r.perSecond)
		r.keys.set(key, l)
	}
	if l.AllowN(now, 1) {
		return 0
	}
	return time.Second // at least one is free again by then
}

// The rule of lock-outs: so many failures are free, each further one locks for
// twice as long, and whoever has not failed for a while begins anew. A success
// forgives nothing: a guesser may have a login, too.
const (
	free      = 10
	shortest  = time.Second
	longest   = 5 * time.Minute
	forgotten = 15 * time.Minute
)

// lockedFor is how long a number of failures locks.
func lockedFor(failures int) time.Duration {
	if failures < free {
		return 0
	}
	return time.Duration(min(float64(longest), float64(shortest)*math.Exp2(float64(failures-free))))
}

// Failures locks out whoever fails again and again. It is safe for use by
// several goroutines.
type Failures struct {
	mu   sync.Mutex
	keys recent[failed]
}

type failed struct {
	times int
	last  time.Time
}

// NewFailures returns Failures that knows of none.
func NewFailures() *Failures { return &Failures{keys: newRecent[failed]()} }

// Locked tells for how much longer a key is locked out; 0 for not at all.
func (f *Failures) Locked(key string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, _ := f.keys.get(key)
	return max(0, was.last.Add(lockedFor(was.times)).Sub(now))
}

// Fail counts a failure of a key, and tells for how long that locks it out.
func (f *Failures) Fail(key string, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	was, _ := f.keys.get(key)
	if now.Sub(was.last) > forgotten {
		was.times = 0
	}
	was = failed{was.times + 1, now}
	f.keys.set(key, was)
	return lockedFor(was.times)
}

// Seen remembers what was right lately. It is safe for use by several goroutines.
type Seen struct {
	mu   sync.Mutex
	keys recent[struct{}]
}

// NewSeen returns a Seen that remembers nothing.
func NewSeen() *Seen { return &Seen{keys: newRecent[struct{}]()} }

// Add remembers a key.
func (s *Seen) Add(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.set(key, struct{}{})
}

// Has tells whether a key is remembered.
func (s *Seen) Has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.keys.get(key)
	return ok
}
