package proxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/linnet-project/linnet/release"
)

const (
	stateVersion = 1
	stateLimit   = 1 << 20
)

// stateForm is the state file.
type stateForm struct {
	Version int       `json:"version"`
	Arms    []armForm `json:"arms"`
	Route   routeForm `json:"route"`
	Granted span      `json:"granted,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	Lapsed  time.Time `json:"lapsed,omitzero"`
}

// armForm tells later whether a name still stands for the same thing.
type armForm struct {
	Name    string `json:"name"`
	URL     string `json:"url"`
	Version string `json:"version,omitempty"`
}

// same compares versions where both are known, as a process may come back on
// another port, and URLs otherwise.
func (a armForm) same(b armForm) bool {
	if a.Version != "" || b.Version != "" {
		return a.Name == b.Name && a.Version == b.Version
	}
	return a.Name == b.Name && a.URL == b.URL
}

func armForms(arms []Upstream) []armForm {
	forms := make([]armForm, len(arms))
	for i, a := range arms {
		forms[i] = armForm(a)
	}
	return forms
}

// encodeState writes a standing down.
func encodeState(arms []Upstream, s *standing) ([]byte, error) {
	text, err := json.MarshalIndent(stateForm{
		Version: stateVersion,
		Arms:    armForms(arms),
		Route:   toForm(s.route),
		Granted: span(s.granted),
		Expires: s.expires.Round(0),
		Lapsed:  s.lapsed.Round(0),
	}, "", "  ")
	return append(text, '\n'), err
}

// decodeState reads what encodeState wrote. It checks the form; whether the
// route fits the arms of today is resume's business.
func decodeState(text []byte) (stateForm, error) {
	var form stateForm
	if err := decode(bytes.NewReader(text), &form); err != nil {
		return stateForm{}, err
	}
	if form.Version != stateVersion {
		return stateForm{}, fmt.Errorf("has version %d, this program reads version %d", form.Version, stateVersion)
	}
	if form.Route.Lease > 0 && (form.Expires.IsZero() || form.Granted <= 0) {
		return stateForm{}, errors.New("has a lease without an end")
	}
	return form, nil
}

// resume goes on with what was served before a restart. A lease whose end the
// clock has passed is over; one that seems to end later than it was granted
// for (the clock was set back) runs for what was granted.
func resume(form stateForm, now time.Time) *standing {
	s := newStanding(form.Route.route(), now)
	s.granted = time.Duration(form.Granted)
	s.lapsed = form.Lapsed
	if s.expires.IsZero() {
		return s
	}
	left := min(form.Expires.Sub(now), s.granted)
	// now.Add keeps the monotonic reading, by which the lease is timed.
	s.expires = now.Add(left)
	if !s.lapsed.IsZero() {
		s.expires = s.lapsed
	}
	return s
}

// load reads the state file. Whatever is wrong with it, the proxy starts: on
// the first arm, saying so, with the file kept aside for people to look at.
func (s *Server) load() *standing {
	fresh := newStanding(s.baseline(0), s.cfg.Now())
	if s.cfg.StateFile == "" {
		return fresh
	}
	text, err := readLimited(s.cfg.StateFile, stateLimit)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh
	}
	var form stateForm
	if err == nil {
		form, err = decodeState(text)
	}
	if err == nil && form.Route.Service != s.cfg.Service {
		err = fmt.Errorf("belongs to service %q", form.Route.Service)
	}
	if err == nil {
		return s.fit(form)
	}
	aside := s.cfg.StateFile + ".broken"
	kept := os.Rename(s.cfg.StateFile, aside)
	s.log.Error("state file cannot be used: starting with all traffic on the first arm",
		"file", s.cfg.StateFile, "problem", err, "arm", s.arms[0].Name, "kept_as", aside, "keep_problem", kept)
	return fresh
}

// fit resumes a state if its arms are still what they were: the candidate of
// another day must not inherit the weight of the last one. The epoch is kept
// either way.
func (s *Server) fit(form stateForm) *standing {
	now, arms := s.cfg.Now(), armForms(s.cfg.Arms)
	changed := len(arms) != len(form.Arms)
	for i := 0; !changed && i < len(arms); i++ {
		changed = !arms[i].same(form.Arms[i])
	}
	if err := s.checkWeights(form.Route.route().Weights); changed || err != nil {
		s.log.Warn("the arms have changed since the state file was written: starting with all traffic on the first arm",
			"file", s.cfg.StateFile, "arm", s.arms[0].Name, "epoch", form.Route.Epoch)
		return newStanding(s.baseline(form.Route.Epoch), now)
	}
	return resume(form, now)
}

// baseline is the route with all traffic on the first arm.
func (s *Server) baseline(epoch uint64) release.Route {
	route := release.Route{Service: s.cfg.Service, Epoch: epoch}
	for _, arm := range s.arms {
		route.Weights = append(route.Weights, release.ArmWeight{Arm: arm.Name})
	}
	route.Weights[0].Weight = release.Whole
	return route
}

// save makes a standing durable.
func (s *Server) save(next *standing) error {
	if s.cfg.StateFile == "" {
		return nil
	}
	text, err := encodeState(s.cfg.Arms, next)
	if err == nil {
		err = replaceFile(s.cfg.StateFile, text)
	}
	if err != nil {
		s.metrics.stateErrors.Inc()
		return fmt.Errorf("state file %s: %v: %w", s.cfg.StateFile, err, release.ErrUnavailable)
	}
	return nil
}

// replaceFile puts new content in a file's place so that a crash leaves either
// the old or the new: the content reaches the disk before the name does, and
// the name before we say so. The caller lets only one run at a time.
func replaceFile(path string, content []byte) error {
	folder, temp := filepath.Dir(path), path+".tmp"
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	if err := writeSynced(temp, content); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

func readLimited(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("is larger than %d bytes", limit)
	}
	return text, err
}
