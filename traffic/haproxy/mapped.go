package haproxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/traffic/file"
	"github.com/linnet-project/linnet/traffic/split"
)

// byMap is the way of one entry of a map.
type byMap struct {
	cfg    Config
	socket socket
	found  *atomic.Bool // the backends, once
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
		return "", fmt.Errorf("haproxy at %s: map %s: the answer is no entry, %.200q: %w", b.cfg.Socket, b.cfg.Map, text, release.ErrUnavailable)
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

// observed reads what is served. While the file has another entry it is nobody's:
// the next restart would undo it, so that no route counts as arrived that was
// set and could not be kept.
func (b byMap) observed(ctx context.Context) (release.Route, error) {
	value, err := b.read(ctx)
	if err == nil {
		err = b.known(ctx)
	}
	if err != nil {
		return release.Route{}, err
	}
	stamp, weights := parseEntry(value, len(b.cfg.Arms))
	if !b.kept(value) {
		stamp = split.Stamp{}
	}
	return release.Route{Weights: split.Of(b.cfg.names(), weights), Epoch: stamp.Epoch, Owner: stamp.Owner}, nil
}

// known says that HAProxy has the backends of the arms: a release of one that it
// has not is not to begin. Once found, they are not looked for again.
func (b byMap) known(ctx context.Context) error {
	if b.found.Load() {
		return nil
	}
	for _, arm := range b.cfg.Arms {
		if _, err := b.socket.ask(ctx, "show servers state "+arm.Backend); err != nil {
			return fmt.Errorf("arm %q: %w", arm.Name, err)
		}
	}
	b.found.Store(true)
	return nil
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
		if err := b.writable(before, weights); err != nil {
			return err
		}
		if err := b.set(ctx, wanted.String()); err != nil {
			return err
		}
	}
	return b.keep(wanted.String())
}

// writable writes what is served to the map's file before an arm gets more, so
// that a file that cannot be written stops the raise and not only its record.
func (b byMap) writable(before string, weights []release.Weight) error {
	_, served := parseEntry(before, len(b.cfg.Arms))
	if b.cfg.MapFile == "" || weights[0] >= served[0] {
		return nil
	}
	now, _, err := file.Read(b.cfg.MapFile)
	if err == nil {
		err = file.Replace(b.cfg.MapFile, withEntry(now, b.cfg.Service, cmp.Or(before, none)))
	}
	if err != nil {
		return fmt.Errorf("map file %s: nothing is raised: %w", b.cfg.MapFile, err)
	}
	return nil
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

// keep writes the entry into the map's file, where it is to be written and is
// not so already. The entry is served by then, so that a file that cannot be
// written is something to try again, and no reason against a rollback.
func (b byMap) keep(value string) error {
	if b.kept(value) {
		return nil
	}
	now, _, err := file.Read(b.cfg.MapFile)
	if err == nil {
		err = file.Replace(b.cfg.MapFile, withEntry(now, b.cfg.Service, value))
	}
	if err != nil {
		return fmt.Errorf("map file: %v; HAProxy serves the new weights, and a restart of it would go back: %w", err, release.ErrUnavailable)
	}
	return nil
}

// kept says that the file, where one is to be written, has the entry.
func (b byMap) kept(value string) bool {
	if b.cfg.MapFile == "" {
		return true
	}
	now, _, err := file.Read(b.cfg.MapFile)
	return err == nil && now == withEntry(now, b.cfg.Service, value)
}

// withEntry is a map file's text with one entry of a key, in the place of the
// first that is there; all other lines stay.
func withEntry(text, key, value string) string {
	if text == "" {
		text = "# Written by Linnet. HAProxy reads it when it starts.\n"
	}
	entry := key + " " + value + "\n"
	var b strings.Builder
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == key {
			b.WriteString(entry)
			entry = ""
			continue
		}
		b.WriteString(line)
	}
	if entry != "" && !strings.HasSuffix(b.String(), "\n") {
		b.WriteByte('\n')
	}
	return b.String() + entry
}

// ready says whether one server at least of the arm's backend could take
// traffic.
func (b byMap) ready(ctx context.Context, arm int) error {
	servers, _, err := b.socket.backend(ctx, b.cfg.Arms[arm].Backend)
	if err != nil {
		return err
	}
	return b.cfg.readiness(servers)
}
