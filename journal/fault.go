package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/linnet-project/linnet/release"
)

// faults says in our words what SQLite's results mean, and what to do.
var faults = []struct {
	code    int
	meaning error
	text    string
}{
	{sqlite3.SQLITE_BUSY, release.ErrUnavailable, "another process has it locked; wait for that process or end it, nothing was written"},
	{sqlite3.SQLITE_LOCKED, release.ErrUnavailable, "another connection has it locked; try again, nothing was written"},
	{sqlite3.SQLITE_FULL, release.ErrUnavailable, "the disk is full; free some space, nothing was written"},
	{sqlite3.SQLITE_READONLY, release.ErrUnavailable, "it is read-only; make the file and its folder writable for this user"},
	{sqlite3.SQLITE_CANTOPEN, release.ErrUnavailable, "it cannot be opened; check that this user may read and write the file and its folder, and that the disk is not read-only"},
	{sqlite3.SQLITE_PERM, release.ErrUnavailable, "access is denied; check that this user may read and write the file and its folder"},
	{sqlite3.SQLITE_IOERR, release.ErrUnavailable, "the disk reports an error; check it, and the space on it"},
	{sqlite3.SQLITE_INTERRUPT, release.ErrUnavailable, "the work was interrupted, nothing was written"},
	{sqlite3.SQLITE_CORRUPT, release.ErrInvalid, "the file is damaged; " + recovery},
	{sqlite3.SQLITE_NOTADB, release.ErrInvalid, "the file is not a database; " + recovery},
}

// recovery is the way out of a damaged file.
const recovery = "keep it as it is, restore a copy in its place and run `linnet audit verify`"

// fault names the file, what is wrong with it and what to do. Errors that have
// a meaning already, and those of a context, pass.
func fault(path string, err error) error {
	if err == nil || meant(err) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", path, err)
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		for _, f := range faults {
			if lite.Code()&0xff == f.code { // the low byte is the result, the rest its detail
				return fmt.Errorf("%s: %s (%w): %w", path, f.text, err, f.meaning)
			}
		}
	}
	return osFault(path, err)
}

// osFault is fault for what the file system says.
func osFault(path string, err error) error {
	switch {
	case err == nil || meant(err):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%s: the disk is full; free some space: %w", path, release.ErrUnavailable)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%s: not writable for this user; change its permissions, or name another folder with --data: %w", path, release.ErrUnavailable)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: is no folder, or lies in something that is none; name another with --data: %w", path, release.ErrInvalid)
	}
	return fmt.Errorf("%s: %w", path, err)
}

func meant(err error) bool {
	return errors.Is(err, release.ErrInvalid) || errors.Is(err, release.ErrNotFound) ||
		errors.Is(err, release.ErrConflict) || errors.Is(err, release.ErrUnavailable)
}
