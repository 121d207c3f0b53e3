package gitops

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
)

// Bounds of one scan. A folder of releases is far smaller.
const (
	mostFiles   = 1000
	mostEntries = 10_000
	deepest     = 8
	mostBytes   = 1 << 20
	mostTotal   = 64 << 20
)

// found is a file as a scan read it.
type found struct {
	path, hash string
	text       []byte
}

// reading is one pass over a folder.
type reading struct {
	root    *os.Root
	files   []found
	entries int
	total   int64
	// above are the folders that lead to where the pass is.
	above []fs.FileInfo
	// trouble is what is not looked at, and why. Where that may be another time,
	// the pass is partial: a file that was not seen may be there all the same.
	trouble       []string
	partial, full bool
}

// read reads all files of a folder that could be release files. The folder is
// opened once, so that a link to it that is swapped meanwhile does not mix two
// versions; links inside it are followed as long as they stay inside.
func read(dir string) (*reading, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of release files: %w", err)
	}
	defer root.Close()
	r := &reading{root: root}
	r.folder(".", 0)
	slices.SortFunc(r.files, func(a, b found) int { return cmp.Compare(a.path, b.path) })
	return r, nil
}

// pass tells of something that is never looked at.
func (r *reading) pass(format string, args ...any) {
	if len(r.trouble) < 10 {
		r.trouble = append(r.trouble, fmt.Sprintf(format, args...))
	}
}

// fail tells of something that could not be looked at this time.
func (r *reading) fail(format string, args ...any) {
	r.partial = true
	r.pass(format, args...)
}

// stop ends the pass: a bound is reached.
func (r *reading) stop(format string, args ...any) {
	if !r.full {
		r.full = true
		r.fail(format, args...)
	}
}

func (r *reading) folder(dir string, depth int) {
	if depth > deepest {
		r.pass("%s lies deeper than %d folders, and is not looked at", dir, deepest)
		return
	}
	f, err := r.root.Open(dir)
	if err != nil {
		r.fail("%s", err)
		return
	}
	defer f.Close()
	here, err := f.Stat()
	if err != nil {
		r.fail("%s", err)
		return
	}
	if slices.ContainsFunc(r.above, func(above fs.FileInfo) bool { return os.SameFile(above, here) }) {
		return // a link that leads back up
	}
	r.above = append(r.above, here)
	defer func() { r.above = r.above[:len(r.above)-1] }()
	for !r.full {
		batch, err := f.ReadDir(256)
		slices.SortFunc(batch, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
		for _, e := range batch {
			if r.entries++; r.entries > mostEntries {
				r.stop("the folder holds more than %d files and folders; name a smaller one", mostEntries)
			}
			// Names with a dot in front are other programs' own: .git, ..data.
			if !r.full && !strings.HasPrefix(e.Name(), ".") {
				r.entry(path.Join(dir, e.Name()), depth)
			}
		}
		if errors.Is(err, io.EOF) || len(batch) == 0 && err == nil {
			return
		}
		if err != nil {
			r.fail("%s", err)
			return
		}
	}
}

func (r *reading) entry(name string, depth int) {
	info, err := r.root.Stat(name) // follows links inside the folder
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.fail("%s: %s", name, reason(err)) // a link to nothing, or gone this moment
	case err != nil:
		r.pass("%s: %s; a link must lead to something inside the folder", name, reason(err))
	case info.IsDir():
		r.folder(name, depth+1)
	case info.Mode().IsRegular() && (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")):
		r.file(name)
	}
}

func (r *reading) file(name string) {
	if len(r.files) == mostFiles {
		r.stop("the folder holds more than %d YAML files; spread them over several folders", mostFiles)
		return
	}
	// What was a file a moment ago may be a pipe by now, and must not hang us.
	f, err := r.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		r.fail("%s: %s", name, reason(err))
		return
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	r.total += int64(len(text))
	switch {
	case err != nil:
		r.fail("%s: %s", name, reason(err))
	case len(text) > mostBytes:
		r.pass("%s is longer than 1 MiB, which no release file is", name)
	case r.total > mostTotal:
		r.stop("the files of the folder hold more than 64 MiB; release files are a few kilobytes")
	default:
		sum := sha256.Sum256(text)
		r.files = append(r.files, found{path: name, hash: hex.EncodeToString(sum[:]), text: text})
	}
}

// reason is an error without the path that the caller names.
func reason(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}
