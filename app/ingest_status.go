package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/release"
)

const (
	// statusTimeout bounds the question how a door is, maxStatus its answer in
	// bytes.
	statusTimeout = 10 * time.Second
	maxStatus     = 4 << 20
	// mostSenders bounds the senders that are printed.
	mostSenders = 20
)

func (p *process) ingestStatus() *cobra.Command {
	var server string
	cmd := &cobra.Command{
		Use: "status", Short: "How a front door is: what it took, what waits, who sends, what is ill", Args: cobra.NoArgs,
		Long: "Asks a front door how it is. The exit code is 1 while part of it does not work.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := askStatus(cmd.Context(), server)
			if err != nil {
				return err
			}
			var s doorStatus
			if err := json.Unmarshal(text, &s); err != nil {
				return fmt.Errorf("%s does not answer as a front door: %w: %w", server, err, release.ErrInvalid)
			}
			if p.json {
				if _, err := p.out.Write(text); err != nil {
					return err
				}
			} else {
				p.printStatus(s)
			}
			if len(s.Ill) > 0 {
				return exit(exitError)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&server, "server", localDoor, "the front door's address")
	return cmd
}

func askStatus(ctx context.Context, server string) ([]byte, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("--server: expected a URL such as http://127.0.0.1:4318; %w", errUsage)
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(server, "/")+"/v1/status", nil)
	if err != nil {
		return nil, fmt.Errorf("--server: %w; %w", err, errUsage)
	}
	said, err := http.DefaultClient.Do(r)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, fmt.Errorf("nothing listens at %s; start `linnet ingest serve`, or name another door with --server: %w", server, release.ErrUnavailable)
	case err != nil:
		return nil, fmt.Errorf("the front door: %w: %w", err, release.ErrUnavailable)
	}
	defer said.Body.Close()
	text, err := io.ReadAll(io.LimitReader(said.Body, maxStatus))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the front door: %w: %w", err, release.ErrUnavailable)
	case said.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s answers %s; is it a front door?: %w", server, said.Status, release.ErrUnavailable)
	}
	return text, nil
}

// printStatus prints how a door is, for people.
func (p *process) printStatus(s doorStatus) {
	fmt.Fprintf(p.out, "since it opened: %d taken, %d known already, %d left out by sampling\n", s.Accepted, s.Repeated, s.SampledOut)
	for _, code := range slices.Sorted(maps.Keys(s.Refused)) {
		fmt.Fprintf(p.out, "refused: %d for %s\n", s.Refused[code], code)
	}
	fmt.Fprintf(p.out, "waiting: %d batches, %d bytes; open windows: %d", s.QueueBatches, s.QueueBytes, s.OpenWindows)
	if s.ClosedUntil != nil {
		fmt.Fprintf(p.out, ", closed until %s", s.ClosedUntil.Local().Format(time.DateTime))
	}
	fmt.Fprintf(p.out, "\nlog: %d bytes; ids remembered: %d\n", s.LogBytes, s.Remembered)
	for _, tenant := range slices.Sorted(maps.Keys(s.Series)) {
		name := tenant
		if name == "" {
			name = "no tenant"
		}
		fmt.Fprintf(p.out, "series: %d of %s\n", s.Series[tenant], printable(name))
	}
	for _, one := range s.Senders[:min(len(s.Senders), mostSenders)] {
		fmt.Fprintf(p.out, "%s: last at %s, %d taken, %d refused\n", printable(one.Name), one.Last.Local().Format(time.DateTime), one.Accepted, one.Refused)
	}
	if more := len(s.Senders) - mostSenders; more > 0 {
		fmt.Fprintf(p.out, "and %d more senders\n", more)
	}
	for _, part := range slices.Sorted(maps.Keys(s.Ill)) {
		fmt.Fprintf(p.out, "ill: %s: %s\n", part, printable(s.Ill[part]))
	}
}
