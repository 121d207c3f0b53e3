package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/linnet-project/linnet/login/token"
	"github.com/linnet-project/linnet/release"
)

// credential is a token that `linnet login` got.
type credential struct {
	Token string    `json:"token"`
	Name  string    `json:"name"`
	Ends  time.Time `json:"ends"`
}

// credentials are the tokens of the user of this machine, by server, in a file
// that nobody else may read.
type credentials struct{ path string }

func userCredentials() (credentials, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return credentials{}, fmt.Errorf("no folder for the user's settings: %w; send a token by --token-file: %w", err, release.ErrInvalid)
	}
	return credentials{filepath.Join(dir, "linnet", "credentials.json")}, nil
}

func (c credentials) read() (map[string]credential, error) {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]credential{}, nil
	}
	if err != nil {
		return nil, err
	}
	all := map[string]credential{}
	if json.Unmarshal(text, &all) != nil {
		return nil, fmt.Errorf("%s is not what `linnet login` wrote: remove it, and log in again: %w", c.path, release.ErrInvalid)
	}
	return all, nil
}

// change changes what is kept: as a whole, or not at all.
func (c credentials) change(fn func(map[string]credential)) error {
	all, err := c.read()
	if err != nil {
		return err
	}
	fn(all)
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(c.path), "credentials-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), c.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// tokenFor finds the token to show a server: from a file, from the environment,
// or the one of `linnet login`; empty where there is none, since a server that
// listens to its own machine alone asks for none.
func tokenFor(server, file string) (string, error) {
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w: %w", err, release.ErrInvalid)
		}
		return strings.TrimSpace(string(text)), nil
	}
	// The variable may also hold the token of a splitter's administration, which
	// is no business of the server's.
	if t := strings.TrimSpace(os.Getenv(tokenVariable)); strings.HasPrefix(t, token.Prefix) {
		return t, nil
	}
	kept, err := userCredentials()
	if err != nil {
		return "", nil // nobody can have logged in
	}
	all, err := kept.read()
	return all[strings.TrimSuffix(server, "/")].Token, err
}
