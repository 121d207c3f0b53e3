package exec

import (
	"context"
	"time"

	"github.com/linnet-project/linnet/command"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/contract"
	"github.com/linnet-project/linnet/traffic/split"
)

// DefaultTimeout is how long one call may take where Config has no Timeout.
const DefaultTimeout = 8 * time.Second

// Config says what is run, and what it can do.
type Config struct {
	Rules split.Rules
	// Command is the program and its arguments. A program with a slash in its
	// name is found from Folder, another one in PATH.
	Command []string
	// Folder is where it runs; "" is Linnet's own working folder.
	Folder string
	// Env are names of variables that it gets from Linnet's environment. Each
	// must be set there.
	Env []string
	// Timeout bounds each call; 0 means DefaultTimeout.
	Timeout time.Duration
}

// New makes a router; nothing is run yet. A program that does not exist is
// release.ErrNotFound, all else that is wrong release.ErrInvalid.
func New(cfg Config) (split.Router, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	c, err := command.New(command.Config{
		Command: cfg.Command, Folder: cfg.Folder, Env: cfg.Env, Timeout: cfg.Timeout, Otherwise: release.ErrUnavailable,
	})
	if err != nil {
		return nil, err
	}
	call := func(ctx context.Context, operation string, request []byte) (contract.Answer, error) {
		answer, err := c.Run(ctx, request, contract.MaxAnswer, operation)
		return contract.Answer{Text: answer.Text, Failed: answer.Failed, Hide: c.Secrets()}, err
	}
	return contract.New(contract.Config{Name: "command " + cfg.Command[0], Rules: cfg.Rules, Call: call}), nil
}
