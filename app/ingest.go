package app

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/spec"
)

// ingest sends files to a front door; what else there is to do with one is below
// it.
func (p *process) ingest() *cobra.Command {
	cmd := p.ingestSend()
	cmd.AddCommand(p.ingestServe(), p.ingestStatus(), p.quarantine(), p.ingestReplay())
	return cmd
}

// ingestOptions are the flags of `linnet ingest serve`.
type ingestOptions struct {
	service, listen, grpc, statsd, rules string
}

func (p *process) ingestServe() *cobra.Command {
	var o ingestOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Take data, count it and keep it, and answer queries about it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return p.serveIngest(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.service, "service", defaultDoor, "what its folders in the data folder are called")
	f.StringVar(&o.listen, "listen", "127.0.0.1:4318", "address for OTLP, remote write and events over HTTP, queries and /metrics")
	f.StringVar(&o.grpc, "grpc", "", "address for OTLP over gRPC")
	f.StringVar(&o.statsd, "statsd", "", "address for StatsD over UDP and TCP")
	f.StringVar(&o.rules, "rules", "", "file of the rules that data is held against")
	return cmd
}

// defaultDoor is what the folders of a door are called that belongs to no service.
const defaultDoor = "default"

// serveIngest runs a door alone, with a store of its own, until it is stopped.
func (p *process) serveIngest(ctx context.Context, o ingestOptions) (err error) {
	log, err := p.logger()
	if err != nil {
		return err
	}
	in, err := readRules(o.rules)
	if err != nil {
		return err
	}
	if o.service == "" || filepath.Base(o.service) != o.service || o.service == ".." {
		return fmt.Errorf("--service %q is not a name; %w", o.service, errUsage)
	}
	c := storeConfig(in, log)
	c.Dir = filepath.Join(p.data, "metrics-"+o.service)
	c.Retention = in.Store.For
	store, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	d, err := openDoor(ctx, doorConfig{
		Receive: spec.Receive{Listen: o.listen, GRPC: o.grpc, StatsD: o.statsd}, rules: in,
		data: p.data, service: o.service, store: store, log: log, queries: true,
	})
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		p.say("stopped while the log was read again; the next start reads it again, and nothing of it is lost")
		return nil
	}
	if err != nil {
		return err
	}
	p.say("ingest on %s", d.addresses())
	select {
	case <-ctx.Done():
	case <-d.over:
	}
	return d.close(drainTime)
}

// queueTime bounds how long a request may take at the door.
const queueTime = 30 * time.Second
