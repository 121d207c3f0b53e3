package fold

// generations is how many sets the ids of one span are spread over: at the end of
// the span the oldest set is forgotten whole.
const generations = 4

// set is a set of hashes that only grows. Its list may be read while it does, up
// to the length it had.
type set struct {
	index map[uint64]struct{}
	list  []uint64
	from  int64 // since when, in milliseconds
	to    int64 // until when; 0 of the one that grows
}

func newSet(from int64) *set { return &set{index: map[uint64]struct{}{}, from: from} }

func (s *set) has(h uint64) bool {
	_, ok := s.index[h]
	return ok
}

func (s *set) add(h uint64) {
	if !s.has(h) {
		s.index[h] = struct{}{}
		s.list = append(s.list, h)
	}
}

// seen are the ids of some time, oldest set first.
type seen struct {
	sets []*set
	span int64 // milliseconds
	most int
}

func (s *seen) has(h uint64) bool {
	for _, one := range s.sets {
		if one.has(h) {
			return true
		}
	}
	return false
}

// add remembers an id. Short says that others were forgotten before their time
// to make room.
func (s *seen) add(h uint64, now int64) (short bool) {
	if len(s.sets) == 0 {
		s.sets = append(s.sets, newSet(now))
	}
	newest := s.sets[len(s.sets)-1]
	if len(newest.list) >= max(1, s.most/(generations+1)) {
		short = s.rotate(now)
		newest = s.sets[len(s.sets)-1]
	}
	newest.add(h)
	return short
}

// forget forgets what is older than the span.
func (s *seen) forget(now int64) {
	if len(s.sets) == 0 {
		return
	}
	if newest := s.sets[len(s.sets)-1]; now-newest.from >= s.span/generations && len(newest.list) > 0 {
		s.rotate(now)
	}
	for len(s.sets) > 1 && s.sets[0].to+s.span <= now {
		s.sets = s.sets[1:]
	}
}

// rotate begins another set. Where there are too many, the oldest goes.
func (s *seen) rotate(now int64) (short bool) {
	s.sets[len(s.sets)-1].to = now
	s.sets = append(s.sets, newSet(now))
	if len(s.sets) > generations+1 {
		short = s.sets[0].to+s.span > now
		s.sets = s.sets[1:]
	}
	return short
}

// goBack puts right what happened at a time that was not.
func (s *seen) goBack(now int64) {
	for _, one := range s.sets {
		one.from, one.to = min(one.from, now), min(one.to, now)
	}
}

// reach is since when every id is remembered.
func (s *seen) reach(now int64) int64 {
	if len(s.sets) == 0 {
		return now - s.span
	}
	return s.sets[0].from
}

func (s *seen) len() (n int) {
	for _, one := range s.sets {
		n += len(one.list)
	}
	return n
}
