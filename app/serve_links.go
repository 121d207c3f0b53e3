package app

import (
	"context"

	"github.com/linnet-project/linnet/link"
)

// openLinks has notices that ask for an approval lead to a page where it is given,
// by those who are logged in. Without a login there is nobody to tell apart.
func (s *serving) openLinks(ctx context.Context) (func() error, error) {
	if s.settings.Login == nil {
		return nil, nil
	}
	keys, err := link.NewKeys(ctx, s.db, s.now)
	if err != nil {
		return nil, err
	}
	s.links = keys
	s.notifier = link.Notifier{Next: s.notifier, Keys: keys, URL: s.url}
	return nil, nil
}

// openLinkPages serves the pages that links lead to.
func (s *serving) openLinkPages(context.Context) (func() error, error) {
	if s.links != nil {
		link.Pages{Keys: s.links, Desk: s.desk, Authenticate: s.who.Authenticate}.Register(s.mux)
	}
	return nil, nil
}
