package database

import (
	"context"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// TestManyAtOnceAsTheFirst has more at work than there are connections while
// statements are made ready.
func TestManyAtOnceAsTheFirst(t *testing.T) {
	both(t, func(t *testing.T, d *DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var all errgroup.Group
		for range 64 {
			all.Go(func() error {
				for k := range mostReady {
					err := d.Read(ctx, func(tx Tx) error {
						var n int
						query := fmt.Sprintf(`SELECT %d + CAST(? AS INTEGER)`, k)
						for range often {
							if err := tx.QueryRow(ctx, query, 1).Scan(&n); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := all.Wait(); err != nil {
			t.Fatal(err)
		}
	})
}
