package app

import (
	"context"

	"github.com/linnet-project/linnet/metric/exec"
	"github.com/linnet-project/linnet/run"
	"github.com/linnet-project/linnet/spec"
)

// openExec is a command of the user's own.
func openExec(_ context.Context, s spec.Source) (run.Source, error) {
	c := s.Exec
	return exec.New(exec.Config{Command: c.Command, Folder: c.Folder, Env: c.Env, Timeout: c.Timeout})
}
