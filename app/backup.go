package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
)

func (p *process) backup() *cobra.Command {
	cmd := &cobra.Command{
		Use: "backup DIR", Short: "Copy all that is kept into a data folder, while it is used, and prove the copy", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := p.kept(cmd.Context(), func(db *database.DB) error {
				return db.CopyFolder(cmd.Context(), args[0], makeTables)
			})
			if err != nil {
				return err
			}
			return p.prove(cmd.Context(), args[0], "copied to "+args[0])
		},
	}
	p.databaseFlag(cmd)
	return cmd
}

func (p *process) restore() *cobra.Command {
	cmd := &cobra.Command{
		Use: "restore DIR", Short: "Prove a backup and copy it into the data folder, or into an empty PostgreSQL database (--db)", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, dir := cmd.Context(), args[0]
			if err := p.prove(ctx, dir, "the backup is whole"); err != nil {
				return err
			}
			from, err := database.ReadFolder(ctx, dir)
			if err != nil {
				return err
			}
			where := "restored to " + p.data
			if p.database == "" {
				err = from.CopyFolder(ctx, p.data, makeTables)
			} else {
				where = "restored to the database"
				err = p.restoreServer(ctx, from)
			}
			if err := errors.Join(err, from.Close()); err != nil {
				return err
			}
			return p.proveKept(ctx, where)
		},
	}
	p.databaseFlag(cmd)
	return cmd
}

// restoreServer fills a PostgreSQL database that is empty but for its tables.
func (p *process) restoreServer(ctx context.Context, from *database.DB) error {
	to, err := database.OpenURL(ctx, p.database)
	if err != nil {
		return err
	}
	err = makeTables(ctx, to)
	if err == nil {
		err = database.Fill(ctx, from, to)
	}
	return errors.Join(err, to.Close())
}

// migrate makes or upgrades the tables, for databases whose everyday role may not.
func (p *process) migrate() *cobra.Command {
	cmd := &cobra.Command{
		Use: "migrate", Short: "Make the tables of the data folder or the database, or bring them to this version; as their owner", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			db, err := p.openMine(cmd.Context())
			if err != nil {
				return err
			}
			if err := errors.Join(makeTables(cmd.Context(), db), db.Close()); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "%s has the tables of this version\n", db.Name())
			return err
		},
	}
	p.databaseFlag(cmd)
	return cmd
}

func (p *process) openMine(ctx context.Context) (*database.DB, error) {
	if p.database != "" {
		return database.OpenURL(ctx, p.database)
	}
	return database.OpenFolder(ctx, p.data)
}

// prove verifies all chains in a folder.
func (p *process) prove(ctx context.Context, dir, what string) error {
	at := *p
	at.data, at.database = dir, ""
	return at.proveKept(ctx, what)
}

func (p *process) proveKept(ctx context.Context, what string) error {
	return p.chains(ctx, func(r *journal.Reader, log *audit.Log) error {
		heads, err := verifyAll(ctx, r, log)
		if err != nil {
			return p.unproved(err)
		}
		records := uint64(0)
		for _, h := range heads {
			if !h.Pruned {
				records += h.Seq
			}
		}
		_, err = fmt.Fprintf(p.out, "%s: %d chains, %d records, unchanged\n", what, len(heads), records)
		return err
	})
}
