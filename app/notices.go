package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/notify"
	"github.com/linnet-project/linnet/notify/outbox"
	"github.com/linnet-project/linnet/release"
)

func (p *process) notices() *cobra.Command {
	cmd := &cobra.Command{Use: "notices", Short: "See what people are told, take care of it, and try channels and templates"}
	cmd.AddCommand(p.noticesList(), p.noticesAck(), p.noticesRetry(), p.noticesPreview(), p.noticesTest())
	return cmd
}

// readNotices reads a file of kind Notices.
func (p *process) readNotices(name string) (outbox.Plan, error) {
	text, err := p.readText(name)
	if err != nil {
		return outbox.Plan{}, err
	}
	return compileNotices(name, text)
}

// previewLine is what `linnet notices preview --json` says of one channel.
type previewLine struct {
	Event    string `json:"event"`
	Severity string `json:"severity"`
	Channel  string `json:"channel,omitempty"`
	When     string `json:"when"`
	Title    string `json:"title,omitempty"`
	Text     string `json:"text,omitempty"`
}

func (p *process) noticesPreview() *cobra.Command {
	var file, event, service, team, environment string
	cmd := &cobra.Command{
		Use:   "preview -f notices.yaml",
		Short: "Print what each channel would get of samples, and when",
		Long: `Takes a sample of each event through the routes and templates of a file, and
prints what each channel would get. Nothing is sent.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			plan, err := p.readNotices(file)
			if err != nil {
				return err
			}
			events := release.Happenings()
			if event != "" {
				if !slices.Contains(events, release.Happening(event)) {
					return fmt.Errorf("--event %s: expected one of %v; %w", event, events, errUsage)
				}
				events = []release.Happening{release.Happening(event)}
			}
			for _, e := range events {
				n := notify.Sample(e)
				n.Service, n.Team, n.Environment = service, team, environment
				if err := p.preview(plan, n); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "file of kind Notices")
	f.StringVar(&event, "event", "", "only this event, such as rollback")
	f.StringVar(&service, "service", "checkout", "the sample's service")
	f.StringVar(&team, "team", "payments", "its team")
	f.StringVar(&environment, "environment", "production", "its environment")
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

func (p *process) preview(plan outbox.Plan, n release.Notice) error {
	all := outbox.Preview(outbox.Config{Plan: plan, Page: func(n release.Notice) string {
		return fmt.Sprintf("https://linnet.example.com/v1/releases/%s/%d", n.Release, n.Attempt)
	}}, n)
	lines := []previewLine{}
	for _, x := range all {
		lines = append(lines, previewLine{string(n.Happening), string(n.Urgency), x.Channel, x.How, x.Message.Title, x.Message.Text})
	}
	if len(lines) == 0 {
		lines = append(lines, previewLine{Event: string(n.Happening), Severity: string(n.Urgency), When: "never: no route takes it"})
	}
	if p.json {
		for _, l := range lines {
			if err := json.NewEncoder(p.out).Encode(l); err != nil {
				return err
			}
		}
		return nil
	}
	fmt.Fprintf(p.out, "%s (%s)\n", n.Happening, n.Urgency)
	for _, l := range lines {
		if l.Channel == "" {
			fmt.Fprintf(p.out, "  %s\n", l.When)
			continue
		}
		fmt.Fprintf(p.out, "  %s, %s:\n", l.Channel, l.When)
		for text := range strings.SplitSeq(l.Title+"\n"+l.Text, "\n") {
			fmt.Fprintf(p.out, "    %s\n", printable(text))
		}
	}
	_, err := fmt.Fprintln(p.out)
	return err
}

func (p *process) noticesTest() *cobra.Command {
	var file, channel string
	var check bool
	cmd := &cobra.Command{
		Use:   "test -f notices.yaml",
		Short: "Send a test on the channels of a file, and tell how that went",
		Long: `Sends a message that asks nothing of anybody on each channel of a file, from this
machine. With --check it only asks what can be asked without telling anybody: that
secrets can be read, a login works.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			plan, err := p.readNotices(file)
			if err != nil {
				return err
			}
			return p.tryChannels(cmd.Context(), file, plan, channel, check)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&file, "file", "f", "", "file of kind Notices")
	f.StringVar(&channel, "channel", "", "only this channel")
	f.BoolVar(&check, "check", false, "send nothing")
	must(cmd.MarkFlagRequired("file"))
	return cmd
}

// channelTry is what `linnet notices test --json` says of one channel.
type channelTry struct {
	Channel string `json:"channel"`
	OK      bool   `json:"ok"`
	Did     string `json:"did"`
	Error   string `json:"error,omitempty"`
}

func (p *process) tryChannels(ctx context.Context, file string, plan outbox.Plan, only string, check bool) error {
	if only != "" && plan.Channels[only] == nil {
		return fmt.Errorf("--channel %s: no channel of %s; %w", only, file, errUsage)
	}
	good := true
	for _, c := range plan.Rules.Channels {
		if only != "" && c.Name != only {
			continue
		}
		t := p.tryChannel(ctx, file, plan, c.Name, check)
		good = good && t.OK
		if p.json {
			if err := json.NewEncoder(p.out).Encode(t); err != nil {
				return err
			}
			continue
		}
		said := t.Did
		if !t.OK {
			said = t.Error
		}
		if _, err := fmt.Fprintf(p.out, "%s: %s\n", c.Name, printable(said)); err != nil {
			return err
		}
	}
	if !good {
		return exit(exitError)
	}
	return nil
}

func (p *process) tryChannel(ctx context.Context, file string, plan outbox.Plan, name string, check bool) channelTry {
	t := channelTry{Channel: name, Did: "a test was sent"}
	var err error
	if check {
		t.Did, err = checkChannel(ctx, file, plan, name)
	} else {
		n := notify.Sample(release.ToldTest)
		n.ID = "test/" + rand.Text()
		n.Title, n.Text, n.Next, n.Runbook, n.Links = "Linnet: a test", "somebody tries whether this channel works; nothing is asked of you", "", "", nil
		n.Release, n.Service, n.Topic, n.At = "test", "linnet", n.ID, time.Now()
		m := plan.Words[name].Put(release.Message{ID: name + " " + n.ID, Notices: []release.Notice{n}}, notify.FieldsOf)
		_, err = plan.Channels[name].Send(ctx, m)
	}
	t.OK = err == nil
	if err != nil {
		t.Error = release.Plain(err)
	}
	return t
}

// checkChannel asks what can be asked without telling anybody.
func checkChannel(ctx context.Context, file string, plan outbox.Plan, name string) (string, error) {
	for _, c := range plan.Rules.Channels {
		if c.Name != name {
			continue
		}
		one := plan.Rules.Notices
		one.Channels = one.Channels[:0:0]
		one.Channels = append(one.Channels, c)
		if err := errors.Join(secretsThere(file, one)...); err != nil {
			return "", err
		}
	}
	checker, ok := plan.Channels[name].(interface{ Check(context.Context) error })
	if !ok {
		return "its secrets are there; more can only be known by sending", nil
	}
	return "fine, nothing was sent", checker.Check(ctx)
}

// printNotices writes notices as a table, each with what became of it.
func (p *process) printNotices(all []noticeForm) error {
	t := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "WHEN\tSEVERITY\tEVENT\tRELEASE\tNOTICE\tWHAT BECAME OF IT")
	for _, n := range all {
		what := n.Event
		if n.Over {
			what += " (over)"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s/%d\t%s\t%s\n", n.At.Local().Format(time.DateTime), n.Severity, what, printable(n.Release), n.Attempt, printable(n.ID), printable(fateOf(n)))
	}
	return t.Flush()
}

func fateOf(n noticeForm) string {
	var parts []string
	for _, d := range n.Deliveries {
		s := d.Channel + " " + d.State
		switch {
		case d.State == "dead":
			s += fmt.Sprintf(" after %d tries (%s; linnet notices retry %q)", d.Tries, d.Failure, d.ID)
		case d.State == "waiting" && d.Failure != "":
			s += fmt.Sprintf(" after %d tries, again at %s (%s)", d.Tries, d.Due.Local().Format(time.TimeOnly), d.Failure)
		case d.State == "waiting":
			s += " until " + d.Due.Local().Format(time.DateTime)
		}
		parts = append(parts, s)
	}
	if n.Dropped != "" {
		parts = append(parts, "not told: "+n.Dropped)
	}
	if n.AckedBy != "" {
		parts = append(parts, "acknowledged by "+n.AckedBy)
	}
	if len(parts) == 0 {
		return "waits"
	}
	return strings.Join(parts, "; ")
}
