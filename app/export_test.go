package app

import (
	"context"
	"io"
	"log/slog"
	"strings"
)

// ShowFolder serves the pages over a data folder, to look at only, until what it
// returns is called; out is told the address.
func ShowFolder(ctx context.Context, dir string, out io.Writer) (func() error, error) {
	p := &process{in: strings.NewReader(""), out: out, err: out}
	return p.openPage(ctx, dir, "127.0.0.1:0", slog.New(slog.DiscardHandler))
}
