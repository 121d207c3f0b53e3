package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// statement is what an anchor says: the heads that changed since the one before.
type statement struct {
	Number uint64    `json:"anchor"` // from 1
	At     time.Time `json:"at"`
	// Before is the SHA-256 of the line before, in hex; empty for the first.
	Before string   `json:"before"`
	Heads  []string `json:"heads"`
}

// signed is an anchor as a line of a file: the signature goes over the bytes of
// the statement as they stand there.
type signed struct {
	Statement json.RawMessage `json:"statement"`
	// Key names the public key; see KeyName.
	Key       string `json:"key"`
	Signature []byte `json:"signature"`
}

// MaxAnchor bounds a line of a file of anchors, in bytes.
const MaxAnchor = 64 << 20

// Anchors are what a file of anchors says.
type Anchors struct {
	Count uint64
	// Last is when the last one was made.
	Last time.Time
	// Heads are the sequences and hashes that were anchored, by chain.
	Heads map[journal.ID]map[uint64]journal.Hash

	end string // the SHA-256 of the last line
}

// ReadAnchors reads anchors and proves that each is signed by one of the keys
// and follows from the one before. Errors wrap release.ErrInvalid and name the
// line.
func ReadAnchors(r io.Reader, keys []ed25519.PublicKey) (Anchors, error) {
	a := Anchors{Heads: map[journal.ID]map[uint64]journal.Hash{}}
	err := a.read(r, func(s signed) error {
		for _, key := range keys {
			if KeyName(key) == s.Key && ed25519.Verify(key, s.Statement, s.Signature) {
				return nil
			}
		}
		return fmt.Errorf("it is not signed by a key that was given (it names key %s): %w", s.Key, release.ErrInvalid)
	}, func(h journal.Head) {
		if a.Heads[h.ID] == nil {
			a.Heads[h.ID] = map[uint64]journal.Hash{}
		}
		a.Heads[h.ID][h.Seq] = h.Hash
	})
	return a, err
}

// read walks the lines of a file.
func (a *Anchors) read(r io.Reader, check func(signed) error, see func(journal.Head)) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, MaxAnchor)
	for lines.Scan() {
		if err := a.add(lines.Bytes(), check, see); err != nil {
			return fmt.Errorf("anchor %d: %w", a.Count+1, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("anchor %d: %w: %w", a.Count+1, err, release.ErrInvalid)
	}
	return nil
}

func (a *Anchors) add(line []byte, check func(signed) error, see func(journal.Head)) error {
	var outer signed
	var s statement
	if err := errors.Join(strictly(line, &outer), strictly(outer.Statement, &s)); err != nil {
		return fmt.Errorf("not a line that Linnet wrote: %w: %w", release.ErrInvalid, err)
	}
	if err := check(outer); err != nil {
		return err
	}
	if s.Number != a.Count+1 || s.Before != a.end {
		return fmt.Errorf("it does not follow the line before it: one was removed, or changed: %w", release.ErrInvalid)
	}
	for _, text := range s.Heads {
		head, err := journal.ParseHead(text)
		if err != nil {
			return err
		}
		see(head)
	}
	a.Count, a.Last, a.end = s.Number, s.At, lineHash(line)
	return nil
}

func strictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func lineHash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// Checked is what came of holding a journal against anchors.
type Checked struct {
	// Chains and Heads were compared; Gone are heads of what retention removed.
	Chains, Heads, Gone int
}

// Check proves that the journal and the audit still hold all that was anchored.
// It returns everything that is wrong at once, as *journal.Broken.
func (a Anchors) Check(ctx context.Context, r *journal.Reader, l *Log) (Checked, error) {
	var done Checked
	var wrong []error
	for id, heads := range a.Heads {
		var gone int
		var err error
		if id == journal.AuditChain() {
			_, gone, err = l.VerifyAgainst(ctx, heads)
		} else {
			_, gone, err = r.VerifyHeads(ctx, id, heads)
		}
		if ctx.Err() != nil {
			return done, err
		}
		done.Chains, done.Heads, done.Gone = done.Chains+1, done.Heads+len(heads), done.Gone+gone
		wrong = append(wrong, err)
	}
	return done, errors.Join(wrong...)
}

// Anchorer makes anchors. It is safe for use by several goroutines.
type Anchorer struct {
	// Key signs them.
	Key ed25519.PrivateKey
	// Path is the file that they are appended to.
	Path string
	// Put keeps a copy of each elsewhere, under a name that is new each time; nil
	// for none.
	Put func(ctx context.Context, name string, line []byte) error
	Now func() time.Time

	mu sync.Mutex
	// What is known of the file, as long as it has this size.
	size  int64
	known Anchors
	seqs  map[journal.ID]uint64
	// copied is the last one that was put elsewhere; noted is what the file beside
	// this one says of it, nil where there is none.
	copied uint64
	noted  *uint64
}

// Anchor appends one anchor with all heads that changed since the last one, and
// says how many; where none did, it appends nothing. A copy that could not be
// put elsewhere is an error, after the line is in the file; it is put with the next
// call, before later ones, also by another process.
func (a *Anchorer) Anchor(ctx context.Context, r *journal.Reader, l *Log) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.load(); err != nil {
		return 0, err
	}
	s := statement{Number: a.known.Count + 1, At: a.Now().UTC().Truncate(time.Second), Before: a.known.end}
	changed := map[journal.ID]uint64{}
	see := func(h journal.Head) error {
		if h.Seq > a.seqs[h.ID] {
			s.Heads, changed[h.ID] = append(s.Heads, h.String()), h.Seq
		}
		return nil
	}
	if err := r.Heads(ctx, see); err != nil {
		return 0, err
	}
	head, err := l.head(ctx)
	if err != nil || see(head) != nil {
		return 0, err
	}
	if len(s.Heads) == 0 {
		return 0, a.putRest(ctx, nil)
	}
	line, err := a.sign(s)
	if err != nil {
		return 0, err
	}
	if err := a.note(); err != nil {
		return 0, err
	}
	if err := a.write(line); err != nil {
		return 0, err
	}
	for id, seq := range changed {
		a.seqs[id] = seq
	}
	a.known.Count, a.known.end, a.size = s.Number, lineHash(line), a.size+int64(len(line))+1
	return len(s.Heads), a.putRest(ctx, line)
}

// putRest puts what is not elsewhere yet, of which last is the last line.
func (a *Anchorer) putRest(ctx context.Context, last []byte) error {
	if a.Put == nil || a.copied == a.known.Count {
		return nil
	}
	lines := [][]byte{last}
	if last == nil || a.copied+1 < a.known.Count {
		text, err := os.ReadFile(a.Path)
		if err != nil {
			return database.PathFault(a.Path, err)
		}
		lines = bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		lines = lines[min(a.copied, uint64(len(lines))):]
	}
	for _, line := range lines {
		if err := a.Put(ctx, fmt.Sprintf("anchor-%08d.json", a.copied+1), line); err != nil {
			err = fmt.Errorf("anchor %d is in %s, and its copy could not be put elsewhere: %w", a.copied+1, a.Path, err)
			return errors.Join(err, a.note())
		}
		a.copied++
	}
	return a.note()
}

// noteSuffix ends the name of the file beside the anchors that says which was the
// last to be put elsewhere.
const noteSuffix = ".put"

// note writes down which was the last to be put, before one is made that might
// not be.
func (a *Anchorer) note() error {
	if a.Put == nil || a.noted != nil && *a.noted == a.copied {
		return nil
	}
	name := a.Path + noteSuffix
	if err := os.WriteFile(name+".new", fmt.Appendln(nil, a.copied), 0o644); err != nil {
		return database.PathFault(name, err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return database.PathFault(name, err)
	}
	at := a.copied
	a.noted = &at
	return nil
}

// last reads which was the last to be put. Anchors that were made before any was to
// be put stay where they are.
func (a *Anchorer) last() error {
	a.noted, a.copied = nil, a.known.Count
	text, err := os.ReadFile(a.Path + noteSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return database.PathFault(a.Path+noteSuffix, err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return fmt.Errorf("%s%s: %q is no number of an anchor; write the last that was put elsewhere: %w", a.Path, noteSuffix, text, release.ErrInvalid)
	}
	a.noted, a.copied = &n, min(n, a.known.Count)
	return nil
}

// head is the end of the audit, unproved.
func (l *Log) head(ctx context.Context) (head journal.Head, err error) {
	err = l.db.Read(ctx, func(tx database.Tx) (err error) {
		head, err = end(ctx, tx)
		return err
	})
	return head, err
}

// load reads the file, unless it is as this process left it.
func (a *Anchorer) load() error {
	info, err := os.Stat(a.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		a.size, a.known, a.seqs = 0, Anchors{}, map[journal.ID]uint64{}
		return a.last()
	case err != nil:
		return database.PathFault(a.Path, err)
	case a.seqs != nil && info.Size() == a.size:
		return nil
	}
	text, err := os.ReadFile(a.Path)
	if err != nil {
		return database.PathFault(a.Path, err)
	}
	// A line without its end was being written when the machine went down.
	if whole := bytes.LastIndexByte(text, '\n') + 1; whole < len(text) {
		if text = text[:whole]; os.Truncate(a.Path, int64(whole)) != nil {
			return fmt.Errorf("%s: its last line is not whole and cannot be cut off; make it writable: %w", a.Path, release.ErrUnavailable)
		}
	}
	known, seqs := Anchors{}, map[journal.ID]uint64{}
	all := func(signed) error { return nil } // whoever verifies has the keys of all times
	if err := known.read(bytes.NewReader(text), all, func(h journal.Head) { seqs[h.ID] = max(seqs[h.ID], h.Seq) }); err != nil {
		return fmt.Errorf("%s: %w; keep it and begin another file", a.Path, err)
	}
	a.size, a.known, a.seqs = int64(len(text)), known, seqs
	return a.last()
}

func (a *Anchorer) sign(s statement) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	public, ok := a.Key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the key that anchors are signed with is not an Ed25519 key: %w", release.ErrInvalid)
	}
	return json.Marshal(signed{Statement: text, Key: KeyName(public), Signature: ed25519.Sign(a.Key, text)})
}

// write appends a line so that it lasts.
func (a *Anchorer) write(line []byte) error {
	file, err := os.OpenFile(a.Path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return database.PathFault(a.Path, err)
	}
	_, err = file.Write(append(line, '\n'))
	return database.PathFault(a.Path, errors.Join(err, file.Sync(), file.Close()))
}
