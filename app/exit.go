package app

import (
	"errors"

	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// The exit codes of the command line.
const (
	exitDone         = 0 // promoted, or done
	exitError        = 1 // an error, a failed verification
	exitInput        = 2 // unusable input
	exitRolledBack   = 3
	exitInconclusive = 4 // no verdict yet, a wait that ran out
	exitAborted      = 5 // by a person
)

// exit is an error that only sets the exit code: what there is to say has been
// said.
type exit int

func (e exit) Error() string { return "exit" }

// ExitCode tells the exit code for what Main returned.
func ExitCode(err error) int {
	var e exit
	var broken *journal.Broken
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &e):
		return int(e)
	case errors.As(err, &broken):
		return exitError // a failed verification, whatever command met it
	case errors.Is(err, release.ErrInvalid) || errors.Is(err, errUsage):
		return exitInput
	}
	return exitError
}

// errUsage marks errors of the command line itself.
var errUsage = errors.New("see --help")

// ended turns how a release ended into an exit.
func ended(o journal.Outcome) error {
	switch o {
	case journal.Promoted:
		return nil
	case journal.Aborted:
		return exit(exitAborted)
	case journal.RolledBack:
		return exit(exitRolledBack)
	}
	return exit(exitInconclusive)
}
