// Command fill puts the releases of the stage into a data folder, to look at the
// pages with: go run ./sim/stage/fill -data DIR.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/sim/stage"
)

func main() {
	data := flag.String("data", "", "the folder")
	many := flag.Int("many", 0, "so many short releases before them")
	flag.Parse()
	if err := fill(context.Background(), *data, *many, time.Now()); err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
}

func fill(ctx context.Context, data string, many int, now time.Time) error {
	if data == "" {
		return errors.New("name the folder with -data")
	}
	db, err := database.OpenFolder(ctx, data)
	if err != nil {
		return err
	}
	store, err := journal.On(ctx, db)
	if err == nil {
		err = stage.Fill(ctx, store, append(stage.Many(many, now.AddDate(0, 0, -10)), stage.Releases(now)...))
	}
	return errors.Join(err, db.Close())
}
