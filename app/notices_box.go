package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/api"
	"github.com/linnet-project/linnet/control"
	"github.com/linnet-project/linnet/notify/outbox"
)

// noticeForm is a notice as the API tells it.
type noticeForm = api.Notice

// noticeBox is where notices are kept: at a server, or in the database of this
// machine.
type noticeBox interface {
	list(ctx context.Context, f outbox.Filter) (all []noticeForm, next string, err error)
	ack(ctx context.Context, notice string) error
	retry(ctx context.Context, delivery string) error
}

// boxed calls fn with where notices are kept.
func (p *process) boxed(cmd *cobra.Command, o keptAt, fn func(noticeBox) error) error {
	return p.atServer(cmd, o, func(r *remote) error { return fn(noticesThere{r}) }, func(s *serving) (err error) {
		cfg := outbox.Config{DB: s.db, Lease: rand.Text, Log: s.log}
		if s.settings.Notices != "" {
			if cfg.Plan, err = p.readNotices(s.path(s.settings.Notices)); err != nil {
				return err
			}
		}
		box, err := outbox.New(cmd.Context(), cfg)
		if err != nil {
			return err
		}
		return fn(noticesHere{box, s.auditor})
	})
}

func (p *process) noticesList() *cobra.Command {
	var o keptAt
	f := outbox.Filter{}
	cmd := &cobra.Command{
		Use: "list", Short: "List notices, the newest first, and what became of them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.boxed(cmd, o, func(b noticeBox) error {
				all, next, err := b.list(cmd.Context(), f)
				switch {
				case err != nil:
					return err
				case p.json:
					return json.NewEncoder(p.out).Encode(map[string]any{"items": append([]noticeForm{}, all...), "next": next})
				}
				if err := p.printNotices(all); err != nil || next == "" {
					return err
				}
				p.say("more: linnet notices list --before %q", next)
				return nil
			})
		},
	}
	o.flags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.Release, "release", "", "only of this release (NAME or NAME/ATTEMPT)")
	flags.BoolVar(&f.Dead, "dead", false, "only what could not be sent and was given up")
	flags.BoolVar(&f.Unacked, "unacknowledged", false, "only pages that nobody acknowledged")
	flags.StringVar(&f.Before, "before", "", "go on before this notice")
	flags.IntVar(&f.Limit, "limit", 50, "how many at most")
	return cmd
}

func (p *process) noticesAck() *cobra.Command {
	var o keptAt
	cmd := &cobra.Command{
		Use: "ack NOTICE", Short: "Say that you take care of what a notice tells: nobody else is called", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.boxed(cmd, o, func(b noticeBox) error { return b.ack(cmd.Context(), args[0]) })
		},
	}
	o.flags(cmd)
	return cmd
}

func (p *process) noticesRetry() *cobra.Command {
	var o keptAt
	cmd := &cobra.Command{
		Use: "retry DELIVERY", Short: "Send again what was given up", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.boxed(cmd, o, func(b noticeBox) error { return b.retry(cmd.Context(), args[0]) })
		},
	}
	o.flags(cmd)
	return cmd
}

// noticesHere are those in the database of this machine, whose user may see all.
// What it does to them is in the audit, as from the API.
type noticesHere struct {
	box     *outbox.Outbox
	auditor control.Auditor
}

func (h noticesHere) list(ctx context.Context, f outbox.Filter) (all []noticeForm, next string, err error) {
	entries, err := h.box.List(ctx, f)
	for _, e := range entries {
		all = append(all, api.NoticeOf(e))
	}
	if len(entries) == f.Limit && len(entries) > 0 {
		next = entries[len(entries)-1].Notice.ID
	}
	return all, next, err
}

func (h noticesHere) ack(ctx context.Context, notice string) error {
	if _, err := h.box.Find(ctx, notice); err != nil {
		return err
	}
	if err := h.auditor.Audit(ctx, noted("notice.acknowledge", notice)); err != nil {
		return err
	}
	return h.box.Ack(ctx, notice, operator().Name)
}

func (h noticesHere) retry(ctx context.Context, delivery string) error {
	if err := h.auditor.Audit(ctx, noted("notice.retry", delivery)); err != nil {
		return err
	}
	return h.box.Retry(ctx, delivery)
}

// noticesThere asks a server.
type noticesThere struct{ *remote }

func (r noticesThere) list(ctx context.Context, f outbox.Filter) ([]noticeForm, string, error) {
	q := url.Values{"limit": {strconv.Itoa(f.Limit)}}
	for name, value := range map[string]string{"release": f.Release, "cursor": f.Before} {
		if value != "" {
			q.Set(name, value)
		}
	}
	for name, value := range map[string]bool{"dead": f.Dead, "unacknowledged": f.Unacked} {
		if value {
			q.Set(name, "true")
		}
	}
	var got struct {
		Items []noticeForm `json:"items"`
		Next  string       `json:"next"`
	}
	err := r.call(ctx, http.MethodGet, "/v1/notices?"+q.Encode(), nil, &got)
	return got.Items, got.Next, err
}

func (r noticesThere) ack(ctx context.Context, notice string) error {
	return r.call(ctx, http.MethodPost, "/v1/notices/ack", map[string]string{"notice": notice}, nil)
}

func (r noticesThere) retry(ctx context.Context, delivery string) error {
	return r.call(ctx, http.MethodPost, "/v1/notices/retry", map[string]string{"delivery": delivery}, nil)
}
