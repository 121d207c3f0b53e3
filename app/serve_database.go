package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
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
	text, err := os.ReadFile(s.path(s.settings.DatabaseFile))
	if err != nil {
		return "", fmt.Errorf("databaseFile: %w: %w", err, release.ErrInvalid)
	}
	return strings.TrimSpace(string(text)), nil
}
