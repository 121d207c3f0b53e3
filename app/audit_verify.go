package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
)

// verifyOptions are the flags of `linnet audit verify`.
type verifyOptions struct {
	head, anchors string
	keys          []string
}

func (p *process) auditVerify() *cobra.Command {
	var o verifyOptions
	cmd := &cobra.Command{
		Use: "verify [NAME[/ATTEMPT]]", Short: "Prove that no record was changed; with --head or --anchors also that none was cut off",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (o.anchors == "") != (len(o.keys) == 0) {
				return fmt.Errorf("--anchors and --key go together; %w", errUsage)
			}
			return p.chains(cmd.Context(), func(r *journal.Reader, log *audit.Log) error {
				if o.anchors != "" {
					return p.verifyAnchors(cmd.Context(), r, log, o)
				}
				return p.verify(cmd.Context(), r, log, args, o.head)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.head, "head", "", `a head kept elsewhere, as printed before ("NAME/ATTEMPT SEQ HASH")`)
	f.StringVar(&o.anchors, "anchors", "", "a file of signed anchors, kept elsewhere")
	f.StringSliceVar(&o.keys, "key", nil, "files with the public keys that may have signed them")
	return cmd
}

func (p *process) verify(ctx context.Context, r *journal.Reader, log *audit.Log, args []string, head string) error {
	var heads []journal.Head
	var err error
	switch {
	case head != "":
		var anchor, h journal.Head
		if anchor, err = journal.ParseHead(head); err != nil {
			return err
		}
		h, err = verifyHead(ctx, r, log, anchor)
		heads = []journal.Head{h}
	case len(args) == 1:
		var id journal.ID
		if id, err = find(ctx, r, args[0]); err != nil {
			return err
		}
		var h journal.Head
		h, err = r.Verify(ctx, id)
		heads = []journal.Head{h}
	default:
		heads, err = verifyAll(ctx, r, log)
	}
	if err != nil {
		return p.unproved(err)
	}
	for _, h := range heads {
		if p.json {
			if err := json.NewEncoder(p.out).Encode(map[string]any{"release": h.ID.String(), "records": h.Seq, "head": h.String()}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(p.out, "%s: %d records, unchanged; head %s\n", h.ID, h.Seq, h)
	}
	return nil
}

// unproved is a failed verification, whatever was found.
func (p *process) unproved(err error) error {
	fmt.Fprintf(p.err, "linnet: %v\n", err)
	return exit(exitError)
}

// verifyHead proves one chain against a head of it.
func verifyHead(ctx context.Context, r *journal.Reader, log *audit.Log, anchor journal.Head) (journal.Head, error) {
	if anchor.ID != journal.AuditChain() {
		return r.VerifyAgainst(ctx, anchor)
	}
	if log == nil {
		return anchor, errNoAudit()
	}
	head, gone, err := log.VerifyAgainst(ctx, map[uint64]journal.Hash{anchor.Seq: anchor.Hash})
	if err == nil && gone > 0 {
		err = fmt.Errorf("line %d of the audit was removed by retention and cannot be checked any more: %w", anchor.Seq, release.ErrNotFound)
	}
	return head, err
}

func errNoAudit() error {
	return fmt.Errorf("there is no audit here; `linnet serve` writes one: %w", release.ErrNotFound)
}

// verifyAll proves every chain there is.
func verifyAll(ctx context.Context, r *journal.Reader, log *audit.Log) ([]journal.Head, error) {
	heads, err := r.VerifyAll(ctx)
	if log == nil {
		return heads, err
	}
	head, err2 := log.Verify(ctx)
	if err2 == nil && head.Seq > 0 {
		heads = append(heads, head)
	}
	return heads, errors.Join(err, err2)
}

// verifyAnchors holds all chains against a file of anchors.
func (p *process) verifyAnchors(ctx context.Context, r *journal.Reader, log *audit.Log, o verifyOptions) error {
	var keys []ed25519.PublicKey
	for _, name := range o.keys {
		text, err := readUpTo(name, maxFile)
		if err != nil {
			return fmt.Errorf("--key: %w: %w", err, release.ErrInvalid)
		}
		key, err := audit.ParsePublicKey(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		keys = append(keys, key)
	}
	text, err := readUpTo(o.anchors, maxAnchors)
	if err != nil {
		return fmt.Errorf("--anchors: %w: %w", err, release.ErrInvalid)
	}
	anchors, err := audit.ReadAnchors(bytes.NewReader(text), keys)
	if err != nil {
		return p.unproved(fmt.Errorf("%s: %w", o.anchors, err))
	}
	if log == nil && len(anchors.Heads[journal.AuditChain()]) > 0 {
		return p.unproved(fmt.Errorf("the audit was removed: %w", errNoAudit()))
	}
	done, err := anchors.Check(ctx, r, log)
	if err != nil {
		return p.unproved(err)
	}
	if p.json {
		return json.NewEncoder(p.out).Encode(map[string]any{
			"anchors": anchors.Count, "last": anchors.Last, "chains": done.Chains, "heads": done.Heads, "removed": done.Gone,
		})
	}
	_, err = fmt.Fprintf(p.out, "%d anchors, the last of %s: %d chains hold what was anchored, %d heads, %d of them of records that retention removed\n",
		anchors.Count, anchors.Last.Format(time.RFC3339), done.Chains, done.Heads, done.Gone)
	return err
}

// maxAnchors bounds a file of anchors, in bytes.
const maxAnchors = 4 << 30
