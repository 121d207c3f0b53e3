package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/linnet-project/linnet/ingest/event"
	"github.com/linnet-project/linnet/ingest/item"
	"github.com/linnet-project/linnet/ingest/quarantine"
	"github.com/linnet-project/linnet/ingest/send"
	"github.com/linnet-project/linnet/release"
)

// shelf are the flags that pick entries of a quarantine.
type shelf struct {
	service, code, sender, tenant, since string
}

func (s *shelf) add(f *pflag.FlagSet) {
	f.StringVar(&s.code, "code", "", "only those refused for this reason, such as missing-tag")
	f.StringVar(&s.sender, "sender", "", "only those of senders whose name holds this")
	f.StringVar(&s.tenant, "tenant", "", "only those of this tenant")
	f.StringVar(&s.since, "since", "", "only those that came since then: 2h, or a time (RFC 3339)")
}

func (s *shelf) filter() (quarantine.Filter, error) {
	f := quarantine.Filter{Code: item.Code(s.code), Sender: s.sender, Tenant: s.tenant}
	if known := item.Codes(); s.code != "" && !slices.Contains(known, f.Code) {
		return f, fmt.Errorf("--code %q is not known; the codes are %s; %w", s.code, listed(known), errUsage)
	}
	if s.since == "" {
		return f, nil
	}
	var err error
	f.Since, err = momentOf("--since", s.since)
	return f, err
}

// listed writes codes one after the other.
func listed(codes []item.Code) string {
	var names []string
	for _, code := range codes {
		names = append(names, string(code))
	}
	return strings.Join(names, ", ")
}

// some tells whether anything was asked for.
func (s *shelf) some() bool { return s.code+s.sender+s.tenant+s.since != "" }

// momentOf reads a time, or how long ago one was.
func momentOf(flag, text string) (time.Time, error) {
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return time.Now().Add(-ago), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s %q: expected how long ago (2h) or a time (2026-01-02T15:04:05Z); %w", flag, text, errUsage)
	}
	return t, nil
}

func (p *process) quarantine() *cobra.Command {
	var s shelf
	cmd := &cobra.Command{
		Use:   "quarantine",
		Short: "What the front door refused: list it, put it right, send it again",
	}
	cmd.PersistentFlags().StringVar(&s.service, "service", defaultDoor, "the service whose front door it is")
	cmd.AddCommand(p.quarantineList(&s), p.quarantineShow(&s), p.quarantineDrop(&s), p.quarantineReplay(&s))
	return cmd
}

// shelfFolder is the folder of a door's quarantine.
func (p *process) shelfFolder(s *shelf) (string, error) {
	dir, err := p.openedDoor(s.service)
	return filepath.Join(dir, "quarantine"), err
}

// openedDoor is the folder of a door that was open at some time.
func (p *process) openedDoor(service string) (string, error) {
	dir := doorFolder(p.data, service)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no front door was ever open in %s; name its data folder with --data, and its service with --service: %w", dir, release.ErrNotFound)
	}
	return dir, nil
}

func (p *process) quarantineList(s *shelf) *cobra.Command {
	var most int
	cmd := &cobra.Command{
		Use: "list", Short: "List what was refused, the newest last", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			f, err := s.filter()
			if err != nil {
				return err
			}
			dir, err := p.shelfFolder(s)
			if err != nil {
				return err
			}
			if most < 1 {
				return fmt.Errorf("--most %d: expected at least 1; %w", most, errUsage)
			}
			return p.listRefused(dir, f, most)
		},
	}
	s.add(cmd.Flags())
	cmd.Flags().IntVar(&most, "most", 100, "how many to list")
	return cmd
}

func (p *process) listRefused(dir string, f quarantine.Filter, most int) error {
	var last []quarantine.Entry
	total := 0
	damaged, err := quarantine.Each(dir, f, func(e quarantine.Entry) bool {
		total++
		if last = append(last, e); len(last) >= 2*most {
			last = append(last[:0], last[len(last)-most:]...)
		}
		return true
	})
	if err != nil {
		return err
	}
	last = last[max(0, len(last)-most):]
	for _, e := range last {
		if p.json {
			if err := json.NewEncoder(p.out).Encode(e); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(p.out, "%s  %s  %-12s %s", e.ID, e.Time.Local().Format(time.DateTime), e.Code, e.Sender)
		if e.Place != "" {
			fmt.Fprintf(p.out, " (%s)", e.Place)
		}
		fmt.Fprintf(p.out, ": %s\n", printable(e.Text))
	}
	if damaged > 0 {
		fmt.Fprintf(p.err, "linnet: %d lines of the quarantine are damaged and passed over\n", damaged)
	}
	p.say("%d in the quarantine, %d shown", total, len(last))
	return nil
}

func (p *process) quarantineShow(s *shelf) *cobra.Command {
	var raw bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Show what was refused, as it came", Args: cobra.ExactArgs(1),
		Long: `Shows an entry of the quarantine. --raw prints only what was refused, to be put
right in a file and sent again:

  linnet ingest quarantine show --raw ID > event.ndjson
  linnet ingest quarantine replay ID --fix event.ndjson`,
		RunE: func(_ *cobra.Command, args []string) error {
			dir, err := p.shelfFolder(s)
			if err != nil {
				return err
			}
			e, err := quarantine.Find(dir, args[0])
			if err != nil {
				return err
			}
			return p.showRefused(e, raw)
		},
	}
	cmd.Flags().BoolVar(&raw, "raw", false, "print only what was refused")
	return cmd
}

func (p *process) showRefused(e quarantine.Entry, raw bool) error {
	content := e.Content()
	switch {
	case raw:
		if utf8.Valid(content) {
			content = append(content, '\n')
		}
		_, err := p.out.Write(content)
		return err
	case p.json:
		return json.NewEncoder(p.out).Encode(e)
	}
	for _, row := range []struct{ name, value string }{
		{"id", e.ID}, {"time", e.Time.Local().Format(time.RFC3339)}, {"sender", e.Sender}, {"tenant", e.Tenant},
		{"format", string(e.Format)}, {"batch", e.BatchID}, {"place", e.Place}, {"code", string(e.Code)}, {"reason", e.Text},
	} {
		if row.value != "" {
			fmt.Fprintf(p.out, "%-8s %s\n", row.name, printable(row.value))
		}
	}
	if !utf8.Valid(content) {
		_, err := fmt.Fprintf(p.out, "\n%d bytes that are no text\n", len(content))
		return err
	}
	fmt.Fprintln(p.out)
	for line := range strings.SplitSeq(string(content), "\n") {
		fmt.Fprintln(p.out, printable(line))
	}
	return nil
}

func (p *process) quarantineDrop(s *shelf) *cobra.Command {
	cmd := &cobra.Command{
		Use: "drop [ID…]", Short: "Take entries out for good, by id or by what they have in common",
		RunE: func(_ *cobra.Command, ids []string) error {
			entries, dir, err := p.picked(s, ids)
			if err != nil {
				return err
			}
			n, err := quarantine.Drop(dir, idsOf(entries))
			if err != nil {
				return err
			}
			if p.json {
				return json.NewEncoder(p.out).Encode(map[string]int{"dropped": n})
			}
			p.say("%d dropped", n)
			return nil
		},
	}
	s.add(cmd.Flags())
	return cmd
}

func idsOf(entries []quarantine.Entry) []string {
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// picked are the entries of ids, or those that the flags pick.
func (p *process) picked(s *shelf, ids []string) (entries []quarantine.Entry, dir string, err error) {
	f, err := s.filter()
	if err != nil {
		return nil, "", err
	}
	if (len(ids) > 0) == s.some() {
		return nil, "", fmt.Errorf("name entries by their ids, or pick them with --code, --sender, --tenant or --since; %w", errUsage)
	}
	if dir, err = p.shelfFolder(s); err != nil {
		return nil, "", err
	}
	for _, id := range ids {
		e, err := quarantine.Find(dir, id)
		if err != nil {
			return nil, "", err
		}
		entries = append(entries, e)
	}
	if len(ids) == 0 {
		_, err = quarantine.Each(dir, f, func(e quarantine.Entry) bool {
			entries = append(entries, e)
			return true
		})
	}
	return entries, dir, err
}

func (p *process) quarantineReplay(s *shelf) *cobra.Command {
	var server, fix string
	cmd := &cobra.Command{
		Use: "replay [ID…]", Short: "Send entries through the front door again, as they are or put right",
		Long: `Sends entries of the quarantine through the front door again: after its rules were
changed, or with --fix as a file holds the one entry now. What is taken leaves the
quarantine; what is refused again is in it under its new reason.`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			entries, dir, err := p.picked(s, ids)
			if err != nil {
				return err
			}
			var fixed []byte
			if fix != "" {
				if len(entries) != 1 {
					return fmt.Errorf("--fix holds one entry, and %d are named; %w", len(entries), errUsage)
				}
				if fixed, err = readUpTo(fix, maxFile+1); err != nil || len(fixed) > maxFile {
					return fmt.Errorf("--fix %s cannot be read, or is longer than 1 MiB: %w: %w", fix, errors.Join(err), release.ErrInvalid)
				}
				if len(fixed) == 0 {
					return fmt.Errorf("--fix %s is empty; write into it what is to be sent, or take the entry out with linnet ingest quarantine drop: %w", fix, release.ErrInvalid)
				}
			}
			return p.replayRefused(cmd.Context(), &send.Client{URL: server}, dir, entries, fixed)
		},
	}
	s.add(cmd.Flags())
	cmd.Flags().StringVar(&server, "server", localDoor, "the front door's address")
	cmd.Flags().StringVar(&fix, "fix", "", "the file that holds the entry as it should have been")
	return cmd
}

// again is an entry as a batch that can be sent; ok is false for what came in a
// form that only its sender can send.
func again(e quarantine.Entry, fixed []byte) (b item.Batch, ok bool) {
	b = item.Batch{ID: "quarantine-" + e.ID, Tenant: e.Tenant, Format: e.Format, Body: e.Content()}
	if fixed != nil {
		sum := sha256.Sum256(fixed)
		b.Body, b.ID = fixed, b.ID+"-"+hex.EncodeToString(sum[:8])
	}
	if strings.HasPrefix(string(b.Body), `{"schema":"linnet.`) || fixed != nil && fixed[0] == '{' {
		b.Format = item.EventsJSON
	}
	switch b.Format {
	case item.EventsJSON, item.EventsCSV, item.StatsD:
		return b, true
	}
	return b, false
}

// dropAtOnce is how many entries leave the quarantine together: it is read through
// each time. One that was sent and has not left is sent again under the same id,
// and counts once.
const dropAtOnce = 1000

func (p *process) replayRefused(ctx context.Context, c *send.Client, dir string, entries []quarantine.Entry, fixed []byte) error {
	var total event.Answer
	for group := range slices.Chunk(entries, dropAtOnce) {
		done, err := p.sendRefused(ctx, c, group, fixed, &total)
		if _, problem := quarantine.Drop(dir, done); err != nil || problem != nil {
			return errors.Join(err, problem)
		}
	}
	if p.json {
		if err := json.NewEncoder(p.out).Encode(total); err != nil {
			return err
		}
	} else {
		p.say("%d taken, %d refused, %d known already", total.Accepted, total.Refused, total.Repeated)
	}
	if total.Refused > 0 {
		return exit(exitError)
	}
	return nil
}

// sendRefused sends entries, adds up what became of them, and gives the ids of
// those that the door answered for: taken or refused, they are in its keeping.
func (p *process) sendRefused(ctx context.Context, c *send.Client, entries []quarantine.Entry, fixed []byte, total *event.Answer) (done []string, err error) {
	for _, e := range entries {
		b, ok := again(e, fixed)
		if !ok {
			fmt.Fprintf(p.err, "%s came as %s and cannot be sent from here; write it as an event (linnet ingest quarantine show %s) and name the file with --fix\n", e.ID, e.Format, e.ID)
			total.Refused++
			continue
		}
		answer, err := c.Post(ctx, b)
		total.Accepted += answer.Accepted
		total.Refused += answer.Refused
		total.Repeated += answer.Repeated
		for _, r := range answer.Refusals {
			fmt.Fprintf(p.err, "%s is refused again: %s: %s\n", e.ID, r.Code, printable(r.Text))
		}
		if err != nil && answer.Refused == 0 {
			return done, err
		}
		done = append(done, e.ID)
	}
	return done, nil
}
