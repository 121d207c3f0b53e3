package gitops

import (
	"slices"
	"time"

	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/spec"
)

// Condition is how a file stands to its release.
type Condition string

// The conditions.
const (
	// Waiting is a file that begins its release when the next look finds it the
	// same.
	Waiting Condition = "waiting"
	// Applied is a file whose release is there, running or ended.
	Applied Condition = "applied"
	// Drift is a file that differs from what the release of its name runs, or ran,
	// by.
	Drift Condition = "drift"
	// Refused is a file that begins nothing as it is.
	Refused Condition = "refused"
	// Gone is a file that is not there any more while its release goes on.
	Gone Condition = "gone"
	// Other is a YAML file that is no release file.
	Other Condition = "other"
)

// File is a file of the folder as the last look found it.
type File struct {
	// Path is relative to the folder, with slashes.
	Path      string
	Condition Condition
	// Since is when this Linnet first found it so.
	Since time.Time
	// Hash is the SHA-256 of the file, in hex.
	Hash string
	// Service, Team and Environment are what the file says of itself; empty where
	// it cannot be read.
	Service, Team, Environment string
	// Release is the last attempt of the file's name, and ReleaseHash the hash of
	// the file that it was begun with; zero where there is none.
	Release     journal.ID
	ReleaseHash string
	Outcome     journal.Outcome
	// Text says what this means and what to do.
	Text string
	// Errors are what is wrong with the file, by line.
	Errors spec.Errors
	// NextTry is when a refused file is asked for again by itself; zero for never
	// as it is.
	NextTry time.Time
}

// changed tells whether there is news in a file for the log.
func (f File) changed(before File) bool {
	return f.Condition != before.Condition || f.Hash != before.Hash || f.Text != before.Text
}

// State is a folder as the last look found it.
type State struct {
	Folder string
	// At is when the last look ended; zero before the first.
	At time.Time
	// Trouble is what could not be looked at, and why.
	Trouble []string
	Files   []File
}

// State gives the folder as the last look found it.
func (f *Folder) State() State {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.state
	s.Trouble, s.Files = slices.Clone(s.Trouble), slices.Clone(s.Files)
	return s
}
