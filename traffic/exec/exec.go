package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/contract"
	"github.com/linnet-project/linnet/traffic/split"
)

// DefaultTimeout is how long one call may take where Config has no Timeout.
const DefaultTimeout = 8 * time.Second

// outputWait is how long the output is waited for once the command has ended:
// something that it left running may hold it open.
const outputWait = time.Second

// The exit codes that mean something: the first and last digit of the HTTP status
// of the same meaning, so that no program ends with one by chance. Any other but
// 0 is release.ErrUnavailable.
var codes = map[int]error{
	40: release.ErrInvalid,
	44: release.ErrNotFound,
	49: release.ErrConflict,
}

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
	if len(cfg.Command) == 0 {
		return nil, fmt.Errorf("exec: command is empty: %w", release.ErrInvalid)
	}
	if cfg.Timeout < 0 {
		return nil, fmt.Errorf("exec: timeout %v must not be negative: %w", cfg.Timeout, release.ErrInvalid)
	}
	c := &command{args: cfg.Command[1:], timeout: cfg.Timeout}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if err := c.locate(cfg.Command[0], cfg.Folder); err != nil {
		return nil, err
	}
	if err := c.equip(cfg.Env); err != nil {
		return nil, err
	}
	return contract.New(contract.Config{Name: "command " + cfg.Command[0], Rules: cfg.Rules, Call: c.call}), nil
}

type command struct {
	path    string
	args    []string
	folder  string
	env     []string
	secrets []string
	timeout time.Duration
}

// locate finds the program.
func (c *command) locate(program, folder string) (err error) {
	if c.folder, err = filepath.Abs(folder); err != nil {
		return fmt.Errorf("exec: folder: %v: %w", err, release.ErrInvalid)
	}
	if strings.ContainsRune(program, filepath.Separator) && !filepath.IsAbs(program) {
		program = filepath.Join(c.folder, program)
	}
	if c.path, err = exec.LookPath(program); err != nil {
		return fmt.Errorf("exec: command: %v: %w", err, meaningOf(err))
	}
	return nil
}

// equip gathers the environment.
func (c *command) equip(names []string) error {
	for _, name := range []string{"PATH", "HOME"} {
		if value, ok := os.LookupEnv(name); ok {
			c.env = append(c.env, name+"="+value)
		}
	}
	for _, name := range names {
		value, ok := os.LookupEnv(name)
		if !ok {
			return fmt.Errorf("exec: env: %s is not set where Linnet runs; set it, or take it out: %w", name, release.ErrInvalid)
		}
		c.env = append(c.env, name+"="+value)
		c.secrets = append(c.secrets, strings.TrimSpace(value))
	}
	return nil
}

// call runs the command once.
func (c *command) call(ctx context.Context, operation string, request []byte) (contract.Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("it took longer than %s", c.timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, append(slices.Clone(c.args), operation)...)
	said := newTail(c.secrets)
	answer := &head{}
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.folder, c.env, bytes.NewReader(request), answer, said
	cmd.WaitDelay = outputWait
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		if errors.Is(err, syscall.ESRCH) {
			return os.ErrProcessDone
		}
		return err
	}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err != nil && ctx.Err() != nil:
		return contract.Answer{}, fmt.Errorf("killed: %w: %w%s", context.Cause(ctx), release.ErrUnavailable, said)
	case answer.more:
		return contract.Answer{}, fmt.Errorf("it wrote more than %d bytes to its standard output: %w", contract.MaxAnswer, release.ErrInvalid)
	case errors.As(err, &exit):
		// Its standard output may still tell more.
		return contract.Answer{Text: answer.text, Hide: c.secrets, Failed: failed(exit, said)}, nil
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return contract.Answer{}, fmt.Errorf("%v: %w", err, meaningOf(err))
	}
	return contract.Answer{Text: answer.text, Hide: c.secrets}, nil
}

// failed gives an exit code its meaning.
func failed(exit *exec.ExitError, said *tail) error {
	meaning := codes[exit.ExitCode()]
	if meaning == nil {
		meaning = release.ErrUnavailable
	}
	return fmt.Errorf("%s%s: %w", exit, said, meaning)
}

// meaningOf tells what it means that a program could not be started.
func meaningOf(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return release.ErrNotFound
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOEXEC), errors.Is(err, syscall.EISDIR), errors.Is(err, exec.ErrDot):
		return release.ErrInvalid
	}
	return release.ErrUnavailable
}
