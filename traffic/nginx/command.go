package nginx

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/linnet-project/linnet/release"
)

// afterwards is how long a command that was ended may hold on to its output.
const afterwards = time.Second

// run runs a command, which tells of what went wrong. The error is
// release.ErrUnavailable, or release.ErrInvalid where there is no such program.
func run(ctx context.Context, argv []string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = afterwards
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LINNET_") { // ours, tokens among them
			cmd.Env = append(cmd.Env, v)
		}
	}
	said := new(tail)
	cmd.Stdout, cmd.Stderr = said, said
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w: %w", strings.Join(argv, " "), ctx.Err(), release.ErrUnavailable)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; name the command as Linnet's user can run it: %w", err, release.ErrInvalid)
	}
	return fmt.Errorf("%s: %w: %s: %w", strings.Join(argv, " "), err, said, release.ErrUnavailable)
}

// tail keeps the end of what a command says.
type tail struct{ end []byte }

const mostSaid = 1000

func (t *tail) Write(p []byte) (int, error) {
	t.end = append(t.end, p...)
	t.end = t.end[max(0, len(t.end)-mostSaid):]
	return len(p), nil
}

// String is the end on one line.
func (t *tail) String() string {
	return strings.Join(strings.Fields(string(bytes.ToValidUTF8(t.end, []byte("?")))), " ")
}
