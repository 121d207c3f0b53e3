// Package command runs a command of the user's own: without a shell, with an
// environment of few variables, in a process group of its own that is killed when
// its time is up or the context ends. The values of the variables that it is given
// stay out of errors.
package command

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
)

// outputWait is how long the output is waited for once the command has ended:
// something that it left running may hold it open.
const outputWait = time.Second

// The exit codes that mean something: the first and last digit of the HTTP status
// of the same meaning, so that no program ends with one by chance.
var codes = map[int]error{
	40: release.ErrInvalid,
	44: release.ErrNotFound,
	49: release.ErrConflict,
	53: release.ErrUnavailable,
}

// Config says what is run.
type Config struct {
	// Command is the program and its arguments. A program with a slash in its
	// name is found from Folder, another one in PATH.
	Command []string
	// Folder is where it runs; "" is Linnet's own working folder.
	Folder string
	// Env are names of variables that it gets from Linnet's environment. Each
	// must be set there.
	Env []string
	// Timeout bounds each run.
	Timeout time.Duration
	// Otherwise is what an exit code means that means nothing by itself.
	Otherwise error
}

// Command can be run. It is safe for concurrent use.
type Command struct {
	path      string
	args      []string
	folder    string
	env       []string
	secrets   []string
	timeout   time.Duration
	otherwise error
}

// New finds the program; nothing is run yet. A program that does not exist is
// release.ErrNotFound, all else that is wrong release.ErrInvalid.
func New(cfg Config) (*Command, error) {
	if len(cfg.Command) == 0 {
		return nil, fmt.Errorf("exec: command is empty: %w", release.ErrInvalid)
	}
	if cfg.Timeout <= 0 {
		return nil, fmt.Errorf("exec: timeout %v must be above 0: %w", cfg.Timeout, release.ErrInvalid)
	}
	c := &Command{args: cfg.Command[1:], timeout: cfg.Timeout, otherwise: cfg.Otherwise}
	if err := c.locate(cfg.Command[0], cfg.Folder); err != nil {
		return nil, err
	}
	if err := c.equip(cfg.Env); err != nil {
		return nil, err
	}
	return c, nil
}

// Secrets are the values that it was given, which nobody may repeat.
func (c *Command) Secrets() []string { return c.secrets }

// locate finds the program.
func (c *Command) locate(program, folder string) (err error) {
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
func (c *Command) equip(names []string) error {
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

// Answer is what a run left behind.
type Answer struct {
	// Text is its standard output.
	Text []byte
	// Failed is nil where it ended with 0. Otherwise it has the meaning of its exit
	// code and what it said last, without secrets; Text may still tell more.
	Failed error
}

// Run runs it once, with arguments after its own and a standard input. More than
// most bytes of output are release.ErrInvalid. An error is for a run that did not
// come to its end.
func (c *Command) Run(ctx context.Context, input []byte, most int, args ...string) (Answer, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("it took longer than %s", c.timeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, c.path, slices.Concat(c.args, args)...)
	said := newTail(c.secrets)
	answer := &head{most: most}
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.folder, c.env, bytes.NewReader(input), answer, said
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
		return Answer{}, fmt.Errorf("killed: %w: %w%s", context.Cause(ctx), release.ErrUnavailable, said)
	case answer.more:
		return Answer{}, fmt.Errorf("it wrote more than %d bytes to its standard output: %w", most, release.ErrInvalid)
	case errors.As(err, &exit):
		return Answer{Text: answer.text, Failed: c.failed(exit, said)}, nil
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		return Answer{}, fmt.Errorf("%v: %w", err, meaningOf(err))
	}
	return Answer{Text: answer.text}, nil
}

// failed gives an exit code its meaning.
func (c *Command) failed(exit *exec.ExitError, said *tail) error {
	meaning := codes[exit.ExitCode()]
	if meaning == nil {
		meaning = c.otherwise
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
