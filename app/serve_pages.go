package app

import (
	"context"

	"github.com/linnet-project/linnet/ui"
)

// openPages serves the pages.
func (s *serving) openPages(context.Context) (func() error, error) {
	ui.Register(s.mux)
	return nil, nil
}
