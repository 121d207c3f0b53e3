package fleet

import (
	"time"

	"github.com/linnet-project/linnet/journal"
)

// entry is a release in the queue.
type entry struct {
	id    journal.ID
	due   time.Time
	state waitState
	place int // in entries, while it rests
}

// waitState is where an entry is.
type waitState int

const (
	resting waitState = iota // among those that wait for their time
	hurried                  // among those that a person commands
	turning                  // its turn is being taken
)

// entries is a heap of what rests, the next due first.
type entries []*entry

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (h entries) Len() int           { return len(h) }
func (h entries) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface.
func (h *entries) Push(x any) {
	e := x.(*entry)
	e.place = len(*h)
	*h = append(*h, e)
}

// Pop implements heap.Interface.
func (h *entries) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
