package app

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/access"
	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/database"
)

// keptAt says where something is kept: at a server, or in the database of this
// machine, whose user may do everything there.
type keptAt struct {
	server, tokenFile, caFile string
	config, database          string
}

func (o *keptAt) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVar(&o.server, "server", "", "URL of a server to ask (the database of this machine without)")
	f.StringVar(&o.tokenFile, "token-file", "", "file with the token to ask it with (also LINNET_TOKEN, or what login got)")
	trustFlag(f, &o.caFile)
	f.StringVar(&o.config, "config", "", "settings file of the server, of kind Server")
	f.StringVar(&o.database, "db", "", "URL of a PostgreSQL database (SQLite in the data folder without)")
}

// atServer calls there with the server where one is named, and here with the open
// database and its audit where none is.
func (p *process) atServer(cmd *cobra.Command, o keptAt, there func(*remote) error, here func(*serving) error) error {
	if o.server != "" {
		text, err := tokenFor(o.server, o.tokenFile)
		if err != nil {
			return err
		}
		r, err := newRemote(o.server, text, o.caFile)
		if err != nil {
			return err
		}
		return there(r)
	}
	s, err := p.newServing(serveOptions{config: o.config, database: o.database}, cmd.Flags())
	if err != nil {
		return err
	}
	if s.db, err = s.onlyDatabase(cmd.Context()); err != nil {
		return err
	}
	defer s.db.Close()
	if s.auditor, err = audit.On(cmd.Context(), s.db); err != nil {
		return err
	}
	return here(s)
}

// onlyDatabase opens the database that the settings name.
func (s *serving) onlyDatabase(ctx context.Context) (*database.DB, error) {
	at, err := s.databaseAddress()
	switch {
	case err != nil:
		return nil, err
	case at != "":
		return database.OpenURL(ctx, at)
	}
	return database.OpenFolder(ctx, s.data)
}

// operator is who does something to the database of this machine.
func operator() access.Actor {
	return access.Actor{Name: "local:" + localUser(), Kind: access.Person, From: fromHere}
}

// noted is a line of the audit about what the operator does now.
func noted(what, object string) control.Entry {
	return control.Entry{At: time.Now(), Who: operator(), What: what, Object: object}
}
