package app

import (
	"context"
	"path/filepath"
	"time"

	"github.com/linnet-project/linnet/hook"
	"github.com/linnet-project/linnet/spec"
)

// openHooks takes what is announced at hooks. A delivery proves itself by the
// hook's own secret, so whatever asks for a login lets these paths through.
func (s *serving) openHooks(ctx context.Context) (func() error, error) {
	if s.settings.Hooks == "" {
		return nil, nil
	}
	file := s.path(s.settings.Hooks)
	text, err := s.readText(file)
	if err != nil {
		return nil, err
	}
	hooks, err := spec.ParseHooks(file, text)
	if err != nil {
		return nil, err
	}
	in, err := hook.NewReceiver(ctx, hook.InConfig{
		Hooks: hooks.In, Folder: filepath.Dir(file), Desk: s.desk, DB: s.db, Log: s.log, Now: time.Now,
	})
	if err != nil {
		return nil, err
	}
	s.mux.Handle("POST /v1/hooks/{name}", in)
	return nil, nil
}
