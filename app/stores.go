package app

import (
	"context"
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/annotation"
	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/fleet/river"
	"github.com/linnet-project/linnet/glass"
	"github.com/linnet-project/linnet/hook"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/login"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/release"
)

// databaseFlag lets a verb work on what several machines share.
func (p *process) databaseFlag(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&p.database, "db", "", "URL of a PostgreSQL database (SQLite in the data folder without)")
}

// kept calls f with what everything is kept in, for reading.
func (p *process) kept(ctx context.Context, f func(*database.DB) error) error {
	db, err := p.openKept(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

func (p *process) openKept(ctx context.Context) (*database.DB, error) {
	if p.database != "" {
		return database.OpenURL(ctx, p.database)
	}
	return database.ReadFolder(ctx, p.data)
}

// reading calls f with the journal.
func (p *process) reading(ctx context.Context, f func(*journal.Reader) error) error {
	return p.kept(ctx, func(db *database.DB) error {
		r, err := journal.ReaderOn(ctx, db)
		if err != nil {
			return err
		}
		return f(r)
	})
}

// chains calls f with the journal and the audit, which is nil where there never
// was one.
func (p *process) chains(ctx context.Context, f func(*journal.Reader, *audit.Log) error) error {
	return p.kept(ctx, func(db *database.DB) error {
		r, err := journal.ReaderOn(ctx, db)
		if err != nil {
			return err
		}
		log, err := audit.ReaderOn(ctx, db)
		if err != nil && !errors.Is(err, release.ErrNotFound) {
			return err
		}
		return f(r, log)
	})
}

// makeTables makes the tables of all that is kept, or brings them to the present
// schema.
func makeTables(ctx context.Context, db *database.DB) error {
	for _, migrate := range []func(context.Context, *database.DB) error{
		func(ctx context.Context, db *database.DB) error { _, err := journal.On(ctx, db); return err },
		func(ctx context.Context, db *database.DB) error { _, err := audit.On(ctx, db); return err },
		func(ctx context.Context, db *database.DB) error { _, err := glass.New(ctx, db); return err },
		func(ctx context.Context, db *database.DB) error { _, err := annotation.On(ctx, db); return err },
		login.Migrate, hook.Migrate, api.Migrate, outbox.Migrate,
	} {
		if err := migrate(ctx, db); err != nil {
			return err
		}
	}
	if db.Kind() == database.Postgres {
		return river.Migrate(ctx, db, slog.New(slog.DiscardHandler))
	}
	return nil
}
