package river_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/fleet"
	"github.com/linnet-project/linnet/fleet/river"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// This file is a replica in a process of its own: the test's binary, started
// again. It is all of a Linnet but what talks to people and to vendors.

// How a replica is told what it is.
const (
	replicaName  = "LINNET_TEST_REPLICA"
	replicaDB    = "LINNET_TEST_DB"
	replicaStage = "LINNET_TEST_STAGE"
	replicaKey   = "LINNET_TEST_SECRET_FILE"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(replicaName); name != "" {
		if err := beReplica(name, os.Getenv(replicaDB), os.Getenv(replicaStage)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// beReplica runs until it is told to stop.
func beReplica(name, address, stage string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var skew atomic.Int64
	own := func() time.Time { return time.Now().Add(time.Duration(skew.Load())) }
	actor := actor{stage: stage}
	go func() {
		for alone := 0; ctx.Err() == nil; {
			text, err := actor.ask(ctx, "GET", "/skew?of="+url.QueryEscape(name), nil)
			if alone++; err == nil {
				n, _ := strconv.ParseInt(string(text), 10, 64)
				skew.Store(n)
				alone = 0
			} else if alone > 100 {
				os.Exit(1) // the test is gone, and nobody else would end this process
			}
			<-time.After(200 * time.Millisecond)
		}
	}()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	for ctx.Err() == nil {
		err := serveReplica(ctx, name, address, actor, own, log)
		if err != nil {
			log.Error("cannot start", "error", err)
		}
		select { // as systemd would start it again
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}

func serveReplica(ctx context.Context, name, address string, a actor, own func() time.Time, log *slog.Logger) (err error) {
	short, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	db, err := database.OpenURL(short, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	store, err := journal.On(short, db)
	if err != nil {
		return err
	}
	clock := river.NewClock(db.Pool(), own)
	if err := clock.Measure(short); err != nil {
		return err
	}
	if a.box, err = newBox(short, db, a.stage, name, os.Getenv(replicaKey), nil); err != nil {
		return err
	}
	many := fleet.New(fleet.Config{
		Store: store, Assembler: a, Notifier: a.box, Alone: river.Alone(db), Now: clock.Now, Log: log,
		Salt: func() string { return "salt" },
	})
	caller, err := river.New(short, river.Config{
		DB: db, Turner: many, Journal: store, Clock: clock, Name: name + "-" + strconv.FormatInt(time.Now().UnixNano(), 36), Log: log, Tidy: many.Tidy, Workers: 30,
	})
	if err != nil {
		return err
	}
	var telling sync.WaitGroup
	telling.Go(func() { a.box.Run(ctx) })
	defer telling.Wait()
	return errors.Join(caller.Run(ctx), many.Close())
}

// actor plays a replica's adapters: the provider is the test's stage, by HTTP;
// the source makes up what it tells; notices go into the outbox.
type actor struct {
	stage   string
	service string
	box     *outbox.Outbox
}

// Assemble implements fleet.Assembler.
func (a actor) Assemble(_ context.Context, _ journal.ID, f spec.File) (fleet.Parts, error) {
	a.service = f.Service
	return fleet.Parts{Router: a, Source: a}, nil
}

func (a actor) ask(ctx context.Context, method, path string, body any) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, a.stage+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("stage: %w: %w", err, release.ErrUnavailable)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	switch {
	case err != nil:
		return nil, fmt.Errorf("stage: %w: %w", err, release.ErrUnavailable)
	case answer.StatusCode == http.StatusConflict:
		return nil, fmt.Errorf("stage: %s: %w", got, release.ErrConflict)
	case answer.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("stage: %s: %w", got, release.ErrUnavailable)
	}
	return got, nil
}

// Apply implements run.Router.
func (a actor) Apply(ctx context.Context, route release.Route) error {
	_, err := a.ask(ctx, "POST", "/route", route)
	return err
}

// Observed implements run.Router.
func (a actor) Observed(ctx context.Context) (seen release.Seen, err error) {
	text, err := a.ask(ctx, "GET", "/route?service="+url.QueryEscape(a.service), nil)
	if err == nil {
		err = json.Unmarshal(text, &seen)
	}
	return seen, err
}

// Observe implements run.Source. What it tells depends on the question alone:
// candidates of every third service fail far more often.
func (a actor) Observe(ctx context.Context, q release.Query) (release.Answer, error) {
	var answer release.Answer
	n, _ := strconv.Atoi(a.service[len("service-"):])
	for _, arm := range q.Arms {
		for _, w := range q.Windows {
			chance := rand.New(rand.NewPCG(uint64(len(arm.Name)), uint64(w.To.UnixNano())))
			requests := 1000 * w.To.Sub(w.From).Seconds()
			o := release.Observation{Metric: q.Metric.Name, Arm: arm.Name, Window: w, Of: requests, Events: int64(requests * (0.01 + 0.002*chance.Float64()))}
			if n%3 == 2 && arm.Name == release.Candidate {
				o.Events *= 5
			}
			answer.Observations = append(answer.Observations, o)
		}
	}
	select { // a source takes a moment
	case <-ctx.Done():
		return release.Answer{}, ctx.Err()
	case <-time.After(time.Duration(rand.IntN(100)) * time.Millisecond):
	}
	return answer, nil
}
