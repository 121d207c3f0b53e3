package app

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// hooks looks whether the secrets of a file of hooks are there. They are read with
// each delivery, so that a server starts without them, and then refuses them all.
func (d *serverDiagnosis) hooks(file string) {
	text, err := readUpTo(file, maxFile+1)
	if err != nil {
		return // told with the file
	}
	h, err := spec.ParseHooks(file, text)
	if err != nil {
		return // likewise
	}
	there := func(name string) error {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(file), name)
		}
		text, err := readUpTo(name, maxFile)
		if err == nil && strings.TrimSpace(string(text)) == "" {
			err = fmt.Errorf("%s is empty: %w", name, release.ErrInvalid)
		}
		return err
	}
	for _, in := range h.In {
		var errs []error
		for _, name := range in.SecretFiles {
			errs = append(errs, there(name))
		}
		err := errors.Join(errs...)
		for _, one := range errs {
			if one == nil {
				err = nil // while a secret is changed, one of two may be missing
			}
		}
		d.add("hook "+in.Name, "its secret is there", err, "write its secret into the file, for this user to read")
	}
	for _, out := range h.Out {
		var errs []error
		for _, name := range []string{out.SigningFile, out.TokenFile} {
			if name != "" {
				errs = append(errs, there(name))
			}
		}
		d.add("events to "+out.Name, "what proves who sends them is there", errors.Join(errs...), "write the secret into the file, for this user to read")
	}
}
