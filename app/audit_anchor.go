package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/linnet-project/linnet/audit"
	"github.com/linnet-project/linnet/database"
	"github.com/linnet-project/linnet/journal"
	"github.com/linnet-project/linnet/release"
	"github.com/linnet-project/linnet/spec"
)

// putWait bounds the putting of an anchor elsewhere.
const putWait = 30 * time.Second

func (p *process) auditAnchor() *cobra.Command {
	var a spec.Anchoring
	cmd := &cobra.Command{
		Use: "anchor", Short: "Append the heads of all chains that changed, signed, to a file", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.chains(cmd.Context(), func(r *journal.Reader, log *audit.Log) error {
				if log == nil {
					return errNoAudit()
				}
				anchorer, err := newAnchorer(a, time.Now)
				if err != nil {
					return err
				}
				n, err := anchorer.Anchor(cmd.Context(), r, log)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.out, "%d heads anchored in %s\n", n, a.File)
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&a.File, "file", "", "the file of anchors, best where others can read it and only Linnet writes")
	f.StringVar(&a.KeyFile, "key", "", "the file with the key that signs them (linnet audit key)")
	f.StringVar(&a.Put, "put", "", "a URL under which each anchor is put as well")
	f.StringVar(&a.TokenFile, "token-file", "", "the file with the bearer token for --put")
	_, _ = cmd.MarkFlagRequired("file"), cmd.MarkFlagRequired("key") // both are there
	return cmd
}

func (p *process) auditKey() *cobra.Command {
	return &cobra.Command{
		Use: "key FILE", Short: "Make a key that signs anchors: FILE, and FILE.pub for who verifies", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			private, public, err := audit.NewKey(rand.Reader)
			if err != nil {
				return err
			}
			for _, f := range []struct {
				name string
				text []byte
				mode os.FileMode
			}{{args[0], private, 0o600}, {args[0] + ".pub", public, 0o644}} {
				if err := writeNew(f.name, f.text, f.mode); err != nil {
					return err
				}
			}
			_, err = fmt.Fprintf(p.out, "%s signs; give %s.pub to whoever verifies\n", args[0], args[0])
			return err
		},
	}
}

// writeNew writes a file that must not be there.
func writeNew(name string, text []byte, mode os.FileMode) error {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return database.PathFault(name, err)
	}
	if _, err := file.Write(text); err != nil {
		_ = file.Close() // the first error counts
		return database.PathFault(name, err)
	}
	return database.PathFault(name, file.Close())
}

// newAnchorer reads the key, which may have been changed since the last time.
func newAnchorer(a spec.Anchoring, now func() time.Time) (*audit.Anchorer, error) {
	text, err := readUpTo(a.KeyFile, maxFile)
	if err != nil {
		return nil, fmt.Errorf("key of anchors: %w: %w", err, release.ErrInvalid)
	}
	key, err := audit.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.KeyFile, err)
	}
	anchorer := &audit.Anchorer{Key: key, Path: a.File, Now: now}
	if a.Put != "" {
		anchorer.Put = func(ctx context.Context, name string, line []byte) error { return put(ctx, a, name, line) }
	}
	return anchorer, nil
}

// put keeps a copy of an anchor in an object store, by a plain PUT. A store that
// lets nobody overwrite may have it already: this process was killed before it
// could write that down.
func put(ctx context.Context, a spec.Anchoring, name string, line []byte) error {
	ctx, cancel := context.WithTimeout(ctx, putWait)
	defer cancel()
	_, refused := askStore(ctx, a, http.MethodPut, name, line)
	if refused == nil {
		return nil
	}
	if there, err := askStore(ctx, a, http.MethodGet, name, nil); err == nil && bytes.Equal(there, line) {
		return nil
	}
	return refused
}

// askStore sends a request about an anchor, and gives what is answered.
func askStore(ctx context.Context, a spec.Anchoring, method, name string, line []byte) ([]byte, error) {
	to := strings.TrimSuffix(a.Put, "/") + "/" + name
	req, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(line))
	if err != nil {
		return nil, fmt.Errorf("%s: not a URL to put to: %w", name, release.ErrInvalid)
	}
	req.Header.Set("Content-Type", "application/json")
	if a.TokenFile != "" {
		token, err := readUpTo(a.TokenFile, maxFile)
		if err != nil {
			return nil, fmt.Errorf("token for anchors: %w: %w", err, release.ErrInvalid)
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be put to %s: %w", name, req.URL.Host, release.ErrUnavailable)
	}
	defer answer.Body.Close()
	there, err := io.ReadAll(io.LimitReader(answer.Body, audit.MaxAnchor))
	if err != nil || answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s answers %s to %s: %w", req.URL.Host, answer.Status, name, release.ErrUnavailable)
	}
	return there, nil
}
