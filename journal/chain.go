package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/linnet-project/linnet/release"
)

// Head is the last record of a release as somebody saw it. Kept where the
// journal's owner cannot change it (a pull request, another machine), it shows
// later that nothing up to it was changed or cut off.
type Head struct {
	ID   ID
	Seq  uint64
	Hash Hash
	// Pruned says that retention has removed the records and only this head is
	// left of them. It is not part of the text form.
	Pruned bool
}

// String gives NAME/ATTEMPT SEQ HASH, the hash in hex.
func (h Head) String() string { return fmt.Sprintf("%s %d %x", h.ID, h.Seq, h.Hash[:]) }

// ParseHead reads what String printed. Errors wrap release.ErrInvalid.
func ParseHead(text string) (Head, error) {
	fields := strings.Fields(text)
	if len(fields) != 3 {
		return Head{}, fmt.Errorf("head %q: expected NAME/ATTEMPT SEQ HASH: %w", text, release.ErrInvalid)
	}
	id, err := AuditChain(), error(nil)
	if fields[0] != id.String() {
		if id, err = ParseID(fields[0]); err != nil {
			return Head{}, err
		}
	}
	seq, err := strconv.ParseUint(fields[1], 10, 63)
	if err != nil || seq == 0 {
		return Head{}, fmt.Errorf("head %q: %q is no sequence, which counts from 1: %w", text, fields[1], release.ErrInvalid)
	}
	sum, err := hex.DecodeString(fields[2])
	if err != nil || len(sum) != len(Hash{}) {
		return Head{}, fmt.Errorf("head %q: %q is no SHA-256 in hex: %w", text, fields[2], release.ErrInvalid)
	}
	return Head{ID: id, Seq: seq, Hash: Hash(sum)}, nil
}

// Broken says where the journal of a release is not what was written. It wraps
// release.ErrInvalid.
type Broken struct {
	ID ID
	// Seq is the first record that is wrong; 0 where it is not one record.
	Seq uint64
	// What differs, in plain words.
	What string
}

// Error implements error.
func (b *Broken) Error() string {
	if b.Seq == 0 {
		return fmt.Sprintf("journal of %s is broken: %s", b.ID, b.What)
	}
	return fmt.Sprintf("journal of %s is broken at record %d: %s", b.ID, b.Seq, b.What)
}

// Unwrap gives the meaning of a Broken.
func (b *Broken) Unwrap() error { return release.ErrInvalid }

// AuditChain is the ID under which the audit chains its lines; attempts count
// from 1, so no release has it.
func AuditChain() ID { return ID{Name: "audit"} }

// Link hashes one record into a chain. Every part has a fixed or a stated
// length, so that no two records give the same bytes.
func Link(before Hash, id ID, seq uint64, form int64, body []byte) Hash {
	var head []byte
	head = append(head, before[:]...)
	head = binary.BigEndian.AppendUint64(head, uint64(form))
	head = binary.BigEndian.AppendUint64(head, uint64(len(id.Name)))
	head = append(head, id.Name...)
	head = binary.BigEndian.AppendUint64(head, uint64(id.Attempt))
	head = binary.BigEndian.AppendUint64(head, seq)
	sum := sha256.New()
	sum.Write(head)
	sum.Write(body)
	return Hash(sum.Sum(nil))
}

// row is a record as the database holds it.
type row struct {
	seq  uint64
	form int64
	body []byte
	hash []byte
}

// chain walks the records of a release and lets none pass that does not
// follow from the one before.
type chain struct {
	id     ID
	seq    uint64 // the last record seen
	hash   Hash
	unpack unpacker
}

func (c *chain) next(r row) (Record, error) {
	broken := func(format string, args ...any) error {
		return &Broken{ID: c.id, Seq: c.seq + 1, What: fmt.Sprintf(format, args...)}
	}
	if r.seq != c.seq+1 {
		return Record{}, broken("it is missing; the next one there is record %d", r.seq)
	}
	if r.form != formNow {
		return Record{}, broken("it has form %d and this linnet knows %d; it was written by a newer linnet, or changed", r.form, formNow)
	}
	body, err := c.unpack.unpack(r.body, maxBody)
	if err != nil {
		return Record{}, broken("its content %v", err)
	}
	hash := Link(c.hash, c.id, r.seq, r.form, body)
	if string(hash[:]) != string(r.hash) {
		return Record{}, broken("its content, its hash, or the hash of record %d was changed after it was written (hash is %x, its content gives %x)", c.seq, r.hash, hash[:])
	}
	rec, err := decodeRecord(body)
	if err != nil {
		return Record{}, broken("its hash is right but its content cannot be read: %v", err)
	}
	rec.Seq, rec.Hash = r.seq, hash
	c.seq, c.hash = r.seq, hash
	return rec, nil
}
