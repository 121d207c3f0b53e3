package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/ingest"
	"github.com/linnet-project/linnet/ingest/rules"
)

// replayFlags are those of `linnet ingest replay`.
type replayFlags struct{ service, from, to, rules, into string }

func (p *process) ingestReplay() *cobra.Command {
	var r replayFlags
	cmd := &cobra.Command{
		Use: "replay", Short: "Fold a stretch of what came in again, through changed rules, into a store of its own", Args: cobra.NoArgs,
		Long: `Takes what came in, as the front door's log has it, through rules again, and puts
what comes of it into a new store. The same rules give the same numbers. The door
may be open meanwhile, and nothing of its own is changed.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.replayLog(cmd.Context(), r) },
	}
	f := cmd.Flags()
	f.StringVar(&r.service, "service", defaultDoor, "the service whose front door it is")
	f.StringVar(&r.from, "from", "", "where the stretch begins: how long ago (2h), or a time (RFC 3339)")
	f.StringVar(&r.to, "to", "0s", "where it ends")
	f.StringVar(&r.rules, "rules", "", "the rules file to go by (default: the rules that hold without a file)")
	f.StringVar(&r.into, "into", "", "the folder of the new store")
	must(cmd.MarkFlagRequired("from"))
	must(cmd.MarkFlagRequired("into"))
	return cmd
}

// replayedJSON is what `linnet ingest replay --json` says.
type replayedJSON struct {
	Batches   int               `json:"batches"`
	Samples   int               `json:"samples"`
	Accepted  uint64            `json:"accepted"`
	Repeated  uint64            `json:"repeated"`
	Sampled   uint64            `json:"sampledOut"`
	Refused   map[string]uint64 `json:"refused"`
	Undecoded int               `json:"undecoded"`
}

// farBack is a retention that no store reaches.
const farBack = 100 * 365 * 24 * time.Hour

func (p *process) replayLog(ctx context.Context, r replayFlags) (err error) {
	from, err := momentOf("--from", r.from)
	if err != nil {
		return err
	}
	to, err := momentOf("--to", r.to)
	if err != nil {
		return err
	}
	if !from.Before(to) {
		return fmt.Errorf("--from %s is not before --to %s; %w", r.from, r.to, errUsage)
	}
	in, err := readRules(r.rules)
	if err != nil {
		return err
	}
	through, err := rules.New(in)
	if err != nil {
		return err
	}
	dir, err := p.openedDoor(r.service)
	if err != nil {
		return err
	}
	log, err := p.logger()
	if err != nil {
		return err
	}
	if there, err := os.ReadDir(r.into); err != nil && !errors.Is(err, fs.ErrNotExist) || len(there) > 0 {
		return fmt.Errorf("--into %s: expected a folder that is empty or not there yet; %w", r.into, errors.Join(err, errUsage))
	}
	c := storeConfig(in, log)
	c.Dir, c.Retention, c.RetentionBytes = r.into, farBack, 0
	store, err := openStore(c)
	if err != nil {
		return err
	}
	whole := false
	defer func() {
		err = errors.Join(err, store.Close())
		if !whole { // half a store would stand in the way of the next try
			err = errors.Join(err, os.RemoveAll(r.into))
		}
	}()
	done, err := ingest.Replay(ctx, ingest.Again{
		Dir: dir, From: from, To: to, Rules: through, Decoders: decoders(in), Into: store, Logger: log,
	})
	if err != nil {
		return err
	}
	whole = true
	return errors.Join(store.Sync(), p.printReplayed(r.into, done))
}

func (p *process) printReplayed(into string, done ingest.Replayed) error {
	out := replayedJSON{
		Batches: done.Batches, Samples: done.Samples, Accepted: done.Accepted, Repeated: done.Repeated, Sampled: done.Sampled,
		Refused: map[string]uint64{}, Undecoded: done.Undecoded,
	}
	for code, n := range done.Refused {
		out.Refused[string(code)] = n
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(out)
	}
	p.say("%d batches: %d taken, %d known already, %d left out by sampling", out.Batches, out.Accepted, out.Repeated, out.Sampled)
	for _, code := range slices.Sorted(maps.Keys(out.Refused)) {
		p.say("%d refused: %s", out.Refused[code], code)
	}
	if out.Undecoded > 0 {
		p.say("%d batches cannot be decoded any more, and are left out", out.Undecoded)
	}
	p.say("%d samples are in %s", out.Samples, into)
	return nil
}
