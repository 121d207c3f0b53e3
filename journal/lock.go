package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/release"
)

// Lock says that this process runs a release, or serves a folder. The kernel frees it when the
// process ends, however it ends.
type Lock struct{ file *os.File }

// owner is what a lock file says about who holds it.
type owner struct {
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
}

// Own makes this process the only one that runs a release, in all of its
// attempts; now is written into the lock for others to read. Where another
// process runs it already the error wraps release.ErrConflict and names it. On
// PostgreSQL several may run a release, which does no harm: nobody is kept away.
func (s *Store) Own(id ID, now time.Time) (*Lock, error) {
	if err := id.check(); err != nil {
		return nil, err
	}
	if s.folder() == "" {
		return &Lock{}, nil
	}
	folder := filepath.Join(s.folder(), "locks")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, database.PathFault(folder, err)
	}
	return lockAs(filepath.Join(folder, id.Name+".lock"), now, func(who string) error {
		return fmt.Errorf("release %s is being run by %s; act on it with `linnet release …`: %w", id, who, release.ErrConflict)
	})
}

// Serve makes this process the only server of the data folder; releases may still
// be run beside it. On PostgreSQL there may be several.
func (s *Store) Serve(now time.Time) (*Lock, error) {
	if s.folder() == "" {
		return &Lock{}, nil
	}
	return lockAs(filepath.Join(s.folder(), "serve.lock"), now, func(who string) error {
		return fmt.Errorf("%s is served by %s: end that one, or name another folder (--data); several servers share a PostgreSQL (--db): %w",
			s.folder(), who, release.ErrConflict)
	})
}

// lockAs locks a file and writes into it who did; taken is what to say where
// somebody else has it.
func lockAs(path string, now time.Time, taken func(who string) error) (*Lock, error) {
	file, err := database.LockFile(path)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, taken(holder(path))
	}
	if err != nil {
		return nil, database.PathFault(path, err)
	}
	if err := sign(file, now); err != nil {
		return nil, errors.Join(database.PathFault(path, err), file.Close())
	}
	return &Lock{file: file}, nil
}

// Release lets another process have it.
func (l *Lock) Release() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}

func sign(file *os.File, now time.Time) error {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	text, err := json.Marshal(owner{PID: os.Getpid(), Host: host, Since: now.UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(append(text, '\n'), 0)
	return err
}

// holder says who holds a lock, as far as its file tells.
func holder(path string) string {
	const unknown = "another process"
	file, err := os.Open(path)
	if err != nil {
		return unknown
	}
	defer file.Close()
	var who owner
	if json.NewDecoder(io.LimitReader(file, 4096)).Decode(&who) != nil || who.PID == 0 {
		return unknown
	}
	return fmt.Sprintf("pid %d on %s since %s", who.PID, who.Host, who.Since.Format(time.RFC3339))
}
