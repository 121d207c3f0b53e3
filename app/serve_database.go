package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/notify/post"
)

// openDatabase opens what everything is kept in, and the journal in it.
func (s *serving) openDatabase(ctx context.Context) (func() error, error) {
	url, err := s.databaseAddress()
	if err != nil {
		return nil, err
	}
	if url == "" {
		s.db, err = database.OpenFolder(ctx, s.data)
	} else {
		s.db, err = database.OpenURL(ctx, url)
	}
	if err != nil {
		return nil, err
	}
	end := s.db.Close
	if s.store, err = journal.On(ctx, s.db); err != nil {
		return end, err
	}
	lock, err := s.store.Serve(s.now())
	if err != nil {
		return end, err
	}
	return func() error { return errors.Join(end(), lock.Release()) }, nil
}

// databaseAddress is the URL of the database; empty for SQLite.
func (s *serving) databaseAddress() (string, error) {
	if s.databaseURL != "" || s.settings.DatabaseFile == "" {
		return s.databaseURL, nil
	}
	return s.addressIn("databaseFile", s.settings.DatabaseFile)
}

// addressIn reads the URL of a database from a file that a key of the settings
// names.
func (s *serving) addressIn(key, file string) (string, error) {
	address, err := post.Secret(s.path(file))
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	return address, nil
}
