package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/linnet-project/linnet/ingest/item"
)

// Record is an entry of the log: a batch, or a tick, which says only that a time
// was reached.
type Record struct {
	Seq   uint64
	At    time.Time
	Batch *item.Batch // nil of a tick
}

// A record on disk is a head and a payload:
//
//	head:    magic (4 bytes), length of the payload (4), checksum (4)
//	payload: kind, sequence, time, and of a batch its texts and its body
//
// The checksum covers length and payload; so a record that was cut, or whose
// bytes changed, is known, and the magic tells where to look for the next.
const (
	headSize   = 12
	maxPayload = 256 << 20

	kindTick  = 1
	kindBatch = 2
)

var magic = [4]byte{0xf1, 'L', 'n', 0x1e}

var errCorrupt = errors.New("corrupt record")

// Packed is a batch compressed for the log, which the senders' goroutines do
// rather than the one that writes.
type Packed struct {
	meta item.Batch
	body []byte
}

// Pack compresses a batch.
func Pack(b item.Batch) Packed {
	p := Packed{meta: b, body: s2.Encode(nil, b.Body)}
	p.meta.Body = nil
	return p
}

// Size is about how many bytes it takes.
func (p Packed) Size() int { return len(p.body) + 64 }

// appendTick appends a tick's record.
func appendTick(b []byte, seq uint64, at time.Time) []byte {
	start := len(b)
	b = append(b, make([]byte, headSize)...)
	b = append(b, kindTick)
	b = binary.AppendUvarint(b, seq)
	b = binary.AppendVarint(b, at.UnixNano())
	return seal(b, start)
}

// appendBatch appends a batch's record.
func appendBatch(b []byte, seq uint64, p Packed) []byte {
	start := len(b)
	b = append(b, make([]byte, headSize)...)
	b = append(b, kindBatch)
	b = binary.AppendUvarint(b, seq)
	b = binary.AppendVarint(b, p.meta.At.UnixNano())
	for _, text := range []string{p.meta.ID, p.meta.Tenant, p.meta.Sender, string(p.meta.Format)} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return seal(append(b, p.body...), start)
}

// seal fills the head of the record that begins at start.
func seal(b []byte, start int) []byte {
	head := b[start : start+headSize]
	copy(head, magic[:])
	binary.LittleEndian.PutUint32(head[4:], uint32(len(b)-start-headSize))
	binary.LittleEndian.PutUint32(head[8:], sum(head[4:8], b[start+headSize:]))
	return b
}

func sum(length, payload []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(length, table), table, payload)
}

// cut takes the record at the beginning of b. Size is its length on disk.
func cut(b []byte) (payload []byte, size int, err error) {
	if len(b) < headSize || [4]byte(b[:4]) != magic {
		return nil, 0, errCorrupt
	}
	n := binary.LittleEndian.Uint32(b[4:])
	if n > maxPayload || int(n) > len(b)-headSize {
		return nil, 0, errCorrupt
	}
	payload = b[headSize : headSize+int(n)]
	if sum(b[4:8], payload) != binary.LittleEndian.Uint32(b[8:]) {
		return nil, 0, errCorrupt
	}
	return payload, headSize + int(n), nil
}

// decode reads a payload whose checksum was right.
func decode(payload []byte) (Record, error) {
	r := reader{b: payload}
	kind := r.byte()
	rec := Record{Seq: r.uvarint(), At: time.Unix(0, r.varint()).UTC()}
	if kind == kindBatch {
		batch := item.Batch{Seq: rec.Seq, At: rec.At}
		batch.ID, batch.Tenant, batch.Sender = r.text(), r.text(), r.text()
		batch.Format = item.Format(r.text())
		rec.Batch = &batch
	}
	if r.bad || kind != kindTick && kind != kindBatch {
		return Record{}, errCorrupt
	}
	if kind == kindBatch {
		n, err := s2.DecodedLen(r.b)
		if err != nil || n > maxPayload {
			return Record{}, errCorrupt
		}
		if rec.Batch.Body, err = s2.Decode(nil, r.b); err != nil {
			return Record{}, fmt.Errorf("%w: %w", errCorrupt, err)
		}
	}
	return rec, nil
}

// reader takes values off a payload; bad says that there was too little.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) text() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad = true
		return ""
	}
	v := string(r.b[:n])
	r.b = r.b[n:]
	return v
}
