package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/engine"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/plan"
	"github.com/linnet-project/linnet/release"
)

// begin begins a release whose salt is as given.
func beginRelease(t *testing.T, s *journal.Store, name, salt string) {
	t.Helper()
	file := []byte("kind: Release\n")
	sum := sha256.Sum256(file)
	rec := journal.Record{At: day, Event: engine.Started{At: day, Attempt: 1, Salt: salt, Plan: plan.Plan{Name: name, Hash: hex.EncodeToString(sum[:])}}}
	if err := s.Begin(t.Context(), journal.ID{Name: name, Attempt: 1}, file, rec, &engine.State{Seq: 1}); err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, s *journal.Store, name string, seq uint64) {
	t.Helper()
	rec := journal.Record{At: day, Event: engine.Looked{At: day}}
	if err := s.Append(t.Context(), journal.ID{Name: name, Attempt: 1}, seq-1, rec, &engine.State{Seq: seq}); err != nil {
		t.Fatal(err)
	}
}

func newKey(t *testing.T) (ed25519.PrivateKey, ed25519.PublicKey) {
	t.Helper()
	private, public, err := NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err1 := ParsePrivateKey(private)
	pub, err2 := ParsePublicKey(public)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	for _, text := range [][]byte{nil, []byte("x"), public} {
		if _, err := ParsePrivateKey(text); !errors.Is(err, release.ErrInvalid) {
			t.Errorf("%q as a key: %v", text, err)
		}
	}
	if _, err := ParsePublicKey(private); !errors.Is(err, release.ErrInvalid) {
		t.Errorf("a private key as a public one: %v", err)
	}
	return key, pub
}

// anchoring anchors a journal, then lets an administrator do their worst.
func anchoring(t *testing.T, db *database.DB, l *Log) {
	t.Helper()
	ctx := t.Context()
	s, err := journal.On(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	beginRelease(t, s, "one", "a")
	beginRelease(t, s, "two", "a")
	key, pub := newKey(t)
	var copies []string
	var away error
	a := &Anchorer{
		Key: key, Path: filepath.Join(t.TempDir(), "anchors"), Now: func() time.Time { return day },
		Put: func(_ context.Context, name string, line []byte) error {
			if away == nil {
				copies = append(copies, name+" "+string(line))
			}
			return away
		},
	}
	anchor := func(want int) {
		t.Helper()
		if n, err := a.Anchor(ctx, s.Reader, l); err != nil || n != want {
			t.Errorf("anchored %d heads, %v; want %d", n, err, want)
		}
	}
	anchor(3)
	anchor(0)
	look(t, s, "two", 2)
	anchor(1)
	a = &Anchorer{Key: key, Path: a.Path, Now: a.Now, Put: a.Put} // as after a restart
	anchor(0)
	look(t, s, "two", 3)
	torn, err := os.OpenFile(a.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString(`{"statement":{"anch`); err != nil || torn.Close() != nil {
		t.Fatal(err)
	}
	away = errors.New("the store is away") // for two anchors: their copies follow
	if n, err := a.Anchor(ctx, s.Reader, l); n != 1 || !errors.Is(err, away) {
		t.Errorf("with the store away: %d, %v", n, err)
	}
	look(t, s, "two", 4)
	if n, err := a.Anchor(ctx, s.Reader, l); n != 1 || !errors.Is(err, away) {
		t.Errorf("with the store away: %d, %v", n, err)
	}
	away = nil
	a = &Anchorer{Key: key, Path: a.Path, Now: a.Now, Put: a.Put} // as after a restart, or by the next command
	anchor(0)
	a = &Anchorer{Key: key, Path: a.Path, Now: a.Now, Put: a.Put}
	anchor(0)
	text, err := os.ReadFile(a.Path)
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if n >= len(copies) || copies[n] != fmt.Sprintf("anchor-%08d.json %s", n+1, line) {
			t.Errorf("copies are %q", copies)
		}
	}
	if len(copies) != 4 {
		t.Errorf("%d copies were put", len(copies))
	}
	anchors, err := ReadAnchors(bytes.NewReader(text), []ed25519.PublicKey{pub})
	if err != nil || anchors.Count != 4 || !anchors.Last.Equal(day.Truncate(time.Second)) {
		t.Fatalf("anchors are %+v, %v", anchors, err)
	}
	if done, err := anchors.Check(ctx, s.Reader, l); err != nil || done != (Checked{Chains: 3, Heads: 6}) {
		t.Errorf("checked %+v, %v", done, err)
	}
	forgedAnchors(t, text, pub)

	// Somebody makes another journal, which is right in itself.
	for salt, want := range map[string]string{"a": "cut off", "b": "written anew"} {
		forged, err := journal.Open(ctx, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		defer forged.Close()
		beginRelease(t, forged, "two", salt)
		look(t, forged, "two", 2)
		_, err = anchors.Check(ctx, forged.Reader, l)
		for _, text := range []string{"does not know it", want} {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("a forged journal gives %v, want it to say %q", err, text)
			}
		}
	}
}

// forgedAnchors changes the file in every way.
func forgedAnchors(t *testing.T, text []byte, pub ed25519.PublicKey) {
	t.Helper()
	_, other := newKey(t)
	lines := bytes.SplitAfter(text, []byte("\n"))
	for name, c := range map[string]struct {
		text []byte
		key  ed25519.PublicKey
		want string
	}{
		"another key":     {text, other, "anchor 1: it is not signed"},
		"a changed head":  {bytes.Replace(text, []byte("one/1 1 "), []byte("one/1 2 "), 1), pub, "anchor 1: it is not signed"},
		"a removed line":  {bytes.Join([][]byte{lines[0], lines[2]}, nil), pub, "anchor 2: it does not follow"},
		"without a first": {lines[1], pub, "anchor 1: it does not follow"},
		"no anchors":      {[]byte("hello\n"), pub, "anchor 1: not a line"},
	} {
		_, err := ReadAnchors(bytes.NewReader(c.text), []ed25519.PublicKey{c.key})
		if !errors.Is(err, release.ErrInvalid) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzReadAnchors(f *testing.F) {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	a := Anchorer{Key: key}
	line, err := a.sign(statement{Number: 1, At: day, Heads: []string{"audit/0 1 " + strings.Repeat("ab", 32)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(line, '\n'))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := ReadAnchors(bytes.NewReader(text), []ed25519.PublicKey{key.Public().(ed25519.PublicKey)})
		if err == nil && got.Count == 0 && len(text) > 0 && len(bytes.TrimSpace(text)) > 0 {
			t.Errorf("%q is taken for no anchors", text)
		}
	})
}
