package journal

import (
	"context"
	"sync"

	"github.com/linnet-project/linnet/engine"
)

// marks remember the heads that states stand at which were loaded or recorded
// here. A sequence alone does not tell that a state fits: where a fail-over of the
// database lost the last records, others may have been written in their place.
type marks struct {
	mu sync.Mutex
	at map[ID]mark
}

type mark struct {
	seq  uint64
	hash Hash
}

// mostMarks bounds what is remembered. Releases that others see to their end leave
// theirs behind; without one a sequence must do.
const mostMarks = 50_000

// set remembers the head of a state; nothing follows one that is over.
func (m *marks) set(id ID, seq uint64, hash Hash, state *engine.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, live := state.Rest(); !live {
		delete(m.at, id)
		return
	}
	if _, known := m.at[id]; m.at == nil || !known && len(m.at) >= mostMarks {
		m.at = map[ID]mark{}
	}
	m.at[id] = mark{seq, hash}
}

// strange tells that what is remembered at a sequence is another record.
func (m *marks) strange(id ID, seq uint64, hash Hash) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.at[id]
	return ok && known.seq == seq && known.hash != hash
}

// Load is Reader.Load for who is to append: what is appended next must follow the
// very record that was the last one here. Within a process a release has one who
// loads and appends.
func (s *Store) Load(ctx context.Context, id ID, fold Fold) (engine.State, uint64, error) {
	state, c, err := s.load(ctx, id, fold)
	if err != nil {
		return engine.State{}, 0, err
	}
	s.marks.set(id, c.seq, c.hash, &state)
	return state, c.seq, nil
}
