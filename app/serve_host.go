package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/linnet-project/linnet/metric/tsdb"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
	"github.com/linnet-project/linnet/traffic/proxy"
)

// handOver is how long a splitter that was replaced goes on as before: who has just
// connected has sent a request by then, and is answered.
const handOver = 2 * time.Second

// host is what lives in this process for one service.
type host struct {
	hosts   *hosts
	service string
	// file is what it was last made from, term counts how often it was.
	file spec.File
	term atomic.Int64

	splitter atomic.Pointer[proxy.Server]
	board    *switchboard
	// accepting are those that hand out the connections of boards.
	accepting sync.WaitGroup
	// retire ends the splitter that there is.
	retire func() error

	// data is held for reading by who asks the store, for writing by who replaces
	// it.
	data  sync.RWMutex
	store *tsdb.Store // nil for none
	door  *frontDoor  // nil for none
}

// serves tells whether it is what a file asks for, and works.
func (o *host) serves(f spec.File) bool {
	if o.term.Load() == 0 || !same(o.file, f) {
		return false
	}
	if o.door != nil {
		select {
		case <-o.door.over:
			return false
		default:
		}
	}
	return true
}

// change makes it what a file asks for. Where that fails, what was there goes on
// as far as it can.
func (o *host) change(ctx context.Context, f spec.File) error {
	if inside(f) {
		if err := o.changeSplitter(ctx, f); err != nil {
			return err
		}
	}
	if f.Analysis.Source.Embedded != nil {
		if err := o.changeStore(ctx, f); err != nil {
			return err
		}
	}
	o.file = f
	o.term.Add(1)
	return nil
}

// changeSplitter puts a splitter with a file's arms in the place of the one that
// there is; connections that are open are served to their end by the old one.
func (o *host) changeSplitter(ctx context.Context, f spec.File) error {
	cfg := proxyConfig(f, o.hosts.log)
	cfg.StateFile = filepath.Join(o.hosts.data, "proxy-"+f.Service+".json")
	board := o.board
	if board == nil || o.file.Traffic.Proxy == nil || o.file.Traffic.Proxy.Listen != f.Traffic.Proxy.Listen {
		at, err := new(net.ListenConfig).Listen(ctx, "tcp", f.Traffic.Proxy.Listen)
		if err != nil {
			return fmt.Errorf("traffic.proxy.listen: %w: %w", err, release.ErrUnavailable)
		}
		board = &switchboard{Listener: at}
	}
	server, err := proxy.New(cfg)
	if err != nil {
		if board != o.board {
			err = errors.Join(err, board.Close())
		}
		return err
	}
	old, oldBoard, retire := o.splitter.Load(), o.board, o.retire
	outlet := board.next()
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var going sync.WaitGroup
	going.Go(func() { server.Run(running) })
	going.Go(func() {
		if err := server.Serve(outlet); err != nil {
			o.hosts.log.Error("a splitter has ended", "service", o.service, "error", err)
		}
	})
	if board != oldBoard {
		o.accepting.Go(func() { _ = board.run() }) // it ends with its listener
		o.board = board
	}
	o.splitter.Store(server)
	o.retire = func() error {
		stop()
		short, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		err := server.Shutdown(short)
		going.Wait()
		return err
	}
	if old == nil {
		return nil
	}
	if board != oldBoard {
		_ = oldBoard.Close() // nobody is to come there any more
	}
	o.hosts.group.Go(func() error {
		select {
		case <-time.After(handOver):
		case <-o.hosts.ctx.Done():
		}
		if err := retire(); err != nil {
			o.hosts.log.Warn("connections of the last release were cut", "service", o.service, "error", err)
		}
		return nil
	})
	return nil
}

// changeStore opens the store, and the door, that a file asks for.
func (o *host) changeStore(ctx context.Context, f spec.File) error {
	splitter := ""
	if inside(f) {
		var err error
		if splitter, err = o.hosts.metricsURL(f.Service); err != nil {
			return err
		}
	}
	o.data.Lock()
	defer o.data.Unlock()
	if err := o.closeData(); err != nil {
		o.hosts.log.Warn("the metric store of the last release", "service", o.service, "error", err)
	}
	var err error
	o.store, o.door, err = openEmbedded(ctx, f, o.hosts.data, splitter, o.hosts.log)
	return err
}

// closeData closes the door and the store; data is held.
func (o *host) closeData() error {
	var errs []error
	if o.door != nil {
		errs = append(errs, o.door.close(drainTime))
	}
	if o.store != nil {
		errs = append(errs, o.store.Close())
	}
	o.door, o.store = nil, nil
	return errors.Join(errs...)
}

// close ends all that lives here.
func (o *host) close() error {
	var errs []error
	if o.board != nil {
		if err := o.board.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
		errs = append(errs, o.retire())
		o.accepting.Wait()
	}
	o.data.Lock()
	defer o.data.Unlock()
	return errors.Join(append(errs, o.closeData())...)
}

// tenancy is a release's use of its service's host. The next release of the
// service may change the host; the splitter's names then stand for other
// versions, and this one may only look.
type tenancy struct {
	host *host
	term int64
}

func (t *tenancy) mine() error {
	if t.host.term.Load() != t.term {
		return fmt.Errorf("another release of %s has the splitter now: %w", t.host.service, release.ErrConflict)
	}
	return nil
}

// Apply implements run.Router.
func (t *tenancy) Apply(ctx context.Context, route release.Route) error {
	if err := t.mine(); err != nil {
		return err
	}
	return t.host.splitter.Load().Apply(ctx, route)
}

// Observed implements run.Router.
func (t *tenancy) Observed(ctx context.Context) (release.Seen, error) {
	return t.host.splitter.Load().Observed(ctx)
}

// Renew implements run.Renewer.
func (t *tenancy) Renew(ctx context.Context, owner string, epoch uint64, lease time.Duration) error {
	if err := t.mine(); err != nil {
		return err
	}
	return t.host.splitter.Load().Renew(ctx, owner, epoch, lease)
}

// Observe implements run.Source.
func (t *tenancy) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	t.host.data.RLock()
	defer t.host.data.RUnlock()
	if t.host.store == nil {
		return release.Answer{}, fmt.Errorf("the metric store of %s is not open: %w", t.host.service, release.ErrUnavailable)
	}
	return t.host.store.Observe(ctx, q)
}
