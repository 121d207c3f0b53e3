package send

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/post"
	"github.com/linnet-project/linnet/release"
)

const (
	// tries is how often a batch is sent at most, and longestWait how long it is
	// waited between two times.
	tries       = 10
	longestWait = 30 * time.Second
	// timeout bounds one request.
	timeout = 30 * time.Second
	// maxAnswer bounds an answer, in bytes.
	maxAnswer = 1 << 20
)

// Client sends to a front door.
type Client struct {
	// URL is the door's, without a path.
	URL string
	// HTTP sends; nil stands for http.DefaultClient.
	HTTP *http.Client
}

// Post sends one batch: again with the same id, which counts once, where the door
// is full or the connection breaks. The answer may hold refusals also where there
// is an error. Errors are as those of Send.
func (c *Client) Post(ctx context.Context, b item.Batch) (event.Answer, error) {
	address, err := c.address()
	if err != nil {
		return event.Answer{}, err
	}
	for try := 1; ; try++ {
		answer, wait, err := c.once(ctx, address, b)
		if err == nil || wait == 0 || try == tries {
			return answer, err
		}
		timer := time.NewTimer(min(wait, longestWait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return answer, ctx.Err()
		}
	}
}

func (c *Client) address() (string, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", fmt.Errorf("the front door's address is no URL such as http://127.0.0.1:4318: %w", release.ErrInvalid)
	}
	return strings.TrimSuffix(c.URL, "/") + event.Path, nil
}

// typeOf is the type of content of a format.
func typeOf(f item.Format) string {
	switch f {
	case item.EventsCSV:
		return "text/csv"
	case item.StatsD:
		return "application/x-statsd"
	}
	return "application/x-ndjson"
}

// once sends a batch once. wait is after what time it may be sent again; 0 where
// that would not help.
func (c *Client) once(ctx context.Context, address string, b item.Batch) (answer event.Answer, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(b.Body))
	if err != nil {
		return answer, 0, fmt.Errorf("the front door: %w: %w", err, release.ErrInvalid)
	}
	r.Header.Set("Content-Type", typeOf(b.Format))
	r.Header.Set("Idempotency-Key", b.ID)
	if b.Tenant != "" {
		r.Header.Set(post.TenantHeader, b.Tenant)
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	said, err := client.Do(r)
	if err != nil {
		return answer, again(err), unreached(c.URL, err)
	}
	defer said.Body.Close()
	text, err := io.ReadAll(io.LimitReader(said.Body, maxAnswer))
	if err != nil {
		return answer, time.Second, unreached(c.URL, err)
	}
	known := json.Unmarshal(text, &answer) == nil
	switch {
	case said.StatusCode == http.StatusOK && known:
		return answer, 0, nil
	case said.StatusCode == http.StatusTooManyRequests || said.StatusCode == http.StatusServiceUnavailable:
		seconds, _ := strconv.Atoi(said.Header.Get("Retry-After"))
		return answer, max(time.Duration(seconds)*time.Second, 100*time.Millisecond), refused(answer, said, release.ErrUnavailable)
	case known && answer.Error != "" && said.StatusCode/100 == 4:
		return answer, 0, refused(answer, said, release.ErrInvalid)
	}
	return event.Answer{}, 0, fmt.Errorf("%s answers %s, and not as a front door does; is it one?: %w", address, said.Status, release.ErrInvalid)
}

// again is after what time a request that broke may be sent again.
func again(err error) time.Duration {
	if errors.Is(err, context.Canceled) || errors.Is(err, syscall.ECONNREFUSED) {
		return 0
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return 0
	}
	return time.Second
}

func unreached(address string, err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("nothing listens at %s; start `linnet ingest serve`, or name another door with --server: %w", address, release.ErrUnavailable)
	}
	return fmt.Errorf("the front door: %w: %w", err, release.ErrUnavailable)
}

// refused is the error of a batch that the door did not take.
func refused(a event.Answer, said *http.Response, meaning error) error {
	text := strings.TrimSuffix(a.Error, ": "+meaning.Error())
	if text == "" {
		text = "the front door answers " + said.Status
	}
	return fmt.Errorf("%s: %w", text, meaning)
}
