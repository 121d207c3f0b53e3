package fold

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/linnet-project/linnet/release"
)

// form is how a snapshot is written: a form that is not this one is refused.
const form = "linnet fold 2\n"

// Snapshot is a state as it was at a moment, to be written while the fold goes on.
type Snapshot struct {
	// Seq is the last record that is part of it.
	Seq  uint64
	head []byte
	sets [][]uint64 // lists that only grow, up to the length they had
}

// Snapshot takes the state as it is. Samples that Take would hand out are not
// part of it.
func (f *Fold) Snapshot() Snapshot {
	s := Snapshot{Seq: f.seq}
	w := writer{b: []byte(form)}
	w.uint(f.seq)
	w.int(f.clock)
	w.int(f.bound)
	w.int(f.active)
	w.uint(f.short)
	w.uint(uint64(len(f.groups)))
	for _, key := range slices.Sorted(maps.Keys(f.groups)) {
		w.group(f.groups[key])
	}
	w.uint(uint64(len(f.gone)))
	for _, key := range slices.Sorted(maps.Keys(f.gone)) {
		w.uint(key)
		w.int(f.gone[key])
	}
	w.uint(uint64(len(f.seen.sets)))
	for _, one := range f.seen.sets {
		s.set(&w, one)
	}
	w.uint(uint64(len(f.tenants)))
	for _, name := range slices.Sorted(maps.Keys(f.tenants)) {
		t := f.tenants[name]
		w.text(name)
		s.set(&w, t.before)
		s.set(&w, t.recent)
	}
	s.head = w.b
	return s
}

func (s *Snapshot) set(w *writer, one *set) {
	w.int(one.from)
	w.int(one.to)
	w.uint(uint64(len(one.list)))
	s.sets = append(s.sets, one.list[:len(one.list):len(one.list)])
}

// WriteTo writes the snapshot down, with a checksum at its end.
func (s Snapshot) WriteTo(out io.Writer) (int64, error) {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	both := io.MultiWriter(out, sum)
	var head [8]byte
	binary.LittleEndian.PutUint64(head[:], uint64(len(s.head)))
	total := int64(0)
	put := func(w io.Writer, b []byte) error {
		n, err := w.Write(b)
		total += int64(n)
		return err
	}
	if err := errors.Join(put(both, head[:]), put(both, s.head)); err != nil {
		return total, err
	}
	buf := make([]byte, 0, 64<<10)
	for _, list := range s.sets {
		for len(list) > 0 {
			buf = buf[:0]
			n := min(len(list), cap(buf)/8)
			for _, h := range list[:n] {
				buf = binary.LittleEndian.AppendUint64(buf, h)
			}
			if err := put(both, buf); err != nil {
				return total, err
			}
			list = list[n:]
		}
	}
	return total, put(out, binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
}

// Restore is the fold that a snapshot was taken of, with the terms given. An
// error wraps release.ErrInvalid: the bytes are no snapshot, or not whole.
func Restore(b []byte, terms Terms) (*Fold, error) {
	bad := func(what string) error { return fmt.Errorf("the checkpoint %s: %w", what, release.ErrInvalid) }
	if len(b) < 12 {
		return nil, bad("is cut off")
	}
	b, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) != sum {
		return nil, bad("is not as it was written: its checksum is wrong")
	}
	size := binary.LittleEndian.Uint64(b)
	if size > uint64(len(b)-8) {
		return nil, bad("is cut off")
	}
	r := reader{b: b[8 : 8+size], sets: b[8+size:]}
	if !r.prefix(form) {
		return nil, bad("has a form that this linnet does not know")
	}
	f := New(terms)
	f.seq, f.clock, f.bound, f.active, f.short = r.uint(), r.int(), r.int(), r.int(), r.uint()
	for range r.count() {
		g := r.group()
		f.groups[g.key] = g
		f.open += len(g.open)
		f.tenant(g.tenant).groups += g.series()
	}
	for range r.count() {
		key := r.uint()
		f.gone[key] = r.int()
	}
	for range r.count() {
		f.seen.sets = append(f.seen.sets, r.set())
	}
	for range r.count() {
		t := f.tenant(r.text())
		t.before, t.recent = r.set(), r.set()
		for _, h := range t.recent.list {
			if t.before.has(h) {
				t.both++
			}
		}
	}
	f.sum()
	if r.bad || len(r.b) > 0 || len(r.sets) > 0 {
		return nil, bad("does not hold what it says")
	}
	return f, nil
}

// writer appends values.
type writer struct{ b []byte }

func (w *writer) uint(v uint64) { w.b = binary.AppendUvarint(w.b, v) }
func (w *writer) int(v int64)   { w.b = binary.AppendVarint(w.b, v) }
func (w *writer) text(s string) {
	w.uint(uint64(len(s)))
	w.b = append(w.b, s...)
}

func (w *writer) group(g *group) {
	w.text(g.key)
	w.text(g.tenant)
	for _, l := range g.labels {
		w.uint(uint64(l.Len()))
		l.Range(func(l labels.Label) {
			w.text(l.Name)
			w.text(l.Value)
		})
	}
	w.uint(g.count)
	w.dist(g.dist)
	w.int(g.emitted)
	w.int(g.before)
	w.int(g.active)
	w.int(g.heard)
	w.uint(uint64(len(g.open)))
	for _, o := range g.open {
		w.int(o.end)
		w.int(o.first)
		w.uint(o.count)
		w.dist(o.dist)
		w.text(o.trace)
		w.uint(math.Float64bits(o.worst))
		w.int(o.at)
	}
}

func (w *writer) dist(d *dist) {
	if d == nil {
		w.uint(0)
		return
	}
	w.uint(1)
	w.int(int64(d.schema))
	w.uint(d.n)
	w.uint(d.zero)
	w.int(d.sum.hi)
	w.uint(d.sum.lo)
	for _, m := range []map[int32]uint64{d.pos, d.neg} {
		w.uint(uint64(len(m)))
		for _, i := range sortedKeys(m) {
			w.int(int64(i))
			w.uint(m[i])
		}
	}
}

// reader takes values off; bad says that something was not there.
type reader struct {
	b, sets []byte
	bad     bool
}

func (r *reader) prefix(text string) bool {
	if len(r.b) < len(text) || string(r.b[:len(text)]) != text {
		return false
	}
	r.b = r.b[len(text):]
	return true
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count is a number of things that each take a byte at least.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	return int(n)
}

func (r *reader) text() string {
	n := r.count()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}

func (r *reader) set() *set {
	s := newSet(r.int())
	s.to = r.int()
	n := r.uint()
	if n > uint64(len(r.sets)/8) || n > math.MaxInt32 {
		r.bad, r.b = true, nil
		return s
	}
	s.list = make([]uint64, 0, n)
	for range n {
		s.add(binary.LittleEndian.Uint64(r.sets))
		r.sets = r.sets[8:]
	}
	return s
}

func (r *reader) group() *group {
	g := &group{key: r.text(), tenant: r.text()}
	for i := range g.labels {
		b := labels.NewScratchBuilder(8)
		for range r.count() {
			b.Add(r.text(), r.text())
		}
		b.Sort()
		g.labels[i] = b.Labels()
	}
	g.count, g.dist = r.uint(), r.dist()
	g.emitted, g.before, g.active, g.heard = r.int(), r.int(), r.int(), r.int()
	for range r.count() {
		g.open = append(g.open, window{
			end: r.int(), first: r.int(), count: r.uint(), dist: r.dist(),
			trace: r.text(), worst: math.Float64frombits(r.uint()), at: r.int(),
		})
	}
	return g
}

func (r *reader) dist() *dist {
	if r.uint() == 0 {
		return nil
	}
	d := newDist()
	d.schema, d.n, d.zero = int32(r.int()), r.uint(), r.uint()
	d.sum = fixed{hi: r.int(), lo: r.uint()}
	if d.schema < lastSchema || d.schema > firstSchema {
		r.bad = true
	}
	for _, m := range []map[int32]uint64{d.pos, d.neg} {
		for range r.count() {
			i := r.int()
			m[int32(i)] = r.uint()
		}
	}
	return d
}
