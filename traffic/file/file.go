// Package file reads and replaces small configuration files that another
// program reads, as a whole.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/linnet-project/linnet/release"
)

// Most bounds the files that are read, in bytes.
const Most = 1 << 20

// Read returns what a file holds, and false where there is no file in its
// folder. A missing folder is release.ErrNotFound, a file that may not be read,
// or is larger than Most, release.ErrInvalid.
func Read(path string) (text string, there bool, err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(filepath.Dir(path))
		return "", false, meant(err)
	}
	if err != nil {
		return "", false, meant(err)
	}
	defer f.Close()
	all, err := io.ReadAll(io.LimitReader(f, Most+1))
	switch {
	case err != nil:
		return "", false, meant(err)
	case len(all) > Most:
		return "", false, fmt.Errorf("%s is larger than %d bytes: %w", path, Most, release.ErrInvalid)
	}
	return string(all), true, nil
}

// Replace writes a file so that whoever reads it finds the old text or the new
// one, also after a crash. The mode of a file that is there stays, a new one may
// be read by all; a link is followed. Errors mean what those of Read do, and what
// may pass (a full disk) is release.ErrUnavailable.
//
// The new text is first in a file beside it, whose name begins with a dot, so
// that no include by *.conf takes it. One that a killed process left is removed.
func Replace(path, text string) error { return ReplaceBy(path, "", text) }

// ReplaceBy is Replace with the new text first in another folder of the same
// file system, as seen from the file's own: for a file in a folder that is
// watched, whose reader would be woken by a file beside it. The folder is made
// where there is none.
func ReplaceBy(path, folder, text string) error {
	mode := fs.FileMode(0o644)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	home := filepath.Dir(path)
	dir := filepath.Join(home, folder)
	if folder != "" {
		if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return meant(err)
		}
	}
	pattern := "." + filepath.Base(path) + ".*.tmp"
	left, err := filepath.Glob(filepath.Join(dir, pattern))
	for _, old := range left {
		err = errors.Join(err, removed(old))
	}
	if err != nil {
		return meant(err)
	}
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return meant(err)
	}
	_, err = f.WriteString(text)
	for _, then := range []func() error{
		func() error { return f.Chmod(mode) },
		f.Sync, // or a crash could leave the name with nothing in it
		f.Close,
	} {
		err = errors.Join(err, then())
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist): // swept away
		return fmt.Errorf("%s is being written by somebody else too: %w", path, release.ErrUnavailable)
	case err != nil:
		return meant(errors.Join(err, removed(f.Name())))
	}
	return settle(home)
}

// Remove removes a file; one that is gone already is fine.
func Remove(path string) error { return meant(removed(path)) }

func removed(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// settle makes a renaming in a folder last over a crash of the machine.
func settle(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return nil // it may be written and not read: then the system settles it in its time
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%s: %w: %w", dir, err, release.ErrUnavailable)
	}
	return nil
}

// meant gives an error of the file system, which names path and problem, its
// meaning.
func meant(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", err, release.ErrNotFound)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; Linnet's user needs to read and write there: %w", err, release.ErrInvalid)
	}
	return fmt.Errorf("%w: %w", err, release.ErrUnavailable)
}
