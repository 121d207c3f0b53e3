package haproxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/split"
)

// byMap is the way of one entry of a map.
type byMap struct {
	cfg    Config
	socket socket
}

// errNoEntry says that the map has no entry of this key.
var errNoEntry = errors.New("no entry")

// read reads the entry: "" where there is none.
func (b byMap) read(ctx context.Context) (string, error) {
	text, err := b.socket.ask(ctx, "get map "+b.cfg.Map+" "+b.cfg.Service)
	if err != nil {
		return "", err
	}
	value, known := parseGetMap(text)
	if !known {
		return "", fmt.Errorf("haproxy at %s: map %s: an answer that is not known, %.200q: %w", b.cfg.Socket, b.cfg.Map, text, release.ErrInvalid)
	}
	return value, nil
}

// parseGetMap reads an answer to `get map`: pairs of name and value, of which
// the entry's value is in quotes. It is false where the answer is none.
func parseGetMap(text string) (value string, known bool) {
	line, _, _ := strings.Cut(text, "\n")
	if strings.Contains(line, ", found=no") {
		return "", true
	}
	_, rest, ok := strings.Cut(line, `, value="`)
	if !ok || !strings.Contains(line, ", found=yes") {
		return "", false
	}
	if value, _, ok = strings.Cut(rest, `"`); !ok {
		return "", false
	}
	return value, true
}

func (b byMap) observed(ctx context.Context) (release.Route, error) {
	value, err := b.read(ctx)
	if err != nil {
		return release.Route{}, err
	}
	stamp, weights := parseEntry(value, len(b.cfg.Arms))
	return release.Route{Weights: split.Of(b.cfg.names(), weights), Epoch: stamp.Epoch, Owner: stamp.Owner}, nil
}

// apply sets the entry, reads it back, and writes the file from which the next
// HAProxy starts.
func (b byMap) apply(ctx context.Context, route release.Route, weights []release.Weight) error {
	wanted, err := entryOf(route, weights)
	if err != nil {
		return err
	}
	before, err := b.read(ctx)
	if err != nil {
		return err
	}
	stamp, _ := parseEntry(before, len(b.cfg.Arms))
	if err := stamp.Fence(route); err != nil {
		return fmt.Errorf("haproxy at %s: map %s: %w", b.cfg.Socket, b.cfg.Map, err)
	}
	if before != wanted.String() {
		if err := b.set(ctx, wanted.String()); err != nil {
			return err
		}
	}
	return b.keep(wanted.String())
}

func (b byMap) set(ctx context.Context, value string) error {
	err := b.socket.tell(ctx, "set map "+b.cfg.Map+" "+b.cfg.Service+" "+value)
	if errors.Is(err, errNoEntry) {
		err = b.socket.tell(ctx, "add map "+b.cfg.Map+" "+b.cfg.Service+" "+value)
	}
	if err != nil {
		return err
	}
	after, err := b.read(ctx)
	if err != nil || after == value {
		return err
	}
	return fmt.Errorf("haproxy at %s: map %s: %.200q was set and %.200q is served; somebody else writes it: %w",
		b.cfg.Socket, b.cfg.Map, value, after, release.ErrConflict)
}

// keep writes the map's file, where it is to be written and is not so already.
// The entry is served by then, so that a file that cannot be written is
// something to try again, and no reason against a rollback.
func (b byMap) keep(value string) error {
	path := b.cfg.MapFile
	if path == "" {
		return nil
	}
	text := "# Written by Linnet, whole. HAProxy reads it when it starts.\n" + b.cfg.Service + " " + value + "\n"
	if same(path, text) {
		return nil
	}
	if err := replace(path, text); err != nil {
		return fmt.Errorf("the map file, so that a restart of HAProxy would go back to what it says; what runs is as it should be: %w: %w", err, release.ErrUnavailable)
	}
	return nil
}

// same says whether a file holds just this text.
func same(path, text string) bool {
	info, err := os.Stat(path)
	if err != nil || info.Size() != int64(len(text)) {
		return false
	}
	now, err := os.ReadFile(path)
	return err == nil && string(now) == text
}

// replace writes a file so that a reader, or a crash, finds it old or new and
// never in between. It keeps the mode, and follows a link.
func replace(path, text string) (err error) {
	mode := os.FileMode(0o644)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.WriteString(text)
	for _, then := range []func() error{func() error { return f.Chmod(mode) }, f.Sync, f.Close} {
		err = errors.Join(err, then())
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ready says whether one server at least of the arm's backend could take
// traffic.
func (b byMap) ready(ctx context.Context, arm int) error {
	servers, _, err := b.socket.backend(ctx, b.cfg.Arms[arm].Backend)
	if err != nil {
		return err
	}
	return readiness(servers)
}
