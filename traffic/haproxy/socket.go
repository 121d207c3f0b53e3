package haproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/linnet-project/linnet/release"
)

// socket asks the runtime API, one connection a question: HAProxy ends its
// answer by closing it.
type socket struct {
	address string
	timeout time.Duration
}

// mostAnswer bounds an answer, in bytes: a thousand servers take a tenth.
const mostAnswer = 4 << 20

// ask sends a command and returns the answer, which ends with an empty line.
func (s socket) ask(ctx context.Context, command string) (string, error) {
	text, err := s.exchange(ctx, command)
	if err != nil {
		return "", err
	}
	body, whole := strings.CutSuffix(text, "\n\n")
	if !whole && text != "\n" {
		return "", s.brokenOff(command)
	}
	return body, s.refused(command, body)
}

// tell sends commands that have nothing to say when they are done, in one go.
func (s socket) tell(ctx context.Context, commands ...string) error {
	text, err := s.exchange(ctx, strings.Join(commands, ";"))
	if err != nil {
		return err
	}
	if said := strings.TrimSpace(text); said != "" {
		if err := s.refused(strings.Join(commands, "; "), said); err != nil {
			return err
		}
		return fmt.Errorf("haproxy at %s: %.200q: says %.200q: %w", s.address, strings.Join(commands, "; "), said, release.ErrUnavailable)
	}
	if len(text) < len(commands) { // an empty line for each
		return s.brokenOff(commands[0])
	}
	return nil
}

func (s socket) brokenOff(command string) error {
	return fmt.Errorf("haproxy at %s: %.100q: the answer broke off: %w", s.address, command, release.ErrUnavailable)
}

func (s socket) exchange(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	network := "unix"
	if !strings.Contains(s.address, "/") && strings.Contains(s.address, ":") {
		network = "tcp"
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, s.address)
	if err != nil {
		return "", s.unreachable(ctx, err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })() // ends what waits
	if _, err := io.WriteString(conn, command+"\n"); err != nil {
		return "", s.unreachable(ctx, err)
	}
	text, err := io.ReadAll(io.LimitReader(conn, mostAnswer+1))
	switch {
	case err != nil:
		return "", s.unreachable(ctx, err)
	case len(text) > mostAnswer:
		return "", fmt.Errorf("haproxy at %s: the answer to %.100q is larger than %d bytes: %w", s.address, command, mostAnswer, release.ErrUnavailable)
	}
	return string(text), nil
}

// unreachable gives an error of the connection its meaning. That the context
// ended is kept, so that callers can tell that they gave up.
func (s socket) unreachable(ctx context.Context, err error) error {
	meaning, hint := release.ErrUnavailable, ""
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.Is(err, fs.ErrPermission):
		meaning, hint = release.ErrInvalid, "; Linnet's user may not use the socket (see mode, user and group of `stats socket`)"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		hint = "; is HAProxy running, with this `stats socket`?"
	}
	return fmt.Errorf("haproxy at %s: %w%s: %w", s.address, err, hint, meaning)
}

// refusals are how answers begin that say no, and what that means.
var refusals = []struct {
	says    string
	meaning error
	hint    string
}{
	{"Permission denied", release.ErrInvalid, "the socket needs `level admin`"},
	{"No such server", release.ErrNotFound, "see the servers of the backend"},
	{"No such backend", release.ErrNotFound, "see the backends of HAProxy's configuration"},
	{"Can't find backend", release.ErrNotFound, "see the backends of HAProxy's configuration"},
	{"No such proxy", release.ErrNotFound, "see the backends of HAProxy's configuration"},
	{"Unknown map identifier", release.ErrNotFound, "no frontend uses this map; write its path as HAProxy's configuration does"},
	{"Backend is using a static LB algorithm", release.ErrInvalid, "write `balance roundrobin` in the backend"},
	{"Unknown command", release.ErrInvalid, "is this the socket of HAProxy's runtime API, 2.4 or newer?"},
	{"entry not found", errNoEntry, "it has to be added"},
}

// refused gives an answer that says no its meaning.
func (s socket) refused(command, answer string) error {
	first, _, _ := strings.Cut(strings.TrimSpace(answer), "\n")
	for _, r := range refusals {
		if !strings.HasPrefix(first, r.says) {
			continue
		}
		return fmt.Errorf("haproxy at %s: %.200q: says %.200q; %s: %w", s.address, command, first, r.hint, r.meaning)
	}
	return nil
}
