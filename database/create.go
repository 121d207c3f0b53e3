package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/linnet-project/linnet/release"
)

// present looks whether there is a journal. An empty file cannot be one: a new
// journal gets its name only when it is complete, so an empty file lost what
// was in it, and must not pass for a fresh start.
func present(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil:
		return PathFault(path, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: is no file; name another folder with --data: %w", path, release.ErrInvalid)
	case info.Size() == 0:
		return fmt.Errorf("%s: the file is empty and once held a journal; %s: %w", path, recovery, release.ErrInvalid)
	}
	return nil
}

// create makes a new journal where there is none: under another name, and
// renamed when it is complete, so that a crash in between leaves nothing that
// looks like a journal. A lock keeps two creators apart.
func create(ctx context.Context, dir string, with Settings) error {
	path := filepath.Join(dir, FileName)
	if err := present(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lock, err := await(ctx, filepath.Join(dir, "create.lock"), with.Busy)
	if err != nil {
		return PathFault(dir, err)
	}
	defer lock.Close()
	if err := present(path); !errors.Is(err, fs.ErrNotExist) {
		return err // somebody else made it meanwhile
	}
	fresh := path + ".new"
	for _, left := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(fresh + left); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return PathFault(fresh, err)
		}
	}
	if err := fill(ctx, fresh, with); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return PathFault(path, err)
	}
	return PathFault(dir, syncDir(dir))
}

// await locks a file, and asks again for some time while another has it.
func await(ctx context.Context, path string, limit time.Duration) (*os.File, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		file, err := LockFile(path)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return file, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s: another process has it locked; wait for that process or end it: %w", path, release.ErrUnavailable)
		case <-again.C:
		}
	}
}

// fill makes a database without tables of anybody that only its owner may read.
func fill(ctx context.Context, path string, with Settings) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return PathFault(path, err)
	}
	if err := file.Close(); err != nil {
		return PathFault(path, err)
	}
	d := &DB{kind: SQLite, name: path}
	if d.write, err = connect(path, 1, with, "_txlock=immediate", "_auto_vacuum=INCREMENTAL", "_pragma=journal_mode(WAL)"); err != nil {
		return d.fault(err)
	}
	err = d.Write(ctx, func(tx Tx) error {
		_, err := tx.Exec(ctx, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; %s", application, form, schemas))
		return err
	})
	return errors.Join(err, d.fault(d.write.Close()))
}

// syncDir makes a rename in a folder last through a loss of power.
func syncDir(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// LockFile opens a file and locks it, or fails with syscall.EWOULDBLOCK where
// another process has it. Closing the file frees it.
func LockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EINTR) { // a signal came in between; ask again
			return nil, errors.Join(err, file.Close())
		}
	}
}
