package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/linnet-project/linnet/release"
)

const (
	// silence is how long a stream may say nothing; the server shows every quarter
	// of a minute that it is there.
	silence = 50 * time.Second
	// mostLine bounds a line of a stream.
	mostLine = 4 << 20
)

// Follow hands the events of a release to fn in their order, from after a sequence
// on (0 for the beginning), each once, until fn returns an error, which it
// returns, or the context ends. It bears a server that goes and comes back, also
// one whose database has lost its last moments: what is written in their place is
// handed over, under sequences that were used before.
func (c *Client) Follow(ctx context.Context, id ID, after uint64, fn func(Event) error) error {
	at := place{seq: after}
	for {
		before := at
		err := c.again(ctx, ctx, func() (time.Duration, error) { return c.stream(ctx, id, &at, fn) })
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		// The stream was ended in good order; one that says nothing at all is not
		// asked for again at once.
		if before == at {
			if err := pause(ctx, firstWait); err != nil {
				return err
			}
		}
	}
}

// place is the event that was handed over last.
type place struct {
	seq uint64
	at  time.Time
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// stream follows one connection.
func (c *Client) stream(ctx context.Context, id ID, at *place, fn func(Event) error) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(silence, func() { cancel(errors.New("the stream fell silent")) })
	defer watch.Stop()
	header := http.Header{"Accept": {"text/event-stream"}, "Last-Event-Id": {strconv.FormatUint(at.seq, 10)}}
	resp, err := c.ask(ctx, http.MethodGet, id.path()+"/events", header, nil)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, mostLine))
		return retryAfter(resp.Header), problemOf(resp, text)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, mostLine)
	var data []byte
	for lines.Scan() {
		watch.Reset(silence)
		name, value, _ := bytes.Cut(lines.Bytes(), []byte(":"))
		switch {
		case len(lines.Bytes()) == 0 && len(data) > 0:
			if err := c.event(data, at, fn); err != nil {
				return 0, err
			}
			data = nil
		case string(name) == "data":
			data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		}
	}
	if err := lines.Err(); err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return 0, &lost{c.base, err}
	}
	return 0, nil
}

// event hands one over, unless it was handed over before.
func (c *Client) event(data []byte, at *place, fn func(Event) error) error {
	var e Event
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("%s: an event that is none of a Linnet: %w: %w", c.base, err, release.ErrInvalid)
	}
	if e.Seq <= at.seq && (at.at.IsZero() || !e.Time.After(at.at)) {
		return nil
	}
	*at = place{e.Seq, e.Time}
	return fn(e)
}
